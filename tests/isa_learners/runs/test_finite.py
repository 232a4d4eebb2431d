"""An iteration that learned from NaN, or into it, is refused in a line that says where it came from."""

import numpy as np
import pytest
import torch
from learner_helpers import tiny_config

from isa_cli.main import main
from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.finite import as_number
from isa_wrappers import IntrinsicReward, RewardParts
from isa_wrappers.errors import InvalidValueError, NonFiniteError
from isa_wrappers.wrappers.batch import RewardWrapper


def algorithm():
    return Algorithm(tiny_config(algo="ippo"), None)


def spoilt(runner, change):
    """Let the environment's steps pass through a function."""
    env, step = runner.phase.collector.env, runner.phase.collector.env.step
    env.step = lambda actions: change(step(actions))
    return runner


@pytest.mark.parametrize("value", [None, "7", b"7", [1, 2], 10**400])
def test_a_metric_that_is_no_number_is_named(value):
    with pytest.raises(InvalidValueError, match="metric 'goals' must return a number, got "):
        as_number("goals", value)


def test_a_metric_becomes_a_plain_number():
    assert as_number("goals", 3) == 3
    assert type(as_number("goals", 3)) is int
    for value in (torch.tensor(0.5), np.float32(0.5), np.float64(0.5)):
        assert (as_number("won", value), type(as_number("won", value))) == (0.5, float)


class Lost(IntrinsicReward):
    name, parts = "lost", ()

    def __call__(self, transition, update=True):
        nothing = transition.reward * float("nan")
        return RewardParts(nothing, nothing, {})


def test_an_intrinsic_reward_that_is_not_finite_is_named():
    runner = algorithm()
    collector = runner.phase.collector
    collector.env = RewardWrapper(collector.env, Lost())
    collector.env.reset(0)
    with pytest.raises(NonFiniteError, match=r"reward must be finite: .* look at what intrinsic reward 'lost' returns"):
        twice(runner)


def twice(runner):
    runner.iterate()
    runner.iterate()


def set_to(step, name, index, value):
    getattr(step, name)[index] = value
    return step


@pytest.mark.parametrize(
    ("name", "index", "value", "says"),
    [
        (
            "reward",
            (1, 0),
            float("nan"),
            "reward must be finite: environment 1, step 1 of the rollout, agent 'agent_0' h",
        ),
        ("reward", (0, 0), float("inf"), "reward must be finite: environment 0, step 1 .* holds inf"),
        (
            "final_obs",
            (1, 0, 2),
            float("nan"),
            "observation must be finite: environment 1, .* 'agent_0', place 2 holds",
        ),
    ],
)
def test_the_source_is_named(name, index, value, says):
    runner = spoilt(algorithm(), lambda step: set_to(step, name, index, value))
    if name == "final_obs":
        runner = spoilt(runner, lambda step: set_to(step, "obs", index, value))
    with pytest.raises(NonFiniteError, match=says) as caught:
        twice(runner)
    assert "\n" not in str(caught.value)


def test_networks_that_broke_by_themselves():
    runner = algorithm()
    with torch.no_grad():
        runner.phase.learner.ppo.critic.head.bias.fill_(float("nan"))
    with pytest.raises(NonFiniteError, match="must be finite, got nan: the training data is finite"):
        runner.iterate()


@pytest.mark.slow
def test_a_run_on_nan_ends_with_code_2(tmp_path, capsys):
    """Single environments and batched ones alike."""
    for task, says in (
        (
            "border_toys:PoisonedBatch",
            "obs of task 'border_toys:PoisonedBatch' in step 2 must be finite: environment 0, agent ",
        ),
        ("border_toys:Poisoned", "the observation of agent 'walker_1' in step 2, element 0 must be finite, got nan"),
    ):
        out = tmp_path / task.partition(":")[2]
        options = ["--algo", "ippo", "--steps", "4000", "--device", "cpu", "--out", str(out)]
        with pytest.raises(SystemExit) as caught:
            main(["train", task, *options, "--set", "ppo.num_envs=4"])
        lines = capsys.readouterr().err.splitlines()
        assert caught.value.code == 2
        assert any(line.startswith(f"isa: {says}") for line in lines), lines
