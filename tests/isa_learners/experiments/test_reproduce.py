"""The plans that come with the package."""

import pytest

from isa_learners.experiments.plan import make_plan
from isa_learners.experiments.reproduce import figure_plan, figures
from isa_wrappers.errors import UnknownNameError


@pytest.mark.parametrize("name", figures())
def test_every_figure_has_a_plan_that_can_be_made(name):
    plan, quick = make_plan(figure_plan(name)), make_plan(figure_plan(name, quick=True))
    assert figures()[name].endswith(".")
    assert len({run.seed for run in plan.runs}) >= 5
    assert {run.seed for run in quick.runs} == {0, 1}
    assert quick.variants == plan.variants
    assert max(run.config.steps for run in quick.runs) * 4 <= max(run.config.steps for run in plan.runs)


def test_an_unknown_figure():
    with pytest.raises(UnknownNameError, match="did you mean 'fig4a'"):
        figure_plan("fig4")
