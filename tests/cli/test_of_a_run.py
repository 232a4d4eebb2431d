"""``isa export``, ``isa goals`` and ``isa report``: what is made of a finished run."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from cli_helpers import isa

from isa_learners.runs.goals import WonStates

pytestmark = pytest.mark.usefixtures("somewhere")

pytest.importorskip("torch")


@pytest.mark.slow
def test_export(finished, capsys, monkeypatch):
    from isa_learners.runs import export

    written, export_policy = [], export.export_policy

    def once(policy, path):
        """It takes seconds: what was written stands for itself, once more."""
        if not written:
            written.append(export_policy(policy, path))
        return written[0]

    monkeypatch.setattr(export, "export_policy", once)
    assert isa("export", finished, "policy.pt2") == 0
    *lines, said, last = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["input", "observation", "float32", "[B,", "1,", "4]"]
    assert "goal" in [line.split()[1] for line in lines]
    assert said.startswith("over 1,000 steps its numbers differ by up to ")
    assert last == "written to policy.pt2"
    assert isa("export", finished, "policy.pt2", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["outputs"]["action"] == "int64 [B, 1]"
    assert told["difference"]["largest"] <= 1e-5
    assert Path(told["path"]).stat().st_size > 1_000


def test_goals(finished, capsys):
    assert isa("goals", finished) == 0
    first, header, *rows = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"\d+ goals, 1 different in the 2 of 4 dimensions that agents pursue", first)
    assert header.split() == ["times", "agent_0.x", "agent_0.y"]
    assert [row.split() for row in rows] == [[first.split()[0], "0", "1"]]
    assert isa("goals", finished, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["pursued"] == [0, 1]
    assert told["goals"][0] == [0.0, 1.0, 0.0, 1.0]
    assert len(told["goals"]) == int(first.split()[0])


def test_goals_of_dimensions_in_square_brackets(finished, capsys, monkeypatch):
    won = WonStates(np.array([[1.0, 5.0]]), ("[bold]", "x[0]"), (0, 1))
    monkeypatch.setattr("isa_learners.runs.goals.won_states", lambda *given: won)
    assert isa("goals", finished) == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["times", "[bold]", "x[0]"]


@pytest.mark.slow
def test_report(finished, capsys):
    pytest.importorskip("vl_convert", reason="pip install 'isa-marl[report]'")
    assert isa("report", finished, "-o", "page.html") == 0
    assert re.fullmatch(r"written to page.html \(\d\.\d\d MB\)\n", capsys.readouterr().out)
    assert isa("report", finished, finished, "--out", "page.html", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["notes"] == []
    assert told["bytes"] == Path("page.html").stat().st_size < 2_000_000
