"""The notebooks run from their first cell to their last, and print what they hold as printed."""

import contextlib
import io
import json
from pathlib import Path

import pytest

NOTEBOOKS = Path(__file__).parents[1] / "docs" / "notebooks"


@pytest.mark.slow
@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_prints_what_it_shows(path, monkeypatch):
    monkeypatch.chdir(NOTEBOOKS)
    monkeypatch.syspath_prepend(str(NOTEBOOKS))  # taken back with all that a notebook adds in front of it
    names = {"__name__": "__main__"}
    cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
    assert len(cells) > 3
    for cell in cells:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile("".join(cell["source"]), f"{path.name}", "exec"), names)
        shown = [output for output in cell["outputs"] if output.get("name") == "stdout"]
        assert printed.getvalue() == "".join("".join(output["text"]) for output in shown)


def test_the_scope_is_shown_as_a_heat_map():
    cells = json.loads((NOTEBOOKS / "own_environment.ipynb").read_text())["cells"]
    shown = [
        output for cell in cells for output in cell.get("outputs", []) if output["output_type"] == "execute_result"
    ]
    assert any("<table" in "".join(output["data"].get("text/html", "")) for output in shown)
