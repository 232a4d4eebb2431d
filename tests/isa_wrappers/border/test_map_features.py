"""Maps as states, against loops, and the scope that comes of them."""

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pettingzoo import ParallelEnv

from isa_wrappers import ScopeConfig, estimate_scope
from isa_wrappers.border.map_features import ABSENT, MapState, map_features
from isa_wrappers.envs import make_parallel
from isa_wrappers.errors import InvalidValueError, UnsupportedEnvironmentError

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


class Board(ParallelEnv):
    """Two agents on a board of 6 x 6, each in a channel of its own, or both in one; the state is the map."""

    metadata = {"name": "board"}  # noqa: RUF012

    def __init__(self, shared=False, first=False):
        self.possible_agents, self.agents = ["a", "b"], []
        self.shared, self.first = shared, first
        shape = (6, 6, 1 if shared else 2)
        self.state_space = spaces.Box(0, 2, (shape[2], 6, 6) if first else shape, dtype=np.int8)
        self.places = np.zeros((2, 2), dtype=int)

    def observation_space(self, agent):
        return spaces.Box(0, 5, (2,), dtype=np.float32)

    def action_space(self, agent):
        return spaces.Discrete(5)

    def reset(self, seed=None, options=None):
        self.places[:], self.time, self.agents = 3, 0, ["a", "b"]
        return self.seen(), {agent: {} for agent in self.agents}

    def step(self, actions):
        moves = np.array([[0, 0], [0, 1], [0, -1], [1, 0], [-1, 0]])
        self.places = np.clip(self.places + moves[[actions["a"], actions["b"]]], 0, 5)
        self.time += 1
        over, team = self.time >= 20, self.agents
        self.agents = [] if over else team
        return (
            self.seen(), dict.fromkeys(team, 0.0), dict.fromkeys(team, False), dict.fromkeys(team, over),
            {agent: {} for agent in team},
        )  # fmt: skip

    def seen(self):
        return {agent: self.places[i].astype(np.float32) for i, agent in enumerate(["a", "b"])}

    def state(self):
        cells = np.zeros((6, 6, 1 if self.shared else 2), dtype=np.int8)
        for i, (row, column) in enumerate(self.places):
            cells[row, column, 0 if self.shared else i] = 1 if not self.shared else 1 + i
        return np.moveaxis(cells, -1, 0) if self.first else cells


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
