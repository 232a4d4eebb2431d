"""Base class of the grid tasks as batched environments on NumPy or any torch device, without loops over copies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, Generic

import numpy as np
import numpy.typing as npt

from isa_wrappers.arrays import Array, Rng, backend, known_empty, namespace, to_numpy
from isa_wrappers.batch.protocol import BatchStep, check_copies
from isa_wrappers.border.names import ActionNames
from isa_wrappers.envs.drawing import Image, Mark
from isa_wrappers.envs.grid.board import Rules, State
from isa_wrappers.errors import check_int, with_mismatch_error


class BoardBatch(Generic[State]):
    """Many copies of a task; a subclass sets its rules and whatever is specific to the task.

    Args:
        task: task of all copies.
        num_envs: number of copies, B.
        moves: effect of each action: displacement in cells, or turns of dials.
        action_names: names of the actions.
        device: ``None`` for NumPy, else a torch device.
        seed: seed of the random generator.

    Attributes:
        rules: rules of the task.
        draw: function that draws a task, its state and a goal as an image.
        legend: legend of these images.
    """

    rules: Rules
    draw: Callable[..., Image]
    legend: tuple[Mark, ...]
    starts_vary = False
    """Whether initial states differ between episodes."""
    stream = "board"
    """Name of the stream of random numbers."""
    recordable = True
    """A step changes only tensors and does not synchronise with the host, so a CUDA graph can record it."""

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
        self._start = self._state = self._last = self._begin()

    def _begin(self) -> State:
        """Return the initial states of the next episodes."""
        start: State = self.rules.start_state(
            self.task, backend(self.device).zeros(self.num_envs, dtype=self._moves.dtype, device=self.device)
        )
        return start

    def _rule_arguments(self) -> tuple[Array, ...]:
        """Return further arguments of ``rules.advance``, after actions and moves."""
        return ()

    def _available(self) -> Array:
        """Return the actions that are currently available, ``[B, A, n]``."""
        return self.rules.available_actions(self.task, self._state)

    def _observe(self, state: State) -> Array:
        """Return observations ``[B, A, O]``."""
        return self.rules.observe(self.task, state)

    def reset(self, seed: int | None = None) -> BatchStep:
        """Start a new episode in every copy."""
        if seed is not None:
            self._rng = Rng(seed, self.device, self.stream)
        self._start = self._state = self._last = self._begin()
        return self._first_step()

    def _first_step(self) -> BatchStep:
        time: Array = self._state.time  # type: ignore[attr-defined]
        xp = namespace(time)
        return self._batch_step(self._state, xp.zeros_like(time, dtype=xp.float32), time < 0, time < 0)

    def step(self, actions: Array) -> BatchStep:
        """Advance every copy by ``actions`` ``[B, A]``; finished ones start their next episode."""
        rule_arguments = self._rule_arguments()
        state, reward, success = self.rules.advance(self.task, self._state, actions, self._moves, *rule_arguments)
        truncated = (state.time >= self.horizon) & ~success
        if self.starts_vary:
            self._start = self._begin()
        self._last = self._state = state
        if not known_empty(done := success | truncated):
            self._state = where_done(done, self._start, state)
        return self._batch_step(state, reward, success, truncated)

    def _batch_step(self, final: State, reward: Array, success: Array, truncated: Array) -> BatchStep:
        """Return the step with the current state and the ``final`` state before any automatic reset."""
        obs = final_obs = self._observe(final)
        state = final_state = self.rules.global_state(self.task, final)
        if self._state is not final:
            obs, state = self._observe(self._state), self.rules.global_state(self.task, self._state)
        xp, available = namespace(obs), self._available()
        alive = xp.ones_like(available[..., 0])
        return BatchStep(
            obs=obs,
            state=state,
            available=available,
            alive=alive,
            reward=xp.broadcast_to(reward[:, None], alive.shape),
            terminated=success,
            truncated=truncated,
            success=success,
            final_obs=final_obs,
            final_state=final_state,
            final_alive=alive,
        )

    def render(self, index: int = 0, goal: Array | None = None) -> npt.NDArray[np.uint8]:
        """Draw one copy, with an optional goal, as it was before any automatic reset in the last step."""
        kind = type(self._last)
        state = kind(**{name: to_numpy(value[index]) for name, value in arrays_of(self._last).items()})
        return self.draw(self.task, state, None if goal is None else to_numpy(goal))

    def state_dict(self) -> dict[str, Array]:
        """Return the states of the copies and the state of the random generator."""
        xp = backend(self.device)
        copies = {name: xp.asarray(value, copy=True) for name, value in arrays_of(self._state).items()}
        return {**copies, "rng": self._rng.get_state()}

    @with_mismatch_error
    def load_state_dict(self, state: dict[str, Array]) -> BatchStep:
        """Restore a saved state.

        Raises:
            InvalidValueError: if it belongs to another number of copies.
            ScopeMismatchError: if it belongs to another kind of environment.
        """
        check_copies(state[next(iter(arrays_of(self._state)))], self.num_envs)
        self._rng.set_state(state["rng"])
        xp, kind = backend(self.device), type(self._state)
        self._state = kind(**{name: xp.asarray(state[name], device=self.device) for name in arrays_of(self._state)})
        self._last = self._state
        return self._first_step()


def arrays_of(state: Any) -> dict[str, Array]:
    """Return the arrays of a state by field name."""
    return {field.name: getattr(state, field.name) for field in fields(state)}


def where_done(done: Array, start: State, state: State) -> State:
    """Return ``start`` where ``done`` ``[B]`` is true, else ``state``."""
    xp, fresh = namespace(done), arrays_of(start)
    chosen = {
        name: xp.where(xp.reshape(done, (-1,) + (1,) * (current.ndim - 1)), fresh[name], current)
        for name, current in arrays_of(state).items()
    }
    return type(state)(**chosen)
