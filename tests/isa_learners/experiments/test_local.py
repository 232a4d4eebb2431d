"""Comparisons in processes of their own: finished, failed, killed and given again."""

import csv
import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest
from plan_helpers import ISA, forked_runs, tiny_plan, without_areas

from isa_learners.experiments import local
from isa_learners.experiments.folder import Comparison, Progress
from isa_learners.experiments.local import Outcome, Process, failure_reason, options_of, run_here
from isa_learners.experiments.plan import make_plan
from isa_learners.experiments.results import result_of, write_results
from isa_wrappers.errors import FileFormatError, InvalidValueError

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
    assert without_areas(written) == rows_of(comparison)
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


@pytest.mark.slow
def test_a_network_of_one_s_own_is_trained_and_resumed(tmp_path):
    own = {"variants": {"ippo": {"set": {"ppo.network": "network_toys:Own"}}}, "seeds": [0]}
    with forked_runs():
        comparison, outcomes = ran(tmp_path, **own)
        assert [outcome.reason for outcome in outcomes] == [None]
        for name in ("summary.json", "final.json"):
            (comparison.path(comparison.plan.runs[0]) / name).unlink()
        _, outcomes = ran(tmp_path, **own)
    assert [outcome.reason for outcome in outcomes] == [None]
    assert len(rows_of(comparison)) == 1


def test_a_process_is_told_the_code_that_the_plan_names(tmp_path):
    phases = {"phases.explore.ppo.network": "network_toys:Own", "ppo.network": "mine:Net"}
    variants = {"isa": {"set": {**ISA, **phases}}, "ippo": None}
    data = {**tiny_plan(variants=variants, seeds=[0]), "tasks": ["toy_envs:walk"]}
    comparison = Comparison(make_plan(data), tmp_path)
    isa, ippo = (options_of(comparison, run) for run in comparison.plan.runs)
    assert ippo == ["--episodes", "8", "--env", "toy_envs:walk"]
    assert isa == [*ippo, "--import", "mine:Net", "--import", "network_toys:Own"]


class Ended(Process):
    """A run whose process is over at once."""

    def __init__(self, comparison, run, claim):
        comparison.prepare(run)
        comparison.open_log(run).close()
        self.run, self.claim = run, claim

    def outcome(self):
        self.claim.close()
        return Outcome(self.run)


def test_a_run_that_another_process_is_at_work_on_is_left_to_it_and_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(local, "Process", Ended)
    monkeypatch.setattr(local, "POLL_OTHERS", 0.01)
    comparison = Comparison(make_plan(tiny_plan(seeds=[0, 1])), tmp_path)
    first, second, *others = comparison.plan.runs
    held = {run.name: comparison.claim(run) for run in (first, second)}
    assert comparison.claim(first) is None
    began, looks = [], iter(range(100))

    def look():
        at = next(looks)
        if at == 3:  # the other process ends its first run, and its second is broken off
            monkeypatch.setattr(Comparison, "progress", lambda self, run: Progress(True, run is first))
            held[first.name].close()
        if at == 6:
            held[second.name].close()

    outcomes = run_here(comparison, comparison.left(), 2, began.append, lambda outcome: None, look)
    assert began == [*others, second]
    assert [outcome.run for outcome in outcomes] == [*others, first, second]
    assert not any(outcome.reason for outcome in outcomes)


@pytest.mark.slow
def test_processes_of_one_plan_share_its_runs(whole, tmp_path):
    plan, root = tmp_path / "plan.yaml", tmp_path / "shared"
    plan.write_text(json.dumps(tiny_plan()))
    command = [sys.executable, "-m", "isa_cli", "compare", str(plan), "--out", str(root), "--jobs", "1"]
    ends = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    told = [end.communicate(timeout=240)[1] for end in ends]
    assert [end.returncode for end in ends] == [0, 0], told
    assert "failed" not in "".join(told)
    assert numbers(Comparison(whole[0].plan, root)) == numbers(whole[0])


