"""Recording won states of a batched environment: Algorithm 1's goal buffer is fed."""

from __future__ import annotations

from isa_wrappers.arrays import Array, backend, namespace, with_prefix, without_prefix
from isa_wrappers.batch.protocol import BatchEnv, BatchStep, BatchWrapper, starts_afresh
from isa_wrappers.errors import ScopeMismatchError, check_kind
from isa_wrappers.rewards.goals import GoalBuffer
from isa_wrappers.rewards.stitched import Episodes, StitchedGoals


class GoalRecording(BatchWrapper):
    """Puts the won state of every won episode into a goal buffer (Algorithm 1: B), and changes nothing else.

    Won is told by the environment (:attr:`BatchStep.success`). An episode that tells it in several steps gives one
    goal, that of the first. :class:`~isa_wrappers.rewards.stitched.StitchedGoals` see every step.

    Args:
        env: the environment.
        goals: the buffer, shared with whatever samples from it; whoever made it saves it.

    Raises:
        ScopeMismatchError: if the buffer holds states of another length.
    """

    def __init__(self, env: BatchEnv, goals: GoalBuffer) -> None:
        super().__init__(env)
        check_kind("goals", goals, GoalBuffer)
        if goals.state_size != self.state_size:
            raise ScopeMismatchError(
                f"the goal buffer holds states of {goals.state_size} dimensions, this environment has {self.state_size}"
            )
        self.goals = goals
        xp = backend(self.device)
        self._won = xp.zeros(self.num_envs, dtype=xp.bool, device=self.device)
        self._now: BatchStep
        self._episodes = goals.begin(self.num_envs) if isinstance(goals, StitchedGoals) else None

    def reset(self, seed: int | None = None) -> BatchStep:
        """Start every copy afresh."""
        self._won = self._won & False
        if isinstance(self.goals, StitchedGoals):
            self._episodes = self.goals.begin(self.num_envs)
        self._now = self.env.reset(seed)
        return self._now

    def step(self, actions: Array) -> BatchStep:
        """Advance every copy; keep the states won, as they were before any automatic reset."""
        now, step = self._now, self.env.step(actions)
        if isinstance(self.goals, StitchedGoals) and self._episodes is not None:
            reward = step.reward
            if step.discarded is not None:  # such an episode is the worst of all, and earns nothing in its last step
                reward = namespace(reward).where(step.discarded[:, None], -float("inf"), reward)
            self.goals.observe(self._episodes, now.state, step.final_state, reward, now.alive, step.done)
        self.goals.add(step.final_state, step.success & ~self._won)
        self._won = (self._won | step.success) & ~step.done
        self._now = step
        return step

    def state_dict(self) -> dict[str, Array]:
        """Return the inner state, and which unfinished episodes are won already."""
        saved = with_prefix("env", self.env.state_dict()) | {"won": self._won}
        return saved if self._episodes is None else saved | with_prefix("episodes", vars(self._episodes))

    def load_state_dict(self, state: dict[str, Array]) -> BatchStep:
        """Restore what :meth:`state_dict` returned; unfinished episodes are forgotten where copies start afresh."""
        self._won = backend(self.device).asarray(state["won"], device=self.device)
        step = self._now = self.env.load_state_dict(without_prefix("env", state))
        if self._episodes is not None:
            xp = backend(self.device)
            saved = without_prefix("episodes", state)
            self._episodes = Episodes(**{name: xp.asarray(saved[name], device=self.device) for name in saved})
        if starts_afresh(self.env):
            self._won = self._won & False
            if isinstance(self.goals, StitchedGoals):
                self._episodes = self.goals.begin(self.num_envs)
        return step
