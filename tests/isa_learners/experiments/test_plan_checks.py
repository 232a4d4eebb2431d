"""What is checked before anything of a plan starts, with the line of the file that is to blame."""

import pytest
import torch

from isa_learners.checkpoint import save_checkpoint
from isa_learners.experiments.plan import make_plan, read_plan
from isa_learners.experiments.plan_checks import check_runs
from isa_wrappers.errors import InvalidValueError, UnknownTaskError

PLAN = """\
tasks:
  grid/unlock: {steps: 90000}
  grid/dials:
variants:
  isa:
  other:
    like: isa
    set:
      ppo.lr: 1e-4
seeds: 0-2
kwargs:
  horizon: 40
"""


@pytest.fixture
def checked(tmp_path):
    def check(text, over=None):
        (tmp_path / "plan.yaml").write_text(text)
        plan = read_plan(tmp_path / "plan.yaml", over)
        check_runs(plan, plan.runs)

    return check


def test_a_plan_that_can_start(checked):
    checked(PLAN)


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("grid/dials:", "grid/dial:", 3, "unknown task 'grid/dial'; did you mean 'grid/dials'"),
        ("{steps: 90000}", "{steps: 90000, kwargs: {num_agnts: 5}}", 2, "'num_agnts'"),
        ("  horizon: 40", "  horizon: 40\n  num_agnts: 5", 13, "'num_agnts'"),
        ("  horizon: 40", "  horizon: -40", 12, "horizon"),
        ("      ppo.lr: 1e-4", "      ppo.lr: 1e-4\n      scope_folder: nowhere", 10, "no scope at nowhere"),
        ("{steps: 90000}", "{steps: 900}", 2, "steps must be more than"),
        ("    like: isa", "    like: isa\n    kwargs: {num_agnts: 5}", 8, "'num_agnts'"),
        ("    like: isa", "    algo: isa_reach", 7, "set its folder: given.run=RUN"),
    ],
)
def test_mistakes_that_an_environment_tells_name_their_line(checked, old, new, line, told):
    assert old in PLAN
    with pytest.raises(InvalidValueError, match=f"plan.yaml, line {line}: .*{told}"):
        checked(PLAN.replace(old, new))


def test_goals_of_another_task_are_met_before_anything_starts(checked, tmp_path):
    run = tmp_path / "run"
    (run / "checkpoints").mkdir(parents=True)
    won = {"shared.goals.states": torch.zeros(5, 3), "shared.goals.added": torch.tensor([4])}
    save_checkpoint(run / "checkpoints" / "latest.safetensors", won, {})
    text = PLAN.replace("    like: isa", "    algo: isa_reach").replace("ppo.lr: 1e-4", f"given.run: {run}")
    with pytest.raises(InvalidValueError, match=r"plan.yaml, line 9: goals in .* have 3 dimensions"):
        checked(text)


def test_what_is_said_over_a_file_has_no_line_in_it(checked):
    with pytest.raises(InvalidValueError, match=r"^unknown task 'grid/dial'"):
        checked(PLAN, {"tasks": ["grid/dial"]})
    with pytest.raises(InvalidValueError, match=r"^task 'grid/unlock' does not accept"):
        checked(PLAN, {"kwargs": {"num_agnts": 5}})


def test_a_plan_without_a_file_tells_the_error_as_it_is():
    plan = make_plan({"tasks": ["grid/dial"], "seeds": 0})
    with pytest.raises(UnknownTaskError, match=r"^unknown task"):
        check_runs(plan, plan.runs)
