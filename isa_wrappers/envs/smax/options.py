"""Check the options of SMAX battles."""

from __future__ import annotations

from inspect import signature
from typing import Any

from isa_wrappers.errors import InvalidValueError, check_choice, nearest

REWARDS = ("dense", "sparse", "super_sparse")
BORDERS = ("kills", "closed")
ATTACK_MODES = ("closest", "random")
FIXED = {
    "max_steps": "it is called horizon",
    "action_type": "actions are discrete",
    **dict.fromkeys(("scenario", "num_allies", "num_enemies"), "the task's name sets it"),
    **dict.fromkeys(("smacv2_position_generation", "smacv2_unit_type_generation"), "the task's name sets it"),
}
"""Options of jaxmarl that are not accepted, and why."""


def check_options(name: str, border: str, options: dict[str, Any], smax: Any) -> str:
    """Check that options belong to jaxmarl, are not set elsewhere and fit the border; return the border.

    Raises:
        InvalidValueError: if they do not; the message names the option and the closest valid one.
    """
    takes = {*signature(smax.HeuristicEnemySMAX).parameters, *signature(smax.SMAX).parameters} - {"env_kwargs"}
    known = sorted(option for option in takes - FIXED.keys() if not option.startswith("unit_type_"))
    known = ["reward", "horizon", "border", *known]
    for option, value in options.items():
        if option in FIXED:
            raise InvalidValueError(f"smax/{name} does not accept {option}={value!r}: {FIXED[option]}")
        if option not in takes:
            offer = nearest(option, known)
            raise InvalidValueError(f"smax/{name} has no option {option!r}{offer or ';'} it has {', '.join(known)}")
    check_choice("attack_mode", options.get("attack_mode", ATTACK_MODES[0]), ATTACK_MODES)
    if check_choice("border", border, BORDERS) == "closed" and options.get("walls_cause_death"):
        raise InvalidValueError(f"smax/{name}: a closed border does not kill; leave out walls_cause_death")
    return border
