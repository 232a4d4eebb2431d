"""What `isa compare` says when it begins, and when it is broken off."""

import signal

import pytest
from plan_helpers import tiny_plan

from isa_cli.compare_display import ComparisonDisplay
from isa_cli.main import Ended
from isa_learners.experiments.folder import Comparison
from isa_learners.experiments.plan import make_plan


@pytest.fixture
def comparison(tmp_path):
    return Comparison(make_plan(tiny_plan(seeds=[0])), tmp_path)


def test_how_many_runs_are_left(comparison, capsys):
    with ComparisonDisplay(comparison, comparison.plan.runs[:1]) as display:
        assert capsys.readouterr().err == "", "what keeps them from starting is told alone"
        for _ in range(2):
            display.refresh()
    assert capsys.readouterr().err == "isa: 1 of 2 runs left\n"


@pytest.mark.parametrize("stopped", [KeyboardInterrupt(), Ended(signal.SIGTERM)], ids=["Ctrl-C", "SIGTERM"])
def test_a_signal_is_answered_by_how_to_go_on(comparison, capsys, stopped):
    with pytest.raises(type(stopped)), ComparisonDisplay(comparison, comparison.plan.runs, quiet=True):
        raise stopped
    assert capsys.readouterr().err == "isa: 0 of 2 runs finished; run the command again to continue\n"


def test_a_failure_of_ours_is_no_signal(comparison, capsys):
    with pytest.raises(OSError, match="no room"), ComparisonDisplay(comparison, comparison.plan.runs, quiet=True):
        raise OSError("no room")
    assert capsys.readouterr().err == ""
