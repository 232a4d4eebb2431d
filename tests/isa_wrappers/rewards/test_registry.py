"""The list of intrinsic rewards: every entry is what its specification says, and what does not fit is named."""

from dataclasses import fields, is_dataclass

import numpy as np
import pytest
from learned_rewards import QUICK
from parallel_toys import WalkEnv, walk_scope_dimensions

from isa_wrappers import CountConfig, GoalConfig, InfluenceScope
from isa_wrappers.envs import make_batch
from isa_wrappers.errors import InvalidValueError, ScopeMismatchError, UnknownNameError, UnsupportedEnvironmentError
from isa_wrappers.rewards import REWARDS, IntrinsicReward, RewardContext, RewardSpec, Transition, make_reward
from isa_wrappers.scope.credit import credit_for

CREDIT = credit_for(InfluenceScope.from_dimensions(walk_scope_dimensions(), state_size=2))
CONTEXT = RewardContext(("walker_0", "walker_1"), (3, 3), obs_size=2, state_size=2, credit=CREDIT)


def random_step(leading, seed=0):
    rng = np.random.default_rng(seed)
    s_t, s_tp1, goal = rng.integers(0, 4, (3, *leading, 2)).astype(np.float32)
    return Transition(
        s_t=s_t,
        s_tp1=s_tp1,
        obs_tp1=rng.normal(size=(*leading, 2, 2)).astype(np.float32),
        actions=rng.integers(0, 3, (*leading, 2)),
        reward=rng.normal(size=(*leading, 2)).astype(np.float32),
        alive=rng.random((*leading, 2)) < 0.7,
        goal=goal,
        obs_t=rng.normal(size=(*leading, 2, 2)).astype(np.float32),
        start=rng.random(leading) < 0.5,
        available=np.ones((*leading, 2, 3), dtype=bool),
    )


def quick(name):
    return make_reward(name, CONTEXT, QUICK.get(name))


@pytest.mark.parametrize("name", list(REWARDS))
def test_an_entry_is_what_it_says(name):
    spec, reward = REWARDS[name], quick(name)
    assert spec.description
    assert isinstance(reward, IntrinsicReward)
    assert reward.needs_goal == spec.needs_goal
    assert reward.name.isidentifier()
    if spec.config is not None:
        assert is_dataclass(spec.config)
        assert spec.config.__dataclass_params__.frozen
        assert len(fields(spec.config())) > 0


@pytest.mark.parametrize("leading", [(), (5,), (2, 3)])
@pytest.mark.parametrize("name", list(REWARDS))
def test_an_entry_takes_free_leading_axes(name, leading):
    reward, step = quick(name), random_step(leading)
    paid = reward(step)
    assert set(paid.parts) == set(reward.parts)
    for part in (paid.total, paid.intrinsic, *paid.parts.values()):
        assert part.shape == (*leading, 2)
        assert part.dtype == np.float32
        assert np.isfinite(part).all()
    assert (paid.intrinsic[~step.alive] == 0).all(), "who did not act is paid nothing"


@pytest.mark.parametrize("name", list(REWARDS))
def test_looking_up_changes_nothing_and_what_is_saved_suffices(name):
    reward, other = quick(name), quick(name)
    for seed in range(5):
        reward(random_step((4,), seed))
    before = {key: np.array(value) for key, value in reward.state_dict().items()}
    looked = reward(random_step((4,), 9), update=False)
    for key, value in reward.state_dict().items():
        np.testing.assert_array_equal(value, before[key], err_msg=key)
    other.load_state_dict(reward.state_dict())
    np.testing.assert_array_equal(other(random_step((4,), 9), update=False).total, looked.total)
    np.testing.assert_array_equal(other(random_step((4,), 2)).total, reward(random_step((4,), 2)).total)


def test_contexts_are_read_off_environments():
    batch = make_batch("grid/shooting", 4)
    context = RewardContext.of(batch, seed=3)
    assert (context.agents, context.num_actions) == (batch.agents, batch.num_actions)
    assert (context.obs_size, context.state_size, context.device, context.seed) == (3, 7, None, 3)
    assert (context.state_names, context.action_code) == (batch.state_names, None)
    assert RewardContext.of(WalkEnv(), CREDIT) == CONTEXT
    context = RewardContext.of(WalkEnv(stateless=True), state_fallback="observations")
    assert (context.state_size, context.credit) == (4, None)
    with pytest.raises(UnsupportedEnvironmentError, match="not a PettingZoo ParallelEnv"):
        RewardContext.of(object())


def test_configurations_reach_the_reward():
    assert make_reward("count_bonus", CONTEXT).config == CountConfig()
    assert make_reward("goal_reward", CONTEXT, GoalConfig(hamming=3.0)).config.hamming == 3.0


def test_what_does_not_fit_is_named():
    with pytest.raises(UnknownNameError, match="unknown intrinsic reward 'count_bonsu'; did you mean 'count_bonus'"):
        make_reward("count_bonsu", CONTEXT)
    with pytest.raises(InvalidValueError, match="'goal_reward' needs a scope, got None"):
        make_reward("goal_reward", RewardContext(("walker_0",), (3,), 2, 2))
    with pytest.raises(ScopeMismatchError, match="its agents"):
        make_reward("count_bonus", RewardContext(("walker_0",), (3,), 2, 2, CREDIT))
    with pytest.raises(InvalidValueError, match=r"'count_bonus' takes a CountConfig, got GoalConfig\("):
        make_reward("count_bonus", CONTEXT, GoalConfig())


class Nameless(IntrinsicReward):
    def __call__(self, transition, update=True):
        raise NotImplementedError


class Lettered(Nameless):
    name, parts = "lettered", "pay"


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (None, "what intrinsic reward 'odd' makes must be IntrinsicReward, got None"),
        (Nameless(), "intrinsic reward 'odd' must have a name and a tuple of part names, got name None and"),
        (Lettered(), "got name 'lettered' and parts 'pay'"),
    ],
)
def test_what_is_no_reward_is_named_when_it_is_made(made, message):
    REWARDS.register("odd", RewardSpec(lambda context, config: made, None, False, False, "odd"))
    try:
        with pytest.raises(InvalidValueError, match=message):
            make_reward("odd", CONTEXT)
    finally:
        REWARDS.unregister("odd")
