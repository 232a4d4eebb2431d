"""Plans of the paper's figures, included in the package."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from typing import Any

from isa_learners.runs.yaml_io import read_yaml
from isa_wrappers.errors import UnknownNameError, nearest, shown

QUICK_SEEDS = [0, 1]
QUICK_SHARE = 4
"""Divisor of the steps in a quick preview."""
QUICK_EPISODES = 64


def figures() -> dict[str, str]:
    """Return the figures that have a plan, with the first line of each file.

    Example:
        >>> "fig4a" in figures()
        True
    """
    figures_by_name = {}
    for file in sorted(_folder().iterdir(), key=lambda file: file.name):
        if file.name.endswith(".yaml"):
            figures_by_name[file.name.removesuffix(".yaml")] = file.read_text().splitlines()[0].removeprefix("# ")
    return figures_by_name


def figure_plan(name: str, quick: bool = False) -> Mapping[str, Any]:
    """Return a figure's plan as plain data.

    Args:
        name: name of the figure.
        quick: preview with two seeds and a quarter of the steps, which takes minutes and is not a result.

    Raises:
        UnknownNameError: if there is no such plan; the message suggests the nearest.

    Example:
        >>> figure_plan("fig4a")["variants"], figure_plan("fig4a", quick=True)["seeds"]
        (['isa', 'whole_state'], [0, 1])
    """
    known = figures()
    if name not in known:
        raise UnknownNameError(f"no figure {shown(name)}{nearest(name, known) or ';'} known: {', '.join(known)}")
    data: dict[str, Any] = read_yaml((_folder() / f"{name}.yaml").read_text())
    if quick:
        data["seeds"] = QUICK_SEEDS
        data["episodes"] = QUICK_EPISODES
        data["tasks"] = {task: {**own, "steps": own["steps"] // QUICK_SHARE} for task, own in data["tasks"].items()}
    return data


def _folder() -> Any:
    return resources.files("isa_learners.experiments.plans")
