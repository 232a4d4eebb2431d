"""What Tab offers, asked as a shell asks."""

import pytest
from cli_helpers import ended, started

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
def test_names_and_keys(line, offered):
    words = line.split()
    asked = {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1), "_ISA_COMPLETE": "complete_bash"}
    code, out, err = ended(started(env=asked))
    assert code == 0, err
    assert set(out.split()) == offered
    assert err == ""


def test_a_list_that_fails_offers_nothing():
    @completion.offered
    def broken(ctx):
        raise RuntimeError("no list")

    assert broken(None, "") == []


def test_the_script_for_a_shell():
    code, out, _ = ended(started("--show-completion", "bash"))
    assert code == 0
    assert "_ISA_COMPLETE=complete_bash" in out
