"""Runs that are interrupted, resumed and made longer."""

import csv
import json
import signal
from pathlib import Path

import pytest
import yaml
from cli_helpers import TINY, contents, ended, forked, isa, one_line, wait_for

pytestmark = pytest.mark.usefixtures("somewhere")

pytest.importorskip("torch")


@pytest.mark.slow
def test_ctrl_c_writes_a_checkpoint_to_go_on_from(tmp_path, capsys):
    run = tmp_path / "run"
    arguments = ["train", *TINY, "--steps", 10**9, "--out", run]
    process, metrics = forked(*arguments), run / "metrics.csv"
    wait_for(lambda: metrics.exists() and metrics.read_text().count("\n") > 2, process)
    process.send_signal(signal.SIGINT)
    code, out, err = ended(process)
    assert code == 130
    assert out == ""
    assert f"isa train --resume {run}" in one_line(err)
    assert (run / "checkpoints" / "latest.safetensors").exists()
    assert not (run / "summary.json").exists()

    with metrics.open(newline="") as file:
        before = list(csv.DictReader(file))
    steps = int(before[-1]["env_steps"]) + 100
    assert isa("train", "--resume", run, "--steps", steps) == 0
    assert capsys.readouterr().out == f"{run}\n"
    assert json.loads((run / "summary.json").read_text())["env_steps"] >= steps
    with metrics.open(newline="") as file:
        after = list(csv.DictReader(file))
    assert after[: len(before)] == before
    assert len(after) > len(before)


@pytest.mark.slow
def test_ctrl_c_before_there_is_anything_to_save(monkeypatch, capsys):
    with monkeypatch.context() as patched:
        patched.setattr("isa_learners.runs.training.scope_for", _pressed)
        assert isa("train", *TINY, "--out", "out") == 130
    assert "Traceback" not in capsys.readouterr().err
    assert isa("train", "--resume", "out") == 0
    assert json.loads(Path("out/summary.json").read_text())["env_steps"] == 200


def _pressed(config, on_steps=None):
    raise KeyboardInterrupt


@pytest.mark.slow
def test_resuming_a_finished_run(copy_of, capsys):
    run = copy_of()
    before = contents(run)
    assert isa("train", "--resume", run) == 0
    for name in ("config.yaml", "metrics.csv", "scope.json"):
        assert contents(run)[name] == before[name]


@pytest.mark.slow
def test_a_finished_run_goes_on_for_more_steps(copy_of, capsys):
    run = copy_of()
    before = (run / "metrics.csv").read_text()
    assert isa("train", "--resume", run, "--steps", 300) == 0
    assert (run / "metrics.csv").read_text().startswith(before)
    assert json.loads((run / "summary.json").read_text())["env_steps"] == 300
    assert yaml.safe_load((run / "config.yaml").read_text())["steps"] == 300


@pytest.mark.slow
def test_fewer_steps_than_were_taken_are_refused(copy_of, capsys):
    """Nothing would be done; the folder stays as it was."""
    run = copy_of()
    before = contents(run)
    taken = json.loads((run / "summary.json").read_text())["env_steps"]
    for more in (["--steps", taken - 1], ["--set", f"steps={taken - 1}"]):
        assert isa("train", "--resume", run, *more) == 2
        err = one_line(capsys.readouterr().err)
        assert f"steps must be at least {taken}, which {run} has taken already, got {taken - 1}" in err
        assert contents(run) == before
    assert isa("train", "--resume", run, "--steps", taken) == 0


@pytest.mark.slow
def test_a_run_resumes_on_another_device(copy_of, capsys):
    run = copy_of()
    assert yaml.safe_load((run / "config.yaml").read_text())["device"] == "cpu"
    assert isa("train", "--resume", run, "--steps", 300, "--device", "auto") == 0
    assert yaml.safe_load((run / "config.yaml").read_text())["device"] == "auto"
    capsys.readouterr()
    assert isa("train", "--resume", run, "--device", "cpu", "--set", "device=auto") == 2
    assert "given twice" in one_line(capsys.readouterr().err)
