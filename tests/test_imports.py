"""Arrows point one way, and importing the wrappers costs no heavy dependency."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "isa_learners", "isa_cli", "matplotlib", "tensorboard", "PIL", "sklearn", "jax")


def loaded_after(code):
    """Run ``code`` in a fresh interpreter; return which heavy top-level modules it loaded."""
    tail = f"\nimport sys, json; print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code + tail], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_probe_sees_what_is_loaded():
    assert loaded_after("import PIL") == ["PIL"]


def test_importing_the_wrappers_is_light():
    assert loaded_after("import isa_wrappers") == []


@pytest.mark.parametrize("make", ["make_batch('grid/shooting', num_envs=3)", "make_parallel('grid/shooting')"])
def test_estimating_a_scope_in_numpy_is_light(make):
    code = f"""
from isa_wrappers import ScopeConfig, estimate_scope, scope_table
from isa_wrappers.envs import make_batch, make_parallel
scope = estimate_scope({make}, ScopeConfig(transitions=60))
assert scope_table(scope)
"""
    assert loaded_after(code) == []


def imported(path):
    """Every module a file imports, anywhere in it: at its top, in a function, under TYPE_CHECKING."""
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively: say where from"
            yield node.module
        elif isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in (
            "import_module",
            "__import__",
        ):
            yield from (arg.value for arg in node.args if isinstance(arg, ast.Constant))


def files(package):
    found = sorted((ROOT / package).rglob("*.py"))
    assert found, f"{package} has no files"
    return found


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [("isa_wrappers", {"isa_learners", "isa_cli", "cli"}), ("isa_learners", {"isa_cli", "cli"})],
)
def test_arrows_point_one_way(package, forbidden):
    if not list((ROOT / package).rglob("*.py")):
        pytest.skip(f"{package} is empty")
    for path in files(package):
        wrong = [name for name in imported(path) if name.split(".")[0] in forbidden]
        assert not wrong, f"{path} imports {wrong}"


def test_library_code_does_not_assert():
    """Users' errors are typed; ``python -O`` must not change what the library does."""
    for path in files("isa_wrappers"):
        asserts = [node.lineno for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Assert)]
        assert not asserts, f"{path} asserts in lines {asserts}"


def test_everything_named_public_is_there():
    import isa_wrappers

    assert len(set(isa_wrappers.__all__)) == len(isa_wrappers.__all__)  # ruff keeps them sorted
    for name in isa_wrappers.__all__:
        assert getattr(isa_wrappers, name).__doc__, name
