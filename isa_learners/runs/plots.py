"""Figures of runs in one style: curves of a statistic over seeds with a shaded 95 % interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from isa_learners.runs.curves import Curve, Group, grouped, phase_end, read_curve
from isa_learners.runs.run_folder import RunFolder
from isa_learners.runs.scope_picture import scope_picture
from isa_learners.runs.statistics import STATISTICS, Values, bands, middles, profile
from isa_wrappers.errors import FileFormatError, InvalidValueError, MissingDependencyError, check_choice
from isa_wrappers.files import replacing
from isa_wrappers.scope.plots import label

ROWS = {"success_rate": "success rate", "return_mean": "return"}
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999933")
"""Colour-blind safe colours of Okabe and Ito, without yellow, which is hard to see on white."""
DASHES = ("-", (0, (5, 1)), (0, (1, 1)), (0, (4, 1, 1, 1)))
"""Line styles; the next one is used once all colours are taken."""
FORMATS = (".png", ".pdf", ".svg")
MOST_POINTS = 400
"""Maximum number of points of a curve."""
TRAINING = "train_success_rate"


def plot_run(folder: RunFolder, anew: bool = True) -> list[Path]:
    """Draw the curves of an evaluated run, and its scope, into its folder; return the files.

    Args:
        folder: run folder.
        anew: redraw the scope even if its picture exists.
    """
    files = []
    if len(read_curve(folder).steps):
        files.append(plot_curves([folder], folder.path / "curves.png"))
    picture = scope_picture(folder, anew)
    return files if picture is None else [*files, picture]


def no_curve(folder: RunFolder) -> FileFormatError:
    """Return the error for a run without evaluations."""
    return FileFormatError(f"{folder.metrics_file} holds no evaluation yet, so there is no curve to draw")


def plot_curves(
    folders: Sequence[RunFolder], path: Path, labels: Sequence[str] = (), statistic: str = "median"
) -> Path:
    """Draw runs as :func:`draw_curves` does; runs whose configurations differ only in the seed form a group.

    Raises:
        MissingDependencyError: if matplotlib is missing.
        FileFormatError: if a run has no readable metrics, or no run has been evaluated.
        InvalidValueError: for an unsupported file name extension or a wrong number of labels.
    """
    check_format(path)
    groups = grouped(folders, labels)
    if not any(len(run.steps) for group in groups for run in group.runs):
        raise no_curve(folders[0])
    return draw_curves(groups, path, statistic)


def draw_curves(groups: Sequence[Group], path: Path, statistic: str = "median") -> Path:
    """Draw greedy success (solid, with its interval over seeds), training success (dashed) and return, per task.

    A triangle marks the median end of a phase over seeds, if the phase has ended in most of them.

    Args:
        groups: groups of all tasks.
        path: PNG, PDF or SVG file.
        statistic: ``median``, ``mean`` or ``iqm`` over seeds.

    Raises:
        MissingDependencyError: if matplotlib is missing.
        InvalidValueError: for an unsupported file name extension or statistic.
    """
    check_choice("statistic", statistic, STATISTICS)
    tasks = list(dict.fromkeys(group.task for group in groups))
    figure = new_figure(len(tasks), len(ROWS))
    panels = figure.subplots(len(ROWS), len(tasks), squeeze=False)
    names = list(dict.fromkeys(group.name for group in groups))
    handles: dict[str, Any] = {}
    for group in groups:
        column = panels[:, tasks.index(group.task)]
        style = _style(names.index(group.name))
        for axes, name in zip(column, ROWS, strict=True):
            line = _draw_group(axes, group, name, style, statistic)
            if line is not None and name == "success_rate":
                _draw_training(axes, group, style, statistic)
                handles.setdefault(line.get_label(), line)
    for column, task in zip(panels.T, tasks, strict=True):
        column[0].set_title(label(task))
        column[0].set_ylim(-0.03, 1.03)
        column[-1].set_xlabel("environment steps")
        for axes in column:
            finish_axes(axes)
    for axes, title in zip(panels[:, 0], ROWS.values(), strict=True):
        axes.set_ylabel(title)
    if handles:
        finish_legend(figure, handles, f"{statistic} over n seeds with its 95 % interval; dashed: during training")
    return write_figure(figure, path)


def draw_profiles(
    scores: Mapping[str, Sequence[Any]], path: Path, measure: str = "success rate", note: str | None = None
) -> Path:
    """Draw performance profiles: for each name the share of runs above every score.

    Args:
        scores: name -> values ``[seeds]`` for each task.
        path: file of the figure.
        measure: name of the score.
        note: optional title of the legend.
    """
    figure = new_figure(1, 1)
    axes = figure.subplots()
    thresholds = np.linspace(0.0, 1.0, 201)
    handles = {}
    for index, (name, strata) in enumerate(scores.items()):
        (handles[label(name)],) = axes.step(thresholds, profile(strata, thresholds), where="post", **_style(index))
    axes.set_xlabel(label(f"{measure} above"))
    axes.set_ylabel("share of runs")
    axes.set_ylim(-0.03, 1.03)
    finish_axes(axes, steps=False)
    finish_legend(figure, handles, note)
    return write_figure(figure, path)


def check_format(path: Path) -> None:
    """Check that the file name extension is a supported format.

    Raises:
        InvalidValueError: naming the supported formats.
    """
    if path.suffix.lower() not in FORMATS:
        raise InvalidValueError(f"a figure needs a file that ends in {', '.join(FORMATS)}, got {str(path)!r}")


def new_figure(columns: int, rows: int) -> Any:
    """Return an empty figure with the given number of panels.

    Raises:
        MissingDependencyError: if matplotlib is missing.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependencyError("plots need matplotlib: pip install 'isa-marl[plot]'") from error
    return Figure(figsize=(min(2.0 + 3.6 * columns, 24.0), 1.2 + 2.4 * rows), layout="constrained")


