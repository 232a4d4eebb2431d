"""Scopes as the paper's Fig. 3."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from isa_wrappers.errors import MissingDependencyError
from isa_wrappers.scope.influence import InfluenceScope


def plot_scope(scope: InfluenceScope, path: str | Path) -> Path:
    """Draw Fig. 3: the information, actions of every agent by state dimensions.

    Raises:
        MissingDependencyError: without matplotlib.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependencyError("plots need matplotlib: pip install 'isa-marl[plot]'") from error
    rows = [(i, a) for i in range(scope.num_agents) for a in range(scope.num_actions[i])]
    values = np.stack([scope.mutual_information[i, a] for i, a in rows])
    figure = Figure(figsize=(min(4 + 0.3 * scope.state_size, 24), min(2 + 0.22 * len(rows), 24)), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(values, vmin=0.0, vmax=1.0, cmap="viridis", aspect="auto", interpolation="nearest")
    figure.colorbar(image, label=scope.figure)
    if scope.state_size <= 80:
        axes.set_xticks(range(scope.state_size), [scope.dim_name(k) for k in range(scope.state_size)], rotation=90)
    if len(rows) <= 100:
        labels = [f"{scope.agents[i]} {scope.action_names[a] if a < len(scope.action_names) else a}" for i, a in rows]
        axes.set_yticks(range(len(rows)), labels)
    axes.set_title(f"influence of each action on each dimension (in the scope above {scope.delta_text})")
    axes.set_xlabel("state dimension")
    axes.set_ylabel("agent and action")
    path = Path(path)
    figure.savefig(path, dpi=110)
    return path
