"""The family of SMAC's battles in SMAX."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

from isa_wrappers.envs.family import EnvFamily
from isa_wrappers.envs.smax.batch import SMAXBatch
from isa_wrappers.envs.smax.game import smax_game
from isa_wrappers.envs.smax.install import has_jaxmarl, jax_sees
from isa_wrappers.envs.smax.parallel import SMAXParallelEnv
from isa_wrappers.envs.smax.scenarios import SCENARIOS


class SMAXFamily(EnvFamily):
    """``smax/NAME``: natively batched tasks, compiled by JAX."""

    prefix = "smax"
    description = "SMAC's battles without StarCraft II"

    def tasks(self) -> Mapping[str, str]:
        """Return the battles; none if ``jaxmarl`` is not installed."""
        names = SCENARIOS if has_jaxmarl() else ()
        return {f"smax/{name}": "SMAC's battle in SMAX (package jaxmarl)" for name in names}

    def missing(self) -> str | None:
        """Return how to install ``jaxmarl``."""
        return None if has_jaxmarl() else "needs jaxmarl: pip install 'isa-marl[smax]'"

    def check(self, name: str) -> None:
        """Do nothing: the game itself checks the scenario."""

    def parallel(self, name: str, **kwargs: Any) -> SMAXParallelEnv:
        """Create one battle."""
        return SMAXParallelEnv(self.short(name), **kwargs)

    def native_batch(self, name: str) -> Callable[..., SMAXBatch]:
        """Return a function that creates a batch of compiled battles."""
        return lambda num_envs, device, **kwargs: SMAXBatch(smax_game(self.short(name), **kwargs), num_envs, device)

    def device(self, device: str) -> str:
        """Resolve ``auto`` to ``cuda`` only if JAX has it too.

        Raises:
            DeviceError: if ``cuda`` is requested but not available.
        """
        chosen = super().device(device)
        if device == "auto" and chosen == "cuda" and not jax_sees("cuda"):
            warnings.warn(
                "torch has a GPU but JAX has none, so the task runs on the CPU; pip install 'jax[cuda12]'", stacklevel=3
            )
            return "cpu"
        return chosen


FAMILY = SMAXFamily()