def finish_axes(axes: Any, steps: bool = True) -> None:
    """Apply the common style to axes; steps are shown in thousands and millions."""
    from matplotlib.ticker import EngFormatter, MaxNLocator

    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25, linewidth=0.6)
    if steps:
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))


def finish_legend(figure: Any, handles: Mapping[str, Any], title: str | None = None) -> None:
    """Put the legend below the panels."""
    columns = max(1, min(len(handles), int(figure.get_figwidth() // 2.6)))
    figure.legend(
        handles.values(), handles.keys(), loc="outside lower center", ncols=columns, title=title, fontsize="small",
        title_fontsize="small", frameon=False,
    )  # fmt: skip


def write_figure(figure: Any, path: Path) -> Path:
    """Write a figure in the format of the file name extension.

    Raises:
        InvalidValueError: for an extension that is not in :data:`FORMATS`.
        CannotWriteError: if the file cannot be written.
    """
    check_format(path)
    with replacing(path) as file:
        figure.savefig(file, dpi=150, format=path.suffix.lower()[1:])
    return path


def _style(index: int) -> dict[str, Any]:
    """Return the line style of a group; the first group is drawn on top."""
    colour, dash = COLOURS[index % len(COLOURS)], DASHES[index // len(COLOURS) % len(DASHES)]
    return {"color": colour, "linestyle": dash, "zorder": 2 + 1 / (1 + index)}


def _draw_group(axes: Any, group: Group, column: str, style: Mapping[str, Any], statistic: str) -> Any:
    """Draw one line with its band; return ``None`` if no run has a value."""
    runs = [run for run in group.runs if run.knows(column)]
    if not runs:
        return None
    grid = step_grid(runs)
    values = np.stack([run.at(grid, column) for run in runs])
    middle, low, high = bands(values, STATISTICS[statistic])
    (line,) = axes.plot(grid, middle, label=label(f"{group.name} (n={len(runs)})"), linewidth=1.6, **style)
    if len(runs) > 1:
        axes.fill_between(grid, low, high, color=style["color"], alpha=0.18, linewidth=0)
    end = phase_end(runs)
    if np.isfinite(end) and column == "success_rate":
        axes.plot(end, 1.0, marker="v", color=style["color"], zorder=style["zorder"], clip_on=False, markersize=5)
    return line


def _draw_training(axes: Any, group: Group, style: Mapping[str, Any], statistic: str) -> None:
    runs = [run for run in group.runs if run.knows(TRAINING)]
    if runs:
        grid = step_grid(runs)
        values = np.stack([run.at(grid, TRAINING) for run in runs])
        middle = middles(values, STATISTICS[statistic])
        style_below = {"color": style["color"], "zorder": style["zorder"] - 1}
        axes.plot(grid, middle, linestyle=(0, (4, 2)), linewidth=0.8, alpha=0.7, **style_below)


def step_grid(runs: Sequence[Curve], max_points: int = MOST_POINTS) -> Values:
    """Return the environment steps at which any of the runs was evaluated, reduced to at most ``max_points``."""
    grid = np.unique(np.concatenate([run.steps for run in runs]))
    return grid if len(grid) <= max_points else grid[np.linspace(0, len(grid) - 1, max_points).round().astype(int)]
