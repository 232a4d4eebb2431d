"""Maps as states, against loops, and the scope that comes of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from map_toys import Board, Seeded, Undeclared

from isa_wrappers import ScopeConfig, estimate_scope
from isa_wrappers.border.map_features import ABSENT, MapState, map_features
from isa_wrappers.envs import make_batch, make_parallel
from isa_wrappers.errors import InvalidValueError, NonFiniteError, UnsupportedEnvironmentError

maps = arrays(np.int64, st.tuples(*(st.integers(1, 4),) * 3), elements=st.integers(0, 2))


@given(maps)
def test_features_are_what_loops_find(cells):
    found = map_features(cells, values=[1, 2]).reshape(cells.shape[2], 2, 3)
    for c in range(cells.shape[2]):
        for v in (1, 2):
            places = [(y, x) for y, x in np.ndindex(*cells.shape[:2]) if cells[y, x, c] == v]
            middle = np.mean(places, axis=0) if places else [ABSENT, ABSENT]
            np.testing.assert_allclose(found[c, v - 1], [len(places), *middle], rtol=1e-6)
    np.testing.assert_array_equal(map_features(cells), map_features((cells > 0).astype(float)))


@pytest.mark.parametrize("first", [False, True])
def test_every_agent_moves_its_own_middle(first):
    scope = estimate_scope(MapState(Board(first=first), channels=["a", "b"], first=first), ScopeConfig(2_000))
    assert [[scope.dim_name(k) for k in dims] for dims in scope.agent_dims] == [
        ["a.row", "a.column"],
        ["b.row", "b.column"],
    ]
    assert scope.common_dims == []


def test_agents_of_one_channel_are_told_apart_by_values_alone():
    merged = estimate_scope(MapState(Board(shared=True)), ScopeConfig(2_000))
    assert {1, 2} <= set(merged.common_dims), "the middle of both is moved by each"
    apart = estimate_scope(MapState(Board(shared=True), values=[1, 2]), ScopeConfig(2_000))
    # Where both stand in one cell the second hides the first.
    assert {"channel_0=1.row", "channel_0=1.column"} <= {apart.dim_name(k) for k in apart.agent_dims[0]}
    assert {"channel_0=2.row", "channel_0=2.column"} == {apart.dim_name(k) for k in apart.special_dims[1]} - {
        "channel_0=1.count"
    }


def test_what_is_no_map_is_refused():
    with pytest.raises(UnsupportedEnvironmentError, match=r"got shape \[28\]"):
        MapState(make_parallel("grid/unlock"))
    with pytest.raises(InvalidValueError, match="channels must name 2 channels"):
        MapState(Board(), channels=["one"])
    with pytest.raises(InvalidValueError, match=r"a map must be an array .* got \[3\]"):
        map_features(np.zeros(3))
    with pytest.raises(
        UnsupportedEnvironmentError, match=r"at most 1,000 channels, on the last axis, got shape \[2, 6"
    ):
        MapState(Board(first=True, width=1_001))
    for bad in ([], "12", ["a"], [float("nan")], [[1]], 3):
        with pytest.raises(InvalidValueError, match=r"^values must be"):
            MapState(Board(), values=bad)
    with pytest.raises(InvalidValueError, match="first must be"):
        MapState(Board(), first="yes")


def test_the_first_state_tells_what_no_space_does():
    env = MapState(Undeclared())
    assert env.things == ("channel_0", "channel_1")
    np.testing.assert_array_equal(env.state(), [1, 3, 3, 1, 3, 3])


def test_options_are_passed_where_there_are_any():
    env = MapState(Seeded())
    assert set(env.reset(seed=3)[0]) == {"a", "b"}
    assert env.seed == 3
    with pytest.raises(TypeError, match="options"):
        env.reset(options={"easy": True})
    assert make_batch("map_toys:Seeded", 1, state_features="map").reset(0).state.shape == (1, 6)


def test_a_map_with_a_hole_is_refused():
    with pytest.raises(NonFiniteError, match="a map must be finite, but contains NaN or infinity"):
        map_features(np.array([[0.0, np.nan]]))
