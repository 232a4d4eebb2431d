"""Gymnasium's teams as ParallelEnvs."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from pettingzoo.test import parallel_api_test

from isa_wrappers import GoalBuffer, InfluenceScope, ScopeConfig, check_env, estimate_scope
from isa_wrappers.border.adapters import TeamEnv
from isa_wrappers.envs import make_batch
from isa_wrappers.errors import UnsupportedEnvironmentError
from isa_wrappers.rewards import RewardContext, make_reward
from isa_wrappers.scope.credit import as_credit
from isa_wrappers.wrappers import GoalSampling, GoalSegmentReward, RewardWrapper, ScopeWrapper


class Shelves(gymnasium.Env):
    """Two workers on lines of their own; a list of rewards, one flag for all."""

    metadata = {"render_modes": []}  # noqa: RUF012
    listed = False

    def __init__(self):
        self.observation_space = spaces.Tuple([spaces.Box(0, 9, (2,), np.float32)] * 2)
        self.action_space = spaces.Tuple([spaces.Discrete(3)] * 2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.at, self.time = np.zeros(2, dtype=np.float32), 0
        return self._seen(), {}

    def _seen(self):
        return tuple(np.array([place, self.time], dtype=np.float32) for place in self.at)

    def step(self, actions):
        assert isinstance(actions, tuple)
        self.time += 1
        self.at = np.clip(self.at + np.array(actions) - 1, 0, 9).astype(np.float32)
        late, info = self.time == 9, {"success": bool(self.at.sum() > 4)}
        if self.listed:
            return self._seen(), self.at.tolist(), [False, False], np.array([late, late]), [info, info]
        return self._seen(), self.at, False, late, info


class Listed(Shelves):
    listed = True


class Optionless(Shelves):
    def reset(self, *, seed=None):
        return super().reset(seed=seed)


def one_for_all():
    """A Gymnasium environment that is no team."""
    return gymnasium.make("CartPole-v1")


@pytest.mark.parametrize("kind", [Shelves, Listed, Optionless])
def test_a_team_is_a_parallel_env(kind):
    if kind is not Optionless:  # the test hands options over
        parallel_api_test(TeamEnv(kind()), num_cycles=30)
    env = TeamEnv(kind())
    env.reset(seed=0)
    observations, rewards, terminated, truncated, infos = env.step({"agent_0": 2, "agent_1": 0})
    assert observations["agent_0"].tolist() == [1, 1]
    assert (rewards["agent_0"], rewards["agent_1"]) == (1, 0)
    assert (terminated["agent_1"], truncated["agent_1"], infos["agent_1"]["success"]) == (False, False, False)
    assert infos["agent_0"] is not infos["agent_1"] or kind is Listed
    while env.agents:
        _, _, terminated, truncated, _ = env.step(dict.fromkeys(env.agents, 2))
    assert truncated == {"agent_0": True, "agent_1": True}


@pytest.mark.slow
def test_it_is_taken_as_it_is():
    scope = estimate_scope(Shelves(), ScopeConfig(transitions=600), state_fallback="observations")
    assert scope.special_dims == [[0], [2]]
    assert scope.state_names[:2] == ("agent_0[0]", "agent_0[1]")
    env = ScopeWrapper(Shelves(), None, state_fallback="observations")
    env.reset()
    env.step(dict.fromkeys(env.agents, 2))
    assert env.global_state.tolist() == [1, 1, 1, 1]
    batch = make_batch(f"{__name__}:Shelves", 2, state_fallback="observations")
    assert batch.reset(seed=0).obs.shape == (2, 2, 2)
    assert not check_env(Shelves, state_fallback="observations").refused


def test_the_time_limit_is_the_horizon():
    gymnasium.register("Shelves-v0", Shelves, max_episode_steps=5)
    try:
        env = TeamEnv(gymnasium.make("Shelves-v0", disable_env_checker=True))
    finally:
        del gymnasium.registry["Shelves-v0"]
    assert env.horizon == 5
    assert isinstance(env.unwrapped, Shelves)


def test_what_is_no_team_is_refused():
    with pytest.raises(UnsupportedEnvironmentError, match="Tuples, one entry per agent; got Box"):
        TeamEnv(one_for_all())
    with pytest.raises(UnsupportedEnvironmentError, match="has no possible_agents"):
        estimate_scope(one_for_all())


class Pushers(Shelves):
    """The same with two numbers to each worker, the first of which moves it."""

    def __init__(self):
        super().__init__()
        self.action_space = spaces.Tuple([spaces.Box(-1, 1, (2,), np.float32), spaces.MultiDiscrete([3, 2])])

    def step(self, actions):
        self.told = actions
        return super().step((round(float(actions[0][0])) + 1, int(actions[1][0])))


def test_numbers_reach_a_team_as_they_are_and_nothing_is_done_for_who_is_missing():
    team = Pushers()
    env = TeamEnv(team)
    parallel_api_test(env, num_cycles=30)
    env.reset(seed=0)
    push = np.array([0.5, -0.25], dtype=np.float32)
    env.step({"agent_0": push})
    assert team.told[0] is push
    assert team.told[1].tolist() == [0, 0]


@pytest.mark.parametrize("name", ["count_observation", "count_bonus"])
def test_every_wrapper_takes_a_team_as_it_is(name):
    scope = InfluenceScope.from_dimensions({"agent_0": [[0], [], [0]], "agent_1": [[2], [], [2]]}, state_size=4)
    goals = GoalBuffer(4)
    goals.add(np.array([[3.0, 1.0, 3.0, 1.0]], dtype=np.float32), np.array([True]))
    context = RewardContext.of(TeamEnv(Shelves()), as_credit(scope), state_fallback="observations")
    alone = RewardWrapper(Shelves(), make_reward(name, context), state_fallback="observations")
    reach = GoalSegmentReward(GoalSampling(Shelves(), scope, goals, state_fallback="observations"), scope)
    for env in (alone, reach):
        parallel_api_test(env, num_cycles=20)
