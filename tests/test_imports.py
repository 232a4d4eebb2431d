"""Arrows point one way, and importing the wrappers costs no heavy dependency."""

import ast
import json
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
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


@pytest.mark.slow
def test_importing_the_wrappers_is_light():
    assert loaded_after("import isa_wrappers") == []


@pytest.mark.slow
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


MAY_IMPORT = {
    "isa_wrappers": set(),
    "isa_wrappers.border": set(),
    "isa_wrappers.batch": {"isa_wrappers.border"},
    "isa_wrappers.scope": {"isa_wrappers.batch", "isa_wrappers.border"},
    "isa_wrappers.rewards": {"isa_wrappers.scope", "isa_wrappers.batch", "isa_wrappers.border"},
    "isa_wrappers.wrappers": {
        "isa_wrappers.rewards",
        "isa_wrappers.scope",
        "isa_wrappers.batch",
        "isa_wrappers.border",
    },
    "isa_wrappers.envs": {"isa_wrappers.scope", "isa_wrappers.batch", "isa_wrappers.border"},
    "isa_learners": {"isa_learners.graphs"},
    "isa_learners.graphs": set(),
    "isa_learners.compiled": {"isa_learners"},
    "isa_learners.recurrent": {"isa_learners", "isa_learners.compiled"},
    "isa_learners.coma": {"isa_learners", "isa_learners.recurrent"},
    "isa_learners.ppo": {"isa_learners", "isa_learners.compiled", "isa_learners.graphs", "isa_learners.recurrent"},
    "isa_learners.q_learning": {"isa_learners", "isa_learners.recurrent"},
    "isa_learners.algorithms": {"isa_learners"},
    "isa_learners.runs": {"isa_learners", "isa_learners.algorithms", "isa_learners.compiled"},
    "isa_learners.experiments": {"isa_learners", "isa_learners.algorithms", "isa_learners.runs"},
}
"""Folder -> folders of the same package whose modules it may import, besides its own and the package's top modules.

The top modules are the ground. What a learner or algorithm is made of is reached through the lists, so that neither
runs nor algorithms import PPO or Q-learning.
"""
INDEXES = {"isa_wrappers/__init__.py", "isa_wrappers/batch_wrappers.py"}


def folder_of(module):
    """The folder of a module: the package for its top modules, else the package's own folder."""
    package, *parts = module.split(".")
    below = ROOT / package / parts[0] if parts else ROOT / package
    return f"{package}.{parts[0]}" if parts and below.is_dir() else package


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_folders_import_downwards_only(folder):
    package, _, name = folder.partition(".")
    paths = (ROOT / package / name).rglob("*.py") if name else (ROOT / package).glob("*.py")
    looked_at = 0
    for path in paths:
        if str(path.relative_to(ROOT)) in INDEXES:
            continue
        looked_at += 1
        for module in imported(path):
            other = folder_of(module)
            if other.split(".")[0] == package and other not in (folder, package):
                assert other in MAY_IMPORT[folder], f"{path} imports {module}"
    assert looked_at


def test_the_table_names_every_folder():
    for package in ("isa_wrappers", "isa_learners"):
        folders = {f"{package}.{path.name}" for path in (ROOT / package).iterdir() if (path / "__init__.py").exists()}
        assert folders == {folder for folder in MAY_IMPORT if folder.startswith(package + ".")}


def test_no_module_imports_itself_in_a_circle():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import structure
    finally:
        sys.path.pop(0)
    paths = structure.modules(ROOT)
    graph = {name: structure.imports(name, path, paths) for name, path in paths.items() if path.name != "__init__.py"}
    assert sum(map(len, graph.values())) > 300, "there are arrows"
    assert structure.circles({name: found & set(graph) for name, found in graph.items()}) == []
    assert structure.circles({"a": {"b"}, "b": {"a"}}) == [["a", "b"]]


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


OF_THE_RUN = ("__init__", "config", "presets", "stacks")
"""Modules beside the learners that know what a run is made of."""
LEARNERS = [
    *(path for path in (ROOT / "isa_learners").glob("*.py") if path.stem not in OF_THE_RUN),
    *files("isa_learners/recurrent"),
    *files("isa_learners/coma"),
    *files("isa_learners/ppo"),
    *files("isa_learners/q_learning"),
]
METHOD = {"scope", "rewards", "wrappers"}


@pytest.mark.parametrize("path", LEARNERS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_learner_knows_nothing_of_the_method(path):
    """Of ISA's modules it imports neither goals nor scopes nor rewards, nor any wrapper class."""
    for module in imported(path):
        package, *parts = module.split(".")
        assert package != "isa_wrappers" or not METHOD & set(parts), f"{path} imports {module}"
        assert package != "isa_learners" or parts[:1] not in (["runs"], ["algorithms"]), f"{path} imports {module}"


def a_module(package, name):
    return find_spec(f"{package}.{name}") is not None if hasattr(import_module(package), "__path__") else False


@pytest.mark.parametrize("path", [*files("benchmarks"), *files("examples")], ids=lambda path: path.stem)
def test_what_scripts_import_is_there(path):
    """They are run by hand, and would break unseen."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in (
            "isa_wrappers",
            "isa_learners",
        ):
            module = import_module(node.module)
            missing = [
                one.name for one in node.names if not (hasattr(module, one.name) or a_module(node.module, one.name))
            ]
            assert not missing, f"{node.module} has no {missing[0]}"
