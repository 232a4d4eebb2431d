"""The dials as a batched environment on NumPy or any torch device: no Python loop over environments."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from isa_wrappers.arrays import Array, backend
from isa_wrappers.envs.drawing import Mark
from isa_wrappers.envs.grid.dials_render import DIALS_LEGEND, draw_dials
from isa_wrappers.envs.grid.dials_rules import (
    DialsState,
    DialsTask,
    advance,
    available_actions,
    global_state,
    observe,
    start_state,
)
from isa_wrappers.envs.grid.same_start import SameStartBatch


class DialsBatch(SameStartBatch[DialsState]):
    """``num_envs`` copies of the dials stepped together; satisfies :class:`~isa_wrappers.batch.BatchEnv`.

    Args:
        task: from :func:`~isa_wrappers.envs.grid.dials_rules.dials_task`.
        num_envs: B.
        device: ``None`` for NumPy, else a torch device.
        seed: nothing is drawn.

    Example:
        >>> from isa_wrappers.envs.grid.dials_rules import dials_task
        >>> env = DialsBatch(dials_task(dials=4), num_envs=1)
        >>> _ = env.reset()
        >>> env.step(np.array([[2, 2]])).state.tolist()  # both turn the first dial, which they share, up
        [[2.0, 0.0, 0.0, 0.0]]
    """

    stream = "dials"

    def __init__(self, task: DialsTask, num_envs: int, device: str | None = None, seed: int = 0) -> None:
        super().__init__(task, num_envs, task.turns, task.action_names, device, seed)
        xp = backend(device)
        self._targets = xp.asarray(task.targets, dtype=xp.int32, device=device)
        self._begin_in(start_state(task, xp.zeros(num_envs, dtype=xp.int32, device=device)))

    def _advance(self, actions: Array) -> tuple[DialsState, Array, Array]:
        return advance(self.task, self._state, actions, self._moves, self._targets)

    def _seen(self, state: DialsState) -> tuple[Array, Array]:
        return observe(self.task, state), global_state(self.task, state)

    def _available(self) -> Array:
        return available_actions(self.task, self._state, self._moves)

    @property
    def legend(self) -> tuple[Mark, ...]:
        """What is drawn."""
        return DIALS_LEGEND

    def _picture(self, state: DialsState, goal: Array | None) -> npt.NDArray[np.uint8]:
        return draw_dials(self.task, state, goal)
