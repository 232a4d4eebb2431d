"""Batched grid tasks whose episodes all begin in the same state."""

from __future__ import annotations

from abc import abstractmethod

from isa_wrappers.arrays import Array, namespace
from isa_wrappers.batch.protocol import BatchStep
from isa_wrappers.envs.grid.board import BoardBatch, State, where_done


class SameStartBatch(BoardBatch[State]):
    """Many copies: a subclass says in which state episodes begin, how they go on, and what is seen of a state."""

    _start: State

    def _begin_in(self, start: State) -> None:
        """Keep the state that every episode begins in, ``[B, ...]``."""
        self._start = self._state = self._last = start

    @abstractmethod
    def _advance(self, actions: Array) -> tuple[State, Array, Array]:
        """Return the next states, the teams' rewards ``[B]`` and which have won ``[B]``."""

    @abstractmethod
    def _seen(self, state: State) -> tuple[Array, Array]:
        """Return observations ``[B, A, O]`` and global states ``[B, K]``."""

    @abstractmethod
    def _available(self) -> Array:
        """Return the available actions ``[B, A, n]`` of now."""

    def reset(self, seed: int | None = None) -> BatchStep:
        """Start every copy afresh."""
        self._seed(seed)
        self._state = self._last = self._start
        return self._first_step()

    def _first_step(self) -> BatchStep:
        time: Array = self._state.time  # type: ignore[attr-defined]
        none = namespace(time).zeros_like(self._seen(self._state)[0][:, 0, 0])
        return self._step_of(self._state, none, time < 0, time < 0)

    def step(self, actions: Array) -> BatchStep:
        """Advance every copy by ``actions`` ``[B, A]``; finished ones start their next episode."""
        state, reward, success = self._advance(actions)
        truncated = (state.time >= self.horizon) & ~success  # type: ignore[attr-defined]
        self._last, self._state = state, where_done(success | truncated, self._start, state)
        return self._step_of(state, reward, success, truncated)

    def _step_of(self, final: State, reward: Array, success: Array, truncated: Array) -> BatchStep:
        """Say what is seen now, and what was in ``final``, before any automatic reset."""
        obs, state = self._seen(self._state)
        final_obs, final_state = self._seen(final)
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
