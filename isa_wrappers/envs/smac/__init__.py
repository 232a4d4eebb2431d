"""SMAC's battles in StarCraft II, with oxwhirl's package smac."""

from isa_wrappers.envs.smac.parallel import SMACParallelEnv

__all__ = ["SMACParallelEnv"]
