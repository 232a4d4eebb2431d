"""Algorithm 1's pieces around a batched environment: statistics, won states, Eq. 10 and Eq. 7."""

from __future__ import annotations

from dataclasses import replace

from isa_wrappers.arrays import Array, Rng, backend, namespace, with_prefix, without_prefix
from isa_wrappers.batch.protocol import BatchEnv, BatchStep, BatchWrapper
from isa_wrappers.rewards.goals import GoalBuffer, GoalProjection
from isa_wrappers.rewards.intrinsic import CountBonus, GoalReward


class BatchRecorder(BatchWrapper):
    """Records finished episodes (return, length, success) and puts each one's first won state into the goal buffer.

    Discarded episodes are counted and enter no mean. Place it next to the environment, so that returns are the
    environment's own.

    Args:
        env: the environment.
        goals: buffer that won states go to; ``None`` keeps none.
    """

    def __init__(self, env: BatchEnv, goals: GoalBuffer | None = None) -> None:
        super().__init__(env)
        self.goals = goals
        xp = backend(self.device)
        self._return = xp.zeros(self.num_envs, dtype=xp.float32, device=self.device)
        self._length = xp.zeros(self.num_envs, dtype=xp.float32, device=self.device)
        self._won = xp.zeros(self.num_envs, dtype=xp.bool, device=self.device)
        self._totals = xp.zeros(5, dtype=xp.float64, device=self.device)

    def reset(self, seed: int | None = None) -> BatchStep:
        """Start every copy afresh; unfinished episodes are forgotten."""
        self._forget()
        return self.env.reset(seed)

    def _forget(self) -> None:
        self._return, self._length = self._return * 0, self._length * 0
        self._won = self._won & False

    def step(self, actions: Array) -> BatchStep:
        """Advance every copy."""
        step = self.env.step(actions)
        xp = namespace(step.reward)
        self._return = self._return + xp.mean(step.reward, axis=-1)
        self._length = self._length + 1
        done = xp.astype(step.done, xp.float32)
        # An environment may tell success in several steps of an episode: it is won once, in the first.
        first = step.success & ~self._won
        self._won = self._won | step.success
        ended = xp.astype(step.finished, xp.float32)
        won = xp.astype(self._won & step.finished, xp.float32)
        finished = xp.stack([ended, won, ended * self._return, ended * self._length, done - ended])
        self._totals = self._totals + xp.astype(xp.sum(finished, axis=-1), xp.float64)
        self._return, self._length = self._return * (1 - done), self._length * (1 - done)
        self._won = self._won & ~step.done
        if self.goals is not None:
            self.goals.add(step.final_state, first)
        return step

    def take(self) -> dict[str, float]:
        """Return episodes, discarded ones, success rate, mean return and length since the last call; start again."""
        episodes, won, returns, lengths, discarded = (float(total) for total in self._totals)
        self._totals = self._totals * 0
        share = 1.0 / episodes if episodes else float("nan")
        return {
            "episodes": episodes,
            "success_rate": won * share,
            "return_mean": returns * share,
            "episode_length": lengths * share,
            "discarded": discarded,
        }

    def state_dict(self) -> dict[str, Array]:
        """Return the inner state, unfinished episodes and totals; the goal buffer is saved by its owner."""
        own = {"return": self._return, "length": self._length, "won": self._won, "totals": self._totals}
        return with_prefix("env", self.env.state_dict()) | own

    def load_state_dict(self, state: dict[str, Array]) -> BatchStep:
        """Restore what :meth:`state_dict` returned."""
        xp = backend(self.device)
        self._return, self._length, self._won, self._totals = (
            xp.asarray(state[key], device=self.device) for key in ("return", "length", "won", "totals")
        )
        inner = without_prefix("env", state)
        if not inner:  # the environment starts afresh, so what was half finished is lost
            self._forget()
        return self.env.load_state_dict(inner)


