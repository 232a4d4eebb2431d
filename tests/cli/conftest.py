"""What the tests of the command line share: a finished run; figures are blank where no test looks at them."""

import shutil
from pathlib import Path

import pytest
from cli_helpers import TINY, isa


@pytest.fixture(autouse=True)
def no_figures(blank_figures):
    """Have every test here draw none, but those marked ``figures``."""


@pytest.fixture
def somewhere(tmp_path, monkeypatch):
    """Default run folders and ``curves.png`` go to the current folder."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A finished run; look, do not touch."""
    out = tmp_path_factory.mktemp("finished") / "run"
    assert isa("train", *TINY, "--out", out) == 0
    return out


@pytest.fixture
def copy_of(finished, tmp_path):
    """Make a copy of the finished run to break."""

    def make():
        return Path(shutil.copytree(finished, tmp_path / "copy"))

    return make
