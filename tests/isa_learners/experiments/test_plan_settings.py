"""Settings of a whole plan: who takes which, and keys that nobody has."""

import re

import pytest

from isa_learners.algorithms import ALGORITHMS
from isa_learners.experiments.plan import make_plan
from isa_learners.experiments.plan_file import PlanError
from isa_learners.experiments.plan_settings import PlanSettings, apply_overrides


def configs(variants, settings, **own):
    tasks = {"grid/shooting": own} if own else ["grid/shooting"]
    plan = make_plan({"tasks": tasks, "variants": variants, "seeds": 0, "set": settings})
    return {run.variant: run.config for run in plan.runs}


@pytest.mark.parametrize(
    ("settings", "taking"),
    [
        ({"scope.transitions": 123}, ["isa"]),
        ({"scope": {"transitions": 123}}, ["isa"]),
        ({"ppo.epochs": 7}, ["isa", "ippo"]),
        ({"q.batch": 7}, ["qmix"]),
        ({"phases.reach.ppo.epochs": 7}, ["isa"]),
        ({"workers": 2}, ["isa", "ippo", "qmix"]),
        ({"ppo.epochs": 7, "q.batch": 9, "goal": {"capacity": 5}}, ["isa", "ippo", "qmix"]),
    ],
    ids=str,
)
@pytest.mark.parametrize("of_task", [False, True], ids=["of the plan", "of a task"])
def test_a_setting_holds_for_the_variants_that_have_its_key(settings, taking, of_task):
    names = ["isa", "ippo", "qmix"]
    plain = configs(names, {})
    made = configs(names, {}, set=settings) if of_task else configs(names, settings)
    assert [name for name in names if made[name] != plain[name]] == taking


def test_values_arrive_and_variants_own_ones_hold():
    made = configs({"isa": {"set": {"scope.window": 3}}, "ippo": None}, {"scope": {"window": 2, "transitions": 50}})
    assert (made["isa"].scope.window, made["isa"].scope.transitions) == (3, 50)


def test_a_reward_s_settings_are_for_those_that_pay_it():
    made = configs({"ippo": None, "rnd": {"algo": "ippo", "set": {"intrinsic": "rnd"}}}, {"rnd.hidden": 8})
    assert made["rnd"].rnd.hidden == 8
    assert "rnd" not in made["ippo"].sections


@pytest.mark.parametrize(
    ("variants", "settings", "told"),
    [
        (
            ["ippo", "qmix"],
            {"scope.transitions": 50},
            "'scope', for scope.transitions; their sections are ppo, q",
        ),
        (["ippo", "isa"], {"scpe.transitions": 50}, "scpe.transitions; did you mean 'scope.transitions'?"),
        (["ippo", "isa"], {"scope.transitons": 50}, "scope.transitons; did you mean 'scope.transitions'?"),
        (["ippo", "qmix"], {"q.learning_rate": 1.0}, "did you mean 'ppo.lr' or 'q.lr'?"),
        (["ippo", "isa"], {"phases.rech.ppo.lr": 1.0}, "did you mean 'phases.reach.ppo.lr'?"),
        (["ippo", "isa"], {"rnd.hidden": 8}, "it belongs to intrinsic reward 'rnd': set intrinsic=rnd"),
        (["ippo", "isa"], {"wrkers": 2}, "did you mean 'workers'?"),
        (["ippo", "isa"], {"zzz": 2}, "their sections are "),
        (["ippo", "isa"], {"ppo": {1: 2}}, "no variant has configuration key ppo.1"),
    ],
)
def test_a_key_that_no_variant_has_is_refused(variants, settings, told):
    with pytest.raises(PlanError, match=re.escape(told)):
        configs(variants, settings)
    with pytest.raises(PlanError, match=re.escape(told)):
        configs(variants, {}, set=settings)


def test_a_variant_s_own_setting_must_fit_it():
    with pytest.raises(PlanError, match="algorithm 'ippo' has no section 'scope'"):
        configs({"isa": None, "ippo": {"set": {"scope.window": 2}}}, {})


@pytest.mark.parametrize("algo", list(ALGORITHMS))
def test_settings_of_every_section_arrive_in_every_algorithm(algo):
    """One key of each section that the algorithm has, beside one that it has not."""
    settings = PlanSettings({"ppo.lr": 0.5, "q.lr": 0.5, "coma.lr": 0.5})
    assert settings.of({"algo": algo}) == {ALGORITHMS[algo].learner: {"lr": 0.5}}


def test_two_ways_to_say_a_section_at_once_are_refused():
    with pytest.raises(PlanError, match="both a value and keys of its own"):
        PlanSettings({"ppo": 3, "ppo.lr": 1.0})


def test_what_is_said_over_a_plan_leaves_the_rest():
    data = {"tasks": {"grid/dials": None, "grid/unlock": {"steps": 3, "kwargs": {"a": 1, "b": 2}}}, "kwargs": {"c": 3}}
    assert apply_overrides(data, {"kwargs": {"b": 4}}) == {
        "tasks": {"grid/dials": None, "grid/unlock": {"steps": 3, "kwargs": {"a": 1, "b": 4}}},
        "kwargs": {"c": 3, "b": 4},
    }
    assert data["kwargs"] == {"c": 3}


def test_a_key_with_a_space_around_it_is_no_way_round():
    with pytest.raises(PlanError, match="set cannot hold 'env', which a plan sets elsewhere"):
        PlanSettings({" env": "grid/shooting"})


def test_a_task_that_is_named_again_keeps_what_the_plan_says_of_it():
    plan = {"tasks": {"grid/unlock": {"steps": 40_000}, "grid/dials": None}}
    assert apply_overrides(plan, {"tasks": ["grid/unlock", "grid/dials"]}) == {
        "tasks": {"grid/unlock": {"steps": 40_000}, "grid/dials": {}}
    }
