"""Target positions of the paper's grid tasks: listed, given or drawn each episode."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from math import gcd
from operator import index
from typing import Any

from isa_wrappers.errors import InvalidValueError, check_choice

LANDMARKS = (
    (12, 5), (12, 14), (13, 5), (6, 1), (11, 13), (12, 8), (2, 6), (11, 6),
    (2, 8), (10, 13), (9, 11), (3, 4), (3, 3), (5, 3), (10, 2), (9, 4),
)  # fmt: skip
POSTS = ((5, 7), (3, 7), (7, 7), (1, 7), (9, 7))
GOLDEN = 0.618
"""Golden-section fraction, whose multiples spread evenly."""


def _more_cells(count: int, grid: int, taken: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return ``count`` more free cells, spread over the board by the golden section."""
    cells = grid * grid
    stride = round(cells * GOLDEN)
    while gcd(stride, cells) > 1:
        stride += 1
    places = (divmod(k * stride % cells, grid) for k in range(cells))
    return tuple(islice((place for place in places if place not in taken), max(count, 0)))


def fixed_targets(
    targets: str | Sequence[Sequence[int]], num_agents: int, grid: int, start: tuple[int, int], shoots: bool
) -> tuple[tuple[int, int], ...] | None:
    """Resolve the ``targets`` option; return ``None`` if each episode draws its own.

    Args:
        targets: ``"listed"``, ``"random"`` or pairs (x, y).
        num_agents: number of agents and of targets, A.
        grid: side length of the board.
        start: initial position of the agents, which is never a target.
        shoots: whether the task is Shooting, where agents shoot from their posts.

    Raises:
        InvalidValueError: if ``targets`` is invalid or does not fit on the board.

    Example:
        >>> fixed_targets("listed", 18, 20, (0, 0), shoots=False)[15:]
        ((9, 4), (12, 7), (4, 14))
    """
    if isinstance(targets, str):
        check_choice("targets", targets, ("listed", "random"))
        if num_agents >= grid * grid:
            raise InvalidValueError(f"a grid of size {grid} has no room for {num_agents} targets; use a larger grid")
        if targets == "random":
            return None
        if shoots and num_agents > len(POSTS):
            raise InvalidValueError(
                f"num_agents must be at most {len(POSTS)} with listed targets, got {num_agents}; "
                "pass positions or 'random' as targets"
            )
        listed = POSTS if shoots else LANDMARKS
        targets = listed[:num_agents] + _more_cells(num_agents - len(listed), grid, (start, *listed))
    pairs: Any = targets
    try:
        chosen = tuple((index(x), index(y)) for x, y in pairs)
    except (TypeError, ValueError) as error:
        raise InvalidValueError(
            f"targets must be 'listed', 'random' or pairs of integers (x, y), got {targets!r}"
        ) from error
    if len(chosen) != num_agents or len(set(chosen)) != num_agents or start in chosen:
        raise InvalidValueError(
            f"targets must be {num_agents} distinct positions, none at the start {start}; got {list(chosen)}"
        )
    outside = [place for place in chosen if not all(0 <= c < grid for c in place)]
    if outside:
        raise InvalidValueError(f"target {outside[0]} lies outside the grid of {grid} x {grid}; use a larger grid")
    return chosen
