"""SMAC's battles in SMAX as a family."""

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
    """``smax/NAME``: batched by themselves, compiled by JAX."""

    prefix = "smax"
    description = "SMAC's battles without the game"

    def tasks(self) -> Mapping[str, str]:
        """Return the battles; none without ``jaxmarl``."""
        names = SCENARIOS if has_jaxmarl() else ()
        return {f"smax/{name}": "SMAC's battle in SMAX (package jaxmarl)" for name in names}

    def missing(self) -> str | None:
        """Return how to install ``jaxmarl``."""
        return None if has_jaxmarl() else "needs jaxmarl: pip install 'isa-marl[smax]'"

    def check(self, name: str) -> None:
        """Leave it to the game, which knows its scenarios."""

    def parallel(self, name: str, **kwargs: Any) -> SMAXParallelEnv:
        """Make one battle."""
        return SMAXParallelEnv(self.short(name), **kwargs)

    def native_batch(self, name: str) -> Callable[..., SMAXBatch]:
        """Return what compiles battles side by side."""
        return lambda num_envs, device, **kwargs: SMAXBatch(smax_game(self.short(name), **kwargs), num_envs, device)

    def device(self, device: str) -> str:
        """Turn ``auto`` into ``cuda`` only where JAX sees one too.

        Raises:
            DeviceError: if ``cuda`` is asked for and absent.
        """
        chosen = super().device(device)
        if device == "auto" and chosen == "cuda" and not jax_sees("cuda"):
            warnings.warn("torch sees a GPU and JAX none, so on with the CPU; pip install 'jax[cuda12]'", stacklevel=3)
            return "cpu"
        return chosen


FAMILY = SMAXFamily()
