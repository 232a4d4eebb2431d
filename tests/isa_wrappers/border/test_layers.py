"""Measuring a scope leaves what ISA's wrappers around an environment count, record and learn as it was."""

import numpy as np
import pytest
from pettingzoo.utils import BaseParallelWrapper

from isa_wrappers import GoalBuffer, InfluenceScope, ScopeConfig, StitchedGoals, estimate_scope
from isa_wrappers.border.layers import Freezable, layers, layers_of
from isa_wrappers.envs import make_batch, make_parallel
from isa_wrappers.errors import UnsupportedEnvironmentError
from isa_wrappers.wrappers import EpisodeStatistics, GoalRecording, InfluenceCountBonus, batch

EASY = {"num_agents": 1, "targets": [(0, 1)], "horizon": 8}
SCOPE = InfluenceScope.from_dimensions({"agent_0": [[], [1], [1], [0], [0]]}, state_size=4)


def around_one(goals):
    statistics = EpisodeStatistics(make_parallel("grid/unlock", **EASY))
    # Others' wrappers in between hide nothing.
    return InfluenceCountBonus(BaseParallelWrapper(GoalRecording(statistics, SCOPE, goals)), SCOPE), statistics


def around_many(goals):
    statistics = batch.EpisodeStatistics(make_batch("grid/unlock", 4, **EASY))
    return batch.InfluenceCountBonus(batch.GoalRecording(statistics, goals), SCOPE), statistics


def counted(env, statistics, goals):
    return {**env.bonus.state_dict(), **goals.state_dict(), "statistics": np.array(statistics._totals)}


@pytest.mark.parametrize("stack", [around_one, around_many])
@pytest.mark.parametrize("kind", [GoalBuffer, StitchedGoals])
def test_what_is_counted_stays_as_it_was(stack, kind):
    goals = StitchedGoals(SCOPE) if kind is StitchedGoals else GoalBuffer(4)
    env, statistics = stack(goals)
    before = {name: np.array(value) for name, value in counted(env, statistics, goals).items()}
    scope = estimate_scope(env, ScopeConfig(transitions=600))
    assert scope.agent_dims == estimate_scope(statistics, ScopeConfig(transitions=600)).agent_dims
    for name, value in counted(env, statistics, goals).items():
        np.testing.assert_array_equal(value, before[name], err_msg=name)
    env.reset(seed=0)
    for _ in range(8):
        env.step({"agent_0": 2} if stack is around_one else np.full((4, 1), 2))
        if stack is around_one and not env.agents:
            env.reset()
    assert len(goals) > 0, "and goes on afterwards"
    assert statistics.take()["episodes"] > 0


def test_who_is_frozen_stays_so_after_an_error_too():
    env, _ = around_one(GoalBuffer(4))
    _, foreign, recording, _, innermost = layers(env)
    env.freeze()
    recording.frozen = False
    innermost.step = lambda actions: None
    with pytest.raises(UnsupportedEnvironmentError, match="returned NoneType"):
        estimate_scope(env, ScopeConfig(transitions=600))
    assert (env.frozen, recording.frozen) == (True, False)
    assert "frozen" not in vars(foreign)


@pytest.mark.parametrize("stack", [around_one, around_many])
def test_freeze_reaches_every_wrapper_of_isa(stack):
    env, statistics = stack(GoalBuffer(4))
    ours = list(layers_of(env, Freezable))
    assert len(ours) == 3
    env.freeze()
    assert all(layer.frozen for layer in ours)
    statistics.freeze(False)
    assert [layer.frozen for layer in ours] == [True, True, False], "those outside stay"
