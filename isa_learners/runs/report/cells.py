"""Visited states for a report: the cells of every dimension, and the cell of each state as one byte."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from isa_learners.runs.visits import Visited

MOST_VALUES = 40
"""Up to this many different values of a dimension get one cell each; otherwise cells are equal intervals."""
INTERVALS = 30
MOST_BYTES = 240_000
"""Maximum number of bytes of visited states in a page; beyond it a uniform sample is shown."""


def visit_contents(
    visits: Sequence[Visited], names: Sequence[str], moved: Sequence[int], most_bytes: int = MOST_BYTES
) -> dict[str, Any] | None:
    """Return the data that a page needs to count visits over any two dimensions; ``None`` without states.

    Each of a phase's ``n`` states out of ``seen`` visited ones stands for ``seen / n`` visits.

    Args:
        visits: visited states of each phase of a run.
        names: names of the K dimensions.
        moved: dimensions that some agent can move; the page lists them first.
        most_bytes: maximum number of bytes in the page.

    Example:
        >>> states = np.array([[0.0, 1.0], [0.0, 3.0], [2.0, 3.0]], dtype=np.float32)
        >>> contents = visit_contents([Visited("explore", states, seen=6)], ["x", "y"], moved=[1])
        >>> contents["phases"], contents["dims"][0]
        ([{'name': 'explore', 'seen': 6, 'shown': 3}], {'name': 'x', 'values': [0.0, 2.0], 'cells': 'AAAB'})
    """
    size = visits[0].states.shape[1] if visits else 0
    if not size:
        return None
    max_states = max(1, most_bytes * 3 // 4 // max(1, size * len(visits)))
    samples = [_subsample(phase.states, max_states) for phase in visits]
    states = np.nan_to_num(np.concatenate(samples))  # values beyond float32 are infinite here
    return {
        "phases": [
            {"name": phase.phase, "seen": phase.seen, "shown": len(sample)}
            for phase, sample in zip(visits, samples, strict=True)
        ],
        "dims": [{"name": names[k], **_cells(states[:, k])} for k in range(size)],
        "first": [*moved, *(k for k in range(size) if k not in moved)][:2],
    }


def _subsample(states: npt.NDArray[np.float32], max_states: int) -> npt.NDArray[np.float32]:
    if len(states) <= max_states:
        return states
    return states[np.sort(np.random.default_rng(0).choice(len(states), max_states, replace=False))]


def _cells(values: npt.NDArray[np.float32]) -> dict[str, Any]:
    """Return the ``values`` or ``edges`` of a dimension, and the cell of each state in ``cells``.

    Example:
        >>> contents = _cells(np.linspace(0, 3, 200).astype(np.float32))
        >>> len(contents["edges"]), contents["edges"][0], contents["edges"][-1]
        (31, 0.0, 3.0)
    """
    different, codes = np.unique(values, return_inverse=True)
    if len(different) <= MOST_VALUES:
        bins = {"values": [float(f"{value:.6g}") for value in different.tolist()]}
    else:
        edges = np.linspace(float(different[0]), float(different[-1]), INTERVALS + 1)
        codes = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, INTERVALS - 1)
        bins = {"edges": [float(f"{edge:.6g}") for edge in edges.tolist()]}
    return {**bins, "cells": base64.b64encode(codes.astype(np.uint8).tobytes()).decode()}
