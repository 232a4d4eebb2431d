"""ISA's wrappers among other people's: a wrapper in between neither hides one nor changes what state it reads."""

import numpy as np
import pytest
from gymnasium import spaces
from parallel_toys import WalkEnv, walk_scope_dimensions
from pettingzoo.utils import BaseParallelWrapper
from pettingzoo.utils.conversions import aec_to_parallel, parallel_to_aec

from isa_wrappers import GoalBuffer, InfluenceScope
from isa_wrappers.errors import (
    InvalidValueError,
    NonFiniteError,
    ScopeMismatchError,
    UnsupportedEnvironmentError,
)
from isa_wrappers.wrappers import GoalRecording, GoalSampling, GoalSegmentReward, InfluenceCountBonus

dtype_v0, frame_stack_v1 = (getattr(pytest.importorskip("supersuit"), name) for name in ("dtype_v0", "frame_stack_v1"))
SCOPE = InfluenceScope.from_dimensions(walk_scope_dimensions(), state_size=2)


def goals_at(value):
    goals = GoalBuffer(2)
    goals.add(np.full((1, 2), value, dtype=np.float32), np.array([True]))
    return goals


def play(env, steps=3):
    env.reset(seed=0)
    for _ in range(steps):
        result = env.step(dict.fromkeys(env.agents, 1))
    return result


BETWEEN = {
    "supersuit through AEC": lambda env: dtype_v0(env, np.float32),
    "frame stack": lambda env: frame_stack_v1(env, 2),
    "AEC and back": lambda env: aec_to_parallel(parallel_to_aec(env)),
    "parallel wrapper": BaseParallelWrapper,
}


@pytest.mark.parametrize("between", BETWEEN)
def test_freezing_and_saving_reach_through(between):
    counting = InfluenceCountBonus(WalkEnv(), SCOPE)
    env = GoalRecording(BETWEEN[between](counting), SCOPE, GoalBuffer(2))
    play(env)
    table = counting.bonus.counter.table.copy()
    assert table.sum() > 0
    assert any(key.endswith("counter.slots") for key in env.state_dict())
    env.freeze()
    play(env)
    np.testing.assert_array_equal(counting.bonus.counter.table, table)


@pytest.mark.parametrize("between", BETWEEN)
def test_order_is_checked_through(between):
    with pytest.raises(InvalidValueError, match="inner wrapper already pays the intrinsic reward 'bonus'"):
        InfluenceCountBonus(BETWEEN[between](InfluenceCountBonus(WalkEnv(), SCOPE)), SCOPE)
    sampling = GoalSampling(WalkEnv(), SCOPE, goals_at(3))
    rewards = play(GoalSegmentReward(BETWEEN[between](sampling), SCOPE))[1]
    alone = play(GoalSegmentReward(GoalSampling(WalkEnv(), SCOPE, goals_at(3)), SCOPE))[1]
    assert rewards == alone


@pytest.mark.parametrize("between", BETWEEN)
def test_state_source_of_the_innermost_holds(between):
    inner = InfluenceCountBonus(WalkEnv(), SCOPE, state_fallback=lambda env: env.position * 10)
    outer = GoalRecording(BETWEEN[between](inner), SCOPE, GoalBuffer(2))
    play(outer, steps=2)
    assert outer.global_state.tolist() == [20.0, 20.0]


def test_scopes_of_stacked_wrappers_fit_each_other():
    inner = InfluenceCountBonus(WalkEnv(), SCOPE)
    larger = InfluenceScope.from_dimensions(walk_scope_dimensions(), state_size=3)
    with pytest.raises(ScopeMismatchError, match="state size"):
        GoalRecording(inner, larger, GoalBuffer(3))


