"""What all tests share: one thread an operation; tests marked ``cuda`` are skipped where there is no CUDA device."""

import importlib.util
import io
import os
import sys

import array_checks  # noqa: F401  # before anything of isa_wrappers, so that arrays are checked
import pytest

from isa_wrappers.registry import Registry

collect_ignore = ["helpers"]  # modules for tests, none of their own

# Before torch is loaded, and for the processes that tests start: tiny operations on two threads, beside another busy
# process, take a hundred times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def cuda_is_there():
    if importlib.util.find_spec("torch") is None:
        return False
    import torch

    return torch.cuda.is_available()


def pytest_collection_modifyitems(items):
    marked = [item for item in items if item.get_closest_marker("cuda")]
    if marked and not cuda_is_there():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="no CUDA device"))


def pytest_ignore_collect(collection_path, config):
    """Do not even import a module of slow tests alone where slow tests are left out."""
    if config.getoption("markexpr") == "not slow" and collection_path.name.startswith("test_"):
        return True if "\npytestmark = pytest.mark.slow\n" in collection_path.read_text() else None
    return None


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Install a package of anyone's: ``plugin(name, code, {group: {entry: "module:attribute"}})`` gives its folder.

    Module ``name`` holds the code; the package's metadata bring its entry points. Gone at the end of the test.
    """
    installed = []

    def install(name, code, entry_points):
        site = tmp_path / f"site-{name}"
        metadata = site / f"{name}-1.0.dist-info"
        metadata.mkdir(parents=True)
        (site / f"{name}.py").write_text(code)
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = [
            line
            for group, entries in entry_points.items()
            for line in (f"[{group}]", *(f"{entry} = {value}" for entry, value in entries.items()))
        ]
        (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n")
        monkeypatch.syspath_prepend(site)
        installed.append(name)
        Registry.look_again()
        return site

    yield install
    for name in installed:
        sys.modules.pop(name, None)
    Registry.look_again()


@pytest.fixture(scope="session")
def pixel():
    """A PNG of one pixel."""
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (1, 1)).save(file, "png")
    return file.getvalue()


@pytest.fixture
def blank_figures(request, monkeypatch):
    """Lay out and draw no figure: it takes most of the time of a small run.

    They are made up to that, and one pixel is written in their place; tests marked ``figures`` draw them, and so do
    fixtures of whole modules, which come before this one, and processes of their own.
    """
    if request.node.get_closest_marker("figures") or importlib.util.find_spec("matplotlib") is None:
        return
    from matplotlib.figure import Figure

    pixel, draw = request.getfixturevalue("pixel"), Figure.savefig

    def save(self, file, **options):
        if options.get("format") == "png":
            file.write(pixel)
        else:
            draw(self, file, **options)

    monkeypatch.setattr(Figure, "savefig", save)
