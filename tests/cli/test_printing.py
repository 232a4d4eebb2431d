"""What goes where: JSON alone on stdout however much environments print, signs of life on stderr."""

import io
import json
import os
import shutil
import subprocess
import sys
import time

import pytest
from cli_helpers import ended, isa, one_line, small_run, started

from isa_cli import progress
from isa_cli.json_alone import print_json

HELLO = ["hello from Python", "hello from below", "hello from a game"]


@pytest.mark.parametrize(
    "command",
    [
        ["check", "toy_envs:TalkingToTheEnd", "--episodes", 1],
        pytest.param(["scope", "toy_envs:TalkingToTheEnd", "--transitions", 60], marks=pytest.mark.slow),
    ],
)
def test_json_alone_where_environments_print(command):
    """They printed before the object and, as they were closed, after it."""
    code, out, err = ended(started(*command, "--json"))
    assert code == 0, err
    assert json.loads(one_line(out))["env"] == "toy_envs:TalkingToTheEnd"
    assert all(line in err for line in HELLO)


@pytest.mark.slow
def test_evaluations_too(tmp_path, capfd):
    pytest.importorskip("torch")
    run = small_run(tmp_path / "run", "toy_envs:Talking", steps=150)
    assert "hello" in capfd.readouterr().out, "where nothing else was asked for, they print as they like"
    assert isa("eval", run, "--env", "toy_envs:Talking", "--episodes", 2, "--json") == 0
    out, err = capfd.readouterr()
    assert json.loads(one_line(out))["episodes"] == 2
    assert all(line in err for line in HELLO)


def test_stdout_is_as_it_was_for_whoever_calls(capfd):
    for _ in range(2):
        assert isa("envs", "--json") == 0
        assert "envs" in json.loads(one_line(capfd.readouterr().out))
    assert isa("envs") == 0
    assert "grid/unlock" in capfd.readouterr().out


def test_a_mistake_prints_no_object(capsys):
    assert isa("scope", "grid/nowhere", "--json") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert one_line(err).startswith("isa: ")


@pytest.fixture
def often(monkeypatch):
    monkeypatch.setattr(progress, "EVERY", 0.05)


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize(
    ("command", "says"),
    [
        (["scope", "grid/shooting", "--transitions", 5_000], "estimating the scope of grid/shooting"),
        (["check", "grid/shooting", "--episodes", 1], "checking grid/shooting"),
    ],
)
def test_a_line_of_life(command, says, capsys):
    assert isa(*command) == 0
    assert f"isa: {says}, 0 min" in capsys.readouterr().err.splitlines()
    assert isa(*command, "--quiet") == 0
    assert f"isa: {says}" not in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.usefixtures("often")
def test_lines_of_life_while_training(tmp_path, capsys, monkeypatch):
    pytest.importorskip("torch")
    small_run(tmp_path / "run", "grid/unlock", steps=300)
    *lines, last = capsys.readouterr().err.splitlines()
    assert last.startswith("grid/unlock: ")
    assert all(line.startswith("isa: ") for line in lines)
    assert any(
        "of 300 steps, " in line and " steps/s, goals " in line and line.endswith(", 0 min") for line in lines
    ), lines
    assert isa("train", "--resume", tmp_path / "run", "--steps", 350, "--quiet") == 0
    assert one_line(capsys.readouterr().err).startswith("grid/unlock: ")
    monkeypatch.setattr(progress, "EVERY", 1e-6)
    for quiet in ([], ["--quiet"]):
        assert isa("eval", tmp_path / "run", "--episodes", 5_000, *quiet) == 0
        assert capsys.readouterr().err.startswith(f"isa: evaluating {tmp_path / 'run'}, 0 min\n") != bool(quiet)


def test_names_that_the_terminals_encoding_lacks(monkeypatch):
    screen = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(screen, encoding="cp1252"))
    assert isa("scope", "toy_envs:Elsewhere", "--transitions", 300) == 0
    assert b"\\u540d: D_i = dimension 0" in screen.getvalue()


def test_once_a_minute_and_never_in_a_terminal(monkeypatch, capsys):
    assert progress.EVERY == 60.0
    monkeypatch.setattr(progress, "EVERY", 0.01)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with progress.ProgressReporter(lambda: "at it"):
        time.sleep(0.1)
    assert capsys.readouterr().err == "", "a bar moves there"


@pytest.mark.usefixtures("often")
def test_signs_end_with_what_they_are_of(capsys):
    with progress.ProgressReporter(lambda: "at it"):
        time.sleep(0.2)
    assert capsys.readouterr().err.startswith("isa: at it, 0 min\n")
    time.sleep(0.2)
    assert capsys.readouterr().err == ""


SHELL = shutil.which("bash")


@pytest.mark.slow
@pytest.mark.skipif(SHELL is None or not os.path.exists("/dev/full"), reason="needs bash and /dev/full")
@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("envs >&-", 0),
        ("envs --json >&-", 0),
        ("nothing 2>&-", 2),
        ("envs >/dev/full", 2),
        ("envs --json >/dev/full", 2),
    ],
)
def test_closed_and_full_streams_end_as_the_work_does(command, code):
    """What daemons start has no stdout; the disk behind a redirection may be full."""
    order = f"exec {sys.executable} -m isa_cli {command}"
    done = subprocess.run([SHELL, "-c", order], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == "" or ">" not in command


def test_json_has_no_word_for_infinity(capsys):
    print_json({"return_mean": float("inf"), "steps": [1, float("nan")]})
    assert json.loads(capsys.readouterr().out) == {"return_mean": None, "steps": [1, None]}
