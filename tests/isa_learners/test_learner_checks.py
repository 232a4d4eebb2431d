"""What a learner of anybody's hands over: refused in a line that names it, when it first comes."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from handed_toys import Stub, stub_learner, stub_run
from learner_helpers import tiny_config

from isa_learners.learner_checks import check_state
from isa_learners.rollout import Collector, Sizes
from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.evaluation import evaluate
from isa_wrappers.envs import make_batch
from isa_wrappers.errors import InvalidValueError

NEAR = {"num_agents": 1, "grid": 3, "targets": [[0, 1]], "horizon": 6}
REACH = "continuous_toys:Reach"


def acts(change):
    return {"act": lambda decision: replace(decision, action=change(decision.action))}


DECISIONS = [
    ({"act": 7}, "must return a Decision from act(), got 7"),
    ({"act": lambda decision: decision.action}, "must return a Decision from act(), got tensor"),
    (acts(lambda action: action.float()), "must return actions of int64 [2, 1] from act(), got float32 [2, 1]"),
    (acts(torch.Tensor.int), "must return actions of int64 [2, 1] from act(), got int32 [2, 1]"),
    (acts(lambda action: action[:, 0]), "must return actions of int64 [2, 1] from act(), got int64 [2]"),
    (acts(torch.Tensor.tolist), "must return actions of int64 [2, 1] from act(), got a list"),
    (
        acts(lambda action: action + torch.tensor([[0], [9]])),
        "must take actions that are available: in environment 1 agent 'agent_0' took 9, available are [0, 2, 4]",
    ),
    (acts(lambda action: action - 1), "in environment 0 agent 'agent_0' took -1, available are"),
    ({"act": lambda decision: replace(decision, memory=None)}, "memory of learner 'stub' must be a dict of tensors"),
    (
        {"act": lambda decision: replace(decision, record={"z": torch.zeros(3)})},
        "record of learner 'stub' must be tensors by name with a row for each of 2 environments, got float32 [3]",
    ),
]


@pytest.mark.parametrize(("wrong", "message"), DECISIONS)
def test_a_decision_that_is_none_is_refused_in_the_first_rollout(wrong, message):
    with pytest.raises(InvalidValueError, match=re.escape(message)) as caught:
        stub_run(wrong)()
    assert "learner 'stub'" in str(caught.value)


class Late(Stub):
    """Goes wrong at its third decision."""

    made = 0

    def act(self, step, memory, noise=None):
        self.made += 1
        decision = super().act(step, memory, noise)
        return replace(decision, action=decision.action + 9) if self.made == 3 else decision


def test_all_steps_of_a_first_rollout_are_looked_at():
    with pytest.raises(InvalidValueError, match="took 9"):
        stub_run({}, Late)()


def batch(task="grid/unlock", **kwargs):
    return make_batch(task, 2, "cpu", **(kwargs or NEAR if task == "grid/unlock" else kwargs))


def test_later_rollouts_are_not_looked_at(monkeypatch):
    env = batch()
    looked = []
    monkeypatch.setattr("isa_learners.rollout.check_decision", lambda *given: looked.append(given[0]))
    collector = Collector(env, Stub(Sizes.of(env), {}), torch.Generator(), 0)
    collector.collect(3)
    collector.collect(3)
    assert looked == ["learner Stub"] * 3


def test_what_a_mask_forbids_a_living_agent_is_refused_and_a_dead_one_may_do_anything():
    env = batch()
    step = env.reset(0)
    step = replace(step, available=torch.ones(2, 1, 5, dtype=torch.bool))
    masked = replace(step, available=torch.tensor([True, False, True, True, True]).expand(2, 1, 5))
    dead = replace(masked, alive=torch.zeros(2, 1, dtype=torch.bool))
    learner = Stub(Sizes.of(env), acts(lambda action: action * 0 + 1))
    for seen, refused in ((step, False), (masked, True), (dead, False)):
        env.reset = lambda seed, seen=seen: seen
        collector = Collector(env, learner, torch.Generator(), 0)
        if refused:
            with pytest.raises(InvalidValueError, match=re.escape("took 1, available are [0, 2, 3, 4]")):
                collector.collect(1)
        else:
            collector.collect(1)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_actions_of_several_numbers(value):
    env = batch(REACH)
    size = Sizes.of(env).code.size
    beyond = acts(lambda action: action + torch.tensor([[50.0], [0.0]]))
    Collector(env, Stub(Sizes.of(env), beyond), torch.Generator(), 0).collect(1)
    for change, message in (
        (lambda action: action + value, "must take actions that are finite numbers and available choices: in env"),
        (torch.Tensor.long, f"must return actions of float32 [2, {len(env.agents)}, {size}] from act(), got int64"),
    ):
        with pytest.raises(InvalidValueError, match=re.escape(message)):
            Collector(env, Stub(Sizes.of(env), acts(change)), torch.Generator(), 0).collect(1)


@pytest.mark.parametrize("value", [0.5, -1.0, 9.0])
def test_a_choice_that_there_is_not(value):
    env = batch("continuous_toys:Mixed")
    Collector(env, Stub(Sizes.of(env), {}), torch.Generator(), 0).collect(1)
    with pytest.raises(InvalidValueError, match="must take actions that are finite numbers and available choices"):
        Collector(env, Stub(Sizes.of(env), acts(lambda a: a + value)), torch.Generator(), 0).collect(1)


@pytest.mark.parametrize(("wrong", "message"), DECISIONS[:3])
def test_an_evaluation_looks_at_its_first_decision(wrong, message):
    env = batch()
    evaluate(env, Stub(Sizes.of(env), {}), 0)
    with pytest.raises(InvalidValueError, match=re.escape(message.replace("'stub'", "Stub"))):
        evaluate(env, Stub(Sizes.of(env), wrong), 0)


LEARNED = [
    (None, "must return the metrics loss from learn(), got None"),
    ({}, "must return the metrics loss from learn(), got none: 'loss' is missing"),
    ({"loss": 1.0, "extra": 2.0}, "must return the metrics loss from learn(), got loss, extra: 'extra' is not one"),
    ({"lost": 1.0}, "got lost: 'lost' is not one of them and 'loss' is missing"),
    ({"loss": torch.zeros(2)}, "metric 'loss' of learner 'stub' must be a number, got tensor([0., 0.])"),
    ({"loss": "1.0"}, "metric 'loss' of learner 'stub' must be a number, got '1.0'"),
]


@pytest.mark.parametrize(("told", "message"), LEARNED)
def test_metrics_that_were_not_announced(told, message):
    with pytest.raises(InvalidValueError, match=re.escape(message)) as caught:
        stub_run({"learn": lambda right: told})()
    assert "learner 'stub'" in str(caught.value)


def test_the_same_metrics_may_be_returned_again():
    told = {"loss": 0.5}
    with stub_learner({"learn": told}):
        algorithm = Algorithm(tiny_config(algo="ippo", learner="stub"), None)
        assert [algorithm.iterate()["loss"] for _ in range(2)] == [0.5, 0.5]
    assert told == {"loss": 0.5}


def test_a_metric_may_be_a_tensor_of_one_number():
    assert stub_run({"learn": {"loss": torch.tensor(0.5)}})().env_steps == 6


STATES = [
    (None, "must return arrays, tensors or numbers by name, got None"),
    ({"net": {"weight": torch.zeros(1)}}, "by name, got a dict for 'net'"),
    ({"net": None}, "by name, got a NoneType for 'net'"),
    ({"net": "text"}, "by name, got a str for 'net'"),
    ({"net": np.array(["text"])}, "by name, got an array of <U4 for 'net'"),
    ({"net": np.array([object()])}, "by name, got an array of object for 'net'"),
    ({4: torch.zeros(1)}, "by name, got the name 4"),
]


@pytest.mark.parametrize(("state", "message"), STATES)
def test_a_learners_state_that_cannot_be_saved_is_refused_as_a_phase_begins(state, message):
    with pytest.raises(InvalidValueError, match=re.escape("state_dict() of learner 'stub' must return")) as caught:
        stub_run({"state_dict": lambda right: state})()
    assert message in str(caught.value)


def test_numbers_and_lists_of_them_can_be_saved():
    check_state("learner 'stub'", {"count": 3, "share": 0.5, "list": [1, 2], "array": np.zeros(2), "on": True})


def test_a_learner_that_is_none_is_refused_when_it_is_made():
    with pytest.raises(InvalidValueError, match=r"'stub' must be an object with begin\(\), act\(\), .* got None"):
        stub_run({}, lambda sizes, wrong: None)()


def test_what_a_learner_lacks_is_named():
    class Mute(Stub):
        forget = None

    with pytest.raises(InvalidValueError, match=r"learner 'stub' must be .*, which lacks forget$"):
        stub_run({}, Mute)()
