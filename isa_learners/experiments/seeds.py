"""Seeds of a plan."""

from __future__ import annotations

import re
from typing import Any

from isa_learners.experiments.plan_file import PlanError
from isa_wrappers.errors import shown

MOST_RUNS = 100_000
"""Maximum number of runs of a plan."""


def read_seeds(value: Any) -> list[int]:
    """Read seeds from a list, or from text such as ``0-9`` or ``0,2,5-7``.

    Raises:
        PlanError: for another format, or if a seed occurs twice.

    Example:
        >>> read_seeds("0-2,7"), read_seeds([3, 1])
        ([0, 1, 2, 7], [3, 1])
    """
    seeds: list[int] = []
    for part in value if isinstance(value, list) else str(value).split(","):
        match = re.fullmatch(r"\s*(\d{1,9})(?:\s*-\s*(\d{1,9}))?\s*", str(part))
        if match is None:
            raise PlanError(f"seeds must be integers such as [0, 1] or 0-9, got {shown(value)}", ("seeds",))
        first, last = int(match[1]), int(match[2] or match[1])
        if last - first >= MOST_RUNS:
            raise PlanError(f"a plan holds at most {MOST_RUNS:,} runs, got seeds {shown(value)}", ("seeds",))
        seeds += range(first, last + 1)
    doubles = [seed for seed in dict.fromkeys(seeds) if seeds.count(seed) > 1] if len(set(seeds)) < len(seeds) else []
    if doubles or not seeds:
        problem = f"seed {doubles[0]} occurs twice" if doubles else "there must be at least one seed"
        raise PlanError(f"{problem}, got seeds {shown(value)}", ("seeds",))
    return seeds
