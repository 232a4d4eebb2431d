"""A run's numbers, against the metrics and the summary that they are read from."""

import csv
import json

import numpy as np
import pytest
from plan_helpers import tiny_plan

from isa_learners.experiments.folder import Comparison
from isa_learners.experiments.plan import make_plan
from isa_learners.experiments.results import area_under, fill_areas, first_evaluation, result_of, steps_to
from isa_learners.runs.curves import Curve
from isa_learners.runs.metrics import columns_of
from isa_wrappers.errors import FileFormatError


def curve(steps, rates):
    columns = {"env_steps": np.array(steps, dtype=float), "success_rate": np.array(rates, dtype=float)}
    return Curve("task", "", {}, columns, ())


@pytest.mark.parametrize(
    ("steps", "rates", "area"),
    [
        ([20, 60], [0, 1], 0.75),
        ([20, 40, 60], [0, np.nan, 1], 0.75),
        ([10, 50], [0, 1], 0.859375),
        ([10], [0.5], 0.5),
        ([20, 180], [0, 1], 0.25),
        ([130], [1], np.nan),
    ],
)
def test_area_is_the_mean_success_between_two_points(steps, rates, area):
    assert area_under(curve(steps, rates), 20, 100) == pytest.approx(area, nan_ok=True)


def test_without_an_evaluation_there_is_no_area():
    assert np.isnan(area_under(curve([], []), 0, 100))
    assert np.isnan(area_under(curve([10], [np.nan]), 10, 100))
    assert area_under(curve([50, 150], [0, 1]), 100, 100) == 0.5, "first evaluated at the end"


def areas(**evaluations):
    """Return the areas over 100 steps of runs of one task, by name."""
    found = []
    for name, (steps, rates) in evaluations.items():
        drawn = curve(steps, rates)
        found.append(({"task": "task", "folder": name, "first_evaluation": first_evaluation(drawn)}, drawn))
    fill_areas(found, dict.fromkeys(evaluations, 100))
    return {row["folder"]: row["area"] for row, _ in found}


def test_equal_curves_have_equal_areas_whenever_they_are_evaluated():
    rates = [2 / 3] * 4
    found = areas(isa=([24, 50, 71, 103], rates), ippo=([28.8, 48, 67.2, 106], rates), none=([], []))
    assert found["isa"] == found["ippo"] == pytest.approx(2 / 3)
    assert np.isnan(found["none"])


def test_who_is_first_evaluated_late_gains_nothing_by_it():
    found = areas(quick=([10, 50, 90], [0, 1, 1]), late=([50, 90], [1, 1]), falls=([10, 50, 90], [1, 0, 0]))
    assert found == {"quick": 1.0, "late": 1.0, "falls": 0.0}


def test_metrics_of_before_hold_rates_in_single_precision():
    assert steps_to(curve([10, 20, 30], [0.85, float(np.float32(0.9)), 1]), 0.9) == 20


@pytest.fixture
def ended(tmp_path):
    """A comparison of one run that has ended by what its files say, and that run."""
    comparison = Comparison(make_plan(tiny_plan(variants=["ippo"], seeds=[0])), tmp_path)
    (run,) = comparison.plan.runs
    path, columns = comparison.prepare(run), columns_of(run.config)
    rates = {40: 0.0, 80: 1.0, 120: 0.0, 160: 0.0, 200: 0.0}
    with (path / "metrics.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        for steps, rate in rates.items():
            writer.writerow({**dict.fromkeys(columns, 0.0), "env_steps": steps, "success_rate": rate})
    summary = {"env_steps": 200, "wall_time_s": 1.0, "solved": None, "first_success": None, "evaluated_at": 200}
    played = {"episodes": comparison.plan.episodes, "played": 3, "success_rate": 0.5, "return_mean": 0.5}
    (path / "summary.json").write_text(json.dumps(summary))
    (path / "final.json").write_text(json.dumps({**played, "env_steps": 200, "episode_length": 9.0}))
    return comparison, run, path


def test_solved_is_three_in_a_row_and_one_evaluation_is_told_apart(ended):
    comparison, run, _ = ended
    row, _ = result_of(comparison, run)
    assert (row["steps_to_0.9"], row["steps_to_solve"], row["episodes"]) == (80, float("inf"), 3)


@pytest.mark.parametrize("kept", [0, 1, 4])
def test_metrics_that_lost_their_last_rows_are_no_result(ended, kept):
    comparison, run, path = ended
    lines = (path / "metrics.csv").read_text().splitlines(keepends=True)
    (path / "metrics.csv").write_text("".join(lines[: kept + 1]))
    with pytest.raises(
        FileFormatError, match=r"has lost its last rows: summary\.json names an evaluation after 200 steps"
    ):
        result_of(comparison, run)
