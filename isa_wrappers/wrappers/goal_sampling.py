"""Sample won states as goals, one per episode."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from isa_wrappers.arrays import Array, Rng
from isa_wrappers.border.observations import check_narrow
from isa_wrappers.border.spaces import StateFallback, flat_box, flat_vector, inner_space, is_float_vector
from isa_wrappers.border.success import SuccessRule
from isa_wrappers.config import GoalConfig
from isa_wrappers.rewards.goals import GoalBuffer
from isa_wrappers.rewards.projection import GoalProjection
from isa_wrappers.rewards.selectors import GOAL_SELECTORS
from isa_wrappers.scope.credit import Credit
from isa_wrappers.scope.influence import InfluenceScope
from isa_wrappers.wrappers.goal_recording import GoalRecording
from isa_wrappers.wrappers.turn import Env, Infos, Turn

WIDE = (np.dtype(np.float32), np.dtype(np.float64))
"""Types that represent a goal exactly."""


class GoalSampling(GoalRecording):
    """Draws a won state for each episode, shows every agent its dimensions of it, and keeps recording won states.

    Each agent's goal (``g_i``, the state restricted to ``D_i``: common dimensions first, then its special ones) is
    appended to its observation: to a Box, or to the ``"observation"`` of a Dict (a mask next to it stays). A Dict
    without that key becomes one vector, or ``"observation"`` and ``"action_mask"`` if it contains a mask. Float vectors
    keep their dtype; anything else (Discrete, images) is flattened to float32 first, Discrete to one-hot. The goal is
    fixed during an episode. The bounds of the added part of the observation space are those of the state space if the
    environment has one, else infinite. ``infos[agent]["isa/goal"]`` contains the goal too.

    Args:
        env: the environment.
        scope: scope of the agents, or credit made from it.
        goals: the buffer to draw goals from and to record won states in.
        success: rule that identifies a won episode.
        seed: seed of the draws; ``reset(seed=...)`` seeds them again.
        state_fallback: source of the global state.
        selector: how the goal is chosen, a name in :data:`~isa_wrappers.rewards.selectors.GOAL_SELECTORS`.

    Attributes:
        goal: the won state drawn for this episode, ``[K]``.

    Raises:
        UnsupportedEnvironmentError: if observations have no fixed length.
        InvalidValueError: if an inner wrapper already samples or records won states.
        UnknownNameError: if there is no such selector; the message names the closest one.
        EmptyGoalBufferError: at a reset while the buffer is empty.

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
        scope: InfluenceScope | Credit,
        goals: GoalBuffer,
        success: SuccessRule = "success",
        seed: int = 0,
        state_fallback: StateFallback = None,
        selector: str = GoalConfig.selector,
    ) -> None:
        super().__init__(env, scope, goals, success, state_fallback)
        self.projection = GoalProjection(scope)
        self._select = GOAL_SELECTORS[selector]
        self.goal: npt.NDArray[np.floating[Any]]
        self._set_goal(np.zeros(scope.state_size, dtype=np.float32))
        self._rng = Rng(seed, None, "goals")
        env = self.env
        bounds = getattr(env, "state_space", None) if self._uses_env_state() else None
        self._unmasked = {agent: inner_space(env.observation_space(agent)) for agent in env.possible_agents}
        self._flattened = {agent for agent, space in self._unmasked.items() if not is_float_vector(space)}
        self._spaces = {agent: self._extended(agent, bounds) for agent in env.possible_agents}

    def _extended(self, agent: str, bounds: Any) -> spaces.Space[Any]:
        """Return the agent's observation space with its goal appended."""
        space = self.env.observation_space(agent)
        box = flat_box(space)
        state_size = self.goals.state_size
        finite = isinstance(bounds, spaces.Box) and bounds.shape == (state_size,)
        low = bounds.low if finite else np.full(state_size, -np.inf, dtype=np.float32)
        high = bounds.high if finite else np.full(state_size, np.inf, dtype=np.float32)
        i, size = self._index[agent], self.projection.size
        dims = self.projection.dims[i]
        goal_bounds = []
        for limit in (low, high):
            padded = np.zeros(size, dtype=limit.dtype)  # the padding of a shorter goal is always 0
            padded[: len(dims)] = limit[dims]
            goal_bounds.append(padded)
        low, high = (
            np.concatenate([own, goals]).astype(box.low.dtype)
            for own, goals in zip((box.low, box.high), goal_bounds, strict=True)
        )
        extended = spaces.Box(low, high, dtype=box.low.dtype.type)
        entries = _entries_beside(space.spaces) if isinstance(space, spaces.Dict) else {}
        return spaces.Dict({**entries, "observation": extended}) if entries else extended

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        """Return the extended space, always the same object."""
        return self._spaces[agent]

    def _with_goals(self, observations: dict[str, Any]) -> dict[str, Any]:
        """Append every agent's goal to its observation."""
        extended_observations: dict[str, Any] = dict(observations)
        for agent, obs in observations.items():
            if agent not in self._index or obs is None:
                # PettingZoo allows an observation shared by all, under a name that is not an agent; agents that are
                # gone have no observation.
                continue
            if type(obs) is np.ndarray and obs.dtype in self._rows and agent not in self._flattened:  # most common
                extended_observations[agent] = self._extend(agent, obs if obs.ndim == 1 else obs.reshape(-1))
                continue
            vector = flat_vector(self._unmasked[agent], obs)
            if agent in self._flattened:
                check_narrow(vector, agent, self._steps)
                vector = vector.astype(np.float32)
            elif vector.dtype not in WIDE:  # integers, booleans and float16 would truncate the goal
                vector = vector.astype(self._unmasked[agent].dtype)
            extended = self._extend(agent, vector)
            entries = _entries_beside(obs) if isinstance(obs, dict) else {}
            extended_observations[agent] = {**entries, "observation": extended} if entries else extended
        return extended_observations

    def _extend(self, agent: str, vector: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Append the agent's goal, in the dtype of the vector."""
        rows = self._rows.get(vector.dtype)
        if rows is None:  # a wider float
            rows = self._rows[vector.dtype] = list(self._projected.astype(vector.dtype))
        return np.concatenate((vector, rows[self._index[agent]]))

    def _set_goal(self, goal: npt.NDArray[np.floating[Any]]) -> None:
        """Set the goal of the episode."""
        self.goal, self._projected = goal, self.projection(goal)
        self._rows = {dtype: list(self._projected.astype(dtype)) for dtype in WIDE}

    def _begin(self, observations: dict[str, Any], infos: Infos, seed: int | None) -> tuple[dict[str, Any], Infos]:
        super()._begin(observations, infos, seed)
        if seed is not None:
            self._rng = Rng(seed, None, "goals")
        self.goals.check_not_empty()
        self._set_goal(self.goals.choose(self._select, self._rng, 1)[0])
        return self._with_goals(observations), self._infos_with_goals(infos, observations)

    def _infos_with_goals(self, infos: Infos, agents: Iterable[str]) -> Infos:
        """Return the infos with each agent's goal."""
        infos_with_goals = dict(infos)
        goals = self._projected.copy()  # learners may write into infos
        for agent in agents:
            if agent in self._index:
                infos_with_goals[agent] = {**infos.get(agent, {}), "isa/goal": goals[self._index[agent]]}
        return infos_with_goals

    def _advance(self, turn: Turn) -> tuple[dict[str, Any], dict[str, float], Infos]:
        super()._advance(turn)
        return self._with_goals(turn.observations), turn.rewards, self._infos_with_goals(turn.infos, turn.observations)

    def state_dict(self) -> dict[str, Array]:
        """Return the state of the buffer and of the random generator, and the current goal."""
        return super().state_dict() | {"goal": self.goal.copy(), "rng": self._rng.get_state()}

    def _load(self, state: dict[str, Array]) -> None:
        super()._load(state)
        self._set_goal(np.array(state["goal"]))
        self._rng.set_state(state["rng"])


def _entries_beside(parts: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the entries of a Dict that stay next to its vector: all if it has ``"observation"``, else only a mask."""
    if "observation" in parts:
        return parts
    return {key: part for key, part in parts.items() if key == "action_mask"}
