"""Base class of the grid tasks as PettingZoo environments: a state is a dataclass of arrays, rules are functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium.utils import seeding

from isa_wrappers.arrays import Array
from isa_wrappers.envs.drawing import Image
from isa_wrappers.envs.masked import MaskedParallelEnv, Observation, as_integer
from isa_wrappers.errors import InvalidValueError, check_choice, check_int

State = TypeVar("State")


class Rules(Protocol):
    """A module of rules: functions of a task, its state and arrays with any leading axes."""

    start_state: Callable[..., Any]
    advance: Callable[..., tuple[Any, Array, Array]]
    available_actions: Callable[..., Array]
    observe: Callable[..., Array]
    global_state: Callable[..., Array]


class BoardParallelEnv(MaskedParallelEnv, Generic[State]):
    """One copy of a task; a subclass sets its rules and whatever is specific to the task.

    Attributes:
        rules: rules of the task.
        draw: function that draws a task and its state as an image.
        text: function that writes a task and its state as text.
        task: the task with all options resolved.
        horizon: steps until truncation.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012
        "name": "grid",
        "render_modes": ["rgb_array", "ansi"],
        "render_fps": 8,
        "is_parallelizable": True,
    }
    rules: Rules
    draw: Callable[..., Image]
    text: Callable[..., str]
    task: Any
    horizon: int

    def _set_up(self, task: Any, moves: Sequence[Any], render_mode: str | None) -> None:
        """Set the attributes that every task has."""
        if render_mode is not None:
            check_choice("render_mode", render_mode, self.metadata["render_modes"])
        self.task = task
        self.render_mode = render_mode
        self.horizon = task.horizon
        self.state_names = task.state_names
        self.np_random, _ = seeding.np_random()
        self._moves = np.array(moves, dtype=np.int32)
        self._current: State | None = None

    def _begin(self) -> State:
        """Return the initial state of an episode."""
        start: State = self.rules.start_state(self.task, np.zeros((), dtype=np.int32))
        return start

    def _rule_arguments(self) -> tuple[Array, ...]:
        """Return further arguments of ``rules.advance``, after actions and moves."""
        return ()

    def _available(self) -> Array:
        """Return the actions that are currently available, ``[A, n]``."""
        return self.rules.available_actions(self.task, self._current_state)

    @property
    def _current_state(self) -> State:
        """The full current state.

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
            seed: seed of the random generator; without one, the generator continues.
            options: not used.

        Raises:
            InvalidValueError: if the seed is negative or not an integer.
        """
        if seed is not None:
            self.np_random, _ = seeding.np_random(check_int("seed", as_integer(seed), 0))
        self._current = self._begin()
        self.agents = list(self.possible_agents)
        return self._observations(), {agent: {"success": False} for agent in self.agents}

    def step(
        self, actions: dict[str, int]
    ) -> tuple[dict[str, Observation], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]:
        """Advance by one step.

        Raises:
            InvalidValueError: if the episode is over, an action is missing or out of range, or an agent is unknown.
        """
        joint = np.array(self._joint_action(actions), dtype=np.int64)
        state, reward, success = self.rules.advance(
            self.task, self._current_state, joint, self._moves, *self._rule_arguments()
        )
        self._current = state
        terminated = bool(success)
        truncated = not terminated and int(state.time) >= self.horizon
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
        """Return a copy of the global state ``[K]``; after the end of an episode, its last state.

        Raises:
            InvalidValueError: before the first reset.
        """
        return np.array(self.rules.global_state(self.task, self._current_state), dtype=np.float32)

    def render(self) -> npt.NDArray[np.uint8] | str | None:
        """Return an image ``[H, W, 3]`` or a text of the current state, depending on ``render_mode``."""
        if self.render_mode is None:
            gymnasium.logger.warn("render() needs a render_mode; choose 'rgb_array' or 'ansi' when making the task")
            return None
        return (self.text if self.render_mode == "ansi" else self.draw)(self.task, self._current_state)

    def _observations(self) -> dict[str, Observation]:
        obs, mask = self.rules.observe(self.task, self._current_state), self._available().astype(np.int8)
        return {
            agent: {"observation": obs[i].copy(), "action_mask": mask[i].copy()}
            for i, agent in enumerate(self.possible_agents)
        }
