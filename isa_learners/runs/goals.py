"""The won states of a run, read from its folder without importing its environment."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isa_learners.algorithms.isa_parts import saved_goals
from isa_learners.runs.run_folder import RunFolder
from isa_wrappers.arrays import to_numpy
from isa_wrappers.errors import FileFormatError, InvalidValueError
from isa_wrappers.scope.files import load_scope


@dataclass(frozen=True)
class WonStates:
    """The goal buffer of a run.

    Attributes:
        states: ``[M, K]`` in the order of the buffer.
        names: names of the K dimensions.
        pursued: dimensions in the scope of any agent; all of them if the run has no scope.
    """

    states: npt.NDArray[np.floating]
    names: tuple[str, ...]
    pursued: tuple[int, ...]

    def different(self) -> list[tuple[int, list[float]]]:
        """Return the count and the pursued dimensions of each distinct goal, the most frequent first.

        Example:
            >>> WonStates(np.array([[1.0, 5.0], [2.0, 6.0], [2.0, 7.0]]), ("x", "clock"), (0,)).different()
            [(2, [2.0]), (1, [1.0])]
        """
        if not len(self.states):
            return []
        rows, counts = np.unique(self.states[:, list(self.pursued)], axis=0, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        return [(int(counts[i]), rows[i].tolist()) for i in order]


def won_states(folder: RunFolder, best: bool = False) -> WonStates:
    """Read the goal buffer of a run.

    Args:
        folder: run folder.
        best: use the checkpoint with the best evaluation instead of the latest.

    Raises:
        InvalidValueError: if the algorithm has no goals.
        FileFormatError: if checkpoint or scope cannot be read, or do not match.
    """
    checkpoint = folder.best_checkpoint if best else folder.newest_checkpoint() or folder.latest_checkpoint
    goal_states = saved_goals(checkpoint)
    if goal_states is None:
        raise InvalidValueError(f"the run in {folder.path} has no goals: its algorithm is {folder.config().algo!r}")
    states = to_numpy(goal_states)
    size = states.shape[-1]
    if not os.path.exists(folder.path / "scope.json"):
        return WonStates(states, tuple(f"s[{k}]" for k in range(size)), tuple(range(size)))
    scope = load_scope(folder.path)
    if scope.state_size != size:
        raise FileFormatError(f"goals in {checkpoint} have {size} dimensions, but the scope has {scope.state_size}")
    pursued = sorted({k for dims in scope.agent_dims for k in dims})
    return WonStates(states, tuple(scope.dim_name(k) for k in range(size)), tuple(pursued))
