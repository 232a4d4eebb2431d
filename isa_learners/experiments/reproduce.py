"""The paper's figures as plans that come with the package."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from typing import Any

from isa_learners.runs.yaml_io import read_yaml
from isa_wrappers.errors import UnknownNameError, nearest, shown

QUICK_SEEDS = [0, 1]
QUICK_SHARE = 4
"""A quick look takes this part of the steps."""
QUICK_EPISODES = 64


def figures() -> dict[str, str]:
    """Return the figures that have a plan, each with the first line of its file.

    Example:
        >>> "fig4a" in figures()
        True
    """
    found = {}
    for file in sorted(_folder().iterdir(), key=lambda file: file.name):
        if file.name.endswith(".yaml"):
            found[file.name.removesuffix(".yaml")] = file.read_text().splitlines()[0].removeprefix("# ")
    return found


def figure_plan(name: str, quick: bool = False) -> Mapping[str, Any]:
    """Return a figure's plan as plain data.

    Args:
        name: of the figure.
        quick: two seeds and a quarter of the steps: minutes, and no result.

    Raises:
        UnknownNameError: if no plan bears the name; the nearest is offered.

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
