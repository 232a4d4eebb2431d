"""Won states of a small grid task, against those of the bare environment."""

from collections import Counter, deque

import numpy as np
import pytest
from devices import DEVICES
from parallel_toys import Lasting
from unlock_batch import TARGETS, B, Insisting, assert_same_step, bare, mixed, plays, run, unlock

from isa_wrappers import GoalBuffer, InfluenceScope
from isa_wrappers.arrays import to_backend, to_numpy
from isa_wrappers.batch.parallel import ParallelEnvBatch
from isa_wrappers.envs import make_batch
from isa_wrappers.errors import InvalidValueError, ScopeMismatchError
from isa_wrappers.rewards.stitched import StitchedGoals
from isa_wrappers.wrappers.batch import GoalRecording, GoalSampling


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("capacity", [5, 1000])
def test_won_states_are_those_before_the_reset(device, capacity):
    steps = bare(device)[1:]
    goals = GoalBuffer(8, capacity, device=device)
    for step, plain in zip(run(GoalRecording(unlock(device), goals), device)[1:], steps, strict=True):
        assert_same_step(step, plain)
    won = [tuple(step.final_state[b].tolist()) for step in steps for b in range(B) if step.success[b]]
    assert len(won) > capacity or capacity == 1000
    assert Counter(map(tuple, to_numpy(goals.states).tolist())) == Counter(deque(won, maxlen=capacity))
    # A won state has each agent on its lock; the state after the reset has both at the start.
    for row in to_numpy(goals.states):
        assert row[:4].tolist() == [float(c) for target in TARGETS for c in target]


def test_distinct_won_states_are_told_apart():
    """With random targets each win has a state of its own: the buffer holds the very ones, in any order."""
    env = make_batch("grid/navigation", B, num_agents=1, grid=3, targets="random", horizon=8)
    goals = GoalBuffer(4, 1000)
    env = GoalRecording(env, goals)
    env.reset(3)
    won = Counter()
    for actions in plays(1):
        step = env.step(actions[:, :1])
        won.update(tuple(row) for row in step.final_state[step.success].tolist())
    assert len(won) > 4
    assert Counter(map(tuple, goals.states.tolist())) == won


@pytest.mark.parametrize("device", DEVICES)
def test_a_won_episode_gives_one_goal_however_often_success_is_told(device):
    steps = bare(device, env=Insisting(unlock(device)))[1:]
    goals = GoalBuffer(8, 1000, device=device)
    run(GoalRecording(Insisting(unlock(device)), goals), device)
    first, told, held = Counter(), 0, set()
    for step in steps:
        for b in np.flatnonzero(step.success):
            told += 1
            if b not in held:
                first[tuple(step.final_state[b].tolist())] += 1
                held.add(b)
        held -= set(np.flatnonzero(step.done))
    assert Counter(map(tuple, to_numpy(goals.states).tolist())) == first
    assert told > first.total() > 20


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("again", ["reset", "load"])
def test_a_new_episode_can_be_won_again(again, device):
    """An episode that was won and not finished gives another goal once it starts anew."""
    if device is not None:
        pytest.importorskip("torch")
    env = GoalRecording(ParallelEnvBatch([Lasting(agents=1)], device), GoalBuffer(1, device=device))
    env.reset()
    for _ in range(2):
        for _ in range(4):
            env.step(to_backend(np.array([[1]]), device))
        env.reset() if again == "reset" else env.load_state_dict(env.state_dict())
    assert to_numpy(env.goals.states).tolist() == [[3.0], [3.0]]


def test_the_buffer_must_fit():
    with pytest.raises(ScopeMismatchError, match="states with 3 dimensions, but this environment has 8"):
        GoalRecording(unlock(), GoalBuffer(3))


def test_goals_stitched_for_other_agents_are_refused():
    alone = InfluenceScope.from_dimensions({"agent_0": [[], [1], [1], [0], [0]]}, state_size=8)
    with pytest.raises(ScopeMismatchError, match=r"its agents \['agent_0'\], here \['agent_0', 'agent_1'\]"):
        GoalRecording(unlock(), StitchedGoals(alone))


def test_won_states_are_recorded_once():
    """With two, each win would be two goals."""
    goals = GoalBuffer(8)
    goals.add(np.zeros((1, 8), dtype=np.float32), np.array([True]))
    inside = GoalSampling(GoalRecording(unlock(), goals), goals, mixed())
    with pytest.raises(InvalidValueError, match="inner GoalRecording already records won states; remove one of"):
        GoalRecording(inside, goals)
