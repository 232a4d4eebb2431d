"""The scope's picture is drawn once, and again where the scope has changed."""

import os

import pytest
from learner_helpers import tiny_config

from isa_learners.runs.hooks import Hook
from isa_learners.runs.plots import plot_run
from isa_learners.runs.run_folder import RunFolder
from isa_learners.runs.scope_picture import scope_picture
from isa_learners.runs.trackers import tensorboard
from isa_learners.runs.training import train
from isa_wrappers.errors import CannotWriteError
from isa_wrappers.scope.files import save_scope
from isa_wrappers.scope.influence import InfluenceScope

pytest.importorskip("matplotlib")


def test_drawn_where_it_is_missing_old_or_asked_for(tmp_path):
    folder = RunFolder.create(tmp_path / "a", tiny_config())
    assert scope_picture(folder) is None
    save_scope(InfluenceScope.from_dimensions({"agent_0": [[], [0]]}, state_size=2), folder.path)
    picture = scope_picture(folder)
    drawn = picture.read_bytes()
    assert drawn.startswith(b"\x89PNG")
    picture.write_bytes(b"kept")
    os.utime(picture, ns=(2**61, 2**61))
    assert scope_picture(folder).read_bytes() == b"kept"
    folder.metrics_file.write_text("env_steps,success_rate\n")
    assert plot_run(folder, anew=False) == [picture]
    assert picture.read_bytes() == b"kept"
    assert plot_run(folder) == [picture]
    assert picture.read_bytes() == drawn
    os.utime(picture, ns=(0, 0))
    picture.write_bytes(b"old")
    os.utime(picture, ns=(0, 0))
    assert scope_picture(folder).read_bytes() == drawn


@pytest.mark.slow
@pytest.mark.parametrize("after", [0.0, 60.0])
def test_drawn_for_tensorboard_once_a_minute_has_passed_or_at_the_end(after, tmp_path, monkeypatch):
    pytest.importorskip("tensorboard")
    monkeypatch.setattr(tensorboard, "PICTURE_AFTER", after)
    seen = []

    class Look(Hook):
        def on_evaluation(self, training, row):
            seen.append((training.folder.path / "scope.png").exists())

        def on_end(self, training, summary):
            seen.append((training.folder.path / "scope.png").exists())

    train(tiny_config(steps=200), tmp_path / "run", hooks=[Look()])
    *during, at_the_end = seen
    assert at_the_end
    assert set(during) == {after == 0.0}


@pytest.mark.slow
def test_a_picture_that_cannot_be_drawn_costs_no_run(tmp_path, monkeypatch):
    pytest.importorskip("tensorboard")

    def fail(folder):
        raise CannotWriteError("no space left")

    monkeypatch.setattr(tensorboard, "scope_picture", fail)
    with pytest.warns(UserWarning, match="TensorBoard shows no scope: no space left"):
        assert train(tiny_config(steps=200), tmp_path / "run")["env_steps"] == 200
    assert (tmp_path / "run" / "summary.json").exists()
