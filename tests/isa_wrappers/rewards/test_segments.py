"""The pure functions behind Eq. 7 and Eq. 10 against loops written from the equations."""

from math import sqrt

import numpy as np
import pytest
from devices import DEVICES
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_wrappers import InfluenceScope
from isa_wrappers.arrays import to_backend, to_numpy
from isa_wrappers.rewards.segments import (
    combine_segments,
    credit_gate,
    joint_gate,
    scope_segments,
    segment_distance,
    segment_progress,
)

LAMBDAS = [0.0, 10.0, 50.0]
SIZE = 5


def on(device, array):
    if device is not None:
        pytest.importorskip("torch")
    return to_backend(np.array(array), device)


def dist(x, g, dims, hamming):
    """Section 4: lambda * (number of dims where x and g differ) + Euclidean norm of x - g."""
    differing = sum(1 for k in dims if x[k] != g[k])
    return hamming * differing + sqrt(sum((float(x[k]) - float(g[k])) ** 2 for k in dims))


def segment_lists(draw):
    return draw(st.lists(st.sets(st.integers(0, SIZE - 1)).map(sorted), min_size=1, max_size=4))


@st.composite
def cases(draw):
    """States and goals that agree in some dimensions, segments that may be empty, any leading axes."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    leading = draw(st.sampled_from([(), (1,), (6,), (2, 3)]))
    s_t, s_tp1, goal = rng.integers(-3, 4, (3, *leading, SIZE)) * draw(st.sampled_from([1.0, 0.37]))
    return s_t, s_tp1, goal, segment_lists(draw), draw(st.sampled_from(LAMBDAS))


def masks(segments):
    return np.array([[float(k in segment) for k in range(SIZE)] for segment in segments])


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES)
@given(case=cases())
@settings(deadline=None, max_examples=80)
def test_distance_and_progress_equal_loops(device, case):
    s_t, s_tp1, goal, segments, hamming = case
    a, b, g, m = (on(device, x) for x in (s_t, s_tp1, goal, masks(segments)))
    distance = to_numpy(segment_distance(a, g, m, hamming))
    progress = to_numpy(segment_progress(a, b, g, m, hamming))
    assert distance.shape == progress.shape == (*s_t.shape[:-1], len(segments))
    for where in np.ndindex(*s_t.shape[:-1]):
        for row, dims in enumerate(segments):
            before = dist(s_t[where], goal[where], dims, hamming)
            after = dist(s_tp1[where], goal[where], dims, hamming)
            assert distance[where][row] == pytest.approx(before, abs=1e-12)
            assert progress[where][row] == pytest.approx(before - after, abs=1e-12)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("hamming", LAMBDAS)
def test_an_empty_segment_has_no_distance(device, hamming):
    state, goal = on(device, [[3.0, -1.0]]), on(device, [[0.0, 7.0]])
    distance = to_numpy(segment_distance(state, goal, on(device, [[0.0, 0.0], [1.0, 1.0]]), hamming))
    assert distance[0].tolist() == pytest.approx([0.0, sqrt(73) + 2 * hamming], abs=1e-12)


@pytest.mark.parametrize("hamming", LAMBDAS)
def test_progress_is_positive_towards_the_goal_and_telescopes(hamming):
    """The sum over a path depends on its ends alone (the paper's potential), so going round in circles pays nothing."""
    goal, mask = np.array([4.0, 2.0]), np.array([[1.0, 1.0]])
    path = np.array([[0, 0], [1, 0], [1, 1], [4, 1], [4, 2], [3, 2], [4, 2], [0, 0]], dtype=float)
    steps = segment_progress(path[:-1], path[1:], goal, mask, hamming)[:, 0]
    assert (steps[:4] > 0).all()
    assert steps.sum() == pytest.approx(0.0, abs=1e-12)
    # Reaching the goal's value in a dimension pays lambda at once.
    assert steps[2] == pytest.approx(hamming + dist([1, 1], goal, [0, 1], 0) - 1.0, abs=1e-12)


@st.composite
def gates(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    agents, n = draw(st.integers(1, 4)), draw(st.integers(1, 6))
    leading = draw(st.sampled_from([(), (5,), (2, 3)]))
    return rng.random((agents, n)) < 0.5, rng.integers(0, n, (*leading, agents))


@pytest.mark.parametrize("device", DEVICES)
@given(case=gates())
@settings(deadline=None, max_examples=40)
def test_gate_looks_up_each_agents_own_action(device, case):
    touches, actions = case
    gate = to_numpy(credit_gate(on(device, touches), on(device, actions)))
    assert gate.dtype == np.bool_
    assert gate.shape == actions.shape
    for where in np.ndindex(*actions.shape):
        assert gate[where] == touches[where[-1], actions[where]]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("leading", [(), (5,), (2, 3)])
def test_one_component_that_touches_is_enough(device, leading):
    rng = np.random.default_rng(0)
    touches, elementary = rng.random((3, 6)) < 0.3, rng.integers(0, 6, (*leading, 3, 2))
    gate = to_numpy(joint_gate(on(device, touches), on(device, elementary)))
    assert gate.shape == (*leading, 3)
    for where in np.ndindex(*gate.shape):
        assert gate[where] == any(touches[where[-1], column] for column in elementary[where])


@pytest.mark.parametrize("device", DEVICES)
@given(case=gates(), special_weight=st.sampled_from([0.0, 0.2, 1.0]), env_weight=st.sampled_from([0.0, 1.0, 10.0]))
@settings(deadline=None, max_examples=40)
def test_combination_equals_a_loop(device, case, special_weight, env_weight):
    touches, actions = case
    gate = credit_gate(touches, actions)
    rng = np.random.default_rng(5)
    common = rng.normal(size=actions.shape[:-1])
    special, reward = rng.normal(size=(2, *actions.shape))
    parts = combine_segments(*(on(device, x) for x in (common, special, gate, reward)), special_weight, env_weight)
    total, intrinsic, gated, alone = (to_numpy(part) for part in parts)
    for where in np.ndindex(*actions.shape):
        r_c = common[where[:-1]] if gate[where] else 0.0
        expected = r_c + special_weight * special[where] + env_weight * reward[where]
        assert total[where] == pytest.approx(expected, abs=1e-12)
        assert intrinsic[where] == pytest.approx(r_c + special_weight * special[where], abs=1e-12)
        assert gated[where] == r_c
        assert alone[where] == special[where]


def test_segments_of_a_scope_are_the_common_one_then_each_agents():
    scope = InfluenceScope.from_dimensions({"a": [[], [0, 3]], "b": [[2], [3]], "c": [[3], [3]]}, state_size=4)
    segments = scope_segments(scope)
    assert segments.dtype == np.float32
    assert segments.tolist() == [[0, 0, 0, 1], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
