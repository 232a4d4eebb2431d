"""Environments of other packages, and the converter that makes each a ``ParallelEnv``."""

from __future__ import annotations

from typing import Any

CONVERTERS = {
    "gym": "it is of the old package gym: pass it through shimmy.GymV21CompatibilityV0(env=...), or through "
    "GymV26CompatibilityV0 where its step() gives five values; with a Tuple space of actions ISA then takes it",
    "meltingpot": "it is a substrate of Melting Pot: pass it through shimmy.MeltingPotCompatibilityV0(env=...)",
    "dm_control": "it is of dm_control: pass it through shimmy.DmControlMultiAgentCompatibilityV0(env=...)",
    "ray": "it is RLlib's: give ISA what its PettingZooEnv or ParallelPettingZooEnv wraps, or write a ParallelEnv",
    "pyspiel": "it is a game of OpenSpiel, whose converter shimmy.OpenSpielCompatibilityV0 lets agents take turns; ISA "
    "needs them to act at once",
}
"""What to do with an environment that is no ``ParallelEnv``."""


def converter_for(env: Any) -> str | None:
    """Return what makes an environment of another package a ``ParallelEnv``; ``None`` where none is known.

    Example:
        >>> converter_for(object()) is None
        True
    """
    packages = [kind.__module__.split(".")[0] for kind in type(env).__mro__]
    return next((CONVERTERS[name] for name in packages if name in CONVERTERS), None)
