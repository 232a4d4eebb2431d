"""Goal selectors: the listed ones on every device, and one from outside."""

import numpy as np
import pytest
from devices import DEVICES
from reward_oracles import on

from isa_wrappers import GoalBuffer, GoalConfig
from isa_wrappers.arrays import Rng, to_numpy
from isa_wrappers.errors import InvalidValueError, UnknownNameError
from isa_wrappers.rewards import GOAL_SELECTORS


def filled(device, capacity, count):
    on(device, np.zeros(1))
    buffer = GoalBuffer(2, capacity, device=device)
    for number in range(count):
        buffer.add(on(device, np.full((1, 2), number, dtype=np.float32)), on(device, np.array([True])))
    return buffer


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("leading", [(1,), (6,), (2, 3)])
@pytest.mark.parametrize("name", list(GOAL_SELECTORS))
def test_a_selector_returns_stored_states_for_any_number_of_draws(name, leading, device):
    buffer = filled(device, capacity=4, count=9)
    draws = on(device, np.random.default_rng(0).random(leading).astype(np.float32))
    drawn = to_numpy(GOAL_SELECTORS[name](buffer, draws))
    assert drawn.shape == (*leading, 2)
    assert drawn.dtype == np.float32
    assert set(drawn.ravel().tolist()) <= {5.0, 6.0, 7.0, 8.0}


@pytest.mark.parametrize("device", DEVICES)
def test_uniform_is_the_buffers_own_draw(device):
    buffer = filled(device, capacity=4, count=9)
    draws = on(device, np.linspace(0, 0.99, 13))
    drawn = GOAL_SELECTORS["uniform"](buffer, draws)
    np.testing.assert_array_equal(to_numpy(drawn), to_numpy(buffer.draw(draws)))
    assert len(np.unique(to_numpy(drawn))) == 4


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("count", [1, 3, 4, 5, 11])
def test_latest_takes_the_last_one_won(device, count):
    buffer = filled(device, capacity=4, count=count)
    drawn = to_numpy(GOAL_SELECTORS["latest"](buffer, on(device, np.array([0.0, 0.7, 0.99]))))
    assert drawn.tolist() == [[count - 1.0] * 2] * 3


def test_the_list_offers_the_nearest():
    with pytest.raises(UnknownNameError, match="unknown goal selector 'latset'; did you mean 'latest'"):
        GOAL_SELECTORS["latset"]
    assert GoalConfig().selector == "uniform"
    with pytest.raises(InvalidValueError, match="selector must be a name, got 3"):
        GoalConfig(selector=3)


@pytest.mark.parametrize("chosen", [lambda goals, uniform: goals.states[:1], lambda goals, uniform: None])
def test_a_selector_that_returns_other_than_so_many_states_is_told(chosen):
    goals = GoalBuffer(2)
    goals.add(np.ones((2, 2), dtype=np.float32), np.array([True, True]))
    with pytest.raises(InvalidValueError, match=r"a goal selector must return states \[3, 2\], got"):
        goals.choose(chosen, Rng(0), 3)
