"""An environment that fails loses no more than the rollout it fails in."""

import csv
import json
import re
import shlex

import pytest
import torch
from cli_helpers import IPPO, ended, forked, isa

from isa_learners.checkpoint import load_checkpoint
from isa_learners.runs.hooks import Hook
from isa_learners.runs.loading import load_algorithm
from isa_learners.runs.run_folder import RunFolder
from isa_learners.runs.training import Training
from isa_wrappers.errors import NonFiniteError

pytestmark = pytest.mark.slow


def of_crashing(tmp_path, how="bug"):
    kwargs = json.dumps({"once": str(tmp_path / "once"), "how": how})
    return ["toy_envs:Crashing", "--kwargs", kwargs, *IPPO, "--steps", 200]


def steps_of(run):
    with (run / "metrics.csv").open(newline="") as file:
        return [int(row["env_steps"]) for row in csv.DictReader(file)]


def test_what_stood_before_is_saved_and_resumes(tmp_path, capsys):
    run = tmp_path / "run"
    code, out, err = ended(forked("train", *of_crashing(tmp_path), "--out", run))
    assert code == 1
    assert out == ""
    assert err.count("Traceback") == 1
    last = err.splitlines()[-1]
    assert last.startswith("isa: stepping task 'toy_envs:Crashing' failed: ZeroDivisionError: the simulator divides by")
    assert re.search(r" \(toy_envs.py:\d+ in step\)$", last)
    said = next(line for line in err.splitlines() if "resume with: isa train " in line)
    assert said.startswith("stopped by ZeroDivisionError; the progress is saved, ")
    _, meta = load_checkpoint(run / "checkpoints" / "latest.safetensors")
    assert meta["env_steps"] == 50, "five rollouts of 2 x 5 steps were learned from"
    again = shlex.split(said.partition("isa train ")[2])
    assert again == ["toy_envs:Crashing", "--resume", str(run)]
    assert isa("train", *again) == 0
    assert (
        "isa: toy_envs:Crashing cannot save its state, so its episodes start from the beginning\n"
        in capsys.readouterr().err
    )
    assert steps_of(run) == [50, 100, 150, 200]


def test_what_isa_refuses_too(tmp_path, capsys):
    """NaN met on the way in has spoilt nothing."""
    run = tmp_path / "run"
    assert isa("train", *of_crashing(tmp_path, "nan"), "--out", run) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("isa: the observation of agent 'a' in step 6, element 0 must be finite, got nan; the pro")
    assert shlex.split(line.partition("isa train ")[2]) == ["toy_envs:Crashing", "--resume", str(run)]
    assert load_checkpoint(run / "checkpoints" / "latest.safetensors")[1]["env_steps"] == 50


def test_nothing_is_said_of_what_was_learned_where_nothing_was(tmp_path, capsys):
    first = [*of_crashing(tmp_path, "nan"), "--set", "ppo.rollout_steps=40"]
    assert isa("train", *first, "--out", tmp_path / "run") == 2
    assert "got nan; resume with: isa train toy_envs:Crashing --resume " in capsys.readouterr().err.splitlines()[-1]


def test_a_signal_that_hits_the_environment_as_well(tmp_path, capsys):
    assert isa("train", *of_crashing(tmp_path, "signal"), "--out", tmp_path / "run") == 128 + 15
    err = capsys.readouterr().err
    assert err.startswith("stopped; resume with: isa train toy_envs:Crashing --resume ")
    assert "Traceback" not in err


def test_no_number_of_a_broken_learner_is_saved(tmp_path, capsys):
    run = tmp_path / "run"
    (tmp_path / "once").touch()
    assert isa("train", *of_crashing(tmp_path), "--out", run) == 0
    latest = (run / "checkpoints" / "latest.safetensors").read_bytes()

    class Spoiling(Hook):
        def on_iteration(self, training, values):
            with torch.no_grad():
                training.algorithm.phase.learner.ppo.critic.head.bias.fill_(float("nan"))

    training = Training(RunFolder.open(run, trust=True), resume=True, hooks=[Spoiling()], steps=300, tensorboard=False)
    with pytest.raises(NonFiniteError):
        training.run()
    training.algorithm.close()
    assert not training.kept
    assert (run / "checkpoints" / "latest.safetensors").read_bytes() == latest


def test_an_evaluation_that_fails(tmp_path, monkeypatch):
    (tmp_path / "once").touch()
    run = tmp_path / "run"
    assert isa("train", *of_crashing(tmp_path), "--out", run) == 0
    training = Training(RunFolder.open(run, trust=True), resume=True, steps=300, tensorboard=False)

    def fails(*arguments):
        raise OSError("the game is gone")

    monkeypatch.setattr(training.algorithm, "evaluate", fails)
    with pytest.raises(OSError, match="the game is gone"):
        training.run()
    training.algorithm.close()
    assert training.kept
    algorithm, _ = load_algorithm(RunFolder.open(run, trust=True))
    assert algorithm.env_steps == 250, "the rollout before it was learned from"
    algorithm.close()


ESTIMATOR = """
from isa_wrappers.scope import Estimator


class Mine(Estimator):
    def estimate(self, transitions, config, num_actions):
        return {}["k"]


MINE = Mine()
"""


def test_an_entry_of_others_that_fails_is_named_in_the_last_line(plugin, capsys):
    plugin("mine", ESTIMATOR, {"isa_marl.estimators": {"mine": "mine:MINE"}})
    assert isa("scope", "grid/unlock", "--estimator", "mine", "--transitions", 100) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" in err
    assert err.splitlines()[-1] == "isa: estimator 'mine' failed: KeyError: 'k' (mine.py:7 in estimate)"
