"""What marl-eval reads: all runs of a task at the same steps, from the plan's intervals."""

import numpy as np
import pytest

from isa_learners.experiments.marl_eval import as_marl_eval, grids_of
from isa_learners.experiments.plan import make_plan
from isa_learners.runs.curves import Curve


def told(variant, steps, rates):
    columns = {"wall_time_s": np.arange(1.0, len(steps) + 1), "return_mean": np.array(rates) / 2}
    columns |= {"env_steps": np.array(steps, dtype=float), "success_rate": np.array(rates, dtype=float)}
    row = {"task": "smax/3m", "variant": variant, "seed": 0, "success_rate": 1.0, "return_mean": 0.5}
    return {**row, "folder": f"smax-3m/{variant}/seed0"}, Curve("smax/3m", "", {}, columns, ())


def exported(*runs, grid):
    """Return variant -> steps -> success rate."""
    data = as_marl_eval(runs, {"smax/3m": np.array(grid, dtype=float)})["smax"]["3m"]
    return {
        name: {one["step_count"]: one["success_rate"][0] for key, one in run["seed_0"].items() if key[:5] == "step_"}
        for name, run in data.items()
    }


def test_evaluations_whose_games_were_lost_are_left_out():
    run = told("isa", [20, 40, 60], [0, np.nan, 1])
    assert as_marl_eval([run], {"smax/3m": np.array([20.0, 40, 60])})["smax"]["3m"]["isa"]["seed_0"] == {
        "step_0": {"step_count": 20, "elapsed_time": 1.0, "success_rate": [0.0], "return": [0.0]},
        "step_1": {"step_count": 40, "elapsed_time": 1.0, "success_rate": [0.0], "return": [0.0]},
        "step_2": {"step_count": 60, "elapsed_time": 3.0, "success_rate": [1.0], "return": [0.5]},
        "absolute_metrics": {"success_rate": [1.0], "return": [0.5]},
    }


def test_early_evaluations_are_kept_and_none_lies_beyond_the_end():
    isa, dcor = told("isa", [4840, 8680, 12520], [1, 1, 1]), told("dcor", [6048, 9912, 13752], [0, 1, 1])
    assert exported(isa, dcor, told("lost", [], []), grid=[4000, 8000, 12000]) == {
        "isa": {8000: 1.0, 12000: 1.0},
        "dcor": {8000: 0.0, 12000: 1.0},
        "lost": {},
    }


def test_a_run_that_was_solved_early_keeps_its_last_evaluation():
    quick, slow = told("quick", [10, 20, 30], [0.9, 1.0, 1.0]), told("slow", range(10, 60, 10), [0, 0, 0, 0.5, 0.5])
    found = exported(quick, slow, grid=[10, 20, 30, 40, 50])
    assert found["quick"] == {10: 0.9, 20: 1.0, 30: 1.0, 40: 1.0, 50: 1.0}
    assert list(found["slow"].values()) == [0, 0, 0, 0.5, 0.5]


@pytest.mark.parametrize(("interval", "grid"), [(40_000, [40_000, 80_000, 90_000]), (100_000, [90_000])])
def test_steps_are_the_intervals_of_the_plan_up_to_its_end(interval, grid):
    said = {"tasks": "grid/unlock", "variants": ["ippo"], "seeds": [0], "steps": 90_000}
    found = grids_of(make_plan({**said, "set": {"eval_interval": interval}}))
    assert {task: steps.tolist() for task, steps in found.items()} == {"grid/unlock": grid}
    late = told("isa", [100_000], [1])
    assert exported(late, grid=grid) == {"isa": {90_000: 1.0}}, "the last rollout may go beyond the end"
