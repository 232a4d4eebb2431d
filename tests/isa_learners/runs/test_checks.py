"""What does not go together is met before a run folder is made or a step is taken."""

import pytest
from learner_helpers import tiny_config

from isa_learners.runs.checks import check_run
from isa_learners.runs.training import train
from isa_wrappers.errors import InvalidValueError, UnknownNameError


def test_a_sound_run_passes():
    check_run(tiny_config())
    check_run(tiny_config(algo="ippo", intrinsic="count_bonus", scope={"transitions": 60}))
    check_run(tiny_config(credit={"rule": "whole_state"}, steps=1))
    check_run(tiny_config(algo="ippo", intrinsic="laies", laies={"external": "scope"}, scope={"transitions": 60}))


@pytest.mark.parametrize("algo", ["isa", "isa_explore"])
def test_a_scope_that_follows_training_goes_with_goals_before_a_win(algo):
    sections = {"scope": {"transitions": 60}, "probes": {"share": 0.1}}
    check_run(
        tiny_config(algo=algo, goal={"stitched": True}, **sections)
        if algo == "isa"
        else tiny_config(algo=algo, **sections)
    )


@pytest.mark.parametrize(
    ("sections", "error", "message"),
    [
        ({"intrinsic": "count_bonus"}, InvalidValueError, "inner wrapper already pays the intrinsic reward 'bonus'"),
        (
            {"algo": "ippo", "ppo": {"bonus_head": True}},
            InvalidValueError,
            "bonus_head must be False if no intrinsic reward is added to the environment's, got True",
        ),
        ({"intrinsic": "rnd", "ppo": {"bonus_head": True}}, InvalidValueError, "bonus_head must be False if no"),
        ({"intrinsic": "goal_reward"}, InvalidValueError, "'goal_reward' needs goals and cannot be added to a run"),
        (
            {"algo": "laies", "laies": {"external": None}},
            InvalidValueError,
            "set laies.external=scope, or pass",
        ),
        ({"algo": "laies", "laies": {"external": ["lock"]}}, InvalidValueError, "got 'lock'"),
        ({"goal": {"selector": "unifrm"}}, UnknownNameError, "unknown goal selector 'unifrm'; did you mean 'uniform'?"),
        ({"scope": {"estimator": "nmi"}}, UnknownNameError, "unknown scope estimator 'nmi'"),
        ({"scope": {"threshold": "fix"}}, UnknownNameError, "unknown threshold rule 'fix'; did you mean 'fixed'?"),
        (
            {"intrinsic": "count_state", "count": {"beta2": 0.0}},
            InvalidValueError,
            "intrinsic reward 'count_state' would have no effect in phase 'explore' of algorithm 'isa'",
        ),
        (
            {"intrinsic": "count_state", "goal": {"alpha2": 0.0}},
            InvalidValueError,
            "in phase 'reach' of algorithm 'isa': it is added to the environment's reward, which the phase's reward "
            "'progress' ignores",
        ),
        ({"steps": 60}, InvalidValueError, "steps must be more than 60"),
        ({"workers": 2}, InvalidValueError, "workers must be 0 for grid/unlock, got 2"),
    ],
)
def test_what_does_not_go_together(sections, error, message):
    with pytest.raises(error, match=message.replace("?", r"\?")):
        check_run(tiny_config(**sections))


def test_a_task_s_name_is_no_configuration(tmp_path):
    with pytest.raises(InvalidValueError, match=r"config must be a RunConfig, as from make_config.*, got 'grid/dials'"):
        train("grid/dials", tmp_path / "run")
    assert not (tmp_path / "run").exists()
