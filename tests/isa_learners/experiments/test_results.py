"""A run's numbers, against the metrics and the summary that they are read from."""

import csv
import json

import numpy as np
import pytest
from plan_helpers import tiny_plan

from isa_learners.experiments.folder import Comparison
from isa_learners.experiments.plan import make_plan
from isa_learners.experiments.results import area_under, as_marl_eval, result_of, steps_to
from isa_learners.runs.curves import Curve
from isa_learners.runs.metrics import columns_of
from isa_wrappers.errors import FileFormatError


def curve(steps, rates):
    columns = {"env_steps": np.array(steps, dtype=float), "success_rate": np.array(rates, dtype=float)}
    return Curve("task", "", {}, columns, ())


@pytest.mark.parametrize(
    ("steps", "rates", "area"),
    [
        ([90, 100], [1, 1], 0.1),
        ([20, 60], [0, 1], 0.6),
        ([50], [0.5], 0.25),
        ([20, 40, 60], [0, np.nan, 1], 0.6),
        ([40, 130], [1, 1], 0.6),
    ],
)
def test_area_is_the_mean_success_with_nothing_before_the_first_evaluation(steps, rates, area):
    assert area_under(curve(steps, rates), 100) == pytest.approx(area)


def test_without_an_evaluation_there_is_no_area():
    assert np.isnan(area_under(curve([], []), 100))
    assert np.isnan(area_under(curve([10], [np.nan]), 100))


def test_metrics_of_before_hold_rates_in_single_precision():
    assert steps_to(curve([10, 20, 30], [0.85, float(np.float32(0.9)), 1]), 0.9) == 20


def test_what_marl_eval_reads_leaves_out_evaluations_whose_games_were_lost():
    columns = {"wall_time_s": [1, 2, 3], "success_rate": [0, np.nan, 1], "return_mean": [0.5, np.nan, 1.5]}
    drawn = Curve("smax/3m", "", {}, {"env_steps": np.array([20.0, 40, 60])} | columns, ())
    row = {"task": "smax/3m", "variant": "isa", "seed": 7, "success_rate": 1.0, "return_mean": 1.5}
    (run,) = as_marl_eval([(row, drawn)])["smax"]["3m"]["isa"].values()
    assert run == {
        "step_0": {"step_count": 20, "elapsed_time": 1.0, "success_rate": [0.0], "return": [0.5]},
        "step_1": {"step_count": 60, "elapsed_time": 3.0, "success_rate": [1.0], "return": [1.5]},
        "absolute_metrics": {"success_rate": [1.0], "return": [1.5]},
    }


def told(variant, steps, rates):
    columns = {"wall_time_s": np.zeros(len(steps)), "return_mean": np.zeros(len(steps))}
    named = {"task": "smax/3m", "variant": variant, "seed": 0, "success_rate": 1.0, "return_mean": 0.0}
    return named, Curve("smax/3m", "", {}, {**curve(steps, rates).columns, **columns}, ())


def test_marl_eval_finds_all_runs_of_a_task_at_the_same_steps():
    ippo = told("ippo", [10, 20, 30, 40, 50], [0.1, 0.2, np.nan, 0.4, 0.5])
    scoped = told("scoped", [25, 50], [0.3, 0.6])
    found = as_marl_eval([ippo, told("isa", [15, 30, 45], [0.5, 0.5, 1.0]), scoped])
    rates = {
        name: [row["success_rate"][0] for row in rows(runs["seed_0"])] for name, runs in found["smax"]["3m"].items()
    }
    assert rates == {"ippo": [0.4, 0.5], "isa": [0.5, 1.0], "scoped": [0.3, 0.6]}
    assert [row["step_count"] for row in rows(found["smax"]["3m"]["isa"]["seed_0"])] == [40, 50]


def rows(run):
    return [row for name, row in run.items() if name != "absolute_metrics"]


def test_marl_eval_finds_the_steps_after_a_run_that_was_solved_early_too():
    quick, slow = told("quick", [10, 20, 30], [0.9, 1.0, 1.0]), told("slow", range(10, 110, 10), [0.0] * 5 + [0.5] * 5)
    found = as_marl_eval([quick, slow])["smax"]["3m"]
    assert [row["success_rate"][0] for row in rows(found["quick"]["seed_0"])] == [0.9] + [1.0] * 9
    assert [row["success_rate"][0] for row in rows(found["slow"]["seed_0"])] == [0.0] * 5 + [0.5] * 5
    begins_later = told("scoped", [40, 50, 60], [0.1, 0.5, 0.9])
    found = as_marl_eval([quick, begins_later])["smax"]["3m"]
    assert [row["step_count"] for row in rows(found["quick"]["seed_0"])] == [40, 50, 60]


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
        FileFormatError, match=r"has lost its last rows: summary\.json tells of an evaluation after 200 steps"
    ):
        result_of(comparison, run)
