"""The locked room as a PettingZoo ``ParallelEnv``."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from gymnasium.utils import seeding

from isa_wrappers.envs.grid.room_render import draw_room, room_text
from isa_wrappers.envs.grid.room_rules import (
    ACTION_NAMES,
    HORIZON,
    MOVES,
    NOTCHES,
    ROOM,
    VAULT,
    RoomState,
    advance,
    available_actions,
    global_state,
    locked_room,
    observe,
    start_state,
)
from isa_wrappers.envs.masked import MaskedParallelEnv, Observation, whole
from isa_wrappers.errors import InvalidValueError, check_choice, check_int


class RoomParallelEnv(MaskedParallelEnv):
    """One copy of the locked room.

    An observation holds ``"observation"`` (float32: own x and y, gate, lamp) and ``"action_mask"`` (int8). An
    unavailable action counts as stay. Success terminates the episode for every agent, the horizon truncates it.

    Args:
        num_agents: A.
        horizon: steps until truncation.
        push_anywhere: let agents push in the corridor too, where it does nothing.
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
        >>> env = RoomParallelEnv(num_agents=1)
        >>> observations, infos = env.reset(seed=0)
        >>> observations["agent_0"]["action_mask"].tolist()  # walls all around but to the right, nothing to push
        [1, 0, 0, 0, 1, 0]
    """

    metadata: dict[str, Any] = {  # noqa: RUF012
        "name": "grid/locked_room",
        "render_modes": ["rgb_array", "ansi"],
        "render_fps": 8,
        "is_parallelizable": True,
    }

    def __init__(
        self,
        num_agents: int = 2,
        horizon: int = HORIZON,
        push_anywhere: bool = False,
        render_mode: str | None = None,
    ) -> None:
        if render_mode is not None:
            check_choice("render_mode", render_mode, self.metadata["render_modes"])
        self.task = locked_room(num_agents, horizon, push_anywhere)
        self.render_mode = render_mode
        self._lay_out(self.task.agents, _box(VAULT, ROOM - 1, NOTCHES, 1), len(ACTION_NAMES))
        self.horizon = self.task.horizon
        self.state_names = self.task.state_names
        self.action_names = ACTION_NAMES
        self.state_space = _box(*(VAULT, ROOM - 1) * num_agents, NOTCHES, 1)
        self.np_random, _ = seeding.np_random()
        self._moves = np.array(MOVES, dtype=np.int32)
        self._current: RoomState | None = None

    @property
    def room_state(self) -> RoomState:
        """The current state in full, as :func:`~isa_wrappers.envs.grid.room_render.draw_room` takes it.

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
            seed: of the lamp; without one its generator continues.
            options: none are used.

        Raises:
            InvalidValueError: if the seed is negative or no whole number.
        """
        if seed is not None:
            self.np_random, _ = seeding.np_random(check_int("seed", whole(seed), 0))
        self._current = start_state(self.task, np.zeros((), dtype=np.int32))
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
        draw = np.asarray(self.np_random.random())
        self._current, reward, success = advance(self.task, self.room_state, joint, self._moves, draw)
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
        return np.array(global_state(self.task, self.room_state), dtype=np.float32)

    def render(self) -> npt.NDArray[np.uint8] | str | None:
        """Return an image ``[H, W, 3]`` or a text of the current state, as ``render_mode`` says."""
        if self.render_mode is None:
            gymnasium.logger.warn("render() needs a render_mode; choose 'rgb_array' or 'ansi' when making the task")
            return None
        if self.render_mode == "ansi":
            return room_text(self.task, self.room_state)
        return draw_room(self.task, self.room_state)

    def _observations(self) -> dict[str, Observation]:
        obs = observe(self.task, self.room_state)
        mask = available_actions(self.task, self.room_state).astype(np.int8)
        return {
            agent: {"observation": obs[i].copy(), "action_mask": mask[i].copy()}
            for i, agent in enumerate(self.possible_agents)
        }


def _box(*high: int) -> spaces.Box:
    """Return the space of features from 0 to ``high``."""
    return spaces.Box(np.zeros(len(high), dtype=np.float32), np.array(high, dtype=np.float32), dtype=np.float32)
