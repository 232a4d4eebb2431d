"""The run folder keeps every version of its scope, and a resumed run has the one in force and the marked steps."""

import json
import shutil

import numpy as np
import pytest
from following_runs import following_config
from resuming import PressCtrlC, assert_same_run, rows_of, seed_globals, sitting, whole_run

from isa_learners.checkpoint import load_checkpoint
from isa_learners.runs import scope_versions
from isa_learners.runs.loading import load
from isa_learners.runs.run_folder import RunFolder
from isa_learners.runs.training import Training
from isa_wrappers.errors import CannotWriteError
from isa_wrappers.scope.files import load_scope

pytestmark = pytest.mark.slow

X = [[0], [2]]
XY = [[0, 1], [2, 3]]


def versions_of(folder):
    return sorted(path.name for path in folder.scopes_folder.iterdir())


def test_every_version_is_kept_and_the_one_in_force_is_the_runs_own(tmp_path):
    folder = whole_run(tmp_path / "run", following_config(tmp_path / "scope"))
    assert versions_of(folder) == ["0", "1"]
    first, second = (load_scope(folder.scopes_folder / name) for name in "01")
    assert (first.special_dims, second.special_dims) == (X, XY)
    assert load_scope(folder.path).special_dims == XY
    assert json.loads((folder.scopes_folder / "1" / "scope.json").read_text())["settings"]["env_steps"] == 640
    assert float(rows_of(folder)[-1]["dims_added"]) == 2.0
    algorithm = load(folder.path)
    np.testing.assert_array_equal(algorithm.scope.influence, second.influence)
    assert algorithm.credit.special_dims == XY
    algorithm.close()


@pytest.mark.parametrize("iteration", [1, 2, 4], ids=["before it grows", "as it grows", "after"])
def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path, iteration):
    config = following_config(tmp_path / "scope")
    whole = whole_run(tmp_path / "whole", config)
    seed_globals(0)
    folder = RunFolder.create(tmp_path / "parts", config)
    sitting(folder, PressCtrlC(iteration), resume=False)
    tensors, _ = load_checkpoint(folder.latest_checkpoint)
    assert {"following.probes.marked", "following.found", "collector.probes"} <= set(tensors)
    assert versions_of(folder) == (["0"] if iteration == 1 else ["0", "1"])
    seed_globals(999)
    training = Training(folder, resume=True, tensorboard=False)
    assert training.algorithm.scope.special_dims == (X if iteration == 1 else XY)
    training.run()
    assert_same_run(whole, folder)
    assert versions_of(folder) == versions_of(whole)
    for name in ("scope.json", "scopes/0/scope.json", "scopes/1/scope.json"):  # each holds its array's digest
        assert (folder.path / name).read_bytes() == (whole.path / name).read_bytes(), name


def test_versions_beyond_the_checkpoint_go_and_come_again(tmp_path):
    """Killed after the scope grew, before the next checkpoint: the older checkpoint knows nothing of it."""
    config = following_config(tmp_path / "scope")
    whole = whole_run(tmp_path / "whole", config)
    seed_globals(0)
    folder = RunFolder.create(tmp_path / "parts", config)
    sitting(folder, PressCtrlC(1), resume=False)
    for name in ("scope.json", "scope.safetensors"):
        shutil.copy(whole.path / name, folder.path / name)
    shutil.copytree(whole.scopes_folder / "1", folder.scopes_folder / "1")
    shutil.copytree(whole.scopes_folder / "1", folder.scopes_folder / "notes")
    seed_globals(999)
    training = Training(folder, resume=True, tensorboard=False)
    assert versions_of(folder) == ["0", "notes"]
    assert load_scope(folder.path).special_dims == X
    training.run()
    assert_same_run(whole, folder)
    assert load_scope(folder.path).special_dims == XY


def test_a_run_without_probes_keeps_none(tmp_path):
    probes = {"share": 0.0, "every": 600, "memory": 1_000}
    folder = whole_run(tmp_path / "run", following_config(tmp_path / "scope", probes=probes, steps=700))
    assert not folder.scopes_folder.exists()
    assert not any(name.startswith("following") for name in load_checkpoint(folder.latest_checkpoint)[0])


def test_a_first_version_that_was_half_made_is_made_anew(tmp_path, monkeypatch):
    """The disk was full between the folder and its files: later the run resumes, and can be read."""
    folder = RunFolder.create(tmp_path / "run", following_config(tmp_path / "scope"))

    def full(scope, path):
        raise CannotWriteError(f"cannot write to {path}: No space left on device")

    monkeypatch.setattr(scope_versions, "save_scope", full)
    with pytest.raises(CannotWriteError):
        Training(folder, tensorboard=False)
    monkeypatch.undo()
    assert versions_of(folder) == ["0"]
    training = Training(folder, resume=True, tensorboard=False)
    training.run()
    training.algorithm.close()
    assert load_scope(folder.scopes_folder / "0").special_dims == X
    assert load(folder.path).scope.special_dims == XY


def test_a_run_needs_the_scope_that_it_was_given_no_more(tmp_path):
    """Its folder holds it: that of the other run may move."""
    folder = whole_run(tmp_path / "run", following_config(tmp_path / "scope"))
    shutil.rmtree(tmp_path / "scope")
    assert load(folder.path).scope.special_dims == XY