def test_a_file_in_the_place_of_a_log_ends_one_run_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(local, "Process", Ended)
    comparison = Comparison(make_plan(tiny_plan(seeds=[0])), tmp_path)
    comparison.log(comparison.plan.runs[0]).mkdir(parents=True)
    _, outcomes = ran(tmp_path, seeds=[0])
    reasons = {outcome.run.variant: outcome.reason for outcome in outcomes}
    assert reasons["isa"].startswith(f"cannot write to {comparison.log(comparison.plan.runs[0])}: ")
    assert reasons["ippo"] is None


@pytest.mark.parametrize("what", ["log", "process"])
def test_what_the_system_refuses_ends_one_run_alone(tmp_path, monkeypatch, what):
    refused = []

    def refuse(*_, **__):
        if refused:
            raise KeyboardInterrupt  # the second run was begun too: enough is seen
        refused.append(what)
        raise OSError(errno.ENOSPC if what == "log" else errno.EAGAIN, "no more")

    monkeypatch.setattr(*((Comparison, "open_log") if what == "log" else (local.subprocess, "Popen")), refuse)
    told = []
    comparison = Comparison(make_plan(tiny_plan(seeds=[0])), tmp_path)
    with pytest.raises(KeyboardInterrupt):
        run_here(comparison, comparison.left(), 1, lambda run: None, told.append)
    assert [(outcome.run.variant, "no more" in outcome.reason) for outcome in told] == [("isa", True)]


def damaged(whole, tmp_path, change):
    """Copy a comparison and change the metrics of its first run."""
    root = shutil.copytree(whole[0].root, tmp_path / "copy")
    comparison = Comparison(whole[0].plan, root)
    file = comparison.path(comparison.plan.runs[0]) / "metrics.csv"
    file.write_text(change(file.read_text()))
    return comparison


@pytest.mark.slow
def test_a_damaged_name_in_the_header_of_metrics(whole, tmp_path):
    comparison = damaged(whole, tmp_path, lambda text: text.replace("wall_time_s", "wall_timXXs", 1))
    run = comparison.plan.runs[0]
    assert comparison.progress(run) == whole[0].progress(run)
    assert comparison.left() == []
    assert numbers(comparison) == numbers(whole[0])


def without_seconds(text):
    """Metrics with a column less than the run wrote."""
    return "\n".join(",".join(line.split(",")[:1] + line.split(",")[2:]) for line in text.splitlines()) + "\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "told"),
    [(without_seconds, r"metrics\.csv has no column 'wall_time_s'"), (lambda _: "a,b\n1,2\n", "is not a readable")],
)
def test_metrics_beyond_repair_are_told_and_the_others_have_results(whole, tmp_path, change, told):
    comparison = damaged(whole, tmp_path, change)
    assert comparison.progress(comparison.plan.runs[0]).finished
    assert comparison.seconds_left(comparison.left()) == 0.0
    with pytest.raises(FileFormatError, match=told):
        write_results(comparison)
    failed = []
    rows, _ = write_results(comparison, failed=failed.append)
    assert without_areas(rows) == rows_of(whole[0])[1:]
    assert [outcome.run for outcome in failed] == [comparison.plan.runs[0]]
    assert re.search(told, failed[0].reason)


def test_why():
    assert failure_reason(2, "isa: warning: x\nisa: too much\n") == "too much"
    assert failure_reason(1, "Traceback\nKeyError: 3\n") == "exit code 1: KeyError: 3"
    assert failure_reason(-9, "") == "ended by signal 9"


@pytest.mark.parametrize("jobs", [0, -1, True])
def test_no_jobs_at_a_time_are_refused(jobs):
    with pytest.raises(InvalidValueError, match=f"jobs must be an integer at least 1, got {jobs}"):
        run_here(None, [None], jobs, print, print)
