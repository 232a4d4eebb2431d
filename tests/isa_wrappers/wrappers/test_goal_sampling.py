"""Goals of a ParallelEnv: shown, held, drawn."""

import numpy as np
import pytest
from border_toys import Flat
from gymnasium import spaces
from parallel_toys import WalkEnv
from walk_stacks import goals_with, walk_scope

from isa_wrappers import GoalBuffer, ParallelEnvBatch
from isa_wrappers.errors import EmptyGoalBufferError, UnknownNameError
from isa_wrappers.scope.credit import credit_for
from isa_wrappers.wrappers import GoalSampling


def test_goals_extend_observations_and_bounds():
    goals = goals_with(np.array([[3.0, 4.0]], dtype=np.float32))
    env = GoalSampling(WalkEnv(masks="observation"), walk_scope(), goals)
    space = env.observation_space("walker_1")
    assert isinstance(space, spaces.Dict)
    assert space["observation"].shape == (3,)
    assert space["observation"].high.tolist() == [1e3] * 3
    observations, infos = env.reset(seed=3)
    assert observations["walker_1"]["observation"].tolist() == [0.0, 0.0, 4.0]
    assert infos["walker_0"]["isa/goal"].tolist() == [3.0]
    assert observations["walker_0"]["action_mask"].tolist() == [1, 1, 0]
    while env.agents:
        observations, *_ = env.step(dict.fromkeys(env.agents, 0))
        assert observations["walker_0"]["observation"][2] == 3.0


def test_a_mask_among_other_entries_stays():
    env = GoalSampling(Flat(), walk_scope(), goals_with(np.array([[3.0, 4.0]], dtype=np.float32)))
    observations, _ = env.reset(seed=0)
    space, seen = env.observation_space("walker_1"), observations["walker_1"]
    assert space is env.observation_space("walker_1")
    assert space.contains(seen)
    assert seen["observation"].tolist() == [0.0, 1.0, *[0.0] * 9, 4.0]
    assert seen["action_mask"].tolist() == env.masks["walker_1"].tolist() == [1, 1, 0]
    observations, *_ = env.step({"walker_0": 0, "walker_1": 1})
    assert [seen["action_mask"].tolist() for seen in observations.values()] == [[1, 1, 0], [1, 1, 1]]
    assert ParallelEnvBatch([env]).reset(0).available.tolist() == [[[True, True, False]] * 2]


def test_one_goal_an_episode_from_the_seed():
    goals = goals_with(np.arange(40, dtype=np.float32).reshape(20, 2))
    env = GoalSampling(WalkEnv(), walk_scope(), goals)

    def drawn(seed):
        env.reset(seed=seed)
        first = env.goal.tolist()
        for _ in range(3):
            env.step(dict.fromkeys(env.agents, 0))
            assert env.goal.tolist() == first
        return [first] + [env.reset() and env.goal.tolist() for _ in range(5)]

    assert drawn(1) == drawn(1) != drawn(2)


def test_the_latest_goal_is_the_one_won_last():
    goals = goals_with(np.array([[9.0, 9.0], [8.0, 8.0]], dtype=np.float32))
    env = GoalSampling(WalkEnv(), walk_scope(), goals, selector="latest")
    env.reset(seed=0)
    assert env.goal.tolist() == [8.0, 8.0]
    while env.agents:
        env.step(dict.fromkeys(env.agents, 1))
    env.reset()
    assert env.goal.tolist() == [3.0, 3.0]


def test_credit_by_another_rule_shows_other_dimensions():
    env = GoalSampling(WalkEnv(), credit_for(walk_scope(), "whole_state"), goals_with(np.array([[3.0, 4.0]])))
    observations, _ = env.reset()
    assert observations["walker_1"].tolist() == [0.0, 0.0, 3.0, 4.0]
    assert env.observation_space("walker_1").contains(observations["walker_1"])


def test_what_does_not_fit_is_named():
    with pytest.raises(EmptyGoalBufferError, match="explore until an episode is won"):
        GoalSampling(WalkEnv(), walk_scope(), GoalBuffer(2)).reset()
    with pytest.raises(UnknownNameError, match="unknown goal selector 'lastest'; did you mean 'latest'"):
        GoalSampling(WalkEnv(), walk_scope(), GoalBuffer(2), selector="lastest")


@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.bool_, np.float16, list, tuple])
def test_a_goal_is_shown_as_it_is_whatever_kind_observations_are_of(kind):
    """The space says floats; what comes may be whole numbers all the same."""

    class Whole(WalkEnv):
        def _seen(self):
            cast = kind if kind in (list, tuple) else lambda vector: vector.astype(kind)
            return {agent: cast(vector.astype(int)) for agent, vector in super()._seen().items()}

    env = GoalSampling(Whole(), walk_scope(), goals_with(np.array([[0.5, 70_000.25]], dtype=np.float32)))
    observations, infos = env.reset(seed=0)
    for agent, goal in (("walker_0", 0.5), ("walker_1", 70_000.25)):
        assert observations[agent].tolist() == [0, 0, goal]
        assert infos[agent]["isa/goal"].tolist() == [goal]
        assert observations[agent].dtype == np.float32
