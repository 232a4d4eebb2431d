"""The wheel holds every module, and each can be imported from it."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
IMPORT_ALL = """
import importlib.util, json, pkgutil
found = {}
for package in ("isa_wrappers", "isa_learners", "isa_cli"):
    module = importlib.import_module(package)
    found[package] = module.__file__
    for info in pkgutil.walk_packages(module.__path__, package + "."):
        try:
            found[info.name] = importlib.import_module(info.name).__file__
        except ModuleNotFoundError as error:  # Triton comes with torch's wheels for CUDA alone
            if (info.name, error.name) != ("isa_learners.recurrent.kernels", "triton"):
                raise
            found[info.name] = importlib.util.find_spec(info.name).origin
print(json.dumps(found))
"""


METADATA = """
import setuptools.build_meta as backend
print(backend.prepare_metadata_for_build_wheel({folder!r}))
"""


@pytest.mark.parametrize("repository", ["", "https://example.org/someone/isa/"])
def test_links_of_the_readme_hold_where_the_repository_is_not(tmp_path, repository):
    """On a package index a relative link leads nowhere."""
    env = {**os.environ, "ISA_REPOSITORY": repository}
    for name in ("README.md", "setup.py", "pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    for package in ("isa_wrappers", "isa_learners", "cli"):
        (tmp_path / package).mkdir()
    shutil.copytree(ROOT / "isa_learners" / "compiled", tmp_path / "isa_learners" / "compiled")
    program = METADATA.format(folder=str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    metadata = (next(tmp_path.glob("*.dist-info")) / "METADATA").read_text()
    targets = re.findall(r"\]\(([^)]+)\)", metadata)
    assert targets
    assert all(target.startswith(("https://", "#")) for target in targets)
    scope = f"{repository.rstrip('/')}/blob/HEAD/docs/scope.md"
    assert (scope in targets) == bool(repository)
    assert ("Project-URL: Source, https://example.org/someone/isa\n" in metadata) == bool(repository)
    assert "Project-URL: Paper, https://arxiv.org/abs/2505.08630\n" in metadata
    assert "[The scope]" in metadata if repository else "The scope" in metadata


def modules_of_the_tree():
    folders = {"isa_wrappers": "isa_wrappers", "isa_learners": "isa_learners", "cli": "isa_cli"}
    for folder, package in folders.items():
        for path in (ROOT / folder).rglob("*.py"):
            parts = (package, *path.relative_to(ROOT / folder).with_suffix("").parts)
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.slow
def test_every_module_is_in_the_wheel_and_imports_from_it(tmp_path):
    """Installed alone into an empty folder; what it depends on comes from here, our own code from the wheel."""
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    shutil.rmtree(ROOT / "build" / "lib", ignore_errors=True)  # a module moved since would still be in the wheel
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", tmp_path, ROOT], check=True)
    (wheel,) = tmp_path.glob("isa_marl-*.whl")
    installed = tmp_path / "installed"
    subprocess.run([*pip, "install", "--no-deps", "--target", installed, wheel], check=True)
    env = {**os.environ, "PYTHONPATH": str(installed), "MPLBACKEND": "agg"}
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert set(found) == set(modules_of_the_tree())
    assert all(Path(path).is_relative_to(installed) for path in found.values()), "from the wheel, not from the checkout"
    for package in ("isa_wrappers", "isa_learners", "isa_cli"):
        assert (installed / package / "py.typed").exists()
    assert (installed / "isa_learners" / "experiments" / "plans" / "fig4a.yaml").exists()
    report = ROOT / "isa_learners" / "runs" / "report"
    parts = [path.relative_to(ROOT) for path in report.rglob("*") if path.suffix in (".html", ".css", ".js")]
    assert len(parts) > 5
    assert all((installed / path).exists() for path in parts)
