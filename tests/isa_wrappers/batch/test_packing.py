"""Dicts by agent as rows of a batch, and actions back, without an environment that is stepped."""

import numpy as np
import pytest
from continuous_toys import Mixed
from parallel_toys import WalkEnv

from isa_wrappers.batch.env_copy import read_spec
from isa_wrappers.batch.packing import Packer
from isa_wrappers.border.border import Border
from isa_wrappers.errors import NonFiniteError


def packer_of(env):
    border = Border(env)
    return border, Packer(border, read_spec(env, None))


def test_what_was_told_is_laid_out_by_agent():
    border, packer = packer_of(WalkEnv(agents=3))
    told = {"walker_2": np.float32([5, 6]), "walker_0": np.float32([1, 2])}
    border.receive(told, {"walker_2": {"action_mask": [0, 1, 0]}}, list(told), 7)
    row = packer.observe(told)
    assert row["obs"].tolist() == [[1, 2], [0, 0], [5, 6]]
    assert row["alive"].tolist() == [True, False, True]
    assert row["available"].tolist() == [[True] * 3, [True, False, False], [False, True, False]]
    assert packer.native_actions([2, 1, 0]) == {"walker_0": 2, "walker_2": 0}


def test_whoever_has_just_acted_sees_what_it_saw_before():
    border, packer = packer_of(WalkEnv())
    first = {agent: np.float32([i, 9]) for i, agent in enumerate(border.agents)}
    border.receive(first, None, list(first), 0)
    packer.observe(first)
    border.receive({}, None, [], 1)
    assert packer.observe({}, acted=["walker_1"])["obs"].tolist() == [[0, 0], [1, 9]]


def test_what_is_told_is_checked_with_its_step():
    border, _ = packer_of(WalkEnv())
    with pytest.raises(NonFiniteError, match="agent 'walker_1' in step 7, element 0 must be finite"):
        border.receive({"walker_1": np.float32([np.inf, 0])}, None, ["walker_1"], 7)


def test_actions_are_as_the_environment_takes_them():
    env = Mixed()
    env.reset(seed=0)
    border, packer = packer_of(env)
    observations = dict.fromkeys(env.possible_agents, np.zeros(7, np.float32))
    border.receive(observations, None, env.possible_agents, 0)
    chosen = packer.native_actions([[1.5, 0], [2, 1], [0, 1], [2, 0]])
    assert all(env.action_space(agent).contains(action) for agent, action in chosen.items())
    assert chosen["crane"].tolist() == [3, 1]
    assert chosen["walker"] == 2
    assert packer.observe(observations)["available"].sum(axis=1).tolist() == [4, 5, 4, 3]
