"""Any intrinsic reward around a batched environment."""

from __future__ import annotations

from dataclasses import replace

from isa_wrappers.arrays import Array, array_device, namespace, with_prefix, without_prefix
from isa_wrappers.batch.protocol import BatchEnv, BatchStep
from isa_wrappers.batch.wrapper import BatchWrapper, starts_afresh
from isa_wrappers.blame import ErrorSource
from isa_wrappers.border.layers import Freezable, layers_of
from isa_wrappers.errors import check_choice, check_float, check_kind, with_mismatch_error
from isa_wrappers.rewards.base import IntrinsicReward, RewardParts, checked
from isa_wrappers.rewards.transition import Transition
from isa_wrappers.wrappers.batch.goal_sampling import GoalSampling
from isa_wrappers.wrappers.checks import MODES, check_stack, checked_reset


class RewardWrapper(BatchWrapper, Freezable):
    """Pays each agent an intrinsic reward.

    Args:
        env: a batched environment.
        reward: the intrinsic reward to pay. If it needs goals, the stack must contain a :class:`GoalSampling`.
        mode: ``"replace"`` returns ``factor`` times the total of the reward, which includes the weighted reward of the
            environment; ``"add"`` returns the environment's reward plus ``factor`` times the intrinsic part, which
            ``BatchStep.bonus`` also contains separately.
        factor: see ``mode``.

    Attributes:
        reward: the intrinsic reward.
        parts: name -> ``[B, A]``, parts of the reward in the last step; empty before the first.

    Raises:
        InvalidValueError: if the mode is unknown, the reward needs goals but there are none, or the stack already pays
            a reward of the same name.
        ScopeMismatchError: if the reward was made for another environment, or for other dimensions than the goals.

    Example:
        >>> import numpy as np
        >>> from isa_wrappers import CountBonus, InfluenceScope
        >>> from isa_wrappers.envs import make_batch
        >>> scope = InfluenceScope.from_dimensions({"agent_0": [[], [1], [1], [0], [0]]}, state_size=4)
        >>> env = RewardWrapper(make_batch("grid/unlock", 2, num_agents=1), CountBonus(scope))
        >>> _ = env.reset(seed=0)
        >>> env.step(np.array([[2], [0]])).reward.tolist()
        [[1.0], [0.0]]
    """

    def __init__(self, env: BatchEnv, reward: IntrinsicReward, mode: str = "replace", factor: float = 1.0) -> None:
        super().__init__(env)
        check_kind("reward", reward, IntrinsicReward)
        self.adds = check_choice("mode", mode, MODES) == "add"
        self.factor = check_float("factor", factor, 0.0)
        self.tells_bonus = self.adds
        self.reward = reward
        if reward.credit is not None:
            reward.credit.check_fits(self.agents, self.num_actions, self.state_size)
        self._sampling = next(layers_of(env, GoalSampling), None)
        payers = [payer.reward for payer in layers_of(env, RewardWrapper)]
        check_stack(env, reward, payers, None if self._sampling is None else self._sampling.projection)
        self.parts: dict[str, Array] = {}
        self._current_step: BatchStep
        self._start: Array = None

    def reset(self, seed: int | None = None) -> BatchStep:
        """Start a new episode in every copy; counts and learned parameters of the reward are kept."""
        step = checked_reset(self.env, self.env.reset(seed))
        self._current_step, self._start = step, step.done | True
        return step

    def step(self, actions: Array) -> BatchStep:
        """Advance every copy."""
        current, step = self._current_step, self.env.step(actions)
        code = self.action_code
        acted = current.alive
        if step.discarded is not None:  # a step lost in a game crash counts for no agent
            acted = acted & ~step.discarded[:, None]
        transition = Transition(
            s_t=current.state,
            s_tp1=step.final_state,
            obs_tp1=step.final_obs,
            actions=actions if code is None else code.columns(actions),
            reward=step.reward,
            alive=acted,
            goal=None if self._sampling is None else self._sampling.episode_goal,
            obs_t=current.obs,
            start=self._start,
            available=current.available,
            won_share=None if self._sampling is None else self._sampling.goals.won_share,
        )
        total, intrinsic, self.parts = checked(self.reward, self._pay(transition), step.reward)
        self._current_step, self._start = step, step.done
        if self.adds:
            bonus = self.factor * intrinsic
            return replace(step, reward=step.reward + bonus, bonus=bonus if step.bonus is None else step.bonus + bonus)
        return replace(step, reward=total if self.factor == 1.0 else self.factor * total, bonus=None)

    def _pay(self, transition: Transition) -> RewardParts:
        with ErrorSource(f"intrinsic reward {self.reward.name!r}"):
            return self.reward(transition, update=False) if self.frozen else self.reward(transition)

    def state_dict(self) -> dict[str, Array]:
        """Return the inner state and the state of the reward."""
        inner = with_prefix("env", self.env.state_dict()) | with_prefix("reward", self.reward.state_dict())
        return inner if self._start is None else inner | {"start": self._start}

    @with_mismatch_error
    def load_state_dict(self, state: dict[str, Array]) -> BatchStep:
        """Restore what :meth:`state_dict` returned.

        Raises:
            ScopeMismatchError: if it belongs to another stack of wrappers.
        """
        self.reward.load_state_dict(without_prefix("reward", state))
        step = self._current_step = self.env.load_state_dict(without_prefix("env", state))
        saved = state.get("start")
        if saved is None or starts_afresh(self.env):
            self._start = step.done | True
        else:
            self._start = namespace(step.done).asarray(saved, device=array_device(step.done))
        return step
