"""Eq. 10 around a ParallelEnv: adding, freezing, the dead, shared counters."""

import numpy as np
import pytest
from parallel_toys import WalkEnv
from walk_stacks import walk_scope

from isa_wrappers import GoalBuffer, VisitCounter
from isa_wrappers.errors import InvalidValueError, ScopeMismatchError
from isa_wrappers.scope.credit import credit_for
from isa_wrappers.wrappers import GoalRecording, InfluenceCountBonus


def test_adding_keeps_the_environments_reward():
    scope = walk_scope(1)
    env = InfluenceCountBonus(WalkEnv(agents=1), scope, mode="add", factor=0.5)
    env.reset()
    rewards, infos = [], {}
    for action in (1, 1, 1):
        _, reward, _, _, infos = env.step({"walker_0": action})
        rewards.append(reward["walker_0"])
    # One agent: its dimension is common, each position new, the last step won.
    assert rewards == pytest.approx([0.5, 0.5, 1.5])
    assert infos["walker_0"]["isa/env_reward"] == 1.0


def test_frozen_counts_and_records_nothing():
    scope, goals = walk_scope(1), GoalBuffer(1)
    env = InfluenceCountBonus(GoalRecording(WalkEnv(agents=1), scope, goals), scope)
    env.freeze()
    env.reset()
    for _ in range(3):
        env.step({"walker_0": 1})
    assert len(goals) == 0
    assert int(env.bonus.counter.table.sum()) == 0
    env.freeze(False)
    env.reset()
    for _ in range(3):
        env.step({"walker_0": 1})
    assert goals.states.tolist() == [[3.0]]
    assert int(env.bonus.counter.table.sum()) == 6  # three steps, a common and an (empty) special segment


def test_the_dead_visit_nothing():
    scope = walk_scope()
    env = InfluenceCountBonus(WalkEnv(deaths=True), scope)
    env.reset()
    for _ in range(3):
        env.step({"walker_0": 1, "walker_1": 0})
    assert env.agents == ["walker_1"]
    _, rewards, _, _, infos = env.step({"walker_1": 0})
    assert set(rewards) == set(infos) == {"walker_1"}
    special = env.bonus.counter.count(np.array([3.0, 0.0], dtype=np.float32))
    assert special[1:].tolist() == [1, 4]


def test_a_shared_counter_counts_both_environments():
    scope = walk_scope()
    counter = VisitCounter([scope.common_dims, *scope.special_dims])
    for _ in range(2):
        env = InfluenceCountBonus(WalkEnv(), scope, counter=counter)
        env.reset()
        env.step({"walker_0": 1, "walker_1": 0})
    assert counter.count(np.array([1.0, 0.0], dtype=np.float32)).tolist() == [2, 2, 2]


def test_credit_by_another_rule():
    """Counts on whole states: every joint place is new the first time, whoever moved."""
    env = InfluenceCountBonus(WalkEnv(), credit_for(walk_scope(), "whole_state"))
    env.reset()
    assert env.step({"walker_0": 1, "walker_1": 0})[1] == {"walker_0": 1.0, "walker_1": 1.0}
    assert env.step({"walker_0": 0, "walker_1": 0})[1] == pytest.approx(dict.fromkeys(env.agents, 2**-0.5))


def test_what_does_not_fit_is_named():
    scope = walk_scope()
    with pytest.raises(
        InvalidValueError, match="inner wrapper already pays the intrinsic reward 'bonus'; a second one would pay twice"
    ):
        InfluenceCountBonus(InfluenceCountBonus(WalkEnv(), scope), scope)
    with pytest.raises(ScopeMismatchError, match="shared counter counts segments"):
        InfluenceCountBonus(WalkEnv(), scope, counter=VisitCounter([[0], [1]]))
    with pytest.raises(InvalidValueError, match="mode must be one of replace, add"):
        InfluenceCountBonus(WalkEnv(), scope, mode="ad")


def test_a_step_that_was_lost_with_its_game_is_nobodys():
    """As in a batch: nothing is counted, nobody is paid."""

    class Crashing(WalkEnv):
        def step(self, actions):
            *told, infos = super().step(actions)
            lost = self.time == 2
            return *told, {agent: {**infos.get(agent, {}), "crashed": lost} for agent in self.possible_agents}

    env = InfluenceCountBonus(Crashing(), walk_scope())
    env.reset(seed=0)
    for time in range(1, 4):
        before = env.reward.counter.table.copy()
        _, _, _, _, infos = env.step(dict.fromkeys(env.agents, 1))
        after = env.reward.counter.table
        assert (after.sum() == before.sum()) == (time == 2)
        assert all((info["isa/bonus_special"] == 0.0) == (time == 2) for info in infos.values())
