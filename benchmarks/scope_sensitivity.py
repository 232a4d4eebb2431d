"""Accuracy of a scope over bin widths, N, delta and estimators, on tasks whose true scope is known from their rules.

python benchmarks/scope_sensitivity.py --figure docs/images/scope-sensitivity.png --rows sensitivity.csv

Transitions are collected once per task and seed, for the largest N; every setting uses a part of them.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))
import scope_truth

from isa_learners.runs.plots import COLOURS, finish_axes, finish_legend, new_figure, write_figure
from isa_wrappers import ESTIMATORS, InfluenceScope, ScopeConfig
from isa_wrappers.border.start import close_env
from isa_wrappers.envs import family_of, make_batch
from isa_wrappers.scope.doubling import COLLECTORS

TASKS = ("grid/navigation", "grid/unlock", "grid/shooting", "smax/3m")
NMI = ("nmi_block", "nmi_pooled")
NUMBERS = (250, 500, 1_000, 2_000, 5_000)
"""N per agent; if all agents act at once, N times the number of agents in total, which gives the same steps."""
BINS = (0.01, 0.1, 1.0, 10.0)
DELTAS = (0.0, 0.01, 0.03, 0.1, 0.2, 0.3, 0.45, 0.6)
USUAL = {"number": 2_000, "bin_width": 0.01}
"""Values in panels that vary another setting."""
STYLES = {name: (COLOURS[i], 5.0 - 1.8 * i) for i, name in enumerate((*NMI, "interval_effect"))}
"""Colours and line widths; the widths differ because lines often overlap."""
PANELS = {"number": "N, steps per agent", "bin_width": "width of bins", "delta": "delta"}


@dataclass(frozen=True)
class Row:
    """Accuracy of one setting for one seed."""

    task: str
    estimator: str
    seed: int
    number: int
    bin_width: float
    delta: float
    exact: bool
    precision: float
    recall: float
    common_right: bool


def parts_of(task: str, collect: str, seed: int) -> tuple[list[Any], Any]:
    """Collect transitions for the largest N; also return the environment, which has agents, actions and names."""
    first = make_batch(task, 1)
    agents = len(first.agents)
    close_env(first)
    alone = collect == "one_at_a_time"
    env = make_batch(task, family_of(task).listeners(agents if alone else 1))
    number = max(NUMBERS) * (1 if alone else agents)
    settled = ESTIMATORS["nmi_block"].settled(ScopeConfig(number, window=1))
    parts = COLLECTORS[collect](env, settled, seed)
    close_env(env)
    return parts, env


def first_of(parts: list[Any], number: int) -> list[Any]:
    """Keep the first ``number`` transitions of a collection in which all agents act at once."""
    kept = ("actions", "available", "states", "next_states", "episode", "held", "valid")
    steps = -(-number // len(parts[0].free))
    return [replace(part, **{name: getattr(part, name)[:steps] for name in kept}) for part in parts]


def judged(scope: InfluenceScope, truth: Any, left_out: list[int]) -> dict[str, Any]:
    """Compare a scope with the truth."""
    wrong = scope_truth.misses(scope, truth, left_out)
    false, missing = wrong[2:4]
    true = len({(i, k) for i, actions in enumerate(truth) for dims in actions for k in dims})
    found = true - missing + false
    return {
        "exact": not any(wrong),
        "precision": (true - missing) / found if found else 1.0,
        "recall": (true - missing) / true,
        "common_right": wrong[4:] == (0, 0),
    }


def rows_of(task: str, seed: int) -> Iterator[Row]:
    """Estimate with every setting and yield one row for each."""
    for estimator, bins in [*((name, BINS) for name in NMI), ("interval_effect", (USUAL["bin_width"],))]:
        made = ESTIMATORS[estimator]
        if estimator != NMI[1]:  # nmi_pooled reuses the transitions of nmi_block
            parts, env = parts_of(task, made.collect, seed)
        for number, width in itertools.product(NUMBERS, bins):
            together = made.collect == "all_at_once"
            total = number * (len(env.agents) if together else 1)
            config = made.settled(ScopeConfig(total, bin_width=width, estimator=estimator))
            part = first_of(parts, total) if together else parts
            figures = made.estimate(part, config, max(env.num_actions))
            scope = InfluenceScope(
                env.agents, figures, 0.0, env.num_actions, env.state_names, env.action_names,
                settings={"env_kwargs": {}},
            )  # fmt: skip
            truth = scope_truth.named_truth(task, scope)
            cooldown = [k for k, name in enumerate(scope.state_names) if name.endswith(".cooldown")]
            for delta in DELTAS:
                right = judged(scope.with_delta(delta), truth, cooldown)
                yield Row(task, estimator, seed, number, width, delta, **right)


def chosen(rows: list[Row], free: str, **given: Any) -> list[Row]:
    """Return the rows in which all settings except ``free`` have usual values; for delta, the estimator's own."""
    usual = {**USUAL, "delta": None, **given}
    usual.pop(free, None)
    return [
        row
        for row in rows
        if all(
            getattr(row, name) == (ESTIMATORS[row.estimator].delta if name == "delta" else value)
            for name, value in usual.items()
        )
    ]


