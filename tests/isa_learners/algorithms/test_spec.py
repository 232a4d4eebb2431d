"""Declarations of algorithms: what is none is refused where it is written down, or before a run begins."""

import pytest
from learner_helpers import tiny_config

from isa_learners.algorithms import ALGORITHMS, AlgorithmSpec, PhaseSpec
from isa_learners.runs.checks import check_run
from isa_wrappers.errors import InvalidValueError


def ends(context):
    return True


@pytest.mark.parametrize(
    ("phases", "says"),
    [
        ((), "must have at least one phase, got none"),
        ((PhaseSpec("a", ends=ends), PhaseSpec("a")), "must be named differently, got 'a' twice"),
        ((PhaseSpec("a"), PhaseSpec("b")), "phase 'a' must have ends="),
    ],
)
def test_phases_that_are_none(phases, says):
    with pytest.raises(InvalidValueError, match=says):
        AlgorithmSpec("mine", phases)


def test_a_preset_that_nobody_could_name():
    with pytest.raises(
        InvalidValueError, match=r"presets must be one of paper, fast, .* got 'fats'; did you mean 'fast'"
    ):
        AlgorithmSpec("mine", (PhaseSpec("train"),), presets={"fats": {"*": {"ppo": {"lr": 1e-3}}}})


def test_a_phase_that_wraps_into_nothing():
    ALGORITHMS.register("hollow", AlgorithmSpec("mine", (PhaseSpec("train", lambda context, env: None),)))
    try:
        with pytest.raises(InvalidValueError, match="wrap of phase 'train' must return a batched env"):
            check_run(tiny_config(algo="hollow"))
    finally:
        ALGORITHMS.unregister("hollow")
