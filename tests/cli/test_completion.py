"""What Tab offers, asked as a shell asks."""

import pytest
from cli_helpers import isa

from isa_cli import completion


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("isa train grid/sh", {"grid/shooting"}),
        ("isa train grid/unlock --algo isa", {"isa", "isa_explore", "isa_reach"}),
        ("isa config --preset p", {"paper"}),
        ("isa train grid/unlock --algo qmix --set q.td", {"q.td_lambda="}),
        ("isa train grid/unlock --set q.td", set()),
        ("isa train --resume none --set ppo", set()),
        ("isa compare --variant ungat", {"ungated"}),
        ("isa train x --device cu", {"cuda", "cuda:0", "cuda:1"}),
    ],
)
def test_names_and_keys(line, offered, monkeypatch, capsys):
    asked = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1), "_ISA_COMPLETE": "complete_bash"}
    for name, value in asked.items():
        monkeypatch.setenv(name, value)
    assert isa() == 0
    out, err = capsys.readouterr()
    assert set(out.split()) == offered
    assert err == ""


def test_a_list_that_fails_offers_nothing():
    @completion.offered
    def broken(ctx):
        raise RuntimeError("no list")

    assert broken(None, "") == []


def test_the_script_for_a_shell(monkeypatch, capsys):
    monkeypatch.setenv("_ISA_COMPLETE", "source_bash")
    assert isa() == 0
    assert "_ISA_COMPLETE=complete_bash" in capsys.readouterr().out
