"""What is rounding is told by the numbers around a change, whatever else a dimension ever was."""

import numpy as np
import pytest

from isa_wrappers import ScopeConfig
from isa_wrappers.scope.interval_effect import INTERVAL_EFFECT
from isa_wrappers.scope.transitions import Transitions

SETTLED = INTERVAL_EFFECT.settled(ScopeConfig(window=1))
STEPS, COPIES = 250, 8


def walk(seed=0):
    """Back, rest or forth in 0..9, beside noise that nobody makes: states ``[T + 1, E, 2]`` and actions."""
    rng = np.random.default_rng(seed)
    actions = rng.integers(3, size=(STEPS, COPIES, 1))
    states = rng.normal(size=(STEPS + 1, COPIES, 2))
    states[0, :, 0] = 5.0
    for t in range(STEPS):
        states[t + 1, :, 0] = np.clip(states[t, :, 0] + actions[t, :, 0] - 1, 0, 9)
    return states, actions, rng


def figures(states, actions):
    given = Transitions(
        free=np.ones((COPIES, 1), dtype=bool),
        actions=actions,
        available=np.ones((*actions.shape, 3), dtype=bool),
        states=states[:-1],
        next_states=states[1:],
        episode=np.zeros(actions.shape[:2], dtype=np.int64),
        held=np.full(actions.shape, -1),
        valid=np.ones(actions.shape, dtype=bool),
    )
    return INTERVAL_EFFECT.estimate([given], SETTLED, 3)[0]


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("huge", [1e9, 1e20, 3e38])
def test_one_huge_number_now_and_then_hides_nothing(huge, kind):
    states, actions, rng = walk()
    plain = figures(states.astype(kind), actions)
    states[..., 0][rng.random(states.shape[:2]) < 0.002] = huge
    found = figures(states.astype(kind), actions)
    np.testing.assert_allclose(found, plain, atol=0.03)
    assert (plain > 0.1).tolist() == [[True, False], [False, False], [True, False]]


@pytest.mark.parametrize("offset", [1e6, 3e6, 8e6])
def test_whole_numbers_that_a_float_holds_are_not_rounded(offset):
    states, actions, _ = walk()
    plain = figures(states.astype(np.float32), actions)
    shifted = figures((states + np.array([offset, 0.0])).astype(np.float32), actions)
    np.testing.assert_allclose(shifted, plain, atol=1e-6)


@pytest.mark.parametrize(("offset", "size"), [(1e8, 8.0), (3e6, 0.25), (0.3, 2.0**-24), (1e7, 1.0)])
def test_an_action_that_rounds_otherwise_moves_nothing(offset, size):
    """The last digit of a float32 that stands still otherwise."""
    _, actions, _ = walk()
    states = np.full((STEPS + 1, COPIES, 2), offset)
    states[1:] += (actions == 2) * size
    assert not figures(states.astype(np.float32), actions).any()


def test_near_0_rounding_is_that_of_the_numbers_it_is_a_difference_of():
    states, actions, rng = walk()
    difference = rng.normal(size=states.shape) * (rng.random(states.shape) < 0.5)
    still = difference[1:] == 0.0
    difference[1:][still] = 1e-8 * np.broadcast_to(actions == 2, still.shape)[still]
    assert not figures(difference.astype(np.float32), actions).any()
