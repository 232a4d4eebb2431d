"""Record won states of a batched environment in the goal buffer of Algorithm 1."""

from __future__ import annotations

from isa_wrappers.arrays import Array, backend, namespace, with_prefix, without_prefix
from isa_wrappers.batch.protocol import BatchEnv, BatchStep
from isa_wrappers.batch.wrapper import BatchWrapper, starts_afresh
from isa_wrappers.border.layers import Freezable
from isa_wrappers.errors import with_mismatch_error
from isa_wrappers.rewards.best_episode import Episodes
from isa_wrappers.rewards.goals import GoalBuffer
from isa_wrappers.rewards.stitched import StitchedGoals
from isa_wrappers.wrappers.checks import check_alone, check_goals, checked_reset


class GoalRecording(BatchWrapper, Freezable):
    """Adds the won state of every won episode to a goal buffer (B in Algorithm 1), and changes nothing else.

    The environment reports wins (:attr:`BatchStep.success`). An episode that reports several winning steps contributes
    the state of the first. :class:`~isa_wrappers.rewards.stitched.StitchedGoals` receive every step.

    Args:
        env: the environment.
        goals: the buffer, shared with the wrapper that samples from it; the caller saves it.

    Raises:
        InvalidValueError: if ``goals`` is not a goal buffer, or an inner wrapper already records won states.
        ScopeMismatchError: if it contains states of another length, or stitches them for other agents.

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
        self._current_step: BatchStep
        self._episodes: Episodes
        self._begin()

    def reset(self, seed: int | None = None) -> BatchStep:
        """Start a new episode in every copy."""
        self._current_step = checked_reset(self.env, self.env.reset(seed))
        self._begin()
        return self._current_step

    def _begin(self) -> None:
        """Drop unfinished episodes."""
        self._won = self._won & False
        if self._stitched is not None:
            self._episodes = self._stitched.begin(self.num_envs)

    def step(self, actions: Array) -> BatchStep:
        """Advance every copy; record won states as they were before any automatic reset."""
        current, step = self._current_step, self.env.step(actions)
        if not self.frozen:
            self._record(current, step)
        self._won = (self._won | step.success) & ~step.done
        self._current_step = step
        return step

    def _record(self, current: BatchStep, step: BatchStep) -> None:
        if self._stitched is not None:
            reward, acted = step.reward, current.alive
            if step.discarded is not None:  # ranks below all others; its last step is void
                lost = step.discarded[:, None]
                reward = namespace(reward).where(lost, -float("inf"), reward)
                acted = acted & ~lost
            self._stitched.observe(self._episodes, current.state, step.final_state, reward, acted, step.done)
        self.goals.add(step.final_state, step.success & ~self._won)
        self.goals.ended(step.finished, self._won | step.success)

    def forget_arrivals(self) -> None:
        """Forget the arrivals of running episodes, which depend on the previous segments."""
        if self._stitched is not None:
            self._episodes.holds = self._episodes.holds & False

    def state_dict(self) -> dict[str, Array]:
        """Return the inner state and which unfinished episodes are already won."""
        saved = with_prefix("env", self.env.state_dict()) | {"won": self._won}
        return saved if self._stitched is None else saved | with_prefix("episodes", vars(self._episodes))

    @with_mismatch_error
    def load_state_dict(self, state: dict[str, Array]) -> BatchStep:
        """Restore what :meth:`state_dict` returned; unfinished episodes are dropped if the copies start new ones.

        Raises:
            ScopeMismatchError: if it belongs to another stack of wrappers.
        """
        xp = backend(self.device)
        self._current_step = self.env.load_state_dict(without_prefix("env", state))
        if starts_afresh(self.env):
            self._begin()
            return self._current_step
        self._won = xp.asarray(state["won"], device=self.device)
        if self._stitched is not None:
            saved = without_prefix("episodes", state)
            self._episodes = Episodes(
                **{name: xp.asarray(saved[name], device=self.device) for name in vars(self._episodes)}
            )
        return self._current_step
