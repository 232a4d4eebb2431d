"""What an intrinsic reward of anybody's returns is looked at, in both families of wrappers."""

import numpy as np
import pytest
from parallel_toys import WalkEnv
from unlock_batch import unlock

from isa_wrappers.errors import InvalidValueError, NonFiniteError
from isa_wrappers.rewards import IntrinsicReward, RewardParts
from isa_wrappers.wrappers import RewardWrapper, batch


class Own(IntrinsicReward):
    name, parts = "own", ("pay",)

    def __init__(self, make):
        self.make = make

    def __call__(self, transition, update=True):
        return self.make(transition.reward)


def both(array, parts=None):
    return RewardParts(array, array, {"pay": array} if parts is None else parts)


WRONG = {
    "nothing": (lambda r: None, "reward 'own' must return RewardParts, got None"),
    "a number": (lambda r: 1.0, "must return RewardParts, got 1.0"),
    "one for all": (lambda r: both(r.sum()), "must return total as"),
    "others": (lambda r: both(np.ones(5)), "must return total as .*, got ndarray .5."),
    "plain lists": (lambda r: both(r.tolist()), "must return total as .*, got list"),
    "another part": (lambda r: both(r, {"more": r}), "must return parts pay, got 'more'"),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("batched", [False, True])
def test_what_is_no_reward_of_every_agent_is_named(name, batched):
    make, says = WRONG[name]
    if batched:
        env, act = batch.RewardWrapper(unlock(), Own(make)), np.zeros((2, 2), dtype=np.int64)
    else:
        env = RewardWrapper(WalkEnv(), Own(make))
        act = dict.fromkeys(env.possible_agents, 0)
    env.reset(seed=0)
    with pytest.raises(InvalidValueError, match=says):
        env.step(act if not batched else np.zeros((env.num_envs, len(env.agents)), dtype=np.int64))


def test_numbers_of_more_digits_become_float32_and_nan_is_refused():
    env = batch.RewardWrapper(unlock(), Own(lambda r: both(r.astype(np.float64) + 1.0)))
    env.reset(seed=0)
    step = env.step(np.zeros((env.num_envs, len(env.agents)), dtype=np.int64))
    assert step.reward.dtype == np.float32
    single = RewardWrapper(WalkEnv(), Own(lambda r: both(r + np.nan)), mode="add")
    single.reset(seed=0)
    with pytest.raises(NonFiniteError, match=r"reward 'own' must be finite: .* \(walker_0\) is nan"):
        single.step(dict.fromkeys(single.possible_agents, 0))
