"""Every example runs as its first lines say."""

import subprocess
import sys
from pathlib import Path

import pytest
from pettingzoo.test import parallel_api_test

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))


def run(*arguments):
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=True, cwd=ROOT, timeout=120
    ).stdout


def test_own_environment():
    from examples.own_environment import Door

    parallel_api_test(Door(), num_cycles=100)
    shown = run("examples/own_environment.py")
    assert "common D_c = door" in shown
    assert "agent_0: D_i = dial_0, door; special = dial_0" in shown
    assert "'isa/bonus_common': 1.0" in shown


def test_isa_in_one_file():
    shown = run("examples/isa_in_one_file.py", "--steps", "12000")
    assert "all agents move ['bullets']" in shown
    assert "agent_2 alone moves ['agent_2.x', 'agent_2.y']" in shown
    assert " win " in shown


def test_read_a_scope():
    assert run("examples/read_a_scope.py").splitlines() == [
        "agent_0 alone moves ['agent_0.x', 'agent_0.y']",
        "agent_1 alone moves ['agent_1.x', 'agent_1.y']",
        "agent_2 alone moves ['agent_2.x', 'agent_2.y']",
        "delta 0.1: all agents move ['bullets']",
        "delta 0.3: all agents move ['bullets']",
        "delta 0.5: all agents move ['bullets']",
    ]


def test_act_with_a_policy(tmp_path):
    """Of a run too short to have learned anything, whose episodes therefore last to the horizon of 60."""
    tiny = ["--algo", "ippo", "--steps", "500", "--device", "cpu", "--quiet", "--out", str(tmp_path / "run")]
    run("-m", "isa_cli", "train", "grid/shooting", *tiny)
    shown = run("examples/act_with_a_policy.py", str(tmp_path / "run"), "grid/shooting", "2").splitlines()
    assert [line.partition(":")[0] for line in shown] == ["episode 0", "episode 1"]
    assert all("in 60 steps" in line for line in shown)


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*_ppo.py")), ids=lambda path: path.stem)
def test_a_learner_takes_less_than_sixty_lines(path):
    assert len(path.read_text().splitlines()) < 60
