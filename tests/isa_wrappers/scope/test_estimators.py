"""Estimators and threshold rules as lists: entries of one's own, from outside, through the command line."""

import json

import numpy as np
import pytest

from isa_cli.main import main
from isa_wrappers import ESTIMATORS, THRESHOLD_RULES, Estimator, ScopeConfig, estimate_scope
from isa_wrappers.envs import make_batch
from isa_wrappers.errors import InvalidValueError, UnknownNameError, UnsupportedEnvironmentError


class EverMoved(Estimator):
    """The share of steps with an action in which a dimension changed: enough to know whose dimension it is."""

    figure = "share of changes"

    def estimate(self, transitions, config, num_actions):
        agents, size = transitions[0].actions.shape[-1], transitions[0].states.shape[-1]
        share = np.zeros((agents, num_actions, size))
        for part in transitions:
            moved = part.next_states != part.states
            for i in np.flatnonzero(part.free.any(axis=0)):
                for a in range(num_actions):
                    rows = part.valid[..., i] & part.free[:, i] & (part.actions[..., i] == a)
                    share[i, a] = moved[rows].mean(axis=0)
        return share

    def needed(self, num_actions, config):
        return 50


def half_of_the_largest(information, config):
    """Half of what is the largest in each dimension: a threshold per dimension."""
    return information.max(axis=(0, 1)) / 2


@pytest.fixture
def added():
    ESTIMATORS.register("toy", EverMoved())
    THRESHOLD_RULES.register("half", half_of_the_largest)
    yield
    ESTIMATORS.unregister("toy")
    THRESHOLD_RULES.unregister("half")


def isa(capsys, *args):
    with pytest.raises(SystemExit) as ended:
        main([str(arg) for arg in args])
    return ended.value.code, *capsys.readouterr()


def test_an_estimator_of_ones_own_through_the_command_line(added, capsys):
    code, out, _ = isa(capsys, "scope", "toy_envs:walk", "--estimator", "toy", "--transitions", 200, "--json")
    found = json.loads(out)
    assert code == 0
    assert found["settings"]["estimator"] == "toy"
    assert found["settings"]["env_steps"] == 400
    assert found["figure"] == "share of changes"
    assert found["chance"] is None
    assert found["D_a"]["a"]["2"] == [0]


@pytest.mark.slow
def test_a_threshold_rule_of_ones_own_through_the_command_line(added, capsys, tmp_path):
    options = ["--threshold", "half", "--estimator", "nmi_block", "--transitions", 300, "--out", tmp_path / "scope"]
    code, out, _ = isa(capsys, "scope", "toy_envs:walk", *options)
    assert code == 0
    found = json.loads((tmp_path / "scope" / "scope.json").read_text())
    assert len(found["delta"]) == 2
    assert min(found["delta"]) > 0.0
    assert found["D_i"] == [[0], [1]]
    assert f"delta {min(found['delta']):g} to {max(found['delta']):g} on" in out


class Flat(EverMoved):
    def estimate(self, transitions, config, num_actions):
        return np.zeros(3)


def test_what_an_entry_returns_is_told_by_its_name(added):
    ESTIMATORS.register("flat", Flat())
    THRESHOLD_RULES.register("five", lambda information, config: 5.0)
    try:
        for part, says in (
            ({"estimator": "flat"}, r"^estimator 'flat': influence must have shape"),
            ({"estimator": "toy", "threshold": "five"}, r"^threshold rule 'five': delta must be .*, got 5.0$"),
        ):
            with pytest.raises(InvalidValueError, match=says):
                estimate_scope(make_batch("toy_envs:walk", 2), ScopeConfig(transitions=100, **part))
    finally:
        ESTIMATORS.unregister("flat")
        THRESHOLD_RULES.unregister("five")


def test_a_name_or_a_class_is_no_environment():
    with pytest.raises(UnsupportedEnvironmentError, match=r"make it with make_parallel\('grid/shooting'\)"):
        estimate_scope("grid/shooting")
    with pytest.raises(UnsupportedEnvironmentError, match="got the class EverMoved; call it"):
        estimate_scope(EverMoved)


def test_an_estimators_own_need_is_named(added, capsys):
    code, _, err = isa(capsys, "scope", "toy_envs:walk", "--estimator", "toy", "--transitions", 49)
    assert code == 2
    assert "transitions must be at least 50 for estimator 'toy' and 3 actions, got 49" in err


def test_a_name_that_is_not_there():
    with pytest.raises(UnknownNameError, match=r"did you mean 'nmi_pooled'.* known: nmi_block, nmi_pooled"):
        estimate_scope(make_batch("grid/unlock", 2), ScopeConfig(estimator="nmi_poold"))
    with pytest.raises(UnknownNameError, match="unknown threshold rule 'otsu'; known: fixed"):
        estimate_scope(make_batch("grid/unlock", 2), ScopeConfig(threshold="otsu"))


def test_two_entries_of_one_name(added):
    with pytest.raises(InvalidValueError, match=r"'toy' in isa_marl.estimators: registered and mine"):
        ESTIMATORS.register("toy", EverMoved(), source="mine")


@pytest.mark.parametrize("name", list(ESTIMATORS))
def test_every_entry_estimates(name):
    """What is listed is tested: two agents' own places, in [0, 1], at about the cost that is said before."""
    env = make_batch("grid/unlock", 16, num_agents=2)
    scope = estimate_scope(env, ScopeConfig(transitions=1500, estimator=name))
    assert scope.special_dims == [[0, 1], [2, 3]]
    before = ESTIMATORS[name].env_steps(ScopeConfig(transitions=1500), 2)
    assert before == (1500 if ESTIMATORS[name].collect == "all_at_once" else 3000)
    assert before <= scope.settings["env_steps"] <= 1.05 * before, "16 copies take as many steps each, W more for W"
    assert scope.figure == ESTIMATORS[name].figure


@pytest.mark.parametrize("name", list(ESTIMATORS))
def test_every_entry_has_its_least_number_of_transitions(name):
    needed = ESTIMATORS[name].needed(5, ScopeConfig())
    config = ScopeConfig(transitions=needed - 1, estimator=name)
    with pytest.raises(InvalidValueError, match=f"at least {needed} for estimator '{name}' and 5 actions"):
        estimate_scope(make_batch("grid/unlock", 2), config)


@pytest.mark.parametrize(
    ("name", "own"),
    [("nmi_block", (2_000, 0.3, 1)), ("nmi_pooled", (2_000, 0.3, 1)), ("interval_effect", (10_000, 0.1, 8))],
)
def test_what_is_not_given_is_the_estimators_own(name, own):
    settled = ESTIMATORS[name].settled(ScopeConfig(estimator=name))
    assert (settled.transitions, settled.delta, settled.window) == own
    given = ESTIMATORS[name].settled(ScopeConfig(60, delta=0.0, window=2, estimator=name, copies=4))
    assert (given.transitions, given.delta, given.window, given.estimator, given.copies) == (60, 0.0, 2, name, 4)


def test_delta_means_what_it_says():
    """Once a rule, ``usual``, had to be asked for before the estimator's own threshold held; it still is taken."""
    env = make_batch("grid/unlock", 16, num_agents=2)
    deltas = [
        estimate_scope(env, ScopeConfig(1_500, **given)).delta
        for given in ({}, {"delta": 0.2}, {"threshold": "usual"}, {"delta": 0.3, "threshold": "usual"})
    ]
    assert deltas == [0.1, 0.2, 0.1, 0.1]
