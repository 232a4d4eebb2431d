"""How a won episode is told: by a key, a return, a function, or not at all."""

import warnings

import numpy as np
import pytest
from parallel_toys import WalkEnv

from isa_wrappers.batch.parallel import ParallelEnvBatch
from isa_wrappers.border.success import SuccessTeller
from isa_wrappers.errors import InvalidValueError


def won_at(rule, actions=1, **options):
    """Steps of the first episode in which a batch of one says it was won."""
    batch = ParallelEnvBatch([WalkEnv(**options)], success=rule)
    batch.reset(seed=0)
    steps = []
    for time in range(8):
        step = batch.step(np.full((1, 2), actions))
        steps += [time] * int(step.success[0])
        if step.done[0]:
            return steps
    return steps


@pytest.mark.parametrize("rule", ["success", 1.0, lambda env, infos: bool((env.position >= 3).all())])
def test_each_rule_tells_the_same_win(rule):
    assert won_at(rule) == [2]
    assert won_at(rule, actions=0) == []


def test_none_tells_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert won_at(None) == []


def test_a_return_below_the_threshold_is_no_win():
    assert won_at(1.5) == []


def test_a_key_that_never_comes_is_warned_of_once():
    teller = SuccessTeller("solved")
    with pytest.warns(UserWarning, match="'solved'"):
        assert not teller.won(None, {"a": 1.0}, {"a": {"success": True}}, over=True)
    teller.begin()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        teller.won(None, {"a": 1.0}, {"a": {}}, over=True)


def test_a_key_that_comes_with_the_win_alone_is_enough():
    teller = SuccessTeller("won")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not teller.won(None, {}, {"a": {}}, over=False)
        assert teller.won(None, {}, {"a": {"won": True}, "common": "all of you"}, over=True)


@pytest.mark.parametrize("rule", [True, ["success"], b"success"])
def test_other_rules_are_refused(rule):
    with pytest.raises(InvalidValueError, match="success must be a key"):
        SuccessTeller(rule)


def test_copies_must_be_environments_of_their_own():
    env = WalkEnv()
    with pytest.raises(InvalidValueError, match="more than once"):
        ParallelEnvBatch([env, env])


@pytest.mark.parametrize("value", ["False", "True", float("nan"), np.array([1, 0]), object(), [True]])
def test_what_is_neither_yes_nor_no_is_refused(value):
    """The text "False" and NaN count as won where they are taken for truth values."""
    for rule, infos in (("success", {"a": {"success": value}}), (lambda env, infos: value, {})):
        teller = SuccessTeller(rule)
        teller.begin()
        with pytest.raises(InvalidValueError, match="must be true or false, got"):
            teller.won(None, {}, infos, over=True)


@pytest.mark.parametrize(("value", "won"), [(np.bool_(True), True), (np.array([1.0]), True), (0, False), (None, False)])
def test_numbers_and_arrays_of_one_are_yes_or_no(value, won):
    teller = SuccessTeller("success")
    teller.begin()
    assert teller.won(None, {}, {"a": {"success": value}}, over=True) is won


@pytest.mark.parametrize("rule", [float("nan"), float("inf"), np.float32("nan")])
def test_a_return_to_reach_is_finite(rule):
    with pytest.raises(InvalidValueError, match="success must be a number"):
        SuccessTeller(rule)
