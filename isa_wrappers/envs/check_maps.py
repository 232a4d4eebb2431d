"""Report states that are maps of cells or codes, and things that merge once a state is read as a map."""

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
"""Minimum number of dimensions in rows and columns that looks like a map."""
MOST_VALUES = 8
"""Maximum number of cell values listed in one line."""


def report_map_or_codes(report: EnvReport, states: npt.NDArray[Any], shape: tuple[int, ...]) -> None:
    """Report a state that looks like a map of cells or holds other codes, and what to do about it."""
    spread = "otherwise the effect of one action is spread over many dimensions"
    if len(shape) in (2, 3) and states.shape[1] >= MANY_CELLS:
        values = np.unique(states)
        several = f", per value with --state-features-kwargs '{{\"values\": {values[values != 0].tolist()}}}'"
        report.add(
            "map", "warning", f"the state looks like a map of cells: its shape is {list(shape)}",
            "if it is one, --state-features map extracts counts and centres (in Python: isa_wrappers.MapState)"
            + (several if 2 < len(values) <= MOST_VALUES else "") + f": {spread}",
        )  # fmt: skip
    elif codes := codes_in(states):
        report.add(
            "codes", "warning", f"{codes} of {states.shape[1]} dimensions are 0 or 1: a map of cells, or codes",
            f"provide coordinates and single numbers: {spread}; from a map [rows, columns, channels], "
            "--state-features map extracts them (in Python: isa_wrappers.MapState)",
        )  # fmt: skip


def report_merged_cells(report: EnvReport, env: MapState, scope: InfluenceScope, plays: list[Play]) -> None:
    """Report agents that move the centre of several cells that the features describe as one thing."""
    most = np.concatenate([play.states for play in plays]).max(axis=0).reshape(len(env.things), len(PARTS))[:, 0]
    for k, thing in enumerate(env.things):
        middle = {len(PARTS) * k + part for part in (1, 2)}
        moving = [agent for agent, dims in zip(scope.agents, scope.agent_dims, strict=True) if middle & set(dims)]
        if most[k] > 1 and len(moving) > 1:
            report.add(
                "merged", "warning",
                f"{thing} covers up to {most[k]:.0f} cells, and {', '.join(moving)} move their centre: they are merged",
                "give every agent its own channel, or separate them with --state-features-kwargs "
                "'{\"values\": [1, 2]}'",
            )  # fmt: skip
