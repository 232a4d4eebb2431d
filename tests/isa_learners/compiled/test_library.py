"""A compiled part that does not suit is warned of once, and the plain path is taken."""

import types
import warnings

import pytest
from compiled_library import kernels  # noqa: F401

from isa_learners.compiled import library as module


@pytest.fixture
def at(monkeypatch):
    """``at(path)`` is where the library is looked for."""
    monkeypatch.delenv(module.SWITCH, raising=False)
    module.library.cache_clear()
    yield lambda path: monkeypatch.setattr(module, "PATH", path)
    module.library.cache_clear()


def refused(reason):
    with pytest.warns(RuntimeWarning, match=reason):
        assert module.library() is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert module.library() is None, "warned of once"


def test_one_that_suits_is_used_unless_switched_off(kernels, at, monkeypatch):  # noqa: F811
    at(kernels[0])
    assert module.library() is not None
    module.library.cache_clear()
    monkeypatch.setenv(module.SWITCH, "0")
    assert module.library() is None


def test_none_is_no_reason_to_warn(at, tmp_path):
    at(tmp_path / "kernels.shared")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert module.library() is None


def test_one_of_another_version(kernels, at, monkeypatch):  # noqa: F811
    at(kernels[0])
    built = module.stamp()
    monkeypatch.setattr(module, "stamp", lambda: built + 1)
    refused("sources of another version")


def test_one_for_another_machine(at, tmp_path):
    at(tmp_path / "kernels.shared")
    (tmp_path / "kernels.shared").write_bytes(b"\x7fELF of another machine")
    refused("cannot be loaded on this machine")


def test_one_for_another_processor(kernels, at, monkeypatch):  # noqa: F811
    def stamp():
        return module.stamp()

    old = types.SimpleNamespace(isa_stamp=stamp, isa_supported=lambda: 0)
    monkeypatch.setattr(module.ctypes, "CDLL", lambda path: old)
    at(kernels[0])
    refused("AVX2 and FMA")


def test_every_source_counts(tmp_path):
    for name in module.SOURCES:
        (tmp_path / name).write_bytes((module.FOLDER / name).read_bytes())
    assert module.stamp(tmp_path) == module.stamp()
    assert {path.name for path in module.FOLDER.iterdir() if path.suffix in {".h", ".cpp"}} == set(module.SOURCES)
    for name in module.SOURCES:
        text = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(text + b"// more\n")
        assert module.stamp(tmp_path) != module.stamp(), name
        (tmp_path / name).write_bytes(text.replace(b"\n", b"\r\n"))
        assert module.stamp(tmp_path) == module.stamp(), "line ends do not count"
        (tmp_path / name).write_bytes(text)


def test_options_suit_the_machine():
    assert {"-mavx2", "-mfma"} <= set(module.compiler_arguments(machine="x86_64"))
    assert "-mavx2" not in module.compiler_arguments(machine="aarch64")
