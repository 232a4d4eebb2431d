"""Base class of ISA's PettingZoo wrappers: checks, the global state, freezing, saving."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt
from pettingzoo.utils import BaseParallelWrapper

from isa_wrappers.arrays import Array, with_prefix, without_prefix
from isa_wrappers.border.border import Border
from isa_wrappers.border.layers import Freezable, layers, layers_of
from isa_wrappers.border.spaces import StateFallback, as_parallel
from isa_wrappers.border.state import StateReader
from isa_wrappers.border.team_actions import TeamCode
from isa_wrappers.checks import check_finite
from isa_wrappers.errors import ScopeMismatchError, UnsupportedEnvironmentError, with_mismatch_error
from isa_wrappers.scope.credit import Credit, as_credit
from isa_wrappers.scope.influence import InfluenceScope
from isa_wrappers.wrappers.turn import Env, Infos, Turn, read_actions


class ScopeWrapper(BaseParallelWrapper[str, Any, int], Freezable):  # type: ignore[misc]
    """Base class of ISA's wrappers around a ``ParallelEnv``.

    A :class:`~isa_wrappers.border.Border` checks everything that the environment returns, once per stack. Agents that
    are terminated or truncated but stay in ``env.agents`` are removed from the ``agents`` of this wrapper.

    Subclasses override :meth:`_begin` (after a reset) and :meth:`_advance` (after a step).

    Args:
        env: the environment.
        scope: scope of the agents, or credit made from it; ``None`` if none is needed. Without one, the agents are the
            environment's ``possible_agents``, and the first state determines the state size.
        state_fallback: source of the global state; by default that of the next ISA wrapper inside, if any.

    Attributes:
        credit: credit made from the scope, or ``None``.
        state_size: length of the state, K; ``None`` while it is unknown.
        frozen: whether the wrapper is evaluating, so that it counts and records nothing. Set with :meth:`freeze`.
        global_state: state after the last step, ``[K]``, float32 or float64 as in the environment.

    Raises:
        UnsupportedEnvironmentError: for an AEC or vectorised environment, or an unsupported action space.
        ScopeMismatchError: if the scope was made for other agents, actions or (at the reset) another state.
    """

    def __init__(self, env: Env, scope: InfluenceScope | Credit | None, state_fallback: StateFallback = None) -> None:
        env = as_parallel(env)
        super().__init__(env)
        self.scope = scope
        self.credit = None if scope is None else as_credit(scope)
        self.frozen = False
        self._fallback = state_fallback
        self._steps = 0
        self._has_begun = False
        # The next ISA wrapper inside; this wrapper shares its state unless it has a source of its own.
        self._inner = next(layers_of(self.env, ScopeWrapper), None)
        self._state_owner = self._inner if state_fallback is None else None
        self._state_reader = StateReader(env, state_fallback) if self._state_owner is None else None
        # If the next layer is an ISA wrapper, its border has already checked everything.
        self._border = None if self._inner is env else Border(env)
        agents = list(env.possible_agents)
        size: int | None = None if self._state_owner is None else self._state_owner.state_size
        source: Any = self._inner if self._border is None else self._border
        counts = source.num_actions
        self.code: TeamCode | None = source.code
        self._names: tuple[str, ...] = ()
        if self.credit is not None:
            size = self.credit.state_size if size is None else size
            self.credit.check_fits(agents, counts, size)
            self._names = self.credit.state_names
        self.state_size: int | None = size
        self.global_state: npt.NDArray[np.floating[Any]] = np.zeros(size or 0, dtype=np.float32)
        self._numbers: tuple[Any, list[float]] = (None, [])
        self._index = {agent: i for i, agent in enumerate(agents)}
        self.num_actions: tuple[int, ...] = counts
        self._acted: list[bool] = []
        self._chosen: list[Any] = []
        self._crashed = False

    @property
    def agents(self) -> list[str]:
        """Agents that act next; terminated or truncated agents are removed even if the environment keeps them."""
        if self._border is None or not self._has_begun:
            return list(self.env.agents)
        return list(self._border.living)

    @property
    def observation_spaces(self) -> dict[str, Any]:
        """Observation space of every agent; some learners read this instead of the method."""
        return {agent: self.observation_space(agent) for agent in self.possible_agents}

    @property
    def action_spaces(self) -> dict[str, Any]:
        """Action space of every agent."""
        return {agent: self.action_space(agent) for agent in self.possible_agents}

    @property
    def masks(self) -> Mapping[str, npt.NDArray[np.bool_]]:
        """Action masks of the agents that act next: agent -> ``[n]`` bool, for agents with a mask."""
        source: Any = self._inner if self._border is None else self._border
        masks: Mapping[str, npt.NDArray[np.bool_]] = source.masks
        return masks

    def inner_wrappers(self) -> Iterator[Any]:
        """Iterate over the layers from the next environment inwards, also through conversions to AEC and back."""
        return layers(self.env)

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[dict[str, Any], Infos]:
        """Start an episode.

        Raises:
            ScopeMismatchError: if agents or state do not match the scope.
            NonFiniteError: if the state contains NaN or infinity.
        """
        source = self.env if self._border is None else self._border
        observations, infos = source.reset(seed=seed, options=options)
        self._steps = 0
        self._has_begun = True
        self._check_agents(self.agents)
        self._update_state(observations, ())
        return self._begin(observations, infos, seed)

    def step(
        self, actions: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, float], dict[str, bool], dict[str, bool], Infos]:
        """Advance the environment.

        Raises:
            UnsupportedEnvironmentError: before a reset, or if ISA does not support the result, see
                :class:`~isa_wrappers.border.Border`.
            NonFiniteError: if the result contains NaN or infinity.
        """
        if not self._has_begun:
            raise UnsupportedEnvironmentError(
                f"step() of {type(self).__name__} was called before reset(); call reset() first"
            )
        before = self.global_state
        acting: Collection[str] = ()
        if self._border is None:
            observations, rewards, terminations, truncations, infos = self.env.step(actions)
            inner: Any = self._inner
            self._acted, self._chosen, self._crashed = inner._acted, inner._chosen, inner._crashed
        else:
            acting = self._border.living
            self._acted, self._chosen = read_actions(actions, acting, self._index, self.num_actions, self.code)
            try:
                observations, rewards, terminations, truncations, infos = self._border.step(actions)
            except LookupError as error:
                if missing := [agent for agent in acting if agent not in actions]:
                    message = f"actions must contain one for each active agent, but {missing[0]!r} is missing"
                    raise UnsupportedEnvironmentError(message) from error
                raise
            self._check_agents((*rewards, *self._border.living))
            self._crashed = self._border.crashed
            if self._crashed:
                self._acted = [False] * len(self._acted)  # a step lost in a game crash counts for no agent
        self._steps += 1
        self._update_state(observations, acting)
        turn = Turn(before, self._acted, self._chosen, observations, rewards, infos, self._crashed)
        observations, rewards, infos = self._advance(turn)
        return observations, rewards, terminations, truncations, infos

    def _begin(self, observations: dict[str, Any], infos: Infos, seed: int | None) -> tuple[dict[str, Any], Infos]:
        return observations, infos

    def _advance(self, turn: Turn) -> tuple[dict[str, Any], dict[str, float], Infos]:
        return turn.observations, turn.rewards, turn.infos

    def _check_agents(self, agents: Iterable[str]) -> None:
        for agent in agents:
            if agent not in self._index:
                kind = UnsupportedEnvironmentError if self.credit is None else ScopeMismatchError
                expected = "possible_agents" if self.credit is None else "the agents of the scope"
                raise kind(f"agent {agent!r} is not among {expected}, {list(self._index)}; agent names must not change")

    def _update_state(self, observations: Mapping[str, Any], acted: Collection[str]) -> None:
        """Read and check the global state, unless an ISA wrapper inside has already done so."""
        if self._state_owner is not None:
            state = self._state_owner.global_state
        else:
            state_reader: Any = self._state_reader
            state = state_reader(observations, acted)
            if not isfinite(state.dot(state)):  # cheaper than checking each number
                check_finite("state", state[None], self._steps, self._names)
        if len(state) != self.state_size:
            self._check_size(len(state))
        self.global_state = state

    def numbers(self) -> list[float]:
        """Return :attr:`global_state` as plain numbers, one list for all ISA wrappers that share the state."""
        if self._state_owner is not None:
            return self._state_owner.numbers()
        if self._numbers[0] is not self.global_state:
            self._numbers = self.global_state, self.global_state.tolist()
        return self._numbers[1]

    def _check_size(self, size: int) -> None:
        """Store the length of the first state; refuse a later change, and a length that does not match the scope."""
        if self.credit is not None:
            self.credit.check_fits(self.credit.agents, self.credit.num_actions, size)
        elif self.state_size is not None:
            raise UnsupportedEnvironmentError(
                f"{self.env} has a state of length {size} but had {self.state_size} before; its length must not change"
            )
        self.state_size = size

    def _uses_env_state(self) -> bool:
        """Return whether the global state is the environment's own ``state()``."""
        return self._fallback is None and (self._state_owner is None or self._state_owner._uses_env_state())

    def state_dict(self) -> dict[str, Array]:
        """Return the state of this wrapper and, under ``env.``, that of the ISA wrappers inside."""
        return {} if self._inner is None else with_prefix("env", self._inner.state_dict())

    @with_mismatch_error
    def load_state_dict(self, state: dict[str, Array]) -> None:
        """Restore what :meth:`state_dict` returned.

        Raises:
            ScopeMismatchError: if it belongs to another stack of wrappers or another scope.
        """
        parts = self._saved_parts()
        is_foreign = not type(self).__module__.startswith("isa_wrappers.")  # may save more at other times
        for part in (key.partition(".")[0] for key in state):
            if part not in parts and not is_foreign:
                raise ValueError(f"it contains {part!r}, which this stack does not save")
        self._load(state)

    def _saved_parts(self) -> set[str]:
        """Return the parts that a saved state of this wrapper may contain, given by the prefixes of its keys."""
        inner = set() if self._inner is None else {"env"}  # may have nothing to save now
        return inner | {key.partition(".")[0] for key in self.state_dict()}

    def _load(self, state: dict[str, Array]) -> None:
        if self._inner is not None:
            self._inner.load_state_dict(without_prefix("env", state))
