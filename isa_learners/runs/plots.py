"""Curves of runs as PNG."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from isa_learners.runs.metrics import columns_of, read_metrics
from isa_learners.runs.run_folder import RunFolder
from isa_wrappers.errors import FileFormatError, InvalidValueError, MissingDependencyError
from isa_wrappers.files import replacing
from isa_wrappers.scope.files import load_scope
from isa_wrappers.scope.plots import label, plot_scope

CURVES = {"success_rate": "success rate", "return_mean": "return"}


def plot_run(folder: RunFolder) -> list[Path]:
    """Draw a run's curves and scope into its folder; return the files."""
    files = [plot_curves([folder], folder.path / "curves.png")]
    if (folder.path / "scope.json").exists():
        files.append(plot_scope(load_scope(folder.path), folder.path / "scope.png"))
    return files


def plot_curves(folders: Sequence[RunFolder], path: Path) -> Path:
    """Draw success rate and return against environment steps, thin by run and bold at the median of equal runs.

    Raises:
        MissingDependencyError: without matplotlib.
        FileFormatError: if a run has no readable metrics.
        InvalidValueError: if ``path`` does not end in ``.png``.
    """
    if path.suffix.lower() != ".png":
        raise InvalidValueError(f"curves are drawn to a file that ends in .png, got {str(path)!r}")
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependencyError("plots need matplotlib: pip install 'isa-marl[plot]'") from error
    figure = Figure(figsize=(11, 4), layout="constrained")
    panels = figure.subplots(1, len(CURVES))
    groups: dict[str, list[dict[str, npt.NDArray[np.float64]]]] = {}
    for folder in folders:
        config = folder.config()
        name = label(f"{config.env} {config.algo} {config.preset}")
        groups.setdefault(name, []).append(_curves(folder, columns_of(config)))
    for index, (name, runs) in enumerate(groups.items()):
        evaluated = [run for run in runs if len(run["env_steps"])]
        grid = np.unique(np.concatenate([run["env_steps"] for run in runs]))
        for axes, (column, title) in zip(panels, CURVES.items(), strict=True):
            # Beyond its last evaluation a run keeps its value, so that a run stopped when solved still counts.
            values = [np.interp(grid, run["env_steps"], run[column]) for run in evaluated]
            for run in evaluated:
                axes.plot(run["env_steps"], run[column], color=f"C{index}", alpha=0.3, linewidth=0.8)
            middle = np.median(values, axis=0) if values else grid
            axes.plot(grid, middle, color=f"C{index}", label=f"{name} (n={len(evaluated)})")
            axes.set_xlabel("environment steps")
            axes.set_ylabel(title)
    panels[0].set_ylim(-0.03, 1.03)
    panels[0].legend(loc="upper left", fontsize="small")
    with replacing(path) as file:
        figure.savefig(file, dpi=110, format="png")
    return path


def _curves(folder: RunFolder, columns: Sequence[str]) -> dict[str, npt.NDArray[np.float64]]:
    try:
        rows = read_metrics(folder.metrics_file, columns)
        return {name: np.array([float(row[name]) for row in rows]) for name in ("env_steps", *CURVES)}
    except (OSError, KeyError, ValueError, csv.Error) as error:
        raise FileFormatError(f"{folder.metrics_file} is not a readable metrics file ({error})") from error