def f1(row: Row) -> float:
    """Return the harmonic mean of precision and recall of D_i."""
    both = row.precision + row.recall
    return 2 * row.precision * row.recall / both if both else 0.0


def draw(rows: list[Row], path: Path) -> None:
    """Draw the F1 of D_i (solid: mean and range over seeds) and how often D_c is right (dotted), one row per task."""
    tasks = list(dict.fromkeys(row.task for row in rows))
    figure = new_figure(len(PANELS), len(tasks))
    handles: dict[str, Any] = {}
    for panels, task in zip(figure.subplots(len(tasks), len(PANELS), squeeze=False), tasks, strict=True):
        for axes, (free, title) in zip(panels, PANELS.items(), strict=True):
            for estimator, (colour, wide) in STYLES.items():
                seen = [row for row in chosen(rows, free) if (row.task, row.estimator) == (task, estimator)]
                at = sorted({getattr(row, free) for row in seen})
                if len(at) < 2:
                    continue
                values = [[f1(row) for row in seen if getattr(row, free) == x] for x in at]
                common = [np.mean([row.common_right for row in seen if getattr(row, free) == x]) for x in at]
                (line,) = axes.plot(
                    at, [np.mean(v) for v in values], color=colour, marker="o", markersize=3, linewidth=wide
                )
                axes.fill_between(at, [min(v) for v in values], [max(v) for v in values], color=colour, alpha=0.18)
                axes.plot(at, common, color=colour, linestyle=(0, (1, 1)), linewidth=1.4)
                handles[estimator] = line
            axes.set_ylim(-0.03, 1.05)
            if free != "delta":
                axes.set_xscale("log")
                axes.set_xticks(NUMBERS if free == "number" else BINS)
                axes.xaxis.set_major_formatter("{x:g}")
                axes.minorticks_off()
            finish_axes(axes, steps=False)
            if task == tasks[-1]:
                axes.set_xlabel(title)
        panels[0].set_ylabel(f"{task}\nF1 of D_i")
    finish_legend(figure, handles, "mean and range over seeds; dotted: share of seeds in which D_c is right")
    write_figure(figure, path)


def table(rows: list[Row]) -> str:
    """Return a Markdown table: the accuracy with usual settings, and how many settings are fully right."""
    lines = [
        "| task | estimator | all exact | D_i: precision, recall | D_c right | settings with D_i and D_c right |",
        "|---|---|---|---|---|---|",
    ]
    for task, estimator in dict.fromkeys((row.task, row.estimator) for row in rows):
        own = [row for row in rows if (row.task, row.estimator) == (task, estimator)]
        usual = chosen(own, "")
        settings: dict[Any, list[bool]] = {}
        for row in own:
            right = row.precision == row.recall == 1.0 and row.common_right
            settings.setdefault((row.number, row.bin_width, row.delta), []).append(right)
        good = sum(all(seeds) for seeds in settings.values())
        precision, recall = np.mean([row.precision for row in usual]), np.mean([row.recall for row in usual])
        lines.append(
            f"| `{task}` | `{estimator}` | {sum(row.exact for row in usual)} of {len(usual)} | {precision:.2f}, "
            f"{recall:.2f} | {sum(row.common_right for row in usual)} of {len(usual)} | {good} of {len(settings)} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Estimate, draw, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", default=TASKS)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--rows", type=Path, help="write a CSV file with a row per setting and seed")
    parser.add_argument("--seconds", type=float, default=330.0, help="start no more seeds after this time")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    rows: list[Row] = []
    began = time.monotonic()
    for seed, task in itertools.product(range(args.seeds), args.tasks):
        if time.monotonic() - began > args.seconds:
            print(f"out of time: skipped seed {seed} of {task} and everything after it", flush=True)
            break
        rows += rows_of(task, seed)
        print(f"{task}, seed {seed}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    if args.rows is not None:
        with args.rows.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(asdict(rows[0])))
            writer.writeheader()
            writer.writerows(map(asdict, rows))
    if args.figure is not None:
        draw(rows, args.figure)
    print(table(rows))


if __name__ == "__main__":
    main()
