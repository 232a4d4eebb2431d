"""What a report shows is what the run folder holds."""

import json
from dataclasses import replace

import numpy as np
import pytest
from report_helpers import small_run_folder

from isa_learners.runs.changes import Change, record
from isa_learners.runs.metrics import read_metrics
from isa_learners.runs.report import contents as report_contents_module
from isa_learners.runs.report.contents import differences, phase_spans, report_contents, run_contents, scope_contents
from isa_learners.runs.run_folder import RunFolder
from isa_wrappers.errors import FileFormatError
from isa_wrappers.scope.files import load_scope


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return small_run_folder(tmp_path_factory.mktemp("runs") / "first", seed=1)


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    return small_run_folder(tmp_path_factory.mktemp("runs") / "second", seed=2)


def test_curves_are_the_metrics(folder):
    """Of one run each point is its evaluation, without a band."""
    contents = report_contents([folder])
    rows = read_metrics(folder.metrics_file)
    charts = {chart["column"]: chart["rows"] for chart in contents["tasks"][0]["charts"]}
    for column in ("success_rate", "return_mean", "entropy"):
        assert [row["steps"] for row in charts[column]] == [float(row["env_steps"]) for row in rows]
        assert [row["value"] for row in charts[column]] == pytest.approx([float(row[column]) for row in rows], rel=1e-5)
        assert all(row["low"] == row["value"] == row["high"] for row in charts[column])
    assert "td_loss" not in charts, "another learner's"


def test_runs_that_differ_in_the_seed_share_a_band(folder, other):
    contents = report_contents([folder, other])
    (task,) = contents["tasks"]
    rows = next(chart for chart in task["charts"] if chart["column"] == "return_mean")["rows"]
    assert {row["runs"] for row in rows} == {"isa (n=2)"}
    assert all(row["low"] <= row["value"] <= row["high"] for row in rows)
    assert [row["key"] for row in contents["differences"]] == ["seed"]
    assert differences([folder, other])[0]["values"] == ["1", "2"]
    assert contents["alike"] == [{"name": "isa", "runs": [0, 1]}]
    assert contents["key"] == {}


def test_long_names_are_letters_that_a_list_explains(tmp_path, monkeypatch):
    """Runs of one letter share a column of the table of differences."""
    monkeypatch.setattr(report_contents_module, "LONGEST_NAME", 5)
    paths = [small_run_folder(tmp_path / str(i), seed=1) for i in range(3)]
    for i, lr in enumerate(("0.25", "0.5", "0.25")):
        text = paths[i].config_file.read_text()
        assert "  lr: 0.001" in text
        paths[i].config_file.write_text(text.replace("  lr: 0.001", f"  lr: {lr}").replace("seed: 1", f"seed: {i}"))
    contents = report_contents([RunFolder.open(one.path) for one in paths])
    assert list(contents["key"]) == ["A", "B"]
    assert "lr=0.25" in contents["key"]["A"]
    assert contents["alike"] == [{"name": "A", "runs": [0, 2]}, {"name": "B", "runs": [1]}]
    charts = contents["tasks"][0]["charts"]
    assert {row["runs"] for chart in charts for row in chart["rows"]} == {"A (n=2)", "B (n=1)"}


def test_what_was_changed_in_mid_run_is_told(tmp_path):
    folders = [small_run_folder(tmp_path / name, seed=1) for name in "ab"]
    record(folders[1], [Change(120, "ppo.lr", 0.5, 0.001)])
    assert [run_contents(one)["changes"] for one in folders] == [[], ["ppo.lr from step 120 on: 0.001, 0.5 before"]]
    contents = report_contents(folders)
    assert [row["key"] for row in contents["differences"]] == ["ppo.lr@120"]
    assert [one["runs"] for one in contents["alike"]] == [[0], [1]]


def test_a_run_tells_all_of_itself(folder):
    told = run_contents(folder)
    assert told["summary"] == json.loads(folder.summary_file.read_text())
    assert told["csv"] == folder.metrics_file.read_text()
    assert told["command"] == f"isa train grid/unlock --config {folder.config_file} --out runs/again"
    assert told["goals"]["count"] >= len(told["goals"]["different"]) >= 1
    marked = {row["key"]: row for row in told["configuration"] if row["preset"] is not None}
    assert marked["ppo.hidden"]["value"] == "4"
    assert marked["steps"]["value"] == "200"
    assert "ppo.gamma" not in marked
    assert "ppo.gamma" in {row["key"] for row in told["configuration"]}


def test_phases_lie_along_the_steps(folder):
    """The scope's first; a phase begins where an evaluation first told of it."""
    rows = read_metrics(folder.metrics_file)
    told = run_contents(folder)["phases"]
    assert told[0] == {"name": "scope", "from": 0, "to": 60}
    assert [(one["name"], one["from"]) for one in told[1:]] == [("reach", 60)]
    assert told[-1]["to"] == int(rows[-1]["env_steps"])
    later = [{"env_steps": str(100 * i), "phase": name} for i, name in enumerate("aabbb", 1)]
    spans = [(one["name"], one["from"], one["to"]) for one in phase_spans(later, 40)]
    assert spans == [("scope", 0, 40), ("a", 40, 300), ("b", 300, 500)]
    assert phase_spans([]) == []


def test_visited_states_are_offered_by_name(folder):
    """Those that agents move first; without a scope by number."""
    told = run_contents(folder)["visits"]
    assert [dim["name"] for dim in told["dims"]] == ["agent_0.x", "agent_0.y", "lock_0.x", "lock_0.y"]
    assert told["first"] == [0, 1]
    assert [one["name"] for one in told["phases"]] == ["explore", "reach"]
    assert len(json.dumps(run_contents(folder, visit_bytes=400)["visits"])) < 1000


def test_what_a_run_has_not_written_yet_is_left_out(tmp_path):
    """A run that has just begun has metrics before it has a checkpoint."""
    folder = small_run_folder(tmp_path / "run", seed=1)
    for path in (folder.latest_checkpoint, folder.best_checkpoint, folder.summary_file):
        path.unlink()
    told = run_contents(folder)
    assert told["goals"] is None
    assert told["visits"] is None
    assert told["summary"] is None


def test_a_scopes_figures_are_told_exactly(folder):
    """So that a threshold divides them on the page as it does here."""
    scope = load_scope(folder.path)
    told = json.loads(json.dumps(scope_contents(scope)))
    assert (np.array(told["influence"]) == scope.influence).all()
    assert told["delta"] == scope.delta
    assert [len(names) for names in told["actions"]] == list(scope.num_actions)
    large = replace(scope, influence=np.zeros((1, 5, 20_000)), state_names=(), evidence=None, delta=0.1)
    assert scope_contents(large)["influence"] is None


def test_a_run_without_metrics_or_with_damage_is_told_in_one_line(tmp_path):
    for name, text in (("metrics.csv", None), ("scope.json", "{"), ("summary.json", "[")):
        folder = small_run_folder(tmp_path / f"{name}-{text is None}", seed=1)
        path = folder.path / name
        if text is None:
            path.unlink()
        else:
            path.write_text(text)
        with pytest.raises(FileFormatError, match=name.split(".")[0]) as caught:
            report_contents([RunFolder.open(folder.path)])
        assert "\n" not in str(caught.value)
