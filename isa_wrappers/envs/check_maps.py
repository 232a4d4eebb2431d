"""What to say of a state that is a map of cells, or codes; and, once it is read as a map, of what merges on it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from isa_wrappers.border.map_features import PARTS, MapState
from isa_wrappers.envs.random_play import Play
from isa_wrappers.envs.report import EnvReport
from isa_wrappers.scope.influence import InfluenceScope
from isa_wrappers.scope.thin import codes_in

MANY_CELLS = 16
"""So many dimensions in rows and columns look like a map."""
MOST_VALUES = 8
"""Values of cells that one line tells apart."""


def told_by_cells(report: EnvReport, states: npt.NDArray[Any], shape: tuple[int, ...]) -> None:
    """Say what to do about a state that is a map of cells, or codes of another kind."""
    spread = "what one action does is spread over many dimensions otherwise"
    if len(shape) in (2, 3) and states.shape[1] >= MANY_CELLS:
        values = np.unique(states)
        several = f", its values told apart by --state-features-kwargs '{{\"values\": {values[values != 0].tolist()}}}'"
        report.add(
            "map", "warning", f"the state has the shape {list(shape)} of a map of cells",
            "if it is one, --state-features map reads counts and middles off it (in Python: isa_wrappers.MapState)"
            + (several if 2 < len(values) <= MOST_VALUES else "") + f": {spread}",
        )  # fmt: skip
    elif codes := codes_in(states):
        report.add(
            "codes", "warning", f"{codes} of {states.shape[1]} dimensions are 0 or 1: a map of cells, or codes",
            f"give coordinates and single numbers: {spread}; of a map [rows, columns, channels], --state-features map "
            "reads them (in Python: isa_wrappers.MapState)",
        )  # fmt: skip


def merged_cells(report: EnvReport, env: MapState, scope: InfluenceScope, plays: list[Play]) -> None:
    """Say which agents move the middle of several cells that are described as one thing."""
    most = np.concatenate([play.states for play in plays]).max(axis=0).reshape(len(env.things), len(PARTS))[:, 0]
    for k, thing in enumerate(env.things):
        middle = {len(PARTS) * k + part for part in (1, 2)}
        moving = [agent for agent, dims in zip(scope.agents, scope.agent_dims, strict=True) if middle & set(dims)]
        if most[k] > 1 and len(moving) > 1:
            report.add(
                "merged", "warning",
                f"{thing} is up to {most[k]:.0f} cells, and {', '.join(moving)} move their middle: they merge into one",
                "give every agent a channel of its own, or tell them apart by --state-features-kwargs "
                "'{\"values\": [1, 2]}'",
            )  # fmt: skip
