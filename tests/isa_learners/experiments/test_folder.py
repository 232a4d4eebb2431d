"""What is checked of a comparison's folder before anything starts."""

from dataclasses import replace

import pytest
from plan_helpers import tiny_plan

from isa_learners.experiments.folder import Comparison
from isa_learners.experiments.plan import make_plan
from isa_learners.runs.changes import Change, follow, record
from isa_learners.runs.run_folder import RunFolder
from isa_wrappers.errors import InvalidValueError, RunFolderError


def test_a_folder_of_another_plan_is_refused(tmp_path):
    comparison = Comparison(make_plan(tiny_plan()), tmp_path)
    for run in comparison.plan.runs:
        comparison.prepare(run)
    comparison.check()
    Comparison(make_plan(tiny_plan(seeds=[0, 1, 2])), tmp_path).check()  # more seeds are no other plan
    with pytest.raises(RunFolderError, match="belongs to another plan: its steps is 200, here 300"):
        Comparison(make_plan(tiny_plan(steps=300)), tmp_path).check()


def test_a_run_that_was_changed_in_mid_run_is_none_of_the_plan(tmp_path):
    comparison = Comparison(make_plan(tiny_plan()), tmp_path)
    folder = RunFolder.open(comparison.prepare(comparison.plan.runs[0]))
    record(folder, [Change(80, "checkpoint_interval", 40, 20), Change(80, "steps", 100, 200)])
    comparison.check()
    record(folder, [Change(120, "ppo.lr", 0.5, folder.config().ppo.lr)])
    with pytest.raises(RunFolderError, match=r"its ppo\.lr was changed after 120 steps, 0\.5 -> "):
        comparison.check()


def test_a_file_in_the_place_of_all_logs_is_met_before_anything_starts(tmp_path):
    (tmp_path / "logs").touch()
    with pytest.raises(RunFolderError, match="logs is not a folder; remove it, or choose another --out"):
        Comparison(make_plan(tiny_plan()), tmp_path).check()


def test_a_full_disk_is_met_before_anything_starts(tmp_path, monkeypatch):
    comparison = Comparison(make_plan(tiny_plan()), tmp_path / "new" / "deep")
    comparison.check_room(comparison.left())
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 2**20})())
    with pytest.raises(InvalidValueError, match=r"4 runs need at least 20 MiB, but the disk of .* has 1 left"):
        comparison.check_room(comparison.left())
    assert not (tmp_path / "new").exists()


def test_what_changes_no_number_may_differ(tmp_path):
    comparison = Comparison(make_plan(tiny_plan()), tmp_path)
    for run in comparison.plan.runs:
        comparison.prepare(run)
    other = tiny_plan()
    other["set"] = {**other["set"], "checkpoint_interval": 10, "workers": 0, "threads": 1}
    Comparison(make_plan(other), tmp_path).check()


def test_how_a_run_is_looked_at_may_have_been_changed_by_a_resume(tmp_path):
    comparison = Comparison(make_plan(tiny_plan()), tmp_path)
    run = comparison.plan.runs[0]
    folder = RunFolder.open(comparison.prepare(run))
    later = replace(run.config, eval_interval=run.config.eval_interval + 7)
    follow(folder, run.config, later, done=10)
    comparison.check()
    follow(folder, later, replace(later, eval_limit=3), done=20)
    with pytest.raises(RunFolderError, match="its eval_limit is 3"):
        comparison.check()


def test_another_process_may_have_made_a_run_s_folder_in_between(tmp_path, monkeypatch):
    comparison = Comparison(make_plan(tiny_plan()), tmp_path)
    run = comparison.plan.runs[0]
    path = comparison.prepare(run)
    looked = iter([False, True])
    monkeypatch.setattr("isa_learners.experiments.folder._holds_run", lambda path: next(looked))
    assert comparison.prepare(run) == path


def test_a_log_keeps_what_another_process_said(tmp_path):
    comparison = Comparison(make_plan(tiny_plan()), tmp_path)
    run = comparison.plan.runs[0]
    with comparison.open_log(run) as first:
        first.write(b"first\n")
        first.flush()
        with comparison.open_log(run) as second:
            second.write(b"second\n")
    assert comparison.log(run).read_bytes() == b"first\nsecond\n"
