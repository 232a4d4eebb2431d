"""The site builds with no warning: pages, links, and the reference from docstrings."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_the_site_builds_strictly(tmp_path):
    pytest.importorskip("mkdocs")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    reference = (tmp_path / "reference/wrappers/index.html").read_text()
    assert "InfluenceCountBonus" in reference
    assert ":class:" not in reference
    shown = list((tmp_path / "source").rglob("*.txt"))
    assert (tmp_path / "source/examples/own_environment.py.txt") in shown


def test_every_public_name_is_in_the_reference():
    import isa_learners
    import isa_wrappers

    text = "\n".join(path.read_text() for path in (ROOT / "docs/reference").glob("*.md"))
    listed = {line.rpartition(".")[2] for line in text.splitlines() if line.startswith(":::")}
    assert {*isa_wrappers.__all__, *isa_learners.__all__} - {"__version__"} - listed == set()
