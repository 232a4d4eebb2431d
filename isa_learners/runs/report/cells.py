"""Visited states as a page takes them: for every dimension its cells, and each state's cell in it as one byte."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from isa_learners.runs.visits import Visited

MOST_VALUES = 40
"""Different values of a dimension that are a cell each; where there are more, equal intervals are."""
INTERVALS = 30
MOST_BYTES = 240_000
"""Of a page's visited states, as they stand in it: beyond it fewer are shown, drawn uniformly again."""


def visit_contents(
    found: Sequence[Visited], names: Sequence[str], moved: Sequence[int], most_bytes: int = MOST_BYTES
) -> dict[str, Any] | None:
    """Return what a page needs to count visits over any two dimensions; ``None`` without a state.

    A phase's ``n`` states out of ``seen`` visited ones each stand for ``seen / n`` visits.

    Args:
        found: of a run's phases.
        names: of the K dimensions.
        moved: dimensions that some agent can move: they are offered first.
        most_bytes: of what stands in the page.

    Example:
        >>> states = np.array([[0.0, 1.0], [0.0, 3.0], [2.0, 3.0]], dtype=np.float32)
        >>> told = visit_contents([Visited("explore", states, seen=6)], ["x", "y"], moved=[1])
        >>> told["phases"], told["dims"][0]
        ([{'name': 'explore', 'seen': 6, 'shown': 3}], {'name': 'x', 'values': [0.0, 2.0], 'cells': 'AAAB'})
    """
    size = found[0].states.shape[1] if found else 0
    if not size:
        return None
    most = max(1, most_bytes * 3 // 4 // max(1, size * len(found)))
    shown = [_fewer(one.states, most) for one in found]
    states = np.nan_to_num(np.concatenate(shown))  # beyond float32 is infinite here
    return {
        "phases": [
            {"name": one.phase, "seen": one.seen, "shown": len(some)} for one, some in zip(found, shown, strict=True)
        ],
        "dims": [{"name": names[k], **_cells(states[:, k])} for k in range(size)],
        "first": [*moved, *(k for k in range(size) if k not in moved)][:2],
    }


def _fewer(states: npt.NDArray[np.float32], most: int) -> npt.NDArray[np.float32]:
    if len(states) <= most:
        return states
    return states[np.sort(np.random.default_rng(0).choice(len(states), most, replace=False))]


def _cells(values: npt.NDArray[np.float32]) -> dict[str, Any]:
    """Return a dimension's ``values`` or ``edges``, and in ``cells`` which of them each state is in.

    Example:
        >>> told = _cells(np.linspace(0, 3, 200).astype(np.float32))
        >>> len(told["edges"]), told["edges"][0], told["edges"][-1]
        (31, 0.0, 3.0)
    """
    different, codes = np.unique(values, return_inverse=True)
    if len(different) <= MOST_VALUES:
        told = {"values": [float(f"{value:.6g}") for value in different.tolist()]}
    else:
        edges = np.linspace(float(different[0]), float(different[-1]), INTERVALS + 1)
        codes = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, INTERVALS - 1)
        told = {"edges": [float(f"{edge:.6g}") for edge in edges.tolist()]}
    return {**told, "cells": base64.b64encode(codes.astype(np.uint8).tobytes()).decode()}
