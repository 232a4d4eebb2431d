"""Ctrl-C, SIGTERM and SIGHUP end every command alike: a checkpoint where there is one to write, no traceback."""

import csv
import json
import shlex
import signal
import time
from pathlib import Path

import pytest
from cli_helpers import contents, ended, forked, isa, of_task, one_line, started, wait_for

from isa_cli.main import Ended, main

pytestmark = pytest.mark.slow

pytest.importorskip("torch")
ENDLESS = [*of_task("grid/unlock"), "--steps", 10**9]
SIGNALS = [signal.SIGINT, signal.SIGTERM]
if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as nohup has it, and a test of its own
    SIGNALS.append(signal.SIGHUP)


def rows(run):
    with (run / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("number", SIGNALS)
def test_a_run_stops_with_a_checkpoint(tmp_path, number, capsys):
    run = tmp_path / "a run"
    process = forked("train", *ENDLESS, "--out", run)
    metrics = run / "metrics.csv"
    wait_for(lambda: metrics.exists() and metrics.read_text().count("\n") > 2, process)
    process.send_signal(number)
    code, out, err = ended(process)
    assert code == 128 + number
    assert out == ""
    said = one_line(err).partition("isa train ")[2]
    assert shlex.split(said) == ["--resume", str(run)], "quoted, so that it can be pasted"
    assert (run / "checkpoints" / "latest.safetensors").exists()
    before = rows(run)
    assert isa("train", "--resume", run, "--steps", int(before[-1]["env_steps"]) + 100) == 0
    assert rows(run)[: len(before)] == before


@pytest.mark.parametrize("number", SIGNALS)
def test_before_there_is_a_run(tmp_path, number):
    """While it estimates a scope, or still imports: nothing to save, and nothing to see."""
    run = tmp_path / "run"
    process = forked("train", *ENDLESS, "--set", "scope.transitions=10000000", "--out", run)
    wait_for((run / "config.yaml").exists, process)
    time.sleep(0.3)
    process.send_signal(number)
    code, out, err = ended(process)
    assert (code, out, err) == (128 + number, "", "")
    assert not list(run.rglob("*.partial"))


@pytest.mark.parametrize("number", SIGNALS)
def test_a_comparison_says_how_to_go_on(tmp_path, number):
    words = ["--task", "grid/unlock", "--variant", "ippo", "--seeds", "0-1", "--steps", 10**9, "--jobs", 1]
    process = forked("compare", *words, "--out", tmp_path / "out")
    wait_for((tmp_path / "out" / "grid-unlock" / "ippo" / "seed0" / "config.yaml").exists, process)
    process.send_signal(number)
    code, _, err = ended(process)
    assert code == 128 + number
    assert err.splitlines()[-1] == "isa: 0 of 2 runs finished; run the command again to continue"


@pytest.mark.parametrize("number", SIGNALS)
def test_another_command(number):
    process = started("scope", "grid/unlock", "--transitions", "10000000")
    maps = Path(f"/proc/{process.pid}/maps")
    if maps.exists():
        wait_for(lambda: b"numpy" in maps.read_bytes(), process)  # it is within main
        time.sleep(0.5)
    else:
        time.sleep(3.0)
    process.send_signal(number)
    code, out, err = ended(process)
    assert (code, out, err) == (128 + number, "", "")


def test_what_nohup_ignores_is_ignored(tmp_path):
    run = tmp_path / "run"
    process = forked("train", *of_task("grid/unlock"), "--steps", 1_000, "--out", run, ignored=[signal.SIGHUP])
    wait_for((run / "metrics.csv").exists, process)
    process.send_signal(signal.SIGHUP)
    assert ended(process)[0] == 0
    assert json.loads((run / "summary.json").read_text())["env_steps"] == 1_000


def test_a_reader_that_goes_away():
    process = started("envs")
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(timeout=60) == 1


def test_a_second_writer_is_refused(tmp_path, capsys):
    """Two on one run would write each row twice."""
    run = tmp_path / "run"
    process = forked("train", *ENDLESS, "--out", run)
    try:
        wait_for((run / "checkpoints" / "best.safetensors").exists, process)
        for arguments in (["train", "--resume", run], ["train", "--resume", run, "--steps", 10**8]):
            assert isa(*arguments) == 2
            assert f"{run} is being written to by another training" in one_line(capsys.readouterr().err)
        config = (run / "config.yaml").read_bytes()
        assert b"steps: 1000000000" in config
        assert isa("eval", run, "--episodes", 1) == 0, "reading is free"
    finally:
        process.kill()
        process.communicate()
    assert isa("train", "--resume", run, "--steps", int(rows(run)[-1]["env_steps"]) + 50) == 0
    steps = [int(row["env_steps"]) for row in rows(run)]
    assert steps == sorted(set(steps)), "each row once"


def test_a_refused_resume_leaves_the_run_as_it_was(tmp_path, capsys):
    run = tmp_path / "run"
    assert isa("train", *of_task("grid/unlock"), "--steps", 200, "--out", run) == 0
    latest = run / "checkpoints" / "latest.safetensors"
    latest.write_bytes(latest.read_bytes()[:-7])
    (run / ".lock").unlink()  # as in a folder from before there was one
    before = contents(run)
    capsys.readouterr()
    assert isa("train", "--resume", run, "--steps", 500) == 2
    assert "latest.safetensors is truncated" in one_line(capsys.readouterr().err)
    assert contents(run) == before


@pytest.mark.parametrize("raised", [Ended(signal.SIGTERM), KeyboardInterrupt()], ids=["SIGTERM", "Ctrl-C"])
def test_a_signal_that_meets_a_class_being_made(monkeypatch, raised):
    """Python 3.11 makes a RuntimeError of it: it met an import of torch's once."""

    class Field:
        def __set_name__(self, owner, name):
            raise raised

    monkeypatch.setattr("isa_cli.app.run", lambda arguments: type("Local", (), {"field": Field()}))
    with pytest.raises(SystemExit) as left:
        main(["envs"])
    assert left.value.code == 128 + getattr(raised, "number", signal.SIGINT)


def test_a_failure_while_a_signal_is_answered_is_a_failure(monkeypatch):
    def run(arguments):
        try:
            raise Ended(signal.SIGTERM)
        except Ended:
            raise OSError("no room") from None

    monkeypatch.setattr("isa_cli.app.run", run)
    with pytest.raises(OSError, match="no room"):
        main(["envs"])
