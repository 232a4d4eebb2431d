"""SMAC's battles in StarCraft II, through package smac of oxwhirl."""

from isa_wrappers.envs.smac.parallel import SMACParallelEnv

__all__ = ["SMACParallelEnv"]
