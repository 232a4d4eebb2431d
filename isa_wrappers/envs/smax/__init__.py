"""SMAC's battles without StarCraft II, in SMAX (package jaxmarl)."""

from isa_wrappers.envs.smax.batch import SMAXBatch
from isa_wrappers.envs.smax.parallel import SMAXParallelEnv

__all__ = ["SMAXBatch", "SMAXParallelEnv"]
