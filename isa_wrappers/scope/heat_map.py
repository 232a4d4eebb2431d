"""A scope as an HTML table of coloured cells, for notebooks, without a plotting library."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
import numpy.typing as npt

MOST_COLUMNS = 60
MOST_ROWS = 120
# Light to dark, suitable for colour-blind readers and for print.
_LOW, _HIGH = (247, 251, 255), (8, 48, 107)


def heat_map_html(
    rows: Sequence[str],
    columns: Sequence[str],
    figures: npt.NDArray[np.float64],
    inside: npt.NDArray[np.bool_],
    caption: str,
) -> str:
    """Return an HTML heat map of the influence of each action on each dimension.

    Args:
        rows: R names of agents with actions.
        columns: K names of dimensions.
        figures: influence values, ``[R, K]`` in [0, 1].
        inside: whether each cell is in the scope, and therefore outlined, ``[R, K]``.
        caption: caption above the table.

    Returns:
        A table with the 60 dimensions that are moved most and the first 120 rows, if there are more.

    Example:
        >>> html = heat_map_html(["a up"], ["<x>"], np.array([[0.5]]), np.array([[True]]), "one cell")
        >>> "&lt;x&gt;" in html, "0.50" in html
        (True, True)
    """
    shown_columns = list(range(len(columns)))
    if len(columns) > MOST_COLUMNS:
        shown_columns = np.sort(np.argsort(-figures.max(axis=0), kind="stable")[:MOST_COLUMNS]).tolist()
        caption += f"; the {MOST_COLUMNS} of {len(columns)} dimensions with the most influence"
    if len(rows) > MOST_ROWS:
        caption += f"; the first {MOST_ROWS} of {len(rows)} rows"
    upright = "writing-mode:vertical-rl;transform:rotate(180deg);font-weight:normal;padding:2px"
    head = "".join(f'<th scope="col" style="{upright}">{escape(columns[k])}</th>' for k in shown_columns)
    body = "".join(
        f'<tr><th scope="row" style="font-weight:normal;text-align:left;white-space:nowrap">{escape(name)}</th>'
        + "".join(_cell(float(figures[row, k]), bool(inside[row, k])) for k in shown_columns)
        + "</tr>"
        for row, name in enumerate(rows[:MOST_ROWS])
    )
    return (
        f'<table style="border-collapse:collapse;font-size:11px"><caption>{escape(caption)}</caption>'
        f"<thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _cell(figure: float, inside: bool) -> str:
    shade = [round(low + (high - low) * figure) for low, high in zip(_LOW, _HIGH, strict=True)]
    ink = "#fff" if figure > 0.5 else "#333"
    edge = "2px solid #d55e00" if inside else "1px solid #ddd"
    text = f"{figure:.2f}" if figure >= 0.005 else ""
    style = f"background:rgb{tuple(shade)};color:{ink};border:{edge};min-width:26px;text-align:center"
    return f'<td style="{style}">{text}</td>'
