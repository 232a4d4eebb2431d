"""Plans: what they hold, and what they refuse, with the line of the file."""

import re
from pathlib import Path

import pytest
from plan_texts import LISTED, PLAN

from isa_learners.experiments.plan import make_plan, read_plan
from isa_learners.experiments.plan_checks import check_runs
from isa_learners.experiments.plan_file import PlanError
from isa_learners.experiments.seeds import read_seeds
from isa_learners.experiments.variants import VARIANTS, variant_from, variant_named
from isa_wrappers.errors import FileFormatError, InvalidValueError


def test_a_plan_resolves_to_a_configuration_for_every_run(plan_file):
    plan = read_plan(plan_file(PLAN))
    assert plan.tasks == ("grid/shooting", "grid/navigation")
    assert plan.variants == ("isa", "slow", "ippo")
    assert [run.index for run in plan.runs] == list(range(2 * 3 * 3))
    assert len({run.name for run in plan.runs}) == 18
    run = next(run for run in plan.runs if (run.task, run.variant, run.seed) == ("grid/navigation", "slow", 2))
    assert (run.config.ppo.lr, run.config.ppo.num_envs, run.config.goal.capacity) == (1e-4, 16, 7)
    assert (run.config.credit.rule, run.config.env_kwargs, run.config.steps) == ("ungated", {"num_agents": 3}, 120_000)
    assert {run.config.steps for run in plan.runs if run.task == "grid/shooting"} == {90_000}
    assert plan.runs[2].config.algo == "ippo"
    assert [run.seed for run in plan.runs[:6]] == [0, 0, 0, 1, 1, 1], "variants innermost"


@pytest.mark.parametrize("name", list(VARIANTS))
def test_every_variant_of_the_list_makes_a_run(name):
    plan = make_plan({"tasks": "grid/shooting", "variants": name, "seeds": [0]})
    assert plan.runs[0].config.algo == VARIANTS[name].algo
    assert VARIANTS[name].description


def test_variants_of_the_list_differ():
    assert len(make_plan({"tasks": ["grid/shooting"], "variants": list(VARIANTS), "seeds": 0}).runs) == len(VARIANTS)


@pytest.mark.parametrize("name", [*VARIANTS, "qmix"])
def test_a_mapping_without_like_changes_the_variant_that_it_is_named_after(name):
    base, changed = variant_named(name), variant_from(name, {"set": {"eval_episodes": 3}})
    assert (changed.algo, changed.preset, changed.kwargs) == (base.algo, base.preset, base.kwargs)
    assert changed.settings == {**base.settings, "eval_episodes": 3}


def test_an_algorithm_is_a_variant():
    assert variant_named("isa_reach").algo == "isa_reach"


def test_a_list_of_variants_may_say_more_of_some(plan_file):
    plan = read_plan(plan_file(LISTED))
    assert plan.variants == ("isa", "slow", "qmix")
    assert {run.variant: run.config.sections["ppo"].lr for run in plan.runs if run.variant != "qmix"}["slow"] == 0.1


def test_a_file_s_plan_takes_what_is_said_over_it(plan_file):
    """Key by key, and over what the tasks say of their own; a mistake in the file still names its line."""
    path = plan_file(PLAN)
    over = {"steps": 70_000, "kwargs": {"horizon": 30}, "set": {"ppo": {"lr": 0.5}}, "seeds": "0"}
    runs = {(run.task, run.variant): run.config for run in read_plan(path, over).runs}
    assert len(runs) == 6
    assert {config.steps for config in runs.values()} == {70_000}
    first = runs["grid/navigation", "isa"]
    assert first.env_kwargs == {"num_agents": 3, "horizon": 30}
    assert (first.ppo.num_envs, first.ppo.lr) == (16, 0.5)
    assert runs["grid/navigation", "slow"].ppo.lr == 1e-4
    with pytest.raises(InvalidValueError, match=r"plan.yaml, line 6: .*'ungatd'"):
        read_plan(plan_file(PLAN.replace("ungated", "ungatd")), over)
    with pytest.raises(PlanError, match=r"^seeds must be integers"):
        read_plan(plan_file(PLAN), {"seeds": "many"})
    with pytest.raises(PlanError, match=r"^ppo.lr must be"):
        read_plan(plan_file(PLAN), {"set": {"ppo": {"lr": -1.0}}})
    with pytest.raises(InvalidValueError, match=r"plan.yaml, line 10: ppo.num_envs must be"):
        read_plan(plan_file(PLAN.replace("16", "-16")), {"set": {"ppo": {"lr": 0.5}}})


