"""Trackers show a run and never break it; TensorBoard has groups, settings and the scope."""

import json
import sys
import types
import warnings

import pytest
from learner_helpers import tiny_config

from isa_learners import train
from isa_learners.runs.run_folder import RunFolder
from isa_learners.runs.trackers import TRACKERS, Tracker, make_trackers
from isa_learners.runs.trackers.base import IDS
from isa_learners.runs.trackers.tags import tagged
from isa_learners.runs.training import Training
from isa_wrappers.errors import FileFormatError, InvalidValueError, MissingDependencyError, UnknownNameError


class Notes(Tracker):
    """Notes what it is told, and fails where asked to."""

    name, package, offline = "notes", "json", "PAPER=1 keeps it here"

    def __init__(self, failing=""):
        super().__init__()
        self.notes, self.failing = [], failing

    def _note(self, what, *more):
        self.notes.append((what, *more))
        if what == self.failing:
            raise RuntimeError("the service\nis away")

    def begin(self, training, known):
        self._note("begin", known)
        return known or "id-1"

    def add(self, env_steps, row):
        self._note("add", env_steps, row["success_rate"])

    def add_picture(self, name, path):
        assert path.read_bytes().startswith(b"\x89PNG")
        self._note("picture", name)

    def end(self, summary):
        self._note("end", summary is not None)


@pytest.mark.slow
def test_it_is_told_of_scope_evaluations_and_the_end(tmp_path):
    tracker = Notes()
    train(tiny_config(steps=200), tmp_path / "run", hooks=[tracker])
    assert tracker.notes[:2] == [("begin", None), ("picture", "scope")]
    rows = (tmp_path / "run" / "metrics.csv").read_text().splitlines()[1:]
    assert [note[1] for note in tracker.notes if note[0] == "add"] == [int(row.split(",")[0]) for row in rows]
    assert tracker.notes[-1] == ("end", True)
    assert json.loads((tmp_path / "run" / IDS).read_text()) == {"notes": "id-1"}
    again = Notes()
    Training(RunFolder(tmp_path / "run"), resume=True, hooks=[again], steps=220).run()
    assert again.notes[0] == ("begin", "id-1"), "a resumed run is the same one"


@pytest.mark.slow
@pytest.mark.parametrize("failing", ["picture", "add", "end"])
def test_a_service_that_fails_is_left_out_and_the_run_ends_well(tmp_path, failing):
    tracker = Notes(failing)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        summary = train(tiny_config(steps=200), tmp_path / "run", hooks=[tracker])
    assert summary["env_steps"] == 200
    said = [str(warning.message) for warning in caught if "tracker" in str(warning.message)]
    assert said == ["tracker 'notes' failed and is disabled from now on: the service is away"]
    assert [note[0] for note in tracker.notes].count(failing) == 1


@pytest.mark.slow
def test_a_service_that_cannot_start_is_an_error_that_says_how_to_do_without(tmp_path):
    with pytest.raises(InvalidValueError, match="'notes' cannot start: the service is away; PAPER=1 keeps it here"):
        train(tiny_config(steps=200), tmp_path / "run", hooks=[Notes("begin")])


@pytest.mark.parametrize("text", ['{"notes": ', "[]", '{"notes": 3}', "\xff"])
def test_damaged_ids_are_told_and_stay(tmp_path, text):
    (tmp_path / IDS).write_bytes(text.encode("latin-1"))
    tracker, training = Notes(), types.SimpleNamespace(folder=RunFolder(tmp_path))
    with pytest.raises(FileFormatError, match=r"trackers\.json holds no ids of trackers"):
        tracker.on_start(training)
    assert tracker.notes == []
    assert (tmp_path / IDS).read_bytes() == text.encode("latin-1")


def test_names_and_packages_that_are_not_there(monkeypatch):
    with pytest.raises(UnknownNameError, match="did you mean 'wandb'"):
        make_trackers(["wandbb"])
    for name in TRACKERS:
        monkeypatch.setitem(sys.modules, TRACKERS[name].package, None)
        with pytest.raises(MissingDependencyError, match=f"pip install {TRACKERS[name].package}"):
            make_trackers([name])


