"""The family of SMAC's battles in StarCraft II."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isa_wrappers.envs.family import EnvFamily
from isa_wrappers.envs.smac.install import smac_missing, smac_names
from isa_wrappers.envs.smac.parallel import SMACParallelEnv

MOST_LISTENERS = 8
"""Maximum number of games used at the same time to estimate a scope."""


class SMACFamily(EnvFamily):
    """``smac/NAME``: each game runs in its own worker process unless you set the number of workers."""

    prefix = "smac"
    description = "SMAC's battles in StarCraft II"
    patience = 1_200.0  # longer than pysc2's time-out of 360 plus the relaunches that follow

    def tasks(self) -> Mapping[str, str]:
        """Return the maps in the game's folder; none if SMAC cannot run."""
        return {f"smac/{name}": "SMAC's battle in StarCraft II" for name in smac_names()}

    def missing(self) -> str | None:
        """Return which of SMAC, the game and its maps you need to install."""
        missing = smac_missing()
        return None if missing is None else missing.removeprefix("smac/NAME ")

    def check(self, name: str) -> None:
        """Do nothing: the environment itself distinguishes SMAC's maps from others in the game's folder."""

    def parallel(self, name: str, **kwargs: Any) -> SMACParallelEnv:
        """Create one game."""
        return SMACParallelEnv(self.short(name), **kwargs)

    def own_workers(self, num_envs: int) -> int:
        """Return one process per game, so that games run in parallel and a crash affects only one."""
        return num_envs

    def listeners(self, num_agents: int) -> int:
        """Return one game per agent, up to :data:`MOST_LISTENERS`."""
        return min(num_agents, MOST_LISTENERS)


FAMILY = SMACFamily()