def test_an_oracle_is_asked_for_where_the_task_tells_its_scope():
    assert len(make_plan({"tasks": ["grid/dials"], "variants": ["oracle"], "seeds": 0}).runs) == 1
    with pytest.raises(InvalidValueError, match="'toy_envs:walk' does not provide its true scope"):
        make_plan({"tasks": ["toy_envs:walk"], "variants": ["oracle"], "seeds": 0})


def test_a_file_that_is_not_there(plan_file):
    with pytest.raises(FileFormatError, match="cannot read"):
        read_plan(plan_file(PLAN).with_name("none.yaml"))


@pytest.mark.parametrize(
    "data", [{}, {"tasks": []}, {"tasks": 3}, {"tasks": ["a", "a"]}, {"tasks": "grid/shooting", "variants": 3}]
)
def test_plans_without_tasks_or_variants_are_refused(data):
    with pytest.raises(PlanError):
        make_plan({"seeds": 0, **data})


def test_seeds():
    assert read_seeds("0-3,9") == [0, 1, 2, 3, 9]
    assert read_seeds(4) == [4]
    for wrong in ("", "3-1", [], "0-99999999", -1, [0.5], None, [True]):
        with pytest.raises(PlanError, match="seed"):
            read_seeds(wrong)


def test_the_page_shows_a_plan_that_can_be_made_and_lists_every_variant(plan_file):
    page = (Path(__file__).parents[3] / "docs/comparisons.md").read_text()
    (shown,) = re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL)
    plan = read_plan(plan_file(shown))
    assert plan.variants == ("isa", "slow", "ippo")
    assert {run.seed for run in plan.runs} == set(range(10))
    table = page.partition("## Variants")[2].partition("## One run")[0]
    listed = re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE)
    assert listed == list(VARIANTS)


WHOLE = {"tasks": ["grid/unlock"], "variants": ["isa"], "steps": 90_000}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"variants": {"hot": {"like": "ippo", "set": {"env": "grid/dials"}}}}, "cannot hold 'env', which a plan sets"),
        ({"variants": {"hot": {"like": "ippo", "set": {"steps": 400}}}}, "cannot hold 'steps', which a plan sets"),
        ({"variants": {"hot": {"like": "ippo", "set": {"seed": 7}}}}, "cannot hold 'seed', which a plan sets"),
        ({"steps": {"grid/unlok": 5}}, "steps names 'grid/unlok', which is not a task of the plan; did you mean"),
        ({"variants": {"..": {"like": "isa"}}}, "'..' cannot name a folder; use letters or digits"),
    ],
)
def test_what_would_make_numbers_that_cannot_be_compared(changes, told):
    with pytest.raises(PlanError, match=re.escape(told)):
        make_plan({**WHOLE, **changes})


def test_steps_of_tasks_that_are_not_asked_for_now_are_no_mistake(plan_file):
    text = PLAN.replace("steps: 120000", "steps: {grid/navigation: 120000}")
    plan = read_plan(plan_file(text), {"tasks": ["grid/shooting"], "steps": 40_000})
    assert {run.config.steps for run in plan.runs} == {40_000}
    plan = read_plan(plan_file(text), {"tasks": ["grid/navigation"]})
    assert {run.config.steps for run in plan.runs} == {120_000}
    assert {run.config.steps for run in read_plan(plan_file(text), {"tasks": ["grid/unlock"]}).runs} != {120_000}


def test_variants_that_are_judged_otherwise_are_told():
    often = {"like": "isa", "set": {"eval_interval": 240, "success": "-1"}}
    plan = make_plan({**WHOLE, "variants": {"isa": None, "often": often, "ippo": None}, "seeds": "0-1"})
    said = plan.evaluation_differences()
    assert "'often' is evaluated differently from 'isa' on grid/unlock: eval_interval 240 instead of 10000" in said
    assert "'often' is evaluated differently from 'isa' on grid/unlock: success '-1' instead of 'success'" in said
    assert len(said) == 2
    with pytest.warns(UserWarning, match="'often' is evaluated differently from 'isa'"):
        check_runs(plan, [])
