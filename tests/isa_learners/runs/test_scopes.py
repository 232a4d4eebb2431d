"""The scope of a run: estimated, taken from a folder, or not needed; and how a credit rule reads it."""

import json
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from learner_helpers import tiny_config

from isa_cli.main import main
from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.checks import check_run
from isa_learners.runs.run_folder import RunFolder
from isa_learners.runs.scopes import asks_for_scope, needs_estimate, scope_for
from isa_learners.runs.training import Training
from isa_wrappers import InfluenceScope, load_scope, save_scope
from isa_wrappers.errors import FileFormatError, InvalidValueError, ScopeMismatchError

TWO = {"num_agents": 2, "grid": 5, "targets": [[4, 4], [4, 3]], "horizon": 12}


def isa(*arguments):
    """Run the command line; return its exit code."""
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    return caught.value.code


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def estimated(here):
    """A scope's folder, as ``isa scope --out`` makes it."""
    assert isa("scope", "grid/unlock", "--kwargs", json.dumps(TWO), "--transitions", 600, "--out", "scope") == 0
    return here / "scope"


def train(*more):
    near = ["grid/unlock", "--kwargs", json.dumps(TWO), "--device", "cpu", "--num-envs", 2, "--out", "run"]
    few = [part for pair in ("ppo.rollout_steps=5", "ppo.hidden=4", "ppo.minibatches=1") for part in ("--set", pair)]
    return isa("train", *near, *few, *more)


def test_who_asks_for_a_scope():
    assert asks_for_scope("isa", None)
    assert not asks_for_scope("ippo", None)
    assert asks_for_scope("ippo", "count_bonus"), "that reward is Eq. 10"
    assert not asks_for_scope("laies", "laies")
    assert asks_for_scope("ippo", "laies", {"external": "scope"})
    assert needs_estimate(tiny_config(algo="laies", laies={"external": "scope"}, scope={"transitions": 60}))
    assert not needs_estimate(tiny_config(algo="laies"))
    assert needs_estimate(tiny_config())
    assert not needs_estimate(tiny_config(credit={"rule": "whole_state"}))
    assert scope_for(tiny_config(credit={"rule": "whole_state"})) == (None, 0)


def test_a_scope_that_takes_more_than_was_to_be_expected_is_told_of():
    """Copies take as many steps each: 4 of them 604, where 301 of each of two agents are asked for."""
    listening = {"transitions": 301, "estimator": "nmi_block", "copies": 4}
    with pytest.warns(UserWarning, match="the scope took 604 steps and steps is 603, so none are left for training"):
        assert scope_for(tiny_config(env_kwargs=TWO, scope=listening, steps=603))[1] == 604


@pytest.mark.slow
@pytest.mark.parametrize(("free", "steps"), [(False, 600), (True, 0)])
def test_a_scope_that_is_there_is_taken(estimated, free, steps, capsys):
    more = ["--scope-is-free"] if free else []
    assert train("--scope", estimated, *more, "--steps", steps + 40, "--set", "eval_interval=10") == 0
    assert load_scope("run").settings["env_steps"] == 600
    np.testing.assert_array_equal(load_scope("run").influence, load_scope(estimated).influence)
    first = RunFolder("run").metrics_file.read_text().splitlines()[1]
    assert int(first.split(",")[0]) == steps + 10, "its steps are the run's own unless they are free"
    assert isa("train", "--resume", "run", "--steps", steps + 60) == 0


@pytest.mark.slow
def test_a_run_with_a_scope_that_is_there_equals_one_that_estimates_the_same(estimated):
    config = tiny_config(env_kwargs=TWO, scope={"transitions": 600}, steps=700)
    own = Training(RunFolder.create("own", config), tensorboard=False).run()
    given = tiny_config(env_kwargs=TWO, scope={"transitions": 600}, steps=700, scope_folder=str(estimated))
    taken = Training(RunFolder.create("given", given), tensorboard=False).run()
    for clock in ("wall_time_s", "first_success", "versions"):
        own.pop(clock), taken.pop(clock)
    assert own == taken


def test_the_cost_of_a_scope_that_does_not_tell_it(estimated):
    """A file of earlier versions told how many transitions per agent it took; a scope made by hand took none."""
    scope = load_scope(estimated)
    settings = {name: value for name, value in scope.settings.items() if name != "env_steps"}
    save_scope(replace(scope, settings=settings), "before")
    assert scope_for(tiny_config(env_kwargs=TWO, scope_folder="before"))[1] == 1_200
    save_scope(replace(scope, settings={}), "by_hand")
    assert scope_for(tiny_config(env_kwargs=TWO, scope_folder="by_hand"))[1] == 0


