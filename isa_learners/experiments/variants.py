"""Named variants that a plan compares, including ISA and its ablations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from isa_learners.algorithms import ALGORITHMS
from isa_learners.runs.nesting import merge, nested
from isa_wrappers.errors import InvalidValueError, nearest, shown
from isa_wrappers.registry import Registry

KEYS_OF_A_VARIANT = ("like", "algo", "preset", "set", "kwargs")
SET_ELSEWHERE = ("env", "seed", "steps", "algo", "preset")
"""Keys of a run that a plan sets elsewhere."""


@dataclass(frozen=True)
class Variant:
    """A variant of a comparison.

    Attributes:
        algo: name of the algorithm.
        preset: name of the preset.
        settings: nested configuration keys that override the preset.
        kwargs: options of the task.
        description: one-line description.
    """

    algo: str = "isa"
    preset: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""


def _credit(rule: str, description: str) -> Variant:
    return Variant(settings={"credit": {"rule": rule}}, description=description)


FULL = Variant(description="full ISA")
UNGATED = _credit("ungated", "without the condition of Eq. 7 and Eq. 10 (Fig. 4b, 4c)")
UNSEGMENTED = _credit("unsegmented", "individual goals without segments (Fig. 4b, 4c)")
WHOLE_STATE = _credit("whole_state", "no scope: counts and goals on the whole state (Fig. 4a)")
COMMON_ONLY = _credit("common_only", "no special part")
SPECIAL_ONLY = _credit("special_only", "no common part")
MISPLACED = _credit("misplaced", "the same number of dimensions, but wrong ones")
ORACLE = Variant(
    settings={"true_scope": True},
    description="the scope given by the rules of the task, without estimation steps (grid tasks)",
)
NO_REWARD = Variant(
    settings={"goal": {"alpha2": 0.0}, "count": {"beta2": 0.0}},
    description="alpha2 = beta2 = 0: only intrinsic rewards",
)
EXPLORE_ALONE = Variant("isa_explore", description="only exploration, no goals")
IPPO = Variant("ippo", description="PPO on the environment's own reward")

VARIANTS: Registry[Variant] = Registry(
    "variant",
    "isa_marl.variants",
    {
        "isa": "isa_learners.experiments.variants:FULL",
        "ungated": "isa_learners.experiments.variants:UNGATED",
        "unsegmented": "isa_learners.experiments.variants:UNSEGMENTED",
        "whole_state": "isa_learners.experiments.variants:WHOLE_STATE",
        "common_only": "isa_learners.experiments.variants:COMMON_ONLY",
        "special_only": "isa_learners.experiments.variants:SPECIAL_ONLY",
        "misplaced": "isa_learners.experiments.variants:MISPLACED",
        "oracle": "isa_learners.experiments.variants:ORACLE",
        "no_reward": "isa_learners.experiments.variants:NO_REWARD",
        "explore_alone": "isa_learners.experiments.variants:EXPLORE_ALONE",
        "ippo": "isa_learners.experiments.variants:IPPO",
    },
    Variant,
)
"""Variants by name; every algorithm is a variant too."""


def variant_named(name: str) -> Variant:
    """Return a listed variant, or an algorithm as a variant.

    Raises:
        InvalidValueError: for an unknown name; the message suggests the nearest.

    Example:
        >>> variant_named("ungated").settings
        {'credit': {'rule': 'ungated'}}
    """
    known = list(dict.fromkeys([*VARIANTS, *ALGORITHMS]))
    if name in list(VARIANTS):
        return VARIANTS[name]
    if name in list(ALGORITHMS):
        return Variant(name, description=ALGORITHMS[name].description)
    raise InvalidValueError(
        f"unknown variant {shown(name)}{nearest(str(name), known) or ';'} known: {', '.join(known)}, or a mapping with "
        "algo, preset, set, kwargs"
    )


def variant_from(name: str, data: Any) -> Variant:
    """Read a variant of a plan: a mapping, or nothing if ``name`` is a listed variant.

    ``like`` names a listed variant to start from; ``algo``, ``preset``, ``set`` (dotted or nested keys) and ``kwargs``
    override it. Without ``like`` and ``algo``, it starts from the listed variant with the same name, else from ISA.

    Raises:
        InvalidValueError: for other keys, or values of the wrong type.

    Example:
        >>> variant_from("qmix", {"set": {"q.lr": 0.1}}).algo, variant_from("slow", {"set": {"ppo.lr": 1e-4}}).algo
        ('qmix', 'isa')
    """
    if data is None:
        return variant_named(name)
    takes = ", ".join(KEYS_OF_A_VARIANT)
    if not isinstance(data, Mapping):
        raise InvalidValueError(f"variant {shown(name)} must be a mapping of {takes}, got {shown(data)}")
    for key in data:
        if key not in KEYS_OF_A_VARIANT:
            offered = nearest(str(key), KEYS_OF_A_VARIANT) or ";"
            raise InvalidValueError(f"unknown key {shown(key)} of variant {shown(name)}{offered} it takes {takes}")
    named_after = "algo" not in data and name in (*VARIANTS, *ALGORITHMS)
    base = variant_named(data.get("like", name)) if "like" in data or named_after else Variant()
    for key in ("set", "kwargs"):
        if not isinstance(data.get(key) or {}, Mapping):
            raise InvalidValueError(f"{key} of variant {shown(name)} must be a mapping, got {shown(data[key])}")
    given = nested(data.get("set") or {})
    for key in SET_ELSEWHERE:
        if key in given:
            raise InvalidValueError(
                f"set of variant {shown(name)} cannot hold {key!r}, which a plan sets elsewhere, "
                f"got {shown(given[key])}"
            )
    settings = merge(base.settings, given)
    return Variant(
        algo=data.get("algo", base.algo),
        preset=data.get("preset", base.preset),
        settings=settings,
        kwargs={**base.kwargs, **(data.get("kwargs") or {})},
        description=base.description,
    )
