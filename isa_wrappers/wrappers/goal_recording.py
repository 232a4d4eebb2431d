"""Record won states in the goal buffer of Algorithm 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from isa_wrappers.arrays import Array, with_prefix, without_prefix
from isa_wrappers.border.spaces import StateFallback
from isa_wrappers.border.success import SuccessCriterion, SuccessRule
from isa_wrappers.rewards.goals import GoalBuffer
from isa_wrappers.rewards.stitched import StitchedGoals
from isa_wrappers.scope.credit import Credit
from isa_wrappers.scope.influence import InfluenceScope
from isa_wrappers.wrappers.base import ScopeWrapper
from isa_wrappers.wrappers.checks import check_alone, check_goals, check_on_host
from isa_wrappers.wrappers.turn import Env, Infos, Turn


class GoalRecording(ScopeWrapper):
    """Adds the won state of every won episode to a goal buffer (B in Algorithm 1), and changes nothing else.

    Args:
        env: the environment.
        scope: scope of the agents, or credit; with ``None``, only the state's length is checked.
        goals: the buffer, shared with the wrapper that samples from it.
        success: rule that identifies a won episode, see :data:`~isa_wrappers.border.success.SuccessRule`.
        state_fallback: source of the global state.

    Raises:
        InvalidValueError: if ``goals`` is not a goal buffer or is one for a torch device, or an inner wrapper already
            records won states.
        ScopeMismatchError: if the buffer contains states of another length; without a scope, raised at the reset.

    Example:
        >>> from isa_wrappers.envs import make_parallel
        >>> goals = GoalBuffer(state_size=4)
        >>> env = GoalRecording(make_parallel("grid/unlock", num_agents=1, grid=3, targets=[[0, 1]]), None, goals)
        >>> _ = env.reset(seed=0)
        >>> _ = env.step({"agent_0": 2})
        >>> len(goals), goals.states.tolist()
        (1, [[0.0, 1.0, 0.0, 1.0]])
    """

    def __init__(
        self,
        env: Env,
        scope: InfluenceScope | Credit | None,
        goals: GoalBuffer,
        success: SuccessRule = "success",
        state_fallback: StateFallback = None,
    ) -> None:
        check_on_host(goals)
        super().__init__(env, scope, state_fallback)
        self._check_goals(goals, self.state_size)
        self.goals = goals
        self._stitched = goals if isinstance(goals, StitchedGoals) else None
        check_alone(self.env, GoalRecording, "records won states")
        self._criterion = SuccessCriterion(success, len(self._index))
        self._over = False

    def _check_size(self, size: int) -> None:
        super()._check_size(size)
        self._check_goals(self.goals, size)

    def _check_goals(self, goals: GoalBuffer, size: int | None) -> None:
        source = "this environment" if self.credit is None else "the scope"
        check_goals(goals, list(self._index), self.num_actions, size, source)

    def _begin(self, observations: dict[str, Any], infos: Infos, seed: int | None) -> tuple[dict[str, Any], Infos]:
        self._criterion.begin()
        self._over = False
        if self._stitched is not None:
            self._episode = self._stitched.begin(1)
        return observations, infos

    def _advance(self, turn: Turn) -> tuple[dict[str, Any], dict[str, float], Infos]:
        if self._over:  # some outer wrappers step after the end; such a step is not part of an episode
            return turn.observations, turn.rewards, turn.infos
        self._over = not self.agents
        won = self._criterion.won(self.env, turn.rewards, turn.infos, over=self._over)
        if not self.frozen:
            if self._stitched is not None:
                # A crashed episode ranks below all others, and its last step is void.
                lost = -float("inf") if turn.crashed else None
                rewards = np.array([[lost or float(turn.rewards.get(agent, 0.0)) for agent in self._index]])
                acted = np.array([turn.acted]) & (not turn.crashed)
                over = np.array([not self.agents])
                self._stitched.observe(self._episode, turn.before[None], self.global_state[None], rewards, acted, over)
            if won:
                self.goals.add(self.global_state[None], np.array([True]))
            if not self.agents and not turn.crashed:
                self.goals.ended(np.array([True]), np.array([self._criterion.was_won]))
        return turn.observations, turn.rewards, turn.infos

    def state_dict(self) -> dict[str, Array]:
        """Return the state of the goal buffer and of the wrappers inside."""
        return super().state_dict() | with_prefix("goals", self.goals.state_dict())

    def _load(self, state: dict[str, Array]) -> None:
        super()._load(state)
        self.goals.load_state_dict(without_prefix("goals", state))
