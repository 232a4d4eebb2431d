"""Registry entries of the learned rewards; torch is imported only when a reward is created."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from isa_wrappers.errors import MissingDependencyError
from isa_wrappers.rewards.base import IntrinsicReward
from isa_wrappers.rewards.learned.settings import SCOPE, ICMConfig, LAIESConfig, NovelDConfig, RNDConfig
from isa_wrappers.rewards.registry import RewardContext, RewardSpec


def _maker(name: str, kind: str) -> Callable[[RewardContext, Any], IntrinsicReward]:
    """Return a function that creates the reward of class ``kind`` from module ``name`` of this package."""

    def make(context: RewardContext, config: Any) -> IntrinsicReward:
        try:
            module = import_module(f"isa_wrappers.rewards.learned.{name}")
        except ModuleNotFoundError as error:
            if error.name != "torch":
                raise
            raise MissingDependencyError(
                f"intrinsic reward {name!r} needs torch, which is not installed; pip install 'isa-marl[train]'"
            ) from error
        reward: IntrinsicReward = getattr(module, kind).of(context, config)
        return reward

    return make


RND = RewardSpec(
    make=_maker("rnd", "RandomNetworkDistillation"),
    config=RNDConfig,
    needs_scope=False,
    needs_goal=False,
    description="random network distillation: error of a predictor of random features",
)
NOVELD = RewardSpec(
    make=_maker("noveld", "NovelD"),
    config=NovelDConfig,
    needs_scope=False,
    needs_goal=False,
    description="NovelD: increase of novelty in a step, on the first visit of an episode",
)
ICM = RewardSpec(
    make=_maker("icm", "IntrinsicCuriosityModule"),
    config=ICMConfig,
    needs_scope=False,
    needs_goal=False,
    description="intrinsic curiosity module: error of a forward model of learned features",
)
LAIES = RewardSpec(
    make=_maker("laies", "LAIESReward"),
    config=LAIESConfig,
    needs_scope=False,
    needs_goal=False,
    description="LAIES: influence of agents on the external state, given by hand or by ISA's scope",
    needs_scope_if={"external": SCOPE},
)
