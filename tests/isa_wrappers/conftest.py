"""SMAC without the game, for the tests that ask for it."""

import os
import sys

import pytest
import smac_stand_in

from isa_wrappers.envs.smac.install import PURE_PYTHON


def forget_smac():
    for module in [name for name in sys.modules if name.partition(".")[0] == "smac"]:
        del sys.modules[module]


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Put the stand-in in the place of oxwhirl's ``smac`` and an empty shell in that of the game."""
    site, game = smac_stand_in.install_stand_in(tmp_path)
    monkeypatch.syspath_prepend(site)
    monkeypatch.setenv("SC2PATH", str(game))
    monkeypatch.setenv("SMAC_STAND_IN_PIDS", str(tmp_path / "pids"))
    forget_smac()
    smac_stand_in.FAULTS.clear()
    smac_stand_in.COUNTS.clear()
    slowed = os.environ.get(PURE_PYTHON)
    yield smac_stand_in
    os.environ.pop(PURE_PYTHON, None)
    if slowed is not None:
        os.environ[PURE_PYTHON] = slowed
    smac_stand_in.FAULTS.clear()
    forget_smac()
