"""The dials as a batched environment on NumPy or any torch device, without loops over copies."""

from __future__ import annotations

from isa_wrappers.arrays import Array, backend
from isa_wrappers.envs.grid import dials_rules
from isa_wrappers.envs.grid.board_batch import BoardBatch
from isa_wrappers.envs.grid.dials_render import DIALS_LEGEND, draw_dials
from isa_wrappers.envs.grid.dials_rules import DialsState, DialsTask


class DialsBatch(BoardBatch[DialsState]):
    """``num_envs`` copies of the dials stepped together; satisfies :class:`~isa_wrappers.batch.BatchEnv`.

    Args:
        task: task description from :func:`~isa_wrappers.envs.grid.dials_rules.dials_task`.
        num_envs: number of copies, B.
        device: ``None`` for NumPy, else a torch device.
        seed: has no effect, since nothing is random.

    Example:
        >>> import numpy as np
        >>> from isa_wrappers.envs.grid.dials_rules import dials_task
        >>> env = DialsBatch(dials_task(dials=4), num_envs=1)
        >>> _ = env.reset()
        >>> env.step(np.array([[2, 2]])).state.tolist()  # both agents turn the shared first dial up
        [[2.0, 0.0, 0.0, 0.0]]
    """

    rules = dials_rules
    draw = staticmethod(draw_dials)
    legend = DIALS_LEGEND
    stream = "dials"

    def __init__(self, task: DialsTask, num_envs: int, device: str | None = None, seed: int = 0) -> None:
        super().__init__(task, num_envs, task.turns, task.action_names, device, seed)
        xp = backend(device)
        self._targets = xp.asarray(task.targets, dtype=xp.int32, device=device)

    def _rule_arguments(self) -> tuple[Array, ...]:
        return (self._targets,)

    def _available(self) -> Array:
        return dials_rules.available_actions(self.task, self._state, self._moves)
