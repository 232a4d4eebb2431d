"""How a won episode is told: by a key, a return, a function, or not at all."""

import warnings

import numpy as np
import pytest
from parallel_toys import WalkEnv

from isa_wrappers import GoalBuffer
from isa_wrappers.batch.parallel import ParallelEnvBatch
from isa_wrappers.border.border import Border
from isa_wrappers.border.state import StateReader
from isa_wrappers.border.success import SuccessCriterion
from isa_wrappers.envs.random_play import random_episode
from isa_wrappers.errors import InvalidValueError
from isa_wrappers.wrappers import EpisodeStatistics, GoalRecording


def won_at(rule, actions=1, **options):
    """Steps of the first episode in which a batch of one says it was won."""
    batch = ParallelEnvBatch([WalkEnv(**options)], success=rule)
    batch.reset(seed=0)
    steps = []
    for time in range(8):
        step = batch.step(np.full((1, 2), actions))
        steps += [time] * int(step.success[0])
        if step.done[0]:
            return steps
    return steps


@pytest.mark.parametrize("rule", ["success", 1.0, lambda env, infos: bool((env.position >= 3).all())])
def test_each_rule_tells_the_same_win(rule):
    assert won_at(rule) == [2]
    assert won_at(rule, actions=0) == []


def test_none_tells_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert won_at(None) == []


def test_a_return_below_the_threshold_is_no_win():
    assert won_at(1.5) == []


def test_a_key_that_never_comes_is_warned_of_once():
    teller = SuccessCriterion("solved")
    with pytest.warns(UserWarning, match="'solved'"):
        assert not teller.won(None, {"a": 1.0}, {"a": {"success": True}}, over=True)
    teller.begin()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        teller.won(None, {"a": 1.0}, {"a": {}}, over=True)


def test_a_key_that_comes_with_the_win_alone_is_enough():
    teller = SuccessCriterion("won")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not teller.won(None, {}, {"a": {}}, over=False)
        assert teller.won(None, {}, {"a": {"won": True}, "common": "all of you"}, over=True)


@pytest.mark.parametrize("rule", [True, ["success"], b"success"])
def test_other_rules_are_refused(rule):
    with pytest.raises(InvalidValueError, match="success must be a key"):
        SuccessCriterion(rule)


def test_copies_must_be_environments_of_their_own():
    env = WalkEnv()
    with pytest.raises(InvalidValueError, match="more than once"):
        ParallelEnvBatch([env, env])


@pytest.mark.parametrize("value", ["False", "True", float("nan"), np.array([1, 0]), object(), [True]])
def test_what_is_neither_yes_nor_no_is_refused(value):
    """The text "False" and NaN count as won where they are taken for truth values."""
    for rule, infos in (("success", {"a": {"success": value}}), (lambda env, infos: value, {})):
        teller = SuccessCriterion(rule)
        teller.begin()
        with pytest.raises(InvalidValueError, match="must be true or false, got"):
            teller.won(None, {}, infos, over=True)


@pytest.mark.parametrize(("value", "won"), [(np.bool_(True), True), (np.array([1.0]), True), (0, False), (None, False)])
def test_numbers_and_arrays_of_one_are_yes_or_no(value, won):
    teller = SuccessCriterion("success")
    teller.begin()
    assert teller.won(None, {}, {"a": {"success": value}}, over=True) is won


def played(rule, rewards, team=None):
    """Whether an episode of these rewards, step by step, was won in its last one."""
    criterion = SuccessCriterion(rule, team)
    criterion.begin()
    return [criterion.won(None, step, {}, over=step is rewards[-1]) for step in rewards][-1]


@pytest.mark.parametrize(
    ("reward", "steps", "threshold"),
    [(0.1, 10, 1.0), (np.float32(0.7), 10, 7), (np.float32(1e-4), 10_000, 1.0), (np.array([0.1]), 10, 1.0)],
)
def test_rounding_loses_no_episode(reward, steps, threshold):
    rewards = [{"a": reward, "b": reward} for _ in range(steps)]
    assert played(threshold, rewards)
    assert played(-threshold, [{"a": -one["a"], "b": -one["b"]} for one in rewards])
    assert not played(threshold, rewards[:-1])
    assert not played(threshold * 1.0001, rewards)
    assert played(0.0, [*rewards, {"a": -float(threshold), "b": -float(threshold)}])


class Payday(WalkEnv):
    """Every step pays each agent 1, or one alone; walker_0 may step ahead and die at 3, its mate goes on."""

    def __init__(self, only=None):
        super().__init__(deaths=True)
        self.only = only

    def step(self, actions):
        observations, rewards, *rest = super().step(actions)
        return observations, {agent: 1.0 for agent in rewards if self.only in (None, agent)}, *rest


@pytest.mark.parametrize(("only", "mean"), [(None, 5.5), ("walker_0", 1.5), ("walker_1", 4.0)])
@pytest.mark.parametrize("won", [True, False])
def test_a_return_is_the_mean_over_all_agents_as_in_the_metrics(only, mean, won):
    """Three steps pay both, five the one that is left: 5.5, not 8. Who never gets a reward counts too."""
    threshold, actions = mean + (not won) * 0.1, {"walker_0": 1, "walker_1": 0}
    env = EpisodeStatistics(Payday(only), threshold)
    goals = GoalBuffer(state_size=2)
    recording = GoalRecording(env, None, goals, threshold)
    recording.reset(seed=0)
    while recording.agents:
        recording.step({agent: actions[agent] for agent in recording.agents})
    said = env.take()
    assert (said["return_mean"], said["success_rate"], len(goals)) == (mean, won, won)
    batch = ParallelEnvBatch([Payday(only)], success=threshold)
    batch.reset(seed=0)
    assert any(batch.step(np.array([[1, 0]])).success[0] for _ in range(8)) == won


@pytest.mark.parametrize(("only", "most", "payees"), [(None, 8.0, [0, 1]), ("walker_0", 4.0, [0])])
def test_random_play_tells_the_same_return(only, most, payees):
    """The most is reached where all that are paid live to the horizon, 8."""
    border = Border(Payday(only))
    read = StateReader(border.env, None)
    plays = [random_episode(border, read, seed, most) for seed in range(9)]
    lived = [bool((play.states[:8, payees] < 3).all()) for play in plays]
    assert [play.won for play in plays] == lived
    assert len(set(lived)) == 2
    assert not any(random_episode(border, read, seed, most + 0.1).won for seed in range(9))


def test_by_default_all_count_that_ever_got_a_reward():
    rewards = [{"a": 1.0, "b": 1.0}] + [{"a": 1.0}] * 8 + [{"a": 1.0, "c": 0.0}]
    assert played(11 / 3, rewards)
    assert not played(3.7, rewards)
    assert not played(11 / 3, rewards, team=4)


@pytest.mark.parametrize("rule", [float("nan"), float("inf"), np.float32("nan")])
def test_a_return_to_reach_is_finite(rule):
    with pytest.raises(InvalidValueError, match="success must be a number"):
        SuccessCriterion(rule)
