"""``isa eval``: figures, checkpoints and films."""

import json
from pathlib import Path

import pytest
from cli_helpers import IPPO, contents, isa, one_line

pytestmark = pytest.mark.usefixtures("somewhere")

pytest.importorskip("torch")

from isa_learners.runs.algorithm import Algorithm  # noqa: E402
from isa_learners.runs.evaluation import Evaluation  # noqa: E402


def test_eval(finished, capsys):
    assert isa("eval", finished, "--episodes", 3) == 0
    out, err = capsys.readouterr()
    assert "over 3 episodes (reach, 200 steps)" in out
    assert err == ""


def test_eval_as_json(finished, capsys):
    before = contents(finished)
    assert isa("eval", finished, "--episodes", 5, "--seed", 2, "--json") == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    found = json.loads(out)
    assert (found["episodes"], found["env_steps"], found["phase"], found["seed"]) == (5, 200, "reach", 2)
    assert 0.0 <= found["success_rate"] <= 1.0
    isa("eval", finished, "--episodes", 5, "--seed", 2, "--json")
    assert json.loads(capsys.readouterr().out) == found
    assert contents(finished) == before


def test_eval_of_the_best_checkpoint(finished, capsys):
    assert isa("eval", finished, "--best", "--episodes", 2, "--json") == 0
    assert json.loads(capsys.readouterr().out)["env_steps"] <= 200


def test_eval_renders(finished, capsys, tmp_path):
    path = tmp_path / "deep" / "episode.gif"
    assert isa("eval", finished, "--episodes", 1, "--render", path, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["render"] == str(path)
    assert found["episode"]["number"] == 0
    assert found["episode"]["steps"] == found["episode_length"]
    assert path.read_bytes().startswith(b"GIF8")


def test_eval_renders_the_episode_that_is_asked_for(finished, capsys):
    assert isa("eval", finished, "--episodes", 3, "--render", "a.gif", "--episode", 2, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["episode"]["number"] == 2
    other = "lost" if found["success_rate"] == 1.0 else "won" if found["success_rate"] == 0.0 else "7"
    assert isa("eval", finished, "--episodes", 3, "--render", "b.gif", "--episode", other) == 2
    assert "--episode" in one_line(capsys.readouterr().err)
    assert isa("eval", finished, "--episode", "won") == 2
    assert "give --render FILE.gif too" in one_line(capsys.readouterr().err)


@pytest.mark.parametrize("name", ["episode.avi", "episode"])
def test_only_videos_are_rendered(finished, name, capsys):
    assert isa("eval", finished, "--episodes", 1, "--json", "--render", name) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert f"ends in .gif or .mp4, got '{name}'" in one_line(err)
    assert not Path(name).exists()


@pytest.mark.slow
def test_what_draws_nothing_is_not_rendered(capsys):
    assert isa("train", "toy_envs:walk", "--steps", 20, *IPPO, "--out", "out") == 0
    capsys.readouterr()
    assert isa("eval", "out", "--env", "toy_envs:walk", "--episodes", 1, "--render", "a.gif") == 2
    assert "toy_envs:walk draws no pictures" in one_line(capsys.readouterr().err)


def test_episodes_that_were_all_lost_with_their_game_are_a_line(finished, monkeypatch, capsys):
    nothing = Evaluation(float("nan"), float("nan"), float("nan"), 0)
    monkeypatch.setattr(Algorithm, "evaluate", lambda *_: nothing)
    assert isa("eval", finished, "--episodes", 8) == 2
    assert "none of the 8 episodes finished: each was lost with its game" in capsys.readouterr().err
