"""InfluenceScope: Definitions 1 to 3 as sets, immutability, and what it refuses."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from isa_wrappers import InfluenceScope
from isa_wrappers.errors import InvalidValueError, ScopeMismatchError

information = hnp.arrays(
    np.float64,
    st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(0, 5)),
    elements=st.sampled_from([0.0, 0.1, 0.3, 0.30000001, 0.6, 1.0]),
)


def make(values, delta=0.3, **kwargs):
    agents = tuple(f"agent_{i}" for i in range(values.shape[0]))
    return InfluenceScope(agents, values, delta, (values.shape[1],) * values.shape[0], **kwargs)


@given(values=information, delta=st.sampled_from([0.0, 0.1, 0.3, 0.45, 0.999]))
def test_definitions_1_to_3_as_sets(values, delta):
    scope = make(values, delta)
    agents, actions, size = values.shape
    d_a = [[{k for k in range(size) if values[i, a, k] > delta} for a in range(actions)] for i in range(agents)]
    d_i = [set().union(*per_action) for per_action in d_a]
    d_c = set.intersection(*d_i)
    assert scope.common_dims == sorted(d_c)
    assert scope.agent_dims == [sorted(dims) for dims in d_i]
    assert scope.special_dims == [sorted(dims - d_c) for dims in d_i]
    assert scope.action_dims == {f"agent_{i}": [sorted(dims) for dims in d_a[i]] for i in range(agents)}
    for i in range(agents):
        for a in range(actions):
            assert scope.touches_common[i, a] == bool(d_a[i][a] & d_c)
    assert (scope.num_agents, scope.state_size) == (agents, size)
    assert scope.action_mask.shape == values.shape
    assert scope.agent_mask.shape == scope.special_mask.shape == (agents, size)
    assert scope.common_mask.shape == (size,)
    # JSON takes Python's integers only.
    assert all(type(k) is int for dims in [scope.common_dims, *scope.agent_dims, *scope.special_dims] for k in dims)


@pytest.mark.slow
@given(values=information)
def test_a_larger_delta_never_adds_a_dimension(values):
    scope = make(values, 0.1)
    stricter = scope.with_delta(0.45)
    assert stricter.delta == 0.45
    assert not (stricter.action_mask & ~scope.action_mask).any()
    assert scope.delta == 0.1
    # The masks are those of the new threshold, not cached ones of the old.
    np.testing.assert_array_equal(stricter.action_mask, values > 0.45)
    np.testing.assert_array_equal(scope.action_mask, values > 0.1)


def test_delta_itself_is_not_enough():
    assert make(np.full((1, 1, 1), 0.3)).common_dims == []
    assert make(np.full((1, 1, 1), np.nextafter(0.3, 1))).common_dims == [0]


def test_of_a_single_agent_all_is_common():
    scope = InfluenceScope.from_dimensions({"only": [[], [0, 2]]}, state_size=3)
    assert scope.common_dims == [0, 2]
    assert scope.special_dims == [[]]


def test_from_dimensions_with_agents_of_different_numbers_of_actions():
    scope = InfluenceScope.from_dimensions({"a": [[], [0], [2]], "b": [[2, 1]]}, state_size=3, delta=0.3)
    assert scope.num_actions == (3, 1)
    assert scope.action_dims == {"a": [[], [0], [2]], "b": [[1, 2]]}
    assert (scope.common_dims, scope.special_dims, scope.delta) == ([2], [[0], [1]], 0.3)


def test_nothing_in_it_can_be_changed():
    values = np.zeros((2, 2, 3))
    scope = make(values)
    values[:] = 1.0
    assert scope.influence.max() == 0.0
    for array in (
        scope.influence,
        scope.action_mask,
        scope.agent_mask,
        scope.common_mask,
        scope.special_mask,
        scope.touches_common,
    ):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = True
    with pytest.raises(dataclasses.FrozenInstanceError):
        scope.delta = 0.5


def test_dimension_names():
    assert make(np.zeros((1, 1, 2)), state_names=("x", "y")).dim_name(1) == "y"
    assert make(np.zeros((1, 1, 2))).dim_name(1) == "1"


@pytest.mark.parametrize("delta", [-0.1, 1.0, float("nan"), "0.3", None])
def test_bad_delta(delta):
    with pytest.raises(InvalidValueError, match="delta"):
        make(np.zeros((1, 1, 1)), delta)
    with pytest.raises(InvalidValueError, match="delta"):
        make(np.zeros((1, 1, 1))).with_delta(delta)


@pytest.mark.parametrize("delta", [[0.5], [0.5, 1.0], [0.5, float("nan")], [[0.5, 0.5]], np.array([0.1, 0.2, 0.3])])
def test_bad_delta_per_dimension(delta):
    with pytest.raises(InvalidValueError, match="delta"):
        make(np.zeros((1, 1, 2)), delta)


def test_delta_per_dimension():
    values = np.array([[[0.3, 0.3], [0.1, 0.6]]])
    scope = make(values, [0.2, 0.5])
    assert scope.action_dims == {"agent_0": [[0], [1]]}
    assert scope.delta.tolist() == [0.2, 0.5]
    assert scope.delta_text == "0.2 to 0.5"
    with pytest.raises(ValueError, match="read-only"):
        scope.delta[0] = 0.9
    assert scope.with_delta(0.5).action_dims == {"agent_0": [[], [1]]}
    assert scope.with_delta(np.array([0.5, 0.5])).delta_text == "0.5"


@pytest.mark.parametrize("value", [float("nan"), -0.01, 1.01, float("inf")])
def test_information_outside_0_to_1(value):
    values = np.zeros((2, 2, 2))
    values[1, 0, 1] = value
    with pytest.raises(InvalidValueError, match="influence"):
        make(values)


def test_shapes_that_disagree():
    with pytest.raises(InvalidValueError, match=r"\[agents=1, actions, dimensions\], got \[2, 2\]"):
        InfluenceScope(("a",), np.zeros((2, 2)), 0.3, (2,))
    with pytest.raises(InvalidValueError, match=r"got \[2, 2, 2\]"):
        InfluenceScope(("a",), np.zeros((2, 2, 2)), 0.3, (2,))
    with pytest.raises(InvalidValueError, match=r"at most 2, got \[3\]"):
        InfluenceScope(("a",), np.zeros((1, 2, 2)), 0.3, (3,))
    with pytest.raises(InvalidValueError, match="num_actions"):
        InfluenceScope(("a",), np.zeros((1, 2, 2)), 0.3, (2, 2))
    with pytest.raises(InvalidValueError, match="state_names must name 2 dimensions, got 1"):
        make(np.zeros((1, 1, 2)), state_names=("x",))
    with pytest.raises(InvalidValueError, match="at least one agent"):
        InfluenceScope((), np.zeros((0, 2, 2)), 0.3, ())


@pytest.mark.parametrize("dimension", [3, -1, 0.5])
def test_from_dimensions_refuses_dimensions_the_state_lacks(dimension):
    with pytest.raises(InvalidValueError, match="from 0 to 2"):
        InfluenceScope.from_dimensions({"a": [[0], [dimension]]}, state_size=3)


def test_from_dimensions_refuses_no_agents():
    with pytest.raises(InvalidValueError, match="at least one agent"):
        InfluenceScope.from_dimensions({}, state_size=3)


def test_check_fits_names_what_differs():
    scope = InfluenceScope.from_dimensions({"a": [[], [0]], "b": [[], [1], [1]]}, state_size=2)
    scope.check_fits(["a", "b"], [2, 3], 2)
    scope.check_fits(("a", "b"), (2, 3), 2)
    with pytest.raises(ScopeMismatchError, match=r"agents \['a', 'b'\], here \['b', 'a'\]"):
        scope.check_fits(["b", "a"], [2, 3], 2)
    with pytest.raises(ScopeMismatchError, match=r"numbers of actions \[2, 3\], here \[2, 2\]"):
        scope.check_fits(["a", "b"], [2, 2], 2)
    with pytest.raises(ScopeMismatchError, match="state size 2, here 3"):
        scope.check_fits(["a", "b"], [2, 3], 3)


def test_the_scope_of_everything():
    scope = InfluenceScope.of_everything(("a", "b"), (3, 2), state_size=2, state_names=("x", "y"))
    assert scope.common_dims == [0, 1]
    assert scope.action_dims == {"a": [[0, 1]] * 3, "b": [[0, 1]] * 2}
    assert scope.touches_common.tolist() == [[True, True, True], [True, True, False]]
    assert (scope.state_names, scope.num_actions) == (("x", "y"), (3, 2))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [(1.1, "got 1.1 for"), (-0.1, "got -0.1 for"), (np.nan, "got nan for"), (1 + 2e-9, "got 1.000000002 for")],
)
def test_a_figure_outside_is_told_with_its_place(wrong, told):
    figures = np.zeros((2, 3, 4))
    figures[1, 2, 3] = wrong
    agents = ("red", "blue")
    with pytest.raises(InvalidValueError, match=f"{told} blue's action 2 on dimension 3$"):
        InfluenceScope(agents, figures, 0.1, (3, 3))
    figures[0] = wrong
    with pytest.raises(InvalidValueError, match="red's action 0 on dimension 0 and 12 more such"):
        InfluenceScope(agents, figures, 0.1, (3, 3))


def test_rounding_is_put_right():
    scope = make(np.array([[[1.0000000000000002, -1e-10]]]))
    assert scope.influence.tolist() == [[[1.0, 0.0]]]
