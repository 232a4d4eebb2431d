"""What an algorithm shares and what a reward saves: looked at when it is made and when a phase begins."""

import re

import pytest
import torch
from handed_toys import stub_learner
from learner_helpers import tiny_config

from isa_learners.algorithms import ALGORITHMS, AlgorithmSpec, PhaseSpec
from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.checks import check_run
from isa_wrappers import IntrinsicReward, RewardParts
from isa_wrappers.envs.foreign_errors import failure
from isa_wrappers.errors import InvalidValueError
from isa_wrappers.rewards import REWARDS, RewardSpec


class Kept:
    def __init__(self, state):
        self.state = state

    def state_dict(self):
        return self.state

    def load_state_dict(self, state):
        pass


@pytest.fixture
def shares():
    """Register an algorithm that shares something."""

    def register(make):
        ALGORITHMS.register("sharing", AlgorithmSpec("mine", (PhaseSpec("train"),), shared={"won": make}))
        return tiny_config(algo="sharing")

    yield register
    ALGORITHMS.unregister("sharing")


@pytest.mark.parametrize("make", [lambda context: None, lambda context: object()])
def test_what_is_shared_and_cannot_be_saved_is_refused_before_a_run(shares, make):
    config = shares(make)
    asks = r"shared 'won' of algorithm 'sharing' must be an object with state_dict\(\), load_state_dict\(\), got "
    for begin in (check_run, lambda config: Algorithm(config, None)):
        with pytest.raises(InvalidValueError, match=asks):
            begin(config)


def test_a_shared_state_that_cannot_be_saved_is_refused_as_the_first_phase_begins(shares):
    with pytest.raises(InvalidValueError, match=r"state_dict\(\) of shared 'won' of algorithm 'sharing' must .* 'n'$"):
        Algorithm(shares(lambda context: Kept({"n": None})), None)


def test_a_rewards_state_that_cannot_be_saved_is_refused_as_the_first_phase_begins():
    class Pays(Kept, IntrinsicReward):
        name, parts = "pays", ()

        def __call__(self, transition, update=True):
            return RewardParts(transition.reward, 0 * transition.reward, {})

    entry = RewardSpec(lambda context, config: Pays({"a": {"b": torch.zeros(1)}}), None, False, False, "pays")
    REWARDS.register("pays", entry)
    try:
        with pytest.raises(InvalidValueError, match=re.escape("state_dict() of intrinsic reward 'pays' must return")):
            Algorithm(tiny_config(algo="ippo", intrinsic="pays"), None)
    finally:
        REWARDS.unregister("pays")


def no_room(*given):
    raise ValueError(f"{len(given)} sizes are too many")


def test_what_a_learners_check_refuses_by_a_value_error_is_one_line():
    with stub_learner({}, check=no_room), pytest.raises(InvalidValueError) as caught:
        check_run(tiny_config(algo="ippo", learner="stub"))
    assert re.fullmatch(r"learner 'stub': 3 sizes are too many \(test_making.py:\d+ in no_room\)", str(caught.value))


def stumble(*given):
    return {}["k"]


class Pays(IntrinsicReward):
    name, parts = "pays", ()
    __call__ = stumble


FAILS = {
    "act": ("learner 'stub'", {"algo": "ippo", "learner": "stub"}),
    **{name: ("learner 'stub'", {"algo": "ippo", "learner": "stub"}) for name in ("begin", "forget", "set_progress")},
    "learn": ("learner 'stub'", {"algo": "ippo", "learner": "stub"}),
    "shared": ("algorithm 'mine'", {"algo": "mine"}),
    "wrap": ("algorithm 'mine'", {"algo": "mine"}),
    "metrics": ("algorithm 'mine'", {"algo": "mine"}),
    "ends": ("algorithm 'mine'", {"algo": "mine"}),
    "make": ("intrinsic reward 'pays'", {"algo": "ippo", "intrinsic": "pays"}),
    "pay": ("intrinsic reward 'pays'", {"algo": "ippo", "intrinsic": "pays"}),
    "step": ("stepping task 'handed_toys:stumbling'", {"algo": "ippo", "env": "handed_toys:stumbling"}),
}


@pytest.mark.parametrize("where", FAILS)
def test_whose_code_failed_is_told(where):
    who, sections = FAILS[where]
    phases = (PhaseSpec("a", **{"wrap": stumble} if where == "wrap" else {}, ends=stumble), PhaseSpec("b"))
    more = {where: {"x": stumble}} if where in ("shared", "metrics") else {}
    ALGORITHMS.register("mine", AlgorithmSpec("mine", phases, **more))
    made = stumble if where == "make" else lambda context, config: Pays()
    REWARDS.register("pays", RewardSpec(made, None, False, False, "pays"))
    env = sections.get("env", "grid/unlock")
    rest = {name: value for name, value in sections.items() if name != "env"}
    try:
        with stub_learner({where: stumble}), pytest.raises(KeyError) as caught:
            Algorithm(tiny_config(env, {} if "env" in sections else None, **rest), None).iterate()
    finally:
        ALGORITHMS.unregister("mine")
        REWARDS.unregister("pays")
    file = "handed_toys" if where == "step" else "test_making"
    assert re.fullmatch(rf"{who} failed: KeyError: 'k' \({file}.py:\d+ in \w+\)", failure(caught.value))
