"""Sample won states as goals in a batched environment, one per episode."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from isa_wrappers.arrays import Array, Rng, backend, namespace, with_prefix, without_prefix
from isa_wrappers.batch.columns import padded
from isa_wrappers.batch.protocol import BatchEnv, BatchStep
from isa_wrappers.batch.wrapper import BatchWrapper
from isa_wrappers.checks import check_last
from isa_wrappers.config import GoalConfig
from isa_wrappers.errors import with_mismatch_error
from isa_wrappers.rewards.goals import GoalBuffer
from isa_wrappers.rewards.projection import GoalProjection
from isa_wrappers.rewards.selectors import GOAL_SELECTORS
from isa_wrappers.scope.credit import Credit
from isa_wrappers.scope.influence import InfluenceScope
from isa_wrappers.wrappers.checks import check_alone, check_goals, checked_reset


class GoalSampling(BatchWrapper):
    """Draws a won state for each episode and appends each agent's dimensions of it to the agent's observation.

    Observations grow to ``[B, A, O + G]``: the agent's dimensions of the goal follow its observation. A goal is fixed
    during an episode. Rewards do not change. Unlike the wrapper of the same name for a ``ParallelEnv``, this one does
    not record won states: put a :class:`GoalRecording` inside.

    Args:
        env: the environment.
        goals: buffer to draw goals from.
        projection: each agent's part of a goal, or the scope or credit to derive it from.
        seed: seed of the draws; ``reset(seed)`` seeds them again.
        selector: how goals are chosen, a name in :data:`~isa_wrappers.rewards.selectors.GOAL_SELECTORS`.

    Attributes:
        goal: won states to reach next, ``[B, K]``.
        episode_goal: goals of the last step, before any automatic reset, ``[B, K]``.

    Raises:
        ScopeMismatchError: if the scope or the buffer was made for another environment.
        InvalidValueError: if an inner wrapper already samples goals.
        UnknownNameError: if there is no such selector; the message names the closest one.
        EmptyGoalBufferError: at a reset while the buffer is empty.

    Example:
        >>> from isa_wrappers.envs import make_batch
        >>> goals = GoalBuffer(state_size=4)
        >>> goals.add(np.array([[0.0, 1.0, 1.0, 0.0]]), np.array([True]))
        >>> scope = InfluenceScope.from_dimensions({"agent_0": [[], [1], [1], [0], [0, 2]]}, state_size=4)
        >>> env = GoalSampling(make_batch("grid/unlock", 1, num_agents=1), goals, scope)
        >>> env.reset(seed=0).obs[0, 0, -3:].tolist(), env.goal.tolist()
        ([0.0, 1.0, 1.0], [[0.0, 1.0, 1.0, 0.0]])
    """

    def __init__(
        self,
        env: BatchEnv,
        goals: GoalBuffer,
        projection: GoalProjection | InfluenceScope | Credit,
        seed: int = 0,
        selector: str = GoalConfig.selector,
    ) -> None:
        super().__init__(env)
        check_goals(goals, self.agents, self.num_actions, self.state_size)
        check_alone(env, GoalSampling, "samples goals")
        if not isinstance(projection, GoalProjection):
            projection = GoalProjection(projection, self.device)
        projection.credit.check_fits(self.agents, self.num_actions, self.state_size)
        self.goals = goals
        self.projection = projection
        goal_columns = padded([len(dims) for dims in projection.dims], projection.size)
        for row, dims in zip(goal_columns, projection.dims, strict=True):
            row[: len(dims)] = dims
        self.obs_columns = np.concatenate([self.obs_columns, goal_columns], axis=1)
        self.obs_size = env.obs_size + projection.size
        self._select = GOAL_SELECTORS[selector]
        self._rng = Rng(seed, self.device, "goals")
        self._pursued: Array = None
        self.goal: Array = None
        self.episode_goal: Array = None

    def pursue(self, goal: Array | None) -> None:
        """Set a fixed goal, ``[K]`` or ``[B, K]``, from now on; with ``None``, draw goals again.

        It is not part of :meth:`state_dict`.

        Raises:
            InvalidValueError: if it has the wrong length.
        """
        if goal is not None:
            check_last("goal", goal, self.state_size)
            goal = namespace(goal).broadcast_to(goal, (self.num_envs, self.state_size))
            self.goal = goal
        self._pursued = goal

    def reset(self, seed: int | None = None) -> BatchStep:
        """Start a new episode with a new goal in every copy.

        Raises:
            EmptyGoalBufferError: if the buffer is empty and :meth:`pursue` has set no goal.
        """
        if seed is not None:
            self._rng = Rng(seed, self.device, "goals")
        if self._pursued is None:
            self.goals.check_not_empty()
        step = checked_reset(self.env, self.env.reset(seed))
        self.goal = self._draw()
        return self._begin(step)

    def _draw(self) -> Array:
        if self._pursued is not None:
            return self._pursued
        return self.goals.choose(self._select, self._rng, self.num_envs)

    def _next_goals(self, done: Array, goal: Array) -> Array:
        """Return the goals, with new ones where an episode is done."""
        xp = namespace(goal)
        if self._pursued is not None or str(self.device).startswith("cuda") or not self.goals.stitches:
            return xp.where(done[:, None], self._draw(), goal)
        ended = xp.nonzero(done)[0]
        if not len(ended):  # stitching takes longer than this check on the host
            return goal
        goal = xp.asarray(goal, copy=True)
        goal[ended] = self.goals.choose(self._select, self._rng, len(ended))
        return goal

    def _begin(self, step: BatchStep) -> BatchStep:
        self.episode_goal = self.goal
        obs = self._extend(step.obs, self.goal)
        return replace(step, obs=obs, final_obs=obs)

    def _extend(self, obs: Array, goal: Array) -> Array:
        xp = namespace(obs)
        return xp.concat([obs, xp.astype(self.projection(goal), obs.dtype, copy=False)], axis=-1)

    def step(self, actions: Array) -> BatchStep:
        """Advance every copy; copies that finish draw their next goal."""
        step = self.env.step(actions)
        goal = self.episode_goal = self.goal
        self.goal = self._next_goals(step.done, goal)
        return replace(step, obs=self._extend(step.obs, self.goal), final_obs=self._extend(step.final_obs, goal))

    def draw_on(self, other: GoalSampling) -> None:
        """Share the random generator of another wrapper, around other copies of the same environment."""
        self._rng = other._rng

    def state_dict(self) -> dict[str, Array]:
        """Return the inner state, the current goals and the state of the random generator."""
        return with_prefix("env", self.env.state_dict()) | {"goal": self.goal, "rng": self._rng.get_state()}

    @with_mismatch_error
    def load_state_dict(self, state: dict[str, Array]) -> BatchStep:
        """Restore what :meth:`state_dict` returned.

        Raises:
            ScopeMismatchError: if it belongs to another stack of wrappers.
        """
        self._rng.set_state(state["rng"])
        self.goal = backend(self.device).asarray(state["goal"], device=self.device)
        return self._begin(self.env.load_state_dict(without_prefix("env", state)))
