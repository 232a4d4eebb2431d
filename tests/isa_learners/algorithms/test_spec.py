"""Declarations of algorithms: what is none is refused where it is written down, or before a run begins."""

from dataclasses import dataclass

import pytest
from learner_helpers import tiny_config

from isa_learners.algorithms import ALGORITHMS, AlgorithmSpec, PhaseSpec
from isa_learners.learner import LearnerSpec, PartSpec
from isa_learners.runs.checks import check_run
from isa_learners.runs.config_io import make_config
from isa_wrappers.config import ScopeConfig
from isa_wrappers.errors import InvalidValueError
from isa_wrappers.rewards import RewardSpec

TRAIN = (PhaseSpec("train"),)


def ends(context):
    return True


@pytest.mark.parametrize(
    ("phases", "says"),
    [
        ((), "must have at least one phase, got none"),
        ((PhaseSpec("a", ends=ends), PhaseSpec("a")), "must have different names, got 'a' twice"),
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


@dataclass(frozen=True)
class Needy:
    x: float


@dataclass(frozen=True)
class Mine:
    x: float = 0.5


class Plain:
    x = 0.5


@pytest.mark.parametrize(
    ("kind", "got"),
    [
        (dict, "got <class 'dict'>"),
        (Mine(), "got Mine("),
        (Plain, "got <class"),
        (Needy, "got Needy, whose 'x' has none"),
    ],
)
def test_a_section_that_is_no_dataclass_with_defaults(kind, got):
    for what, declare in (
        ("section 'own' of an algorithm", lambda: AlgorithmSpec("mine", TRAIN, sections={"own": kind})),
        ("config of an intrinsic reward", lambda: RewardSpec(None, kind, False, False, "mine")),
        ("config of a learner", lambda: LearnerSpec("mine", kind, (), None)),
        ("config of a learner's part", lambda: PartSpec(kind)),
    ):
        with pytest.raises(InvalidValueError) as caught:
            declare()
        assert str(caught.value).startswith(f"{what} must be a dataclass whose fields have defaults, {got}")


def test_a_learners_settings_without_sizes_of_its_rollouts():
    with pytest.raises(InvalidValueError, match="must have num_envs and rollout_steps, got Mine with x"):
        LearnerSpec("mine", Mine, (), None)


@pytest.mark.parametrize("name", ["ppo", "scope", "steps", "phases", "rnd"])
def test_a_section_whose_name_is_taken(name):
    ALGORITHMS.register("mine", AlgorithmSpec("mine", TRAIN, sections={name: Mine, "own": Mine}))
    try:
        with pytest.raises(InvalidValueError, match=f"section '{name}' of algorithm 'mine' must have another name, as"):
            make_config("grid/unlock", "fast", {"algo": "mine", "intrinsic": "rnd"})
    finally:
        ALGORITHMS.unregister("mine")


def test_a_section_of_the_librarys_own_class_is_not_taken():
    ALGORITHMS.register("mine", AlgorithmSpec("mine", TRAIN, sections={"scope": ScopeConfig, "own": Mine}))
    try:
        assert make_config("grid/unlock", "fast", {"algo": "mine"}).own == Mine()
    finally:
        ALGORITHMS.unregister("mine")


@pytest.mark.parametrize("pattern", ["ppo", "own", "eval_episodes"])
def test_a_preset_that_is_not_by_task(pattern):
    says = f"preset 'fast' of an algorithm must have patterns of task names as keys, such as .* got '{pattern}'"
    with pytest.raises(InvalidValueError, match=says):
        AlgorithmSpec("mine", TRAIN, presets={"fast": {pattern: {"gamma": 0.9}}})
