"""Hooks are told of everything in its order, and write what a run keeps."""

import pytest
from learner_helpers import tiny_config

from isa_learners import Hook, load, train
from isa_learners.checkpoint import load_checkpoint
from isa_learners.rollout import Collector
from isa_learners.runs.run_folder import RunFolder
from isa_learners.runs.training import Training
from isa_wrappers.errors import RunFolderError


class Diary(Hook):
    """Notes what it is told."""

    def __init__(self):
        self.notes = []

    def on_start(self, training):
        self.notes.append("start")

    def on_phase(self, training, phase, env_steps):
        self.notes.append((phase, env_steps))

    def on_iteration(self, training, values):
        self.notes.append("iteration")
        assert values["env_steps"] == training.algorithm.env_steps
        assert {"reward_mean", "policy_loss", "goals", "steps_per_second"} <= set(values)

    def on_evaluation(self, training, row):
        self.notes.append(("evaluation", row["env_steps"]))
        assert training.folder.metrics_file.read_text().count("\n") > 1, "the CSV has it already"

    def on_end(self, training, summary):
        self.notes.append("end")
        assert training.folder.latest_checkpoint.exists(), "the checkpoint is written already"
        assert summary["env_steps"] == training.algorithm.env_steps


@pytest.mark.slow
def test_a_hook_is_told_in_order(tmp_path):
    diary = Diary()
    summary = train(tiny_config(steps=200), tmp_path / "run", hooks=[diary])
    notes = diary.notes
    assert notes[:3] == [("scope", 0), "start", ("explore", 60)]
    assert notes[-1] == "end"
    phases = [note[0] for note in notes if isinstance(note, tuple) and note[0] != "evaluation"]
    assert phases == ["scope", "explore", "reach"]
    evaluations = [note[1] for note in notes if isinstance(note, tuple) and note[0] == "evaluation"]
    assert evaluations == [70, 80, 120, 160, 200]
    assert notes.count("iteration") == (summary["env_steps"] - 60) // 10
    assert notes[3:6] == [("reach", 70), ("evaluation", 70), "iteration"], "an iteration is told after its evaluation"


def test_episodes_of_a_phase_that_ended_between_evaluations_are_told(tmp_path, monkeypatch):
    """All that ended in the rollouts until the row, and the wins that ended the exploring phase."""
    told, played, collect = [], [], Collector.collect

    def watched(self, steps):
        rollout = collect(self, steps)
        played.append((self, int(rollout.done.sum())))
        return rollout

    monkeypatch.setattr(Collector, "collect", watched)
    hook = Hook()
    hook.on_evaluation = lambda training, row: told.append({**row, "played": sum(ended for _, ended in played)})
    train(tiny_config(steps=200, eval_interval=190), tmp_path / "run", hooks=[hook])
    (row,) = told
    assert row["phase"] == "reach"
    assert row["train_success_rate"] > 0
    assert len({id(collector) for collector, _ in played}) == 2
    assert row["train_episodes"] == row["played"]
    progress = load_checkpoint(RunFolder.open(tmp_path / "run").latest_checkpoint)[1]["progress"]
    assert progress["carried"] == [0.0] * 5


def test_an_evaluation_that_fails_leaves_what_was_played(tmp_path, monkeypatch):
    config = tiny_config(algo="ippo", steps=80)
    training = Training(RunFolder.create(tmp_path / "run", config), tensorboard=False)
    monkeypatch.setattr(training.algorithm, "evaluate", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        training.run()
    tensors, _ = load_checkpoint(training.folder.latest_checkpoint)
    (totals,) = (value for name, value in tensors.items() if name.endswith("totals"))
    assert float(totals[0]) > 0


@pytest.mark.slow
def test_training_from_python_and_loading_what_came_out(tmp_path):
    config = tiny_config(steps=200)
    summary = train(config, tmp_path / "run")
    assert summary["env_steps"] == 200
    with pytest.raises(RunFolderError, match="already holds a run"):
        train(config, tmp_path / "run")
    evaluation = load(tmp_path / "run").evaluate(8, seed=3)
    assert evaluation.episodes == 8
    assert evaluation == load(tmp_path / "run").evaluate(8, seed=3)


@pytest.mark.slow
def test_the_best_checkpoint_is_that_of_the_best_evaluation(tmp_path):
    rates = []

    class Rates(Hook):
        def on_evaluation(self, training, row):
            rates.append((row["success_rate"], row["env_steps"]))

    folder = RunFolder.create(tmp_path / "run", tiny_config(steps=200))
    Training(folder, hooks=[Rates()], tensorboard=False).run()
    best = max(rate for rate, _ in rates)
    first = next(steps for rate, steps in rates if rate == best)
    assert load_checkpoint(folder.best_checkpoint)[1]["env_steps"] == first
    assert load_checkpoint(folder.latest_checkpoint)[1]["env_steps"] == 200


@pytest.mark.slow
def test_checkpoints_come_as_often_as_configured(tmp_path):
    saved = []

    class Watch(Hook):
        def on_iteration(self, training, values):
            if training.folder.latest_checkpoint.exists():
                saved.append(load_checkpoint(training.folder.latest_checkpoint)[1]["env_steps"])

    train(tiny_config(steps=200, checkpoint_interval=50), tmp_path / "run", hooks=[Watch()])
    assert sorted(set(saved)) == [70, 100, 150, 200]