def test_goal_bounds_are_the_states_own():
    env = GoalSampling(WalkEnv(), SCOPE, goals_at(5e6), state_fallback=lambda env: env.position * 1e6)
    observations, _ = env.reset()
    assert all(env.observation_space(agent).contains(obs) for agent, obs in observations.items())
    assert GoalSampling(WalkEnv(), SCOPE, goals_at(3)).observation_space("walker_0").high.tolist() == [1e3, 1e3, 1e3]


class Odd(BaseParallelWrapper):
    """Says what ``say`` returns beside the environment's own words."""

    def __init__(self, env, say):
        super().__init__(env)
        self.say = say

    def reset(self, seed=None, options=None):
        observations, infos = self.env.reset(seed=seed, options=options)
        return observations | {"common": 1}, infos | {"common": "hello"}

    def step(self, actions):
        return self.say(*self.env.step(actions))


def test_words_to_all_pass_through():
    def say(obs, rewards, terminations, truncations, infos):
        return obs | {"common": 1}, rewards, terminations, truncations, infos | {"common": "hello"}

    env = GoalSegmentReward(GoalSampling(InfluenceCountBonus(Odd(WalkEnv(), say), SCOPE), SCOPE, goals_at(3)), SCOPE)
    assert env.reset()[1]["common"] == "hello"
    observations, *_, infos = env.step(dict.fromkeys(env.agents, 1))
    assert observations["common"] == 1
    assert infos["common"] == "hello"


def test_reward_must_be_finite():
    def say(obs, rewards, *rest):
        return obs, {**rewards, "walker_1": float("nan")}, *rest

    env = InfluenceCountBonus(Odd(WalkEnv(), say), SCOPE)
    env.reset()
    with pytest.raises(NonFiniteError, match="walker_1"):
        env.step(dict.fromkeys(env.agents, 1))


def test_infos_hold_the_goal_in_every_step():
    env = GoalSampling(WalkEnv(late=True), SCOPE, goals_at(3))
    _, infos = env.reset()
    assert list(infos) == ["walker_0"]
    *_, infos = env.step({"walker_0": 1})
    assert infos["walker_1"]["isa/goal"].tolist() == [3.0]
    *_, infos = env.step(dict.fromkeys(env.agents, 1))
    assert all(info["isa/goal"].tolist() == [3.0] for info in infos.values())


def test_told_goal_is_a_copy():
    env = GoalSampling(WalkEnv(), SCOPE, goals_at(3))
    _, infos = env.reset()
    infos["walker_0"]["isa/goal"][:] = 99
    assert env.step(dict.fromkeys(env.agents, 1))[0]["walker_0"][-1] == 3.0


def test_observations_of_any_fixed_length_are_extended():
    class Picture(WalkEnv):
        def observation_space(self, agent):
            return spaces.Discrete(4) if agent == "walker_0" else spaces.Box(0, 255, (2, 2), np.uint8)

        def _seen(self):
            seen = {"walker_0": np.int64(2), "walker_1": np.full((2, 2), 7, dtype=np.uint8)}
            return {agent: seen[agent] for agent in self.agents}

    env = GoalSampling(Picture(), SCOPE, goals_at(3))
    observations, _ = env.reset()
    assert observations["walker_0"].tolist() == [0, 0, 1, 0, 3]
    assert observations["walker_1"].tolist() == [7, 7, 7, 7, 3]
    assert all(env.observation_space(agent).contains(obs) for agent, obs in observations.items())


def test_state_source_is_checked():
    with pytest.raises(InvalidValueError, match="'observation'"):
        InfluenceCountBonus(WalkEnv(), SCOPE, state_fallback="observation")
    env = InfluenceCountBonus(WalkEnv(), SCOPE, state_fallback=lambda env: {"x": 1})
    with pytest.raises(UnsupportedEnvironmentError, match="array of numbers"):
        env.reset()


def test_an_error_inside_a_users_state_is_theirs():
    def broken(env):
        return env.no_such_thing

    with pytest.raises(AttributeError, match="no_such_thing"):
        InfluenceCountBonus(WalkEnv(), SCOPE, state_fallback=broken).reset()