class BatchCountBonus(BatchWrapper):
    """Replaces the reward by Eq. 10's: bonuses for rarely visited values of what the agents can move.

    Args:
        env: the environment.
        bonus: Eq. 10 with its counter.
    """

    def __init__(self, env: BatchEnv, bonus: CountBonus) -> None:
        super().__init__(env)
        self.bonus = bonus
        self._alive: Array = None

    def reset(self, seed: int | None = None) -> BatchStep:
        """Start every copy afresh; counts go on."""
        step = self.env.reset(seed)
        self._alive = step.alive
        return step

    def step(self, actions: Array) -> BatchStep:
        """Advance every copy."""
        step = self.env.step(actions)
        reward = self.bonus(step.final_state, actions, step.reward, self._alive).total
        self._alive = step.alive
        return replace(step, reward=reward)

    def state_dict(self) -> dict[str, Array]:
        """Return the inner state and the counts."""
        return with_prefix("env", self.env.state_dict()) | with_prefix("counter", self.bonus.counter.state_dict())

    def load_state_dict(self, state: dict[str, Array]) -> BatchStep:
        """Restore what :meth:`state_dict` returned."""
        self.bonus.counter.load_state_dict(without_prefix("counter", state))
        step = self.env.load_state_dict(without_prefix("env", state))
        self._alive = step.alive
        return step


class BatchGoals(BatchWrapper):
    """Gives each episode a goal from the buffer, appended to the observations, and Eq. 7 as the reward.

    Observations grow to ``[B, A, O + G]``: each agent's own dimensions of the goal follow its observation. A goal is
    held from an episode's first to its last step.

    Args:
        env: the environment.
        goals: where goals are drawn from.
        projection: each agent's part of a goal.
        reward: Eq. 7; ``None`` leaves the environment's reward (evaluation).
        seed: of the draws.

    Attributes:
        goal: ``[B, K]`` won states to reach next.
        episode_goal: ``[B, K]`` those of the step just taken, before an automatic reset.
    """

    def __init__(
        self,
        env: BatchEnv,
        goals: GoalBuffer,
        projection: GoalProjection,
        reward: GoalReward | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(env)
        self.goals, self.projection, self.reward = goals, projection, reward
        self.obs_size = env.obs_size + projection.size
        self._rng = Rng(seed, self.device, "goals")
        self.goal: Array = None
        self.episode_goal: Array = None
        self._state: Array = None
        self._alive: Array = None

    def reset(self, seed: int | None = None) -> BatchStep:
        """Start every copy afresh, each with a new goal.

        Raises:
            EmptyGoalBufferError: if nothing was won yet.
        """
        if seed is not None:
            self._rng = Rng(seed, self.device, "goals")
        self.goals.check_not_empty()
        step = self.env.reset(seed)
        self.goal = self.goals.draw(self._rng.uniform(self.num_envs))
        return self._begin(step)

    def _begin(self, step: BatchStep) -> BatchStep:
        self._state, self._alive = step.state, step.alive
        self.episode_goal = self.goal
        obs = self._extend(step.obs, self.goal)
        return replace(step, obs=obs, final_obs=obs)

    def _extend(self, obs: Array, goal: Array) -> Array:
        return namespace(obs).concat([obs, self.projection(goal)], axis=-1)

    def step(self, actions: Array) -> BatchStep:
        """Advance every copy; those that finish draw their next goal."""
        step = self.env.step(actions)
        xp = namespace(step.state)
        goal = self.episode_goal = self.goal
        reward = step.reward
        if self.reward is not None:
            reward = self.reward(self._state, step.final_state, goal, actions, reward, self._alive).total
        self._alive = step.alive
        fresh = self.goals.draw(self._rng.uniform(self.num_envs))
        self.goal = xp.where(step.done[:, None], fresh, goal)
        self._state = step.state
        return replace(
            step, obs=self._extend(step.obs, self.goal), final_obs=self._extend(step.final_obs, goal), reward=reward
        )

    def state_dict(self) -> dict[str, Array]:
        """Return the inner state, the goals held and the generator."""
        return with_prefix("env", self.env.state_dict()) | {"goal": self.goal, "rng": self._rng.get_state()}

    def load_state_dict(self, state: dict[str, Array]) -> BatchStep:
        """Restore what :meth:`state_dict` returned."""
        self._rng.set_state(state["rng"])
        self.goal = backend(self.device).asarray(state["goal"], device=self.device)
        return self._begin(self.env.load_state_dict(without_prefix("env", state)))
