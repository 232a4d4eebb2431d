"""SMAC's battles in StarCraft II as a family."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isa_wrappers.envs.family import EnvFamily
from isa_wrappers.envs.smac.install import smac_missing, smac_names
from isa_wrappers.envs.smac.parallel import SMACParallelEnv

MOST_LISTENERS = 8
"""Games that listen at the same time, at most."""


class SMACFamily(EnvFamily):
    """``smac/NAME``: each copy a game in a worker process of its own, unless told how many to share."""

    prefix = "smac"
    description = "SMAC's battles in StarCraft II"
    patience = 1_200.0  # above pysc2's 360 of silence and the launches that follow them

    def tasks(self) -> Mapping[str, str]:
        """Return the maps in the game's folder; none where StarCraft SMAC cannot run."""
        return {f"smac/{name}": "SMAC's battle in StarCraft II" for name in smac_names()}

    def missing(self) -> str | None:
        """Return what of SMAC, the game and its maps has to be installed."""
        missing = smac_missing()
        return None if missing is None else missing.removeprefix("smac/NAME ")

    def check(self, name: str) -> None:
        """Leave it to the environment, which distinguishes SMAC's maps from others in the game's folder."""

    def parallel(self, name: str, **kwargs: Any) -> SMACParallelEnv:
        """Make one game."""
        return SMACParallelEnv(self.short(name), **kwargs)

    def own_workers(self, num_envs: int) -> int:
        """Return a process for each game, since each is waited for and crashes by itself."""
        return num_envs

    def listeners(self, num_agents: int) -> int:
        """Return a game per agent, up to :data:`MOST_LISTENERS`."""
        return min(num_agents, MOST_LISTENERS)


FAMILY = SMACFamily()
