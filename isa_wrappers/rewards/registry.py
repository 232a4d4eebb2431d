"""The registry of intrinsic rewards, and a function that creates one by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from isa_wrappers.batch.env_copy import read_spec
from isa_wrappers.batch.protocol import BatchEnv, action_code_of
from isa_wrappers.blame import ErrorSource
from isa_wrappers.border.spaces import StateFallback
from isa_wrappers.border.team_actions import TeamCode
from isa_wrappers.config import CountConfig, GoalConfig
from isa_wrappers.errors import InvalidValueError, check_kind, shown
from isa_wrappers.fields import check_settings_class
from isa_wrappers.registry import Registry
from isa_wrappers.rewards.base import IntrinsicReward
from isa_wrappers.rewards.count_bonus import CountBonus
from isa_wrappers.rewards.goal_reward import GoalReward
from isa_wrappers.rewards.novelty import NoveltyConfig, ObservationNovelty, StateNovelty
from isa_wrappers.scope.credit import Credit


@dataclass(frozen=True)
class RewardContext:
    """The data from which an intrinsic reward is created.

    Attributes:
        agents: names of the A agents.
        num_actions: number of actions of each agent.
        obs_size: length of the observations that the reward's wrapper receives, O.
        state_size: length of the state, K.
        credit: credit of the agents, if there is a scope.
        device: ``None`` for NumPy, else a torch device.
        seed: seed of random numbers.
        state_names: a name for each dimension of the state, or empty.
        action_code: encoding of structured actions; ``None`` if each action is a number.
    """

    agents: tuple[str, ...]
    num_actions: tuple[int, ...]
    obs_size: int
    state_size: int
    credit: Credit | None = None
    device: str | None = None
    seed: int = 0
    state_names: tuple[str, ...] = ()
    action_code: TeamCode | None = None

    @classmethod
    def of(
        cls, env: Any, credit: Credit | None = None, seed: int = 0, state_fallback: StateFallback = None
    ) -> RewardContext:
        """Create the context of an environment: a batched one, or a PettingZoo ``ParallelEnv`` (which may be reset).

        Raises:
            UnsupportedEnvironmentError: if it is neither.
        """
        spec, device = (env, env.device) if isinstance(env, BatchEnv) else (read_spec(env, state_fallback), None)
        return cls(
            agents=spec.agents,
            num_actions=spec.num_actions,
            obs_size=spec.obs_size,
            state_size=spec.state_size,
            credit=credit,
            device=device,
            seed=seed,
            state_names=tuple(spec.state_names),
            action_code=action_code_of(spec),
        )


@dataclass(frozen=True)
class RewardSpec:
    """Registry entry of an intrinsic reward.

    Attributes:
        make: (context, configuration) -> reward.
        config: class of the configuration, a frozen dataclass with defaults, or ``None`` if there is none.
        needs_scope: whether it needs ``context.credit``.
        needs_goal: whether it reads ``transition.goal``.
        description: one line for lists.
        needs_scope_if: settings and values, any of which makes it need ``context.credit``.

    Raises:
        InvalidValueError: if the configuration is not such a class.
    """

    make: Callable[[RewardContext, Any], IntrinsicReward]
    config: type | None
    needs_scope: bool
    needs_goal: bool
    description: str
    needs_scope_if: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.config is not None:
            check_settings_class("config of an intrinsic reward", self.config)

    def asks_for_scope(self, settings: Any = None) -> bool:
        """Return whether the reward needs credit.

        Args:
            settings: its configuration, or a mapping of the settings that differ from the defaults.

        Example:
            >>> REWARDS["laies"].asks_for_scope({"external": "scope"}), REWARDS["laies"].asks_for_scope()
            (True, False)
        """
        values = settings if isinstance(settings, Mapping) else {} if settings is None else vars(settings)
        return self.needs_scope or any(values.get(key) == value for key, value in self.needs_scope_if.items())


# make_reward() has checked that there is credit.
COUNT_BONUS = RewardSpec(
    make=lambda context, config: CountBonus(cast("Credit", context.credit), config, context.device),
    config=CountConfig,
    needs_scope=True,
    needs_goal=False,
    description="Eq. 10: rarely visited values of the dimensions that an agent can move",
)
GOAL_REWARD = RewardSpec(
    make=lambda context, config: GoalReward(cast("Credit", context.credit), config, context.device),
    config=GoalConfig,
    needs_scope=True,
    needs_goal=True,
    description="Eq. 7: progress towards a won state in the dimensions that an agent's action can move",
)
COUNT_STATE = RewardSpec(
    make=lambda context, config: StateNovelty(context.state_size, config, context.device),
    config=NoveltyConfig,
    needs_scope=False,
    needs_goal=False,
    description="rarely visited whole states, the same for every agent",
)
COUNT_OBSERVATION = RewardSpec(
    make=lambda context, config: ObservationNovelty(context.obs_size, config, context.device),
    config=NoveltyConfig,
    needs_scope=False,
    needs_goal=False,
    description="rarely seen observations of each agent",
)

REWARDS: Registry[RewardSpec] = Registry(
    "intrinsic reward",
    "isa_marl.rewards",
    {
        "count_bonus": "isa_wrappers.rewards.registry:COUNT_BONUS",
        "goal_reward": "isa_wrappers.rewards.registry:GOAL_REWARD",
        "count_state": "isa_wrappers.rewards.registry:COUNT_STATE",
        "count_observation": "isa_wrappers.rewards.registry:COUNT_OBSERVATION",
        "rnd": "isa_wrappers.rewards.learned.entries:RND",
        "noveld": "isa_wrappers.rewards.learned.entries:NOVELD",
        "icm": "isa_wrappers.rewards.learned.entries:ICM",
        "laies": "isa_wrappers.rewards.learned.entries:LAIES",
    },
    RewardSpec,
)
"""The intrinsic rewards by name; add others with entry points or :meth:`Registry.register`."""


def make_reward(name: str, context: RewardContext, config: Any = None) -> IntrinsicReward:
    """Create an intrinsic reward by name.

    Args:
        name: a name in :data:`REWARDS`.
        context: data of the environment.
        config: its configuration; by default all settings have their defaults.

    Raises:
        UnknownNameError: if there is no such reward; the message names the closest one.
        InvalidValueError: if it needs credit but there is none, the configuration belongs to another reward, or the
            entry does not create a reward.
        ScopeMismatchError: if the credit was made for another environment.

    Example:
        >>> from isa_wrappers import InfluenceScope
        >>> from isa_wrappers.scope.credit import credit_for
        >>> credit = credit_for(InfluenceScope.of_everything(["a"], [2], state_size=3), "whole_state")
        >>> make_reward("count_bonus", RewardContext(("a",), (2,), 4, 3, credit)).parts
        ('common', 'special')
    """
    spec = REWARDS[name]
    check_kind("context", context, RewardContext)
    if spec.asks_for_scope(config) and context.credit is None:
        raise InvalidValueError(
            f"intrinsic reward {name!r} needs a scope, got None; estimate one with estimate_scope()"
        )
    if context.credit is not None:
        context.credit.check_fits(context.agents, context.num_actions, context.state_size)
    if config is None and spec.config is not None:
        config = spec.config()
    if config is not None and not isinstance(config, spec.config or ()):
        accepted = "no configuration" if spec.config is None else f"a {spec.config.__name__}"
        raise InvalidValueError(f"intrinsic reward {name!r} takes {accepted}, got {shown(config)}")
    with ErrorSource(f"intrinsic reward {name!r}"):
        reward = spec.make(context, config)
    check_kind(f"what intrinsic reward {name!r} makes", reward, IntrinsicReward)
    label = getattr(reward, "name", None)
    parts = getattr(reward, "parts", None)
    if not (
        isinstance(label, str) and isinstance(parts, (tuple, list)) and all(isinstance(part, str) for part in parts)
    ):
        raise InvalidValueError(
            f"intrinsic reward {name!r} must have a name and a tuple of part names, got name {shown(label)} and parts "
            f"{shown(parts)}"
        )
    return reward
