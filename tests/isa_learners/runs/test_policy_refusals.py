"""What a loaded policy is asked wrongly: told in one line."""

import numpy as np
import pytest
from policy_helpers import DEATHS_AND_MASKS, drawn_algorithm

from isa_learners.runs.policy import RunPolicy
from isa_wrappers.envs import make_parallel
from isa_wrappers.errors import EmptyGoalBufferError, InvalidValueError, NonFiniteError, UnsupportedEnvironmentError


def observed(**changes):
    env = make_parallel(DEATHS_AND_MASKS[0], **DEATHS_AND_MASKS[1])
    return env.reset(seed=0)[0] | changes


BAD = {
    "a longer observation": (
        lambda policy: policy.act(observed(walker_1=np.zeros(3, np.float32))),
        UnsupportedEnvironmentError,
        "the observation of agent 'walker_1' at the reset does not match its space .*: got 3 numbers instead of 2",
    ),
    "NaN": (
        lambda policy: (policy.act(observed()), policy.act(observed(walker_0=np.float32([0, np.nan])))),
        NonFiniteError,
        "the observation of agent 'walker_0' in step 1, element 1 must be finite, got nan",
    ),
    "agents of another task": (
        lambda policy: policy.act({"agent_0": np.zeros(2)}),
        InvalidValueError,
        r"observations must be of agents walker_0, walker_1, walker_2, got those of \['agent_0'\]",
    ),
    "infos that are none": (lambda policy: policy.act(observed(), [1]), InvalidValueError, "infos must be Mapping"),
    "a mask that forbids all": (
        lambda policy: policy.act(observed(), {"walker_0": {"action_mask": [0, 0, 0]}}),
        UnsupportedEnvironmentError,
        "the action mask of agent 'walker_0' at the reset forbids all of its 3 actions",
    ),
    "a short goal": (
        lambda policy: policy.act(observed(), goal=[1.0, 2.0]),
        InvalidValueError,
        r"goal must be an array of shape \[\.\.\., 3\], got \[2\]",
    ),
    "goals of more environments": (
        lambda policy: policy.act(observed(), goal=np.zeros((2, 3))),
        InvalidValueError,
        r"goal must be an array of shape \[3\] or \[1, 3\], got \[2, 3\]",
    ),
    "a goal with NaN": (
        lambda policy: policy.act(observed(), goal=[0, np.nan, 0]),
        NonFiniteError,
        "goal must be finite, got .*nan",
    ),
    "a goal that is none": (
        lambda policy: policy.act(observed(), goal="there"),
        InvalidValueError,
        "goal must be an arr",
    ),
    "another batch": (
        lambda policy: (policy.act(np.zeros((2, 3, 2))), policy.act(np.zeros((4, 3, 2)))),
        InvalidValueError,
        "observations must be of 2 environments, as before, got 4",
    ),
    "a batch of other agents": (
        lambda policy: policy.act(np.zeros((2, 4, 2))),
        InvalidValueError,
        r"observations must be an array of shape \[any, 3, 2\], got \[2, 4, 2\]",
    ),
    "infos of a batch": (
        lambda policy: policy.act(np.zeros((2, 3, 2)), {"masks": 1}),
        InvalidValueError,
        "infos with an array of observations must be action_mask, alive, done; got 'masks'",
    ),
    "a batch's mask that forbids all": (
        lambda policy: policy.act(np.zeros((2, 3, 2)), {"action_mask": np.zeros((2, 3, 3))}),
        InvalidValueError,
        "the action mask of agent 'walker_0' in environment 0 must allow an action, got none",
    ),
    "a batch's mask that holds NaN": (
        lambda policy: policy.act(np.zeros((2, 3, 2)), {"action_mask": np.full((2, 3, 3), np.nan)}),
        NonFiniteError,
        "action_mask must hold true or false, got NaN",
    ),
    "no observations": (lambda policy: policy.act(None), InvalidValueError, "observations must be an array"),
    "a seed": (lambda policy: policy.reset(-1), InvalidValueError, "seed must be an integer from 0 to"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_told_in_one_line(name):
    do, kind, says = BAD[name]
    with pytest.raises(kind, match=says) as caught:
        do(RunPolicy(drawn_algorithm()))
    assert "\n" not in str(caught.value)


def test_a_policy_without_goals_takes_none():
    policy = RunPolicy(drawn_algorithm("ippo"))
    assert policy.goals.shape == (0, 3)
    assert not policy.pursues_goals
    with pytest.raises(
        InvalidValueError, match="phase 'train' of algorithm 'ippo' pursues no goals: goal must be left"
    ):
        policy.act(observed(), goal=np.zeros(3))


def test_nothing_won_and_nothing_to_pursue():
    algorithm = drawn_algorithm()
    algorithm.shared["goals"]._added *= 0
    policy = RunPolicy(algorithm)
    with pytest.raises(EmptyGoalBufferError):
        policy.act(observed())
    assert set(policy.act(observed(), goal=np.zeros(3))) == set(policy.agents)
