"""The grid tasks as a PettingZoo ``ParallelEnv``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from gymnasium.utils import seeding

from isa_wrappers.envs.grid.render import draw_grid, grid_text
from isa_wrappers.envs.grid.rules import (
    ACTION_NAMES,
    HORIZON,
    MOVES,
    GridState,
    GridTask,
    advance,
    available_actions,
    global_state,
    grid_task,
    observe,
    start_state,
)
from isa_wrappers.envs.masked import MaskedParallelEnv, Observation, whole
from isa_wrappers.errors import InvalidValueError, check_choice, check_int


class GridParallelEnv(MaskedParallelEnv):
    """One copy of a grid task.

    An observation holds ``"observation"`` (float32, in cells) and ``"action_mask"`` (int8). An unavailable action
    counts as stay. Success terminates the episode for every agent, the horizon truncates it.

    Args:
        name: ``navigation``, ``unlock`` or ``shooting``.
        num_agents: A; 7, 7 and 3 by default.
        grid: side of the board; 20, 20 and 10 by default.
        horizon: steps until truncation.
        targets: ``"listed"``, ``"random"`` (drawn each episode from the seed) or A pairs (x, y).
        render_mode: ``"rgb_array"``, ``"ansi"`` or ``None``.

    Attributes:
        task: the options, filled in.
        horizon: steps until truncation.
        state_space: the space of :meth:`state`.
        state_names: a name for each dimension of :meth:`state`.
        action_names: a name for each action.

    Raises:
        InvalidValueError: if an option is out of range.

    Example:
        >>> env = GridParallelEnv("unlock", num_agents=1, targets=[(0, 1)])
        >>> observations, infos = env.reset(seed=0)
        >>> observations["agent_0"]["observation"].tolist(), observations["agent_0"]["action_mask"].tolist()
        ([0.0, 0.0, 0.0, 1.0], [1, 0, 1, 0, 1])
        >>> _, rewards, terminations, _, infos = env.step({"agent_0": 2})
        >>> rewards, terminations, infos
        ({'agent_0': 1.0}, {'agent_0': True}, {'agent_0': {'success': True}})
    """

    metadata: dict[str, Any] = {  # noqa: RUF012
        "name": "grid",
        "render_modes": ["rgb_array", "ansi"],
        "render_fps": 8,
        "is_parallelizable": True,
    }

    def __init__(
        self,
        name: str,
        num_agents: int | None = None,
        grid: int | None = None,
        horizon: int = HORIZON,
        targets: str | Sequence[Sequence[int]] = "listed",
        render_mode: str | None = None,
    ) -> None:
        if render_mode is not None:
            check_choice("render_mode", render_mode, self.metadata["render_modes"])
        self.task: GridTask = grid_task(name, num_agents, grid, horizon, targets)
        self.render_mode = render_mode
        self.metadata = {**self.metadata, "name": f"grid/{name}"}
        self._lay_out(self.task.agents, self._box(self.task.obs_size), self.task.num_actions)
        self.horizon = self.task.horizon
        self.state_names = self.task.state_names
        self.action_names = ACTION_NAMES[: self.task.num_actions]
        self.state_space = self._box(self.task.state_size)
        self.np_random, _ = seeding.np_random()
        self._moves = np.array(MOVES, dtype=np.int32)
        self._current: GridState | None = None

    @property
    def grid_state(self) -> GridState:
        """The current state in full, as :func:`~isa_wrappers.envs.grid.render.draw_grid` takes it.

        Raises:
            InvalidValueError: before the first reset.
        """
        if self._current is None:
            raise InvalidValueError(f"{self} has no state before its first episode; call reset()")
        return self._current

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Observation], dict[str, dict[str, Any]]]:
        """Start an episode.

        Args:
            seed: of the random targets; without one their generator continues.
            options: none are used.

        Raises:
            InvalidValueError: if the seed is negative or no whole number.
        """
        if seed is not None:
            self.np_random, _ = seeding.np_random(check_int("seed", whole(seed), 0))
        self._current = start_state(self.task, self._draw_targets())
        self.agents = list(self.possible_agents)
        return self._observations(), {agent: {"success": False} for agent in self.agents}

    def step(
        self, actions: dict[str, int]
    ) -> tuple[dict[str, Observation], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]:
        """Advance by one action of every agent.

        Raises:
            InvalidValueError: if the episode is over, or an action is missing, out of range or of an unknown agent.
        """
        joint = np.array(self._joint_action(actions), dtype=np.int64)
        self._current, reward, success = advance(self.task, self.grid_state, joint, self._moves)
        terminated = bool(success)
        truncated = not terminated and int(self._current.time) >= self.horizon
        team, observations = self.possible_agents, self._observations()
        if terminated or truncated:
            self.agents = []
        return (
            observations,
            dict.fromkeys(team, float(reward)),
            dict.fromkeys(team, terminated),
            dict.fromkeys(team, truncated),
            {agent: {"success": terminated} for agent in team},
        )

    def state(self) -> npt.NDArray[np.float32]:
        """Return a copy of the global state ``[K]``; after an episode's end, the last one.

        Raises:
            InvalidValueError: before the first reset.
        """
        return np.array(global_state(self.task, self.grid_state), dtype=np.float32)

    def render(self) -> npt.NDArray[np.uint8] | str | None:
        """Return an image ``[H, W, 3]`` or a text of the current state, as ``render_mode`` says."""
        if self.render_mode is None:
            gymnasium.logger.warn("render() needs a render_mode; choose 'rgb_array' or 'ansi' when making the task")
            return None
        if self.render_mode == "ansi":
            return grid_text(self.task, self.grid_state)
        return draw_grid(self.task, self.grid_state)

    def _box(self, size: int) -> spaces.Box:
        """Return the space of ``size`` features: all are cells, but for the bullets, which come last."""
        high = np.full(size, self.task.grid - 1, dtype=np.float32)
        if self.task.shoots:
            high[-1] = self.task.num_agents * self.task.horizon
        return spaces.Box(np.zeros_like(high), high, dtype=np.float32)

    def _draw_targets(self) -> npt.NDArray[np.int32]:
        """Return this episode's targets ``[A, 2]``: the fixed ones or distinct cells other than the start."""
        if self.task.targets is not None:
            return np.array(self.task.targets, dtype=np.int32)
        side = self.task.grid
        start_cell = self.task.start[0] * side + self.task.start[1]
        cells = np.delete(np.arange(side * side), start_cell)
        chosen = self.np_random.choice(cells, self.task.num_agents, replace=False)
        return np.stack(np.divmod(chosen, side), axis=-1).astype(np.int32)

    def _observations(self) -> dict[str, Observation]:
        obs = observe(self.task, self.grid_state)
        mask = available_actions(self.task, self.grid_state).astype(np.int8)
        return {
            agent: {"observation": obs[i].copy(), "action_mask": mask[i].copy()}
            for i, agent in enumerate(self.possible_agents)
        }
