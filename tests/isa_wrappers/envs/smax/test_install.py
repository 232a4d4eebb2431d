"""Importing JAX and jaxmarl: quietly, and with a line on what to install."""

import subprocess
import sys

import pytest

pytest.importorskip("jaxmarl")

from isa_wrappers.envs.smax.game import SMAXGame
from isa_wrappers.errors import MissingDependencyError


def test_without_jaxmarl(monkeypatch):
    monkeypatch.setitem(sys.modules, "jaxmarl.environments", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'isa-marl\[smax\]'") as caught:
        SMAXGame("3m")
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_importing_is_silent_and_leaves_the_streams():
    code = """
import os, sys
before = sys.stdout, sys.stderr, sys.__stdout__
from isa_wrappers.envs.smax.install import load_jax
load_jax()
assert all(one is other for one, other in zip(before, (sys.stdout, sys.stderr, sys.__stdout__)))
print(os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "false\n"