def test_tags_are_in_groups():
    row = {"env_steps": 10, "wall_time_s": 1.0, "phase": "reach", "return_mean": 2, "train_success_rate": 0.5}
    assert tagged({**row, "goals": 3.0, "approx_kl": 0.1}) == {
        "eval/return_mean": 2.0, "train/success_rate": 0.5, "train/goals": 3.0, "loss/approx_kl": 0.1,
    }  # fmt: skip


@pytest.mark.slow
def test_tensorboard_has_numbers_settings_and_the_scope(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(tiny_config(steps=200), tmp_path / "run")
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    events.Reload()
    rows = (tmp_path / "run" / "metrics.csv").read_text().splitlines()
    column = rows[0].split(",").index("success_rate")
    expected = [(int(row.split(",")[0]), float(row.split(",")[column])) for row in rows[1:]]
    found = [(event.step, round(event.value, 6)) for event in events.Scalars("eval/success_rate")]
    assert found == [(step, round(value, 6)) for step, value in expected]
    tags = events.Tags()
    assert {tag.split("/")[0] for tag in tags["scalars"]} == {"eval", "train", "loss"}
    assert tags["images"] == ["scope"]
    assert any("settings" in tag for tag in tags["tensors"])


@pytest.mark.slow
def test_what_weights_and_biases_is_given(tmp_path, monkeypatch):
    """A stand-in notes the calls; the real one is tried where it is installed."""
    calls = []
    run = types.SimpleNamespace(
        id="abc",
        summary={},
        define_metric=lambda *names, **more: calls.append(("axis", names, more)),
        log=lambda values: calls.append(("log", values)),
        finish=lambda exit_code: calls.append(("finish", exit_code)),
    )
    fake = types.ModuleType("wandb")
    fake.init = lambda **given: calls.append(("init", given)) or run
    fake.Settings = lambda **given: given
    fake.Image = lambda path: ("image", path.endswith("scope.png"))
    monkeypatch.setitem(sys.modules, "wandb", fake)
    train(tiny_config(steps=200), tmp_path / "run", hooks=make_trackers(["wandb"]))
    given = calls[0][1]
    assert (given["project"], given["name"], given["id"]) == ("isa", "run", None)
    assert given["config"]["algo"] == "isa"
    logged = [call[1] for call in calls if call[0] == "log"]
    assert logged[0] == {"scope": ("image", True)}
    assert {"env_steps", "eval/success_rate", "train/goals", "loss/entropy"} <= set(logged[1])
    assert run.summary["env_steps"] == 200
    assert calls[-1] == ("finish", 0)
    assert json.loads((tmp_path / "run" / IDS).read_text()) == {"wandb": "abc"}


@pytest.mark.slow
def test_weights_and_biases_offline(tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    train(tiny_config(steps=200), tmp_path / "run", hooks=make_trackers(["wandb"]))
    (written,) = (tmp_path / "run" / "wandb").glob("offline-run-*/run-*.wandb")
    assert written.stat().st_size > 1000


@pytest.mark.slow
def test_mlflow_in_a_folder(tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    mlflow.set_tracking_uri(f"file:{tmp_path / 'store'}")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    train(tiny_config(steps=200), tmp_path / "run", hooks=make_trackers(["mlflow"]))
    client = mlflow.MlflowClient()
    run = client.get_run(json.loads((tmp_path / "run" / IDS).read_text())["mlflow"])
    assert run.info.status == "FINISHED"
    assert run.data.params["algo"] == "isa"
    rows = len((tmp_path / "run" / "metrics.csv").read_text().splitlines()) - 1
    assert len(client.get_metric_history(run.info.run_id, "eval/success_rate")) == rows
    assert {file.path for file in client.list_artifacts(run.info.run_id)} == {"scope.png", "summary.json"}
