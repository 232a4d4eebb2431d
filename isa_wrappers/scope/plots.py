"""Plot scopes like the paper's Fig. 3."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from isa_wrappers.errors import MissingDependencyError
from isa_wrappers.files import replacing
from isa_wrappers.scope.influence import InfluenceScope

LONGEST_LABEL = 60
"""Maximum number of characters of a name in a plot."""


def label(text: str) -> str:
    r"""Return a name for matplotlib: with escaped dollars, without unprintable characters, and of bounded length.

    Example:
        >>> print(label("cost in $, gain in $"), label("a\0b"))
        cost in \$, gain in \$ a\x00b
    """
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    text = text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 3]}..."
    text = f" {text}" if text.startswith("_") else text  # legends ignore labels that begin with an underscore
    return text.replace("$", r"\$")


def plot_scope(scope: InfluenceScope, path: str | Path) -> Path:
    """Plot the influence of each agent's actions on the state dimensions, as in Fig. 3.

    Cells in the scope are outlined.

    Raises:
        MissingDependencyError: if matplotlib is not installed.
        CannotWriteError: if the file cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependencyError("plots need matplotlib: pip install 'isa-marl[plot]'") from error
    rows = sum(scope.num_actions)
    figure = Figure(figsize=(min(4 + 0.3 * scope.state_size, 24), min(2 + 0.22 * rows, 24)), layout="constrained")
    axes = figure.subplots()
    figure.colorbar(draw_scope(axes, scope), label=label(scope.figure))
    axes.set_title(f"influence of each action on each dimension (outlined: in the scope, above {scope.delta_text})")
    path = Path(path)
    with replacing(path) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # characters missing in the font are drawn as boxes
        figure.savefig(file, dpi=110, format="png")
    return path


def draw_scope(axes: Any, scope: InfluenceScope) -> Any:
    """Draw a scope into matplotlib axes; return the image, for a colour bar."""
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    rows = [(i, a) for i in range(scope.num_agents) for a in range(scope.num_actions[i])]
    values = np.stack([scope.influence[i, a] for i, a in rows])
    image = axes.imshow(values, vmin=0.0, vmax=1.0, cmap="viridis", aspect="auto", interpolation="nearest")
    inside = np.argwhere(np.stack([scope.action_mask[i, a] for i, a in rows]))
    cells = [Rectangle((k - 0.5, row - 0.5), 1.0, 1.0) for row, k in inside.tolist()]
    axes.add_collection(PatchCollection(cells, facecolor="none", edgecolor="red", linewidth=0.8))
    if scope.state_size <= 80:
        axes.set_xticks(
            range(scope.state_size), [label(scope.dim_name(k)) for k in range(scope.state_size)], rotation=90
        )
    if len(rows) <= 100:
        axes.set_yticks(range(len(rows)), [label(f"{scope.agents[i]} {scope.action_name(i, a)}") for i, a in rows])
    axes.set_xlabel("state dimension")
    axes.set_ylabel("agent and action")
    return image
