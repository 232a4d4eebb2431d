"""The PettingZoo form: which actions, options and seeds are taken, and which are refused."""

from __future__ import annotations

import numpy as np
import pytest
from grid_play import ONE_UP

from isa_wrappers.envs.grid.parallel import GridParallelEnv
from isa_wrappers.errors import InvalidValueError, ISAError


def test_unavailable_action_counts_as_stay():
    env = GridParallelEnv("shooting")
    observations, _ = env.reset()
    assert observations["agent_0"]["action_mask"].tolist() == [1, 1, 1, 1, 1, 0]
    before = env.state()
    env.step(dict.fromkeys(env.agents, 5))
    np.testing.assert_array_equal(env.state(), before)


def test_whole_numbers_of_any_library_are_actions():
    torch = pytest.importorskip("torch")
    env = GridParallelEnv(**ONE_UP)
    for action in (2, np.int64(2), np.array(2), torch.tensor(2)):
        env.reset()
        env.step({"agent_0": action})
        assert env.state()[1] == 1


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        ({}, r"no action for 'agent_0'; each agent needs one from 0 to 4 \(stay, down, up, left, right\)"),
        ({"agent_0": 0, "bob": 1}, "'bob' is not an active agent; active: agent_0"),
        ({"agent_0": 5}, "action of 'agent_0' must be an integer from 0 to 4, got 5"),
        ({"agent_0": -1}, "from 0 to 4, got -1"),
        ({"agent_0": 1.0}, "from 0 to 4, got 1.0"),
        ({"agent_0": True}, "from 0 to 4, got True"),
        ({"agent_0": "up"}, "from 0 to 4, got 'up'"),
        ({"agent_0": None}, "from 0 to 4, got None"),
        ([2], "actions must be a dict from agent to action, got list"),
        (None, "actions must be a dict from agent to action, got NoneType"),
    ],
)
def test_bad_actions_change_nothing(actions, message):
    env = GridParallelEnv(**ONE_UP)
    env.reset()
    with pytest.raises(InvalidValueError, match=message) as caught:
        env.step(actions)
    assert "\n" not in str(caught.value)
    assert env.state()[:2].tolist() == [0, 0]
    assert int(env.grid_state.time) == 0


def test_nothing_goes_without_a_reset():
    env = GridParallelEnv(**ONE_UP, render_mode="ansi")
    for call in (env.state, env.render, lambda: env.step({"agent_0": 0})):
        with pytest.raises(InvalidValueError, match=r"call reset\(\)"):
            call()
    env.reset()
    env.step({"agent_0": 2})
    env.step({"agent_0": 2})
    with pytest.raises(InvalidValueError, match=r"no episode of grid/unlock is running; call reset\(\)"):
        env.step({"agent_0": 2})
    env.reset()
    env.step({"agent_0": 2})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"render_mode": "human"}, "render_mode must be one of rgb_array, ansi; got 'human'"),
        ({"name": "unlok"}, "did you mean 'unlock'"),
        ({"horizon": -3}, "horizon must be an integer at least 1, got -3"),
        ({"targets": [(9, 9)]}, "outside the grid"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(InvalidValueError, match=message):
        GridParallelEnv(**{**ONE_UP, **options})


@pytest.mark.parametrize("seed", [-1, 1.5, "x", True])
def test_bad_seed(seed):
    with pytest.raises(ISAError, match="seed must be an integer at least 0"):
        GridParallelEnv(**ONE_UP).reset(seed=seed)
