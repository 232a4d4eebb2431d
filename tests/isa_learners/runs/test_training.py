"""What a training makes is closed, however it ends, and what is asked for its sizes alone is made once."""

import json
import signal

import closing_toys
import pytest
from cli_helpers import IPPO, ended, forked, wait_for
from learner_helpers import tiny_config

from isa_learners.runs.training import train


@pytest.fixture(autouse=True)
def open_ones():
    closing_toys.OPEN.clear()
    closing_toys.MADE.clear()
    return closing_toys.OPEN


def test_a_training_closes_what_it_made(tmp_path, open_ones):
    train(tiny_config("closing_toys:Counted", {}, algo="ippo", steps=40), tmp_path / "run")
    assert len(closing_toys.MADE) == 2 + 2 + 4, "two asked for their sizes, two to train in, four to evaluate in"
    assert not open_ones


def test_a_training_that_fails_closes_too(tmp_path, open_ones):
    with pytest.raises(ZeroDivisionError):
        train(tiny_config("closing_toys:Counted", {"breaks_at": 7}, algo="ippo"), tmp_path / "run")
    assert closing_toys.MADE
    assert not open_ones


@pytest.mark.slow
@pytest.mark.parametrize(("how", "workers"), [("breaks", 0), (signal.SIGTERM, 0), (signal.SIGINT, 2)])
def test_the_command_closes_however_it_ends(tmp_path, how, workers):
    run, notes = tmp_path / "run", tmp_path / "notes"
    kwargs = json.dumps({"notes": str(notes), "breaks_at": 9 if how == "breaks" else None})
    options = [*IPPO, "--workers", workers, "--steps", 10**8]
    process = forked("train", "closing_toys:Noted", "--kwargs", kwargs, *options, "--out", run)
    if how != "breaks":
        wait_for((run / "checkpoints" / "best.safetensors").exists, process)
        process.send_signal(how)
    code, _, err = ended(process)
    assert code == (1 if how == "breaks" else 128 + how), err
    lines = notes.read_text().splitlines()
    assert lines.count("made") == lines.count("closed") > 0
