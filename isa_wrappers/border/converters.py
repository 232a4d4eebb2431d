"""Converters that turn environments of other packages into a ``ParallelEnv``."""

from __future__ import annotations

from typing import Any

CONVERTERS = {
    "gym": "it belongs to the old package gym: convert it with shimmy.GymV21CompatibilityV0(env=...), or with "
    "GymV26CompatibilityV0 if its step() returns five values; ISA then accepts it if its action space is a Tuple",
    "meltingpot": "it is a substrate of Melting Pot: convert it with shimmy.MeltingPotCompatibilityV0(env=...)",
    "dm_control": "it belongs to dm_control: convert it with shimmy.DmControlMultiAgentCompatibilityV0(env=...)",
    "ray": "it belongs to RLlib: pass the environment inside its PettingZooEnv or ParallelPettingZooEnv, or write a "
    "ParallelEnv",
    "pyspiel": "it is a game of OpenSpiel; with its converter shimmy.OpenSpielCompatibilityV0 agents take turns, but "
    "ISA needs them to act simultaneously",
}
"""Advice for environments that are not a ``ParallelEnv``, by package."""


def converter_for(env: Any) -> str | None:
    """Return advice on converting an environment of another package; ``None`` if there is none.

    Example:
        >>> converter_for(object()) is None
        True
    """
    packages = [kind.__module__.split(".")[0] for kind in type(env).__mro__]
    return next((CONVERTERS[name] for name in packages if name in CONVERTERS), None)
