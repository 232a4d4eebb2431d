"""Won states as goals: recording them, and giving each episode one to pursue."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from isa_wrappers.arrays import Array, Rng, with_prefix, without_prefix
from isa_wrappers.errors import InvalidValueError, ScopeMismatchError, UnsupportedEnvironmentError
from isa_wrappers.goals import GoalBuffer, GoalProjection
from isa_wrappers.scope import InfluenceScope
from isa_wrappers.spaces import StateFallback
from isa_wrappers.wrappers.base import Env, Infos, ScopeWrapper, Turn
from isa_wrappers.wrappers.success import SuccessRule, SuccessTeller


class GoalRecording(ScopeWrapper):
    """Puts the won state of every won episode into a goal buffer (Algorithm 1: B), and changes nothing else.

    Args:
        env: the environment.
        scope: of its agents.
        goals: the buffer, shared with whatever samples from it.
        success: how a won episode is told, see :data:`~isa_wrappers.wrappers.success.SuccessRule`.
        state_fallback: where the global state comes from.
    """

    def __init__(
        self,
        env: Env,
        scope: InfluenceScope,
        goals: GoalBuffer,
        success: SuccessRule = "success",
        state_fallback: StateFallback = None,
    ) -> None:
        super().__init__(env, scope, state_fallback)
        if goals.state_size != scope.state_size:
            raise ScopeMismatchError(
                f"the goal buffer holds states of {goals.state_size} dimensions, the scope has {scope.state_size}"
            )
        for inner in self.inner_wrappers():
            if isinstance(inner, GoalRecording):
                raise InvalidValueError(
                    f"{type(inner).__name__} further in records won states already; leave one of the two out"
                )
        self.goals = goals
        self._teller = SuccessTeller(success)

    def _begin(self, observations: dict[str, Any], infos: Infos, seed: int | None) -> tuple[dict[str, Any], Infos]:
        self._teller.begin()
        return observations, infos

    def _advance(self, turn: Turn) -> tuple[dict[str, Any], dict[str, float], Infos]:
        won = self._teller.won(self.env, turn.rewards, turn.infos, over=not self.env.agents)
        if won and not self.frozen:
            self.goals.add(self.global_state[None], np.array([True]))
        return turn.observations, turn.rewards, turn.infos

    def state_dict(self) -> dict[str, Array]:
        """Return the goal buffer, and what the wrappers further in save."""
        return super().state_dict() | with_prefix("goals", self.goals.state_dict())

    def load_state_dict(self, state: dict[str, Array]) -> None:
        """Restore what :meth:`state_dict` returned."""
        super().load_state_dict(state)
        self.goals.load_state_dict(without_prefix("goals", state))


class GoalSampling(GoalRecording):
    """Draws a won state for each episode and shows every agent its own dimensions of it; wins keep feeding the buffer.

    Each agent's goal (``g_i``, the state restricted to ``D_i``: common dimensions first, then its special ones) is
    appended to its observation: to a Box, or to the ``"observation"`` of a Dict (a mask beside it stays). The goal is
    held from an episode's first to its last step. The observation space's bounds are the state space's where the
    environment has one, else infinite. ``infos[agent]["isa/goal"]`` holds it after a reset.

    Args:
        env: the environment; observations are vectors.
        scope: of its agents.
        goals: the buffer to draw from and to feed.
        success: how a won episode is told.
        seed: of the draws; ``reset(seed=...)`` seeds them anew.
        state_fallback: where the global state comes from.

    Attributes:
        goal: ``[K]`` the won state drawn for this episode.

    Raises:
        UnsupportedEnvironmentError: if observations are no float vectors.
        InvalidValueError: if won states are sampled or recorded further in already.
        EmptyGoalBufferError: at a reset before anything was won.

    Example:
        >>> from isa_wrappers.envs import make_parallel
        >>> env = make_parallel("grid/unlock", num_agents=1, targets=[(0, 1)])
        >>> scope = InfluenceScope.from_dimensions({"agent_0": [[], [1], [1], [0], [0]]}, state_size=4)
        >>> goals = GoalBuffer(state_size=4)
        >>> goals.add(np.array([[0.0, 1.0, 0.0, 1.0]]), np.array([True]))
        >>> observations, _ = GoalSampling(env, scope, goals).reset(seed=0)
        >>> observations["agent_0"]["observation"].tolist()
        [0.0, 0.0, 0.0, 1.0, 0.0, 1.0]
    """

    def __init__(
        self,
        env: Env,
        scope: InfluenceScope,
        goals: GoalBuffer,
        success: SuccessRule = "success",
        seed: int = 0,
        state_fallback: StateFallback = None,
    ) -> None:
        super().__init__(env, scope, goals, success, state_fallback)
        self.projection = GoalProjection(scope)
        self.goal: npt.NDArray[np.float32] = np.zeros(scope.state_size, dtype=np.float32)
        self._projected = self.projection(self.goal)
        self._rng = Rng(seed, None, "goals")
        bounds = getattr(env, "state_space", None)
        self._spaces = {agent: self._extended(agent, bounds) for agent in env.possible_agents}

    def _extended(self, agent: str, bounds: Any) -> spaces.Space[Any]:
        """Return the agent's observation space with its goal appended."""
        space = self.env.observation_space(agent)
        box = space["observation"] if isinstance(space, spaces.Dict) and "observation" in space.spaces else space
        if not isinstance(box, spaces.Box) or len(box.shape) != 1 or not np.issubdtype(box.dtype, np.floating):
            raise UnsupportedEnvironmentError(
                f"agent {agent!r} observes {box}; goals extend float vectors: flatten and cast it first (SuperSuit)"
            )
        finite = isinstance(bounds, spaces.Box) and bounds.shape == (self.scope.state_size,)
        low = bounds.low if finite else np.full(self.scope.state_size, -np.inf, dtype=np.float32)
        high = bounds.high if finite else np.full(self.scope.state_size, np.inf, dtype=np.float32)
        i, size = self._index[agent], self.projection.size
        dims = self.projection.dims[i]
        edges = []
        for limit in (low, high):
            padded = np.zeros(size, dtype=np.float32)  # what pads a shorter goal is always 0
            padded[: len(dims)] = limit[dims]
            edges.append(padded)
        extended = spaces.Box(
            np.concatenate([box.low, edges[0]]).astype(box.dtype),
            np.concatenate([box.high, edges[1]]).astype(box.dtype),
            dtype=box.dtype.type,
        )
        return spaces.Dict({**space.spaces, "observation": extended}) if box is not space else extended

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        """Return the extended space, the same object each call."""
        return self._spaces[agent]

    def _show(self, observations: dict[str, Any]) -> dict[str, Any]:
        """Append every agent's goal to its observation."""
        shown: dict[str, Any] = {}
        for agent, obs in observations.items():
            goal = self._projected[self._index[agent]]
            if isinstance(obs, dict):
                vector = obs["observation"]
                shown[agent] = {**obs, "observation": np.concatenate([vector, goal.astype(vector.dtype)])}
            else:
                shown[agent] = np.concatenate([obs, goal.astype(obs.dtype)])
        return shown

    def _begin(self, observations: dict[str, Any], infos: Infos, seed: int | None) -> tuple[dict[str, Any], Infos]:
        super()._begin(observations, infos, seed)
        if seed is not None:
            self._rng = Rng(seed, None, "goals")
        self.goals.check_not_empty()
        self.goal = self.goals.draw(self._rng.uniform(1))[0]
        self._projected = self.projection(self.goal)
        told = {
            agent: {**infos.get(agent, {}), "isa/goal": self._projected[self._index[agent]]} for agent in observations
        }
        return self._show(observations), told

    def _advance(self, turn: Turn) -> tuple[dict[str, Any], dict[str, float], Infos]:
        super()._advance(turn)
        return self._show(turn.observations), turn.rewards, turn.infos

    def state_dict(self) -> dict[str, Array]:
        """Return buffer, generator and the goal held."""
        return super().state_dict() | {"goal": self.goal.copy(), "rng": self._rng.get_state()}

    def load_state_dict(self, state: dict[str, Array]) -> None:
        """Restore what :meth:`state_dict` returned."""
        super().load_state_dict(state)
        self.goal = np.array(state["goal"], dtype=np.float32)
        self._projected = self.projection(self.goal)
        self._rng.set_state(state["rng"])
