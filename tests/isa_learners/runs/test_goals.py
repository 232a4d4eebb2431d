"""The goal buffer of a run, read from its folder alone."""

import json

import numpy as np
import pytest
import torch
from policy_helpers import drawn_algorithm

from isa_learners.checkpoint import save_checkpoint
from isa_learners.runs.goals import WonStates, won_states
from isa_learners.runs.run_folder import RunFolder
from isa_wrappers.errors import FileFormatError, InvalidValueError
from isa_wrappers.scope.files import save_scope


def folder_of(tmp_path, algorithm, **tensors):
    folder = RunFolder.create(tmp_path / "run", algorithm.config)
    own, meta = algorithm.state_dict()
    save_checkpoint(folder.latest_checkpoint, own | tensors, {**meta, "generators": {}})
    return folder


def test_won_states_are_those_of_the_buffer(tmp_path):
    """Six come into a buffer of four: the last four are there, in the order that a loaded policy has them in."""
    algorithm = drawn_algorithm(goal={"capacity": 4}, seed=0)
    algorithm.shared["goals"].add(torch.arange(9.0).view(3, 3), torch.tensor([True, False, True]))
    folder = folder_of(tmp_path, algorithm)
    found = won_states(folder)
    np.testing.assert_array_equal(found.states, algorithm.shared["goals"].states)
    assert len(found.states) == 4
    assert [6.0, 7.0, 8.0] in found.states.tolist()
    assert found.names == ("s[0]", "s[1]", "s[2]"), "without a scope"
    assert found.pursued == (0, 1, 2)
    save_scope(algorithm.scope.with_delta(0.1), folder.path)
    named = won_states(folder)
    assert named.pursued == tuple(sorted({k for dims in algorithm.scope.with_delta(0.1).agent_dims for k in dims}))
    assert named.names == tuple(algorithm.scope.dim_name(k) for k in range(3))


def test_goals_are_counted_in_what_is_pursued():
    states = np.array([[1.0, 5.0, 0.0], [2.0, 6.0, 1.0], [1.0, 7.0, 0.0]])
    assert WonStates(states, ("x", "clock", "y"), (0, 2)).different() == [(2, [1.0, 0.0]), (1, [2.0, 1.0])]
    assert WonStates(states[:0], ("x", "clock", "y"), (0, 2)).different() == []


def test_a_run_without_goals_is_told_apart(tmp_path):
    folder = folder_of(tmp_path, drawn_algorithm("ippo"))
    with pytest.raises(InvalidValueError, match="has no goals: its algorithm is 'ippo'"):
        won_states(folder)


def test_no_environment_is_imported(tmp_path):
    """A folder of somebody else's needs no trust for a look."""
    folder = folder_of(tmp_path, drawn_algorithm())
    config = folder.config_file.read_text()
    folder.config_file.write_text(config.replace("parallel_toys:WalkEnv", "nobody_has_this:env"))
    assert len(won_states(RunFolder.open(folder.path)).states) == 5


@pytest.mark.parametrize("damage", ["no checkpoint", "no number", "another scope", "a damaged scope"])
def test_damage_is_told_in_one_line(tmp_path, damage):
    algorithm = drawn_algorithm()
    gone = {"shared.goals.added": torch.zeros(0, dtype=torch.int64)} if damage == "no number" else {}
    folder = folder_of(tmp_path, algorithm, **gone)
    if damage == "no checkpoint":
        folder.latest_checkpoint.unlink()
    if damage == "another scope":
        save_scope(drawn_algorithm(env=("grid/unlock", None)).scope, folder.path)
    if damage == "a damaged scope":
        save_scope(algorithm.scope, folder.path)
        told = json.loads((folder.path / "scope.json").read_text())
        (folder.path / "scope.json").write_text(json.dumps({**told, "agents": 3}))
    with pytest.raises(FileFormatError) as caught:
        won_states(folder)
    assert "\n" not in str(caught.value)
