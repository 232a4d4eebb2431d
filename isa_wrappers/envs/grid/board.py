"""What the grid tasks share, one copy and batched: a task's state is a dataclass of arrays, and rules are functions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Generic, TypeVar

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium.utils import seeding

from isa_wrappers.arrays import Array, Rng, backend, namespace, to_numpy
from isa_wrappers.batch.protocol import BatchStep, check_copies
from isa_wrappers.border.names import ActionNames
from isa_wrappers.envs.drawing import Mark
from isa_wrappers.envs.masked import MaskedParallelEnv, Observation, whole
from isa_wrappers.errors import InvalidValueError, check_choice, check_int, fitting

State = TypeVar("State")


class BoardParallelEnv(MaskedParallelEnv, Generic[State]):
    """One copy: a subclass says how episodes begin and go on, and what is seen of a state.

    Attributes:
        task: the options, filled in.
        horizon: steps until truncation.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012
        "name": "grid",
        "render_modes": ["rgb_array", "ansi"],
        "render_fps": 8,
        "is_parallelizable": True,
    }
    task: Any
    horizon: int

    def _set_up(self, task: Any, moves: Sequence[Any], render_mode: str | None) -> None:
        """Keep what every task has."""
        if render_mode is not None:
            check_choice("render_mode", render_mode, self.metadata["render_modes"])
        self.task, self.render_mode = task, render_mode
        self.horizon = task.horizon
        self.state_names = task.state_names
        self.np_random, _ = seeding.np_random()
        self._moves = np.array(moves, dtype=np.int32)
        self._current: State | None = None

    @abstractmethod
    def _begin(self) -> State:
        """Return the state that an episode begins in."""

    @abstractmethod
    def _advance(self, joint: npt.NDArray[np.int64]) -> tuple[State, Array, Array]:
        """Return the next state, the team's reward and whether it has won."""

    @abstractmethod
    def _seen(self) -> tuple[Array, Array]:
        """Return observations ``[A, O]`` and available actions ``[A, n]`` of now."""

    @abstractmethod
    def _whole(self) -> Array:
        """Return the global state ``[K]`` of now."""

    @abstractmethod
    def _shown(self, as_text: bool) -> npt.NDArray[np.uint8] | str:
        """Return the state of now as an image or a text."""

    @property
    def _now(self) -> State:
        """The current state in full.

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
            seed: of whatever is drawn; without one the generator continues.
            options: none are used.

        Raises:
            InvalidValueError: if the seed is negative or no whole number.
        """
        if seed is not None:
            self.np_random, _ = seeding.np_random(check_int("seed", whole(seed), 0))
        self._current = self._begin()
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
        self._current, reward, success = self._advance(joint)
        terminated = bool(success)
        truncated = not terminated and int(self._current.time) >= self.horizon  # type: ignore[attr-defined]
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
        return np.array(self._whole(), dtype=np.float32)

    def render(self) -> npt.NDArray[np.uint8] | str | None:
        """Return an image ``[H, W, 3]`` or a text of the current state, as ``render_mode`` says."""
        if self.render_mode is None:
            gymnasium.logger.warn("render() needs a render_mode; choose 'rgb_array' or 'ansi' when making the task")
            return None
        return self._shown(self.render_mode == "ansi")

    def _observations(self) -> dict[str, Observation]:
        obs, available = self._seen()
        mask = available.astype(np.int8)
        return {
            agent: {"observation": obs[i].copy(), "action_mask": mask[i].copy()}
            for i, agent in enumerate(self.possible_agents)
        }


class BoardBatch(ABC, Generic[State]):
    """Many copies: a subclass steps them; here they are laid out, drawn and saved.

    Args:
        task: of all copies.
        num_envs: B.
        moves: what each action does: cells that it leads on, or turns of dials.
        action_names: of the actions.
        device: ``None`` for NumPy, else a torch device.
        seed: of whatever is drawn.
    """

    stream = "board"
    """Name of the stream of random numbers."""
    recordable = True
    """A step changes nothing but tensors, and asks the host nothing."""

    def __init__(
        self,
        task: Any,
        num_envs: int,
        moves: Sequence[Any],
        action_names: tuple[str, ...],
        device: str | None,
        seed: int,
    ) -> None:
        self.task = task
        self.num_envs = check_int("num_envs", num_envs, 1)
        self.agents: tuple[str, ...] = task.agents
        self.obs_size: int = task.obs_size
        self.state_size: int = task.state_size
        self.num_actions = (len(action_names),) * task.num_agents
        self.horizon: int = task.horizon
        self.state_names: tuple[str, ...] = task.state_names
        self.action_names: ActionNames = action_names
        self.device = device
        xp = backend(device)
        self._moves = xp.asarray(moves, dtype=xp.int32, device=device)
        self._rng = Rng(seed, device, self.stream)
        self._state: State
        self._last: State

    @abstractmethod
    def _first_step(self) -> BatchStep:
        """Return what is seen of the current states, as after a reset."""

    @abstractmethod
    def _picture(self, state: State, goal: Array | None) -> npt.NDArray[np.uint8]:
        """Draw one copy's state."""

    def _seed(self, seed: int | None) -> None:
        if seed is not None:
            self._rng = Rng(seed, self.device, self.stream)

    @property
    def legend(self) -> tuple[Mark, ...]:
        """What :meth:`render` draws."""
        return ()

    def render(self, index: int = 0, goal: Array | None = None) -> npt.NDArray[np.uint8]:
        """Draw one copy as it was before any automatic reset of the last step, with a goal drawn in."""
        kind = type(self._last)
        one = kind(**{name: to_numpy(value[index]) for name, value in arrays_of(self._last).items()})
        return self._picture(one, None if goal is None else to_numpy(goal))

    def state_dict(self) -> dict[str, Array]:
        """Return the copies' states and the generator of what is drawn."""
        xp = backend(self.device)
        copies = {name: xp.asarray(value, copy=True) for name, value in arrays_of(self._state).items()}
        return {**copies, "rng": self._rng.get_state()}

    @fitting
    def load_state_dict(self, state: dict[str, Array]) -> BatchStep:
        """Restore a saved state.

        Raises:
            InvalidValueError: if it is of another number of copies.
            ScopeMismatchError: if it is of another kind of environment.
        """
        check_copies(state[next(iter(arrays_of(self._state)))], self.num_envs)
        self._rng.set_state(state["rng"])
        xp, kind = backend(self.device), type(self._state)
        self._state = kind(**{name: xp.asarray(state[name], device=self.device) for name in arrays_of(self._state)})
        self._last = self._state
        return self._first_step()


def arrays_of(state: Any) -> dict[str, Array]:
    """Return the arrays of a state by the names of its fields."""
    return {field.name: getattr(state, field.name) for field in fields(state)}


def where_done(done: Array, start: State, state: State) -> State:
    """Take ``start`` where ``done`` ``[B]``, else ``state``."""
    xp, fresh = namespace(done), arrays_of(start)
    chosen = {
        name: xp.where(xp.reshape(done, (-1,) + (1,) * (going.ndim - 1)), fresh[name], going)
        for name, going in arrays_of(state).items()
    }
    return type(state)(**chosen)
