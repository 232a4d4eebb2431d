"""Agents that end before the episode does: gone wherever they stay, told once, their last observation kept."""

import warnings

import numpy as np
import pytest
from border_play import FIRST, SECOND, both
from border_toys import Alone, Kitchen, Lingering, Told
from continuous_toys import Stays
from gymnasium import spaces
from parallel_toys import WalkEnv

from isa_wrappers import GoalBuffer, ParallelEnvBatch
from isa_wrappers.border.actions import ActionCode
from isa_wrappers.border.border import Border
from isa_wrappers.border.masks import idle_actions
from isa_wrappers.errors import InvalidValueError
from isa_wrappers.wrappers import EpisodeStatistics, GoalRecording, ScopeWrapper


class Both(Alone):
    """Who leaves is terminated as well as truncated."""

    def step(self, actions):
        *said, _, truncated, infos = super().step(actions)
        return *said, truncated, truncated, infos


def test_who_was_ended_is_gone_wherever_it_stays():
    batch = ParallelEnvBatch([Lingering()])
    batch.reset()
    act = np.zeros((1, 2), dtype=np.int64)
    assert batch.step(act).alive.tolist() == [[True, True]]
    with pytest.warns(UserWarning, match="agent 'walker_0' of walk was terminated or truncated but stays"):
        step = batch.step(act)
    assert (step.alive.tolist(), bool(step.done)) == ([[False, True]], False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert batch.step(act).alive.tolist() == [[False, True]], "though its end was told once"
        step = batch.step(act)
    assert (step.terminated, step.truncated, step.final_alive.tolist()) == (False, True, [[False, True]])
    assert step.alive.tolist() == [[True, True]], "the next episode"


def test_all_ended_is_the_end_of_the_episode():
    batch = ParallelEnvBatch([Lingering(who=(FIRST, SECOND))])
    ends = [batch.reset(), *(batch.step(np.zeros((1, 2))) for _ in range(20))]
    assert [bool(step.terminated[0]) for step in ends] == [False] + [False, True] * 10


def test_the_wrappers_let_the_ended_go():
    goals = GoalBuffer(2)
    inner = EpisodeStatistics(Lingering(), success=2.0)
    env = GoalRecording(ScopeWrapper(inner, None), None, goals, success=2.0)
    env.reset()
    played = []
    for _ in range(10):
        played.append(list(env.agents))
        if not env.agents:
            break
        env.step(dict.fromkeys(env.agents, 0))
    assert played == [[FIRST, SECOND]] * 2 + [[SECOND]] * 2 + [[]]
    assert env.num_agents == 0
    assert len(goals) == 1, "its return was told at its end"
    told = inner.take()
    assert (told["episodes"], told["episode_length"]) == (1, 4)


def test_who_is_truncated_alone_is_told():
    batch = ParallelEnvBatch([Alone()])
    assert not batch.reset().cut.any()
    step = batch.step(np.zeros((1, 2)))
    assert (step.cut.tolist(), step.alive.tolist(), bool(step.done)) == ([[True, False]], [[False, True]], False)
    step = batch.step(np.zeros((1, 2)))
    assert (step.cut.tolist(), step.final_alive.tolist(), bool(step.truncated)) == (
        [[False] * 2],
        [[False, True]],
        True,
    )
    for env in (WalkEnv(deaths=True), Both()):
        died = ParallelEnvBatch([env])
        died.reset()
        assert not any(died.step(np.array([[1, 0]])).cut.any() for _ in range(3)), "terminated is not truncated"


def test_a_last_step_without_observations_keeps_what_was_seen():
    batch = ParallelEnvBatch([Kitchen()], state_fallback="observations")
    assert batch.state_names[:4] == ("walker_0.self[0]", "walker_0.self[1]", "walker_0.self[2]", "walker_0.soup")
    assert batch.reset().state.tolist() == [[0, 0, 8, 0] * 2]
    for time in (1, 2):
        assert batch.step(np.array([[1, 0]])).state.tolist() == [[time, time, 8, time, 0, time, 8, time]]
    step = batch.step(np.array([[1, 0]]))
    assert step.done.all()
    assert step.final_state.tolist() == [[2, 2, 8, 2, 0, 2, 8, 2]]
    assert step.final_obs[0, 0].any(), "what the network sees too"
    goals = GoalBuffer(8)
    env = GoalRecording(Kitchen(), None, goals, success=0.0, state_fallback="observations")
    env.reset()
    while env.agents:
        env.step(dict.fromkeys(env.agents, 1))
    assert goals.states.tolist() == [[2, 2, 8, 2] * 2]


def test_who_stays_after_its_end_does_what_is_nearest_to_nothing():
    border = Border(Stays())
    border.reset(seed=0)
    with pytest.warns(UserWarning, match="stays in env.agents"):
        border.step({"a": np.ones(2, np.float32), "b": np.array([1, 2])})
    border.step({"b": np.array([1, 2])})
    assert border.env.seen[1]["a"].tolist() == [0.5, 0.5]


@pytest.mark.filterwarnings("ignore:agent 'walker_0' of walk")
@pytest.mark.parametrize(
    ("mask", "done"), [([0, 1, 1], 1), ([1, 0, 0], 0), ([0, 0, 0], 0), ([0, 1, 1, 0], 1), ("none of these", 0)]
)
@pytest.mark.parametrize("place", ["info", "observation"])
def test_who_stays_after_its_end_does_what_its_mask_allows(place, mask, done):
    """All barred, as the dead may be, or no mask at all: then nothing."""
    env = Lingering()
    took = []

    def step(actions, inner=env.step):
        took.append(actions[FIRST])
        said = inner(actions)
        if env.time > 1 and place == "info":
            said[4][FIRST]["action_mask"] = mask
        elif env.time > 1:
            said[0][FIRST] = {"observation": said[0][FIRST], "action_mask": mask}
        return said

    env.step, env.action_space = step, lambda agent: spaces.Discrete(3 if agent == FIRST else 4)
    border = Border(env)
    border.reset(seed=0)
    for _ in range(3):
        border.step(dict.fromkeys(border.living, 0))
    assert took == [0, 0, done]


def test_who_stays_after_its_end_takes_an_allowed_value_of_each_choice():
    border = Border(Stays())
    border.reset(seed=0)
    code = ActionCode.of(spaces.MultiDiscrete([2, 3], start=[1, 0]), "b")
    mask = np.array([0, 1, 0, 0, 1], dtype=bool)
    assert idle_actions(["b"], {"b": code}, {}, {"b": {"action_mask": mask}}, 5)["b"].tolist() == [2, 2]


def flagged(name, flag):
    """In step 2 the first agent's flag of this name is ``flag``; it stays in ``agents``."""

    def change(time, *said):
        said = list(said)
        if time == 2:
            said[2 + (name == "truncations")] = {FIRST: flag, SECOND: False}
        return tuple(said)

    return Told(change)


@pytest.mark.filterwarnings("ignore:agent 'walker_0' of walk")
@pytest.mark.parametrize("name", ["terminations", "truncations"])
@pytest.mark.parametrize("flag", [True, 1, 2, 0.5, np.True_, np.array([True])])
def test_a_flag_is_read_as_a_truth_value(name, flag):
    batch = ParallelEnvBatch([flagged(name, flag)])
    batch.reset()
    batch.step(np.zeros((1, 2)))
    step = batch.step(np.zeros((1, 2)))
    assert (step.alive.tolist(), step.cut.tolist()) == ([[False, True]], [[name == "truncations", False]])


@pytest.mark.parametrize("flag", ["yes", "False", float("nan")])
@both
def test_flags_that_are_neither_are_refused(play, flag):
    with pytest.raises(InvalidValueError, match=f"truncations of agent 'walker_0' must be true or false, got '?{flag}"):
        play(flagged("truncations", flag), steps=2)
