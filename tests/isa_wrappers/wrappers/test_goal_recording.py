"""Won states of a ParallelEnv: how success is told, once an episode, and buffers that do not fit."""

import numpy as np
import pytest
from parallel_toys import Lasting, WalkEnv
from walk_stacks import goals_with, walk_scope

from isa_wrappers import GoalBuffer, InfluenceScope
from isa_wrappers.batch.parallel import ParallelEnvBatch
from isa_wrappers.errors import InvalidValueError, ScopeMismatchError
from isa_wrappers.rewards.stitched import StitchedGoals
from isa_wrappers.wrappers import GoalRecording, GoalSampling, GoalSegmentReward, ScopeWrapper, batch


@pytest.mark.parametrize(
    "rule", ["success", 0.5, lambda env, infos: bool((env.state() >= 3).all())], ids=["info", "return", "function"]
)
def test_success_rules_agree(rule):
    goals = GoalBuffer(2)
    env = GoalRecording(WalkEnv(), walk_scope(), goals, success=rule)
    for moves, won in (((1, 1, 1), 1), ((1, 0, 0, 0, 0, 0, 0, 0), 1), ((1, 1, 1), 2)):
        env.reset()
        for move in moves:
            env.step(dict.fromkeys(env.agents, move))
        assert len(goals) == won


@pytest.mark.parametrize("scope", [walk_scope(1), None], ids=["scope", "no scope"])
def test_a_won_episode_gives_one_goal_however_often_success_is_told(scope):
    goals = GoalBuffer(1)
    env = GoalRecording(Lasting(agents=1), scope, goals)
    for episode in (1, 2):
        env.reset()
        while env.agents:
            env.step({"walker_0": 1})
        assert goals.states.tolist() == [[3.0]] * episode


def test_recorders_and_buffers_must_fit():
    scope, goals = walk_scope(), GoalBuffer(2)
    with pytest.raises(InvalidValueError, match="remove one of the two"):
        GoalRecording(GoalRecording(WalkEnv(), scope, goals), scope, goals)
    segment = GoalSegmentReward(GoalSampling(WalkEnv(), scope, goals_with(np.zeros((1, 2)))), scope)
    with pytest.raises(InvalidValueError, match="remove one of the two"):
        GoalSampling(segment, scope, goals)
    with pytest.raises(ScopeMismatchError, match="states with 3 dimensions, but the scope has 2"):
        GoalRecording(WalkEnv(), scope, GoalBuffer(3))
    with pytest.raises(ScopeMismatchError, match="states with 3 dimensions, but this environment has 2"):
        GoalRecording(WalkEnv(), None, GoalBuffer(3)).reset()
    known = ScopeWrapper(WalkEnv(), None)
    known.reset()
    with pytest.raises(ScopeMismatchError, match="states with 3 dimensions, but this environment has 2"):
        GoalRecording(known, None, GoalBuffer(3))


class EveryOther(WalkEnv):
    """Every other episode is lost with its game, all others are won."""

    episodes = 0

    def step(self, actions):
        *others, infos = super().step(actions)
        self.episodes += not self.agents
        lost = not self.agents and self.episodes % 2 == 0
        what = {"success": not self.agents and not lost, "crashed": lost}
        return *others, {agent: {**info, **what} for agent, info in infos.items()}


@pytest.mark.parametrize("stitched", [False, True])
def test_crashed_episodes_count_for_nothing_as_in_a_batch(stitched):
    found = []
    for batched in (False, True):
        goals = StitchedGoals(walk_scope()) if stitched else GoalBuffer(2)
        env = (
            batch.GoalRecording(ParallelEnvBatch([EveryOther()]), goals)
            if batched
            else GoalRecording(EveryOther(), walk_scope(), goals)
        )
        env.reset(seed=0)
        for _ in range(400):
            if batched:
                env.step(np.zeros((1, 2), dtype=np.int64))
                continue
            env.step(dict.fromkeys(env.agents, 0))
            if not env.agents:
                env.reset()
        best = goals._best.earned.tolist() if stitched else None
        found.append((float(goals.won_share), goals.states.tolist(), best))
    assert found[0] == found[1]
    assert found[0][0] == pytest.approx(1.0 - 0.99 ** len(found[0][1])), "of won episodes alone"


def test_steps_after_the_end_are_no_episodes():
    """Some wrappers around take one at each end."""
    goals = GoalBuffer(2)
    env = GoalRecording(WalkEnv(horizon=4), walk_scope(), goals)
    twin, own = GoalBuffer(2), np.array([True])
    for _ in range(3):
        env.reset(seed=0)
        while env.agents:
            env.step(dict.fromkeys(env.agents, 1))
        for _ in range(5):
            env.step({})
        twin.ended(own, own)
    assert float(goals.won_share) == float(twin.won_share)
    assert len(goals) == 3


def test_goals_stitched_for_other_agents_are_refused():
    alone = InfluenceScope.from_dimensions({"walker_0": [[], [0], [1]]}, state_size=2)
    with pytest.raises(ScopeMismatchError, match=r"its agents \['walker_0'\], here \['walker_0', 'walker_1'\]"):
        GoalRecording(WalkEnv(), walk_scope(), StitchedGoals(alone))
