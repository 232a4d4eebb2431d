"""The Python examples of README and docs run as printed."""

import re
from pathlib import Path

import pytest
from remembered import remembering

import isa_wrappers

ROOT = Path(__file__).parents[1]
WRAPPER_PAGES = sorted(f"docs/wrappers/{path.name}" for path in (ROOT / "docs/wrappers").glob("*.md"))
PAGES = [
    "README.md",
    "docs/own-environment.md",
    "docs/batched-environment.md",
    "docs/own-learner.md",
    "docs/index.md",
    "docs/policies.md",
    "docs/videos.md",
    "docs/scope.md",
    "docs/algorithms/q-learning.md",
    *WRAPPER_PAGES,
]
SCOPES = {}
"""Estimates that were made."""


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_python_examples_print_what_their_comments_say(page, capsys, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    known = {} if page == "docs/own-environment.md" else SCOPES  # its module door is its own
    monkeypatch.setattr(isa_wrappers, "estimate_scope", remembering(known))
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), flags=re.DOTALL)
    assert blocks
    for block in blocks:
        if named := re.match(r"# (\w+\.py)\n", block):  # a file that later blocks import
            (tmp_path / named[1]).write_text(block)
        exec(compile(block, page, "exec"), {})
    promised = re.findall(r"print\(.*?\)\s+# (\S.*?)(?::.*)?$", "\n".join(blocks), flags=re.MULTILINE)
    assert capsys.readouterr().out.splitlines() == promised


def test_commands_named_in_the_readme_exist():
    text = (ROOT / "README.md").read_text()
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert set(re.findall(r"^    make ([a-z]+)", text, flags=re.MULTILINE)) == {"train", "test"}
    assert {"train", "test"} <= set(targets)
