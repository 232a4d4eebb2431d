"""Help, the version, and how the command ends in a process of its own."""

import subprocess
import sys

import pytest
from cli_helpers import ended, forked, isa, one_line

import isa_wrappers
from isa_cli.main import main
from isa_learners.config import DEFAULT_PRESET
from isa_learners.presets import PRESETS

pytestmark = pytest.mark.usefixtures("somewhere")

pytest.importorskip("torch")


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_help(arguments, capsys):
    assert isa(*arguments) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert all(command in out for command in ("envs", "scope", "train", "eval", "plot"))


@pytest.mark.parametrize("command", ["envs", "scope", "train", "eval", "export", "goals", "plot", "report"])
def test_help_of_commands(command, capsys):
    assert isa(command, "--help") == 0
    said = capsys.readouterr().out
    assert "Usage" in said
    assert isa(command, "-h") == 0
    assert capsys.readouterr().out == said


@pytest.mark.parametrize("command", ["train", "config"])
def test_help_names_every_preset(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert isa(command, "--help") == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "--preset" in line]
    assert f"{DEFAULT_PRESET} (the default)" in line
    assert all(preset in line for preset in PRESETS)


@pytest.mark.parametrize("arguments", [["--version"], ["--version", "train"]])
def test_version(arguments, capsys):
    assert isa(*arguments) == 0
    assert capsys.readouterr().out == f"isa-marl {isa_wrappers.__version__}\n"


def test_our_own_failures_keep_their_traceback(monkeypatch):
    """Exit code 1 and a traceback, as Python does, once out of ``main``."""
    monkeypatch.setattr("isa_cli.envs.available_tasks", None)
    with pytest.raises(TypeError):
        main(["envs", "--json"])


@pytest.mark.slow
def test_a_mistake_in_a_process_of_its_own():
    code, out, err = ended(forked("train", "grid/unlock", "--kwargs", '{"num_agents": 0}'))
    assert code == 2
    assert out == ""
    assert "got 0" in one_line(err)


def test_the_package_is_the_command():
    done = subprocess.run([sys.executable, "-m", "isa_cli", "algorithms"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert "ippo" in done.stdout
