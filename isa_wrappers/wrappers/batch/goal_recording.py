"""Recording won states of a batched environment: Algorithm 1's goal buffer is fed."""

from __future__ import annotations

from isa_wrappers.arrays import Array, backend, namespace, with_prefix, without_prefix
from isa_wrappers.batch.protocol import BatchEnv, BatchStep
from isa_wrappers.batch.wrapper import BatchWrapper, starts_afresh
from isa_wrappers.border.layers import Freezable
from isa_wrappers.errors import fitting
from isa_wrappers.rewards.best_episode import Episodes
from isa_wrappers.rewards.goals import GoalBuffer
from isa_wrappers.rewards.stitched import StitchedGoals
from isa_wrappers.wrappers.checks import begun, check_alone, check_goals


class GoalRecording(BatchWrapper, Freezable):
    """Puts the won state of every won episode into a goal buffer (Algorithm 1: B), and changes nothing else.

    The environment says what is won (:attr:`BatchStep.success`). An episode that says so in several steps gives one
    goal, that of the first. :class:`~isa_wrappers.rewards.stitched.StitchedGoals` see every step.

    Args:
        env: the environment.
        goals: the buffer, shared with whatever samples from it; its maker saves it.

    Raises:
        InvalidValueError: if the buffer is none, or won states are recorded inside already.
        ScopeMismatchError: if it holds states of another length, or stitches them for other agents.

    Example:
        >>> import numpy as np
        >>> from isa_wrappers.envs import make_batch
        >>> goals = GoalBuffer(state_size=4)
        >>> env = GoalRecording(make_batch("grid/unlock", 2, num_agents=1, grid=3, targets=[[0, 1]]), goals)
        >>> _ = env.reset(seed=0)
        >>> _ = env.step(np.array([[2], [0]]))
        >>> len(goals), goals.states.tolist()
        (1, [[0.0, 1.0, 0.0, 1.0]])
    """

    def __init__(self, env: BatchEnv, goals: GoalBuffer) -> None:
        super().__init__(env)
        check_goals(goals, self.agents, self.num_actions, self.state_size)
        check_alone(env, GoalRecording, "records won states")
        self.goals = goals
        self._stitched = goals if isinstance(goals, StitchedGoals) else None
        xp = backend(self.device)
        self._won = xp.zeros(self.num_envs, dtype=xp.bool, device=self.device)
        self._now: BatchStep
        self._episodes: Episodes
        self._begin()

    def reset(self, seed: int | None = None) -> BatchStep:
        """Start every copy afresh."""
        self._now = begun(self.env, self.env.reset(seed))
        self._begin()
        return self._now

    def _begin(self) -> None:
        """Forget unfinished episodes."""
        self._won = self._won & False
        if self._stitched is not None:
            self._episodes = self._stitched.begin(self.num_envs)

    def step(self, actions: Array) -> BatchStep:
        """Advance every copy; keep the states won, as they were before any automatic reset."""
        now, step = self._now, self.env.step(actions)
        if not self.frozen:
            self._record(now, step)
        self._won = (self._won | step.success) & ~step.done
        self._now = step
        return step

    def _record(self, now: BatchStep, step: BatchStep) -> None:
        if self._stitched is not None:
            reward, acted = step.reward, now.alive
            if step.discarded is not None:  # an episode that is worse than all others, and whose last step says nothing
                lost = step.discarded[:, None]
                reward = namespace(reward).where(lost, -float("inf"), reward)
                acted = acted & ~lost
            self._stitched.observe(self._episodes, now.state, step.final_state, reward, acted, step.done)
        self.goals.add(step.final_state, step.success & ~self._won)
        self.goals.ended(step.finished, self._won | step.success)

    def forget_arrivals(self) -> None:
        """Forget where running episodes have arrived, which the earlier segments defined."""
        if self._stitched is not None:
            self._episodes.holds = self._episodes.holds & False

    def state_dict(self) -> dict[str, Array]:
        """Return the inner state, and which unfinished episodes are won already."""
        saved = with_prefix("env", self.env.state_dict()) | {"won": self._won}
        return saved if self._stitched is None else saved | with_prefix("episodes", vars(self._episodes))

    @fitting
    def load_state_dict(self, state: dict[str, Array]) -> BatchStep:
        """Restore what :meth:`state_dict` returned; unfinished episodes are forgotten where copies start afresh.

        Raises:
            ScopeMismatchError: if it is of another stack of wrappers.
        """
        xp = backend(self.device)
        self._now = self.env.load_state_dict(without_prefix("env", state))
        if starts_afresh(self.env):
            self._begin()
            return self._now
        self._won = xp.asarray(state["won"], device=self.device)
        if self._stitched is not None:
            saved = without_prefix("episodes", state)
            self._episodes = Episodes(
                **{name: xp.asarray(saved[name], device=self.device) for name in vars(self._episodes)}
            )
        return self._now
