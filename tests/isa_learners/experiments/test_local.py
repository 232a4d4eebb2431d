"""Comparisons in processes of their own: finished, failed, killed and given again."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from plan_helpers import forked_runs, tiny_plan

from isa_learners.experiments.folder import Comparison
from isa_learners.experiments.local import run_here, why
from isa_learners.experiments.plan import make_plan
from isa_learners.experiments.results import result_of, write_results
from isa_wrappers.errors import InvalidValueError, RunFolderError

CLOCK = ("wall_time_s", "folder")


def rows_of(comparison):
    return [found[0] for run in comparison.plan.runs if (found := result_of(comparison, run)) is not None]


def ran(root, runs=None, **changes):
    comparison = Comparison(make_plan(tiny_plan(**changes)), root)
    outcomes = run_here(comparison, runs or comparison.left(), 2, lambda run: None, lambda outcome: None)
    return comparison, outcomes


def numbers(comparison):
    return [{key: value for key, value in row.items() if key not in CLOCK} for row in rows_of(comparison)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A comparison that nothing disturbed."""
    with forked_runs():
        return ran(tmp_path_factory.mktemp("whole"))


@pytest.mark.slow
def test_every_run_is_brought_to_its_end(whole):
    comparison, outcomes = whole
    assert [outcome.reason for outcome in outcomes] == [None] * 4
    assert comparison.left() == []
    assert [(row["variant"], row["seed"]) for row in rows_of(comparison)] == [
        ("isa", 0), ("ippo", 0), ("isa", 1), ("ippo", 1),
    ]  # fmt: skip
    assert all(row["env_steps"] >= 200 for row in rows_of(comparison))
    assert comparison.seconds_left([]) == 0.0
    assert comparison.seconds_left(comparison.plan.runs) == 0.0, "nothing is left of finished runs"


@pytest.mark.slow
def test_results_are_written_in_every_form(whole):
    comparison, _ = whole
    written, files = write_results(comparison, (".png", ".pdf"))
    assert written == rows_of(comparison)
    assert {file.name for file in files} >= {"results.csv", "results.json", "results.md", "curves.pdf", "profile.png"}
    with (comparison.root / "results.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["success_rate"]) for row in rows] == [row["success_rate"] for row in rows_of(comparison)]
    data = json.loads((comparison.root / "results.json").read_text())
    runs = data["grid"]["unlock"]["isa"]
    assert set(runs) == {"seed_0", "seed_1"}
    assert runs["seed_0"]["absolute_metrics"]["success_rate"] == [rows_of(comparison)[0]["success_rate"]]
    assert runs["seed_0"]["step_0"]["step_count"] > 0
    text = (comparison.root / "results.md").read_text()
    assert "| isa | 2 |" in text
    assert "P(better than isa)" in text


@pytest.mark.slow
def test_what_is_finished_is_not_run_again(whole):
    comparison, _ = whole
    files = {path: path.stat().st_mtime_ns for path in comparison.root.rglob("*.safetensors")}
    ran(comparison.root)
    assert {path: path.stat().st_mtime_ns for path in files} == files


@pytest.mark.slow
def test_a_comparison_killed_and_given_again_equals_one_never_killed(whole, tmp_path):
    script = (
        "import sys; sys.path[:0] = sys.argv[2:]\n"
        "from pathlib import Path; from test_local import ran; ran(Path(sys.argv[1]), seeds=[0])"
    )
    here = os.path.dirname(__file__)
    for delay in (2.5, 4.0):
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path), here, *sys.path], start_new_session=True
        )
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
    comparison, outcomes = ran(tmp_path, seeds=[0])
    assert [outcome.reason for outcome in outcomes if outcome.reason] == []
    assert numbers(comparison) == [row for row in numbers(whole[0]) if row["seed"] == 0]
    assert len(numbers(comparison)) == 2


@pytest.mark.slow
def test_what_fails_is_told_and_the_rest_goes_on(tmp_path):
    comparison = Comparison(make_plan(tiny_plan(seeds=[0])), tmp_path)
    broken, fine = comparison.plan.runs
    path = comparison.prepare(broken)
    (path / "checkpoints").mkdir()
    (path / "checkpoints" / "latest.safetensors").write_bytes(b"no checkpoint")
    with forked_runs():
        _, outcomes = ran(tmp_path, seeds=[0])
    reasons = {outcome.run.variant: outcome.reason for outcome in outcomes}
    assert "latest.safetensors" in reasons["isa"]
    assert "\n" not in reasons["isa"]
    assert reasons["ippo"] is None
    assert [run.variant for run in comparison.left()] == ["isa"]
    assert [row["variant"] for row in rows_of(comparison)] == [fine.variant]


def test_a_folder_of_another_plan_is_refused(tmp_path):
    comparison = Comparison(make_plan(tiny_plan()), tmp_path)
    for run in comparison.plan.runs:
        comparison.prepare(run)
    comparison.check()
    Comparison(make_plan(tiny_plan(seeds=[0, 1, 2])), tmp_path).check()  # more seeds are no other plan
    with pytest.raises(RunFolderError, match="made by another plan: its steps is 200, here 300"):
        Comparison(make_plan(tiny_plan(steps=300)), tmp_path).check()


def test_a_full_disk_is_met_before_anything_starts(tmp_path, monkeypatch):
    comparison = Comparison(make_plan(tiny_plan()), tmp_path / "new" / "deep")
    comparison.check_room(comparison.left())
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 2**20})())
    with pytest.raises(InvalidValueError, match=r"4 runs need 20 MiB at least, the disk of .* has 1 left"):
        comparison.check_room(comparison.left())
    assert not (tmp_path / "new").exists()


def test_why():
    assert why(2, "isa: warning: x\nisa: too much\n") == "too much"
    assert why(1, "Traceback\nKeyError: 3\n") == "exit code 1: KeyError: 3"
    assert why(-9, "") == "ended by signal 9"