def test_a_scope_in_which_somebody_moves_nothing_is_warned_about(estimated):
    """As one that the run estimates itself is; what was written down by hand is meant so."""
    scope = load_scope(estimated)
    figures = scope.influence.copy()
    figures[1] = 0.01
    save_scope(replace(scope, influence=figures), "thin")
    config = tiny_config(env_kwargs=TWO, scope_folder="thin")
    with pytest.warns(UserWarning, match="in thin, agent_1 moves nothing: the largest influence is 0.01"):
        scope_for(config)
    by_hand = InfluenceScope.from_dimensions(
        {"agent_0": [[], [0], [1], [0], [1]], "agent_1": [[]] * 5}, state_size=scope.state_size
    )
    save_scope(by_hand, "by_hand")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scope_for(tiny_config(env_kwargs=TWO, scope_folder="by_hand"))
        scope_for(tiny_config(env_kwargs=TWO, scope_folder=str(estimated)))


def test_the_scope_that_the_rules_tell_costs_nothing(here):
    config = tiny_config(env_kwargs=TWO, true_scope=True, steps=40)
    summary = Training(RunFolder.create("told", config), tensorboard=False).run()
    assert summary["env_steps"] == 40, "all of them are training"
    assert load_scope("told").special_dims == [[0, 1], [2, 3]]
    assert RunFolder("told").config().true_scope
    with pytest.raises(InvalidValueError, match="true_scope must be False if a scope_folder is given, got 'x'"):
        tiny_config(env_kwargs=TWO, true_scope=True, scope_folder="x")
    with pytest.raises(InvalidValueError, match="the task's own state, which state_fallback 'observations' replaces"):
        tiny_config(env_kwargs=TWO, true_scope=True, state_fallback="observations")


def test_a_task_that_does_not_tell_its_scope_is_refused(here, capsys):
    assert isa("train", "examples.own_environment:Door", "--set", "true_scope=true", "--out", "run") == 2
    assert "does not provide its true scope, unlike the tasks of grid/; estimate" in refused(capsys)


def test_a_run_whose_own_scope_is_empty_says_so(here, capsys):
    """How near it came and what to do; with nothing to follow it goes no further."""
    listening = [f"--set=scope.{pair}" for pair in ("transitions=300", "delta=0.999", "estimator=nmi_block")]
    near = (
        r"scope is empty: the largest influence is 0\.\d+, of agent_.'s action \S+ on agent_\d\.[xy], delta is 0.999, "
    )
    with pytest.warns(UserWarning, match=near + r"chance \S+; that is above chance: try delta 0\.\d"):
        assert train(*listening, "--steps", 700) == 2
    assert "the scope is empty: delta is 0.999" in capsys.readouterr().err


def refused(capsys):
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert not Path("run").exists(), "nothing is left behind"
    return err


@pytest.mark.slow
def test_a_scope_of_another_task_is_refused(estimated, capsys):
    capsys.readouterr()
    assert isa("train", "grid/navigation", "--scope", estimated, "--out", "run") == 2
    assert "was estimated for 'grid/unlock', this run trains on 'grid/navigation'" in refused(capsys)


@pytest.mark.slow
def test_a_scope_of_another_agent_order_is_refused(estimated, capsys):
    scope = load_scope(estimated)
    swapped = InfluenceScope(
        scope.agents[::-1], scope.influence[::-1], scope.delta, scope.num_actions, settings=scope.settings
    )
    save_scope(swapped, "swapped")
    capsys.readouterr()
    assert train("--scope", "swapped") == 2
    assert "its agents ['agent_1', 'agent_0'], here ['agent_0', 'agent_1']" in refused(capsys)


@pytest.mark.slow
def test_a_truncated_scope_is_refused(estimated, capsys):
    path = estimated / "scope.json"
    path.write_text(path.read_text()[:-200])
    capsys.readouterr()
    assert train("--scope", estimated) == 2
    assert "scope.json is not a readable scope" in refused(capsys)


def test_a_scope_that_is_not_there_is_refused(here, capsys):
    assert train("--scope", "nowhere") == 2
    assert "no scope at nowhere" in refused(capsys)


def test_what_a_library_user_gets():
    config = tiny_config(env_kwargs=TWO, scope_folder="surely/not/there")
    with pytest.raises(FileFormatError):
        scope_for(config)
    other = InfluenceScope.from_dimensions({"a": [[0]] * 5, "b": [[1]] * 5}, state_size=8)
    with pytest.raises(ScopeMismatchError, match="its agents"):
        Algorithm(tiny_config(env_kwargs=TWO), other)


@pytest.mark.parametrize("rule", ["scope", "ungated", "unsegmented", "whole_state"])
def test_every_credit_rule_trains(rule):
    config = tiny_config(credit={"rule": rule})
    algorithm = Algorithm(config, scope_for(config)[0])
    while algorithm.phase.name == "explore":
        algorithm.iterate()
    algorithm.iterate()
    size = 4 if rule == "whole_state" else 2
    assert algorithm.phase.collector.env.obs_size == 4 + size, "what the rule credits is the goal that agents see"


def test_without_a_state_there_is_nothing_to_have_a_scope_over():
    with pytest.raises(InvalidValueError, match="algo 'isa' needs a global state, but the environment's is empty"):
        check_run(tiny_config("parallel_toys:NoState", {}))
