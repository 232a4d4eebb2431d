"""The Python examples of README and docs run as printed."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("page", ["README.md", "docs/wrappers.md"])
def test_python_examples_print_what_their_comments_say(page, capsys):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), flags=re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, page, "exec"), {})
    promised = re.findall(r"print\(.*?\)\s+# (\S.*?)(?::.*)?$", "\n".join(blocks), flags=re.MULTILINE)
    assert capsys.readouterr().out.splitlines() == promised


def test_commands_named_in_the_readme_exist():
    text = (ROOT / "README.md").read_text()
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert set(re.findall(r"^    make ([a-z]+)", text, flags=re.MULTILINE)) == {"train", "test"}
    assert {"train", "test"} <= set(targets)
