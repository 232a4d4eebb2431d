"""Entries of the learned rewards: they name their settings without torch, which is imported when one is made."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from isa_wrappers.errors import MissingDependencyError
from isa_wrappers.rewards.base import IntrinsicReward
from isa_wrappers.rewards.learned.settings import SCOPE, ICMConfig, LAIESConfig, NovelDConfig, RNDConfig
from isa_wrappers.rewards.registry import RewardContext, RewardSpec


def _maker(name: str, kind: str) -> Callable[[RewardContext, Any], IntrinsicReward]:
    """Return what makes a reward of a class of the module of this name here."""

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
    description="random network distillation: what a predictor of random features has seldom seen",
)
NOVELD = RewardSpec(
    make=_maker("noveld", "NovelD"),
    config=NovelDConfig,
    needs_scope=False,
    needs_goal=False,
    description="NovelD: what is newer than where the agent came from, on the first visit of an episode",
)
ICM = RewardSpec(
    make=_maker("icm", "IntrinsicCuriosityModule"),
    config=ICMConfig,
    needs_scope=False,
    needs_goal=False,
    description="intrinsic curiosity module: what a forward model of learned features does not foresee",
)
LAIES = RewardSpec(
    make=_maker("laies", "LAIESReward"),
    config=LAIESConfig,
    needs_scope=False,
    needs_goal=False,
    description="LAIES: what agents do to the external state, given by hand or by ISA's scope",
    needs_scope_if={"external": SCOPE},
)
