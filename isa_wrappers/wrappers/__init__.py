"""ISA's pieces as PettingZoo parallel wrappers: they work with any learner."""

from isa_wrappers.wrappers.count_bonus import InfluenceCountBonus

__all__ = ["InfluenceCountBonus"]
