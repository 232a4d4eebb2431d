"""Whether files of a run say that it is finished."""

import json

import pytest
from learner_helpers import tiny_config

from isa_learners.experiments.ending import FINAL, SUMMARY, read_end, read_summary
from isa_wrappers.errors import FileFormatError

ENDED = {"env_steps": 200, "wall_time_s": 1.5, "solved": None, "first_success": {"env_steps": 40, "wall_time_s": 0.5}}
PLAYED = {"env_steps": 200, "episodes": 8, "success_rate": 0.5, "return_mean": 0.5, "episode_length": 4.0}
SOLVED = {"env_steps": 80, "wall_time_s": 0.4}


def ended(path, summary=(), final=(), **sections):
    """Return what is read of a run whose files differ from those of a finished one in this."""
    (path / SUMMARY).write_text(json.dumps({**ENDED, **dict(summary)}))
    (path / FINAL).write_text(json.dumps({**PLAYED, **dict(final)}))
    return read_end(path, tiny_config(algo="ippo", **sections), 8)


def test_a_finished_run(tmp_path):
    summary, final = ended(tmp_path)
    assert (summary.env_steps, summary.first_success["env_steps"]) == (200, 40)
    assert (final.success_rate, final.episode_length) == (0.5, 4.0)


@pytest.mark.parametrize(
    ("summary", "final", "sections"),
    [
        ({}, {}, {"steps": 201}),  # it was given more steps since
        ({"solved": SOLVED}, {}, {"steps": 201}),  # which it takes where it was solved too
        ({"solved": None}, {}, {"steps": 201, "stop_when_solved": True}),
        ({}, {"episodes": 9}, {}),
        ({"env_steps": 400}, {}, {}),  # an earlier checkpoint has played
    ],
)
def test_what_is_not_finished(tmp_path, summary, final, sections):
    assert ended(tmp_path, summary, final, **sections) is None


def test_a_run_that_ends_when_it_is_solved_is_whole_before_its_last_step(tmp_path):
    assert ended(tmp_path, {"solved": SOLVED}, steps=1_000, stop_when_solved=True) is not None


@pytest.mark.parametrize("name", [SUMMARY, FINAL])
@pytest.mark.parametrize("text", ["", '{"env_steps": 2', "[]", '{"env_steps": "many"}', "{}", "\xff", None])
def test_damaged_files_show_no_end(tmp_path, name, text):
    ended(tmp_path)
    (tmp_path / name).unlink()
    (tmp_path / name).mkdir() if text is None else (tmp_path / name).write_bytes(text.encode("latin-1"))
    assert read_end(tmp_path, tiny_config(algo="ippo"), 8) is None
    if name == SUMMARY:
        with pytest.raises(FileFormatError, match=r"summary\.json cannot be read"):
            read_summary(tmp_path)


def test_files_that_are_not_there(tmp_path):
    assert read_summary(tmp_path) is None
    assert read_end(tmp_path, tiny_config(algo="ippo"), 8) is None
