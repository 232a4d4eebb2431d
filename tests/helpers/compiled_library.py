"""The compiled part for tests: the one that is installed, or one made for the session where there is a compiler."""

import shutil
import subprocess

import pytest

from isa_learners.compiled import clipping, network, objective
from isa_learners.compiled import library as module


def build(folder):
    """Return a library of the sources that are here."""
    compiler = next((name for name in ("c++", "g++", "clang++") if shutil.which(name)), None)
    if compiler is None:
        pytest.skip("no compiler")
    sources = [str(module.FOLDER / name) for name in module.SOURCES if name.endswith(".cpp")]
    path = folder / "kernels.shared"
    subprocess.run([compiler, *module.compiler_arguments(), "-fPIC", "-shared", *sources, "-o", str(path)], check=True)
    return path


@pytest.fixture(scope="session")
def kernels(tmp_path_factory):
    """Path and library, or a skip where the processor cannot run them."""
    path = module.PATH if module.load(module.PATH) else build(tmp_path_factory.mktemp("kernels"))
    found = module.load(path)
    if found is None:
        pytest.skip("this processor cannot run the compiled part")
    return path, found


@pytest.fixture
def switch(kernels, monkeypatch):
    """``switch(True)`` has the compiled part used, ``switch(False)`` the plain one."""

    def to(on):
        for place in (network, objective, clipping):
            monkeypatch.setattr(place, "library", lambda: kernels[1] if on else None)

    to(True)
    return to
