"""A scope in which somebody moves nothing is never silent."""

import warnings

import numpy as np
import pytest
from parallel_toys import WalkEnv

from isa_wrappers import InfluenceScope, ParallelEnvBatch, ScopeConfig, estimate_scope
from isa_wrappers.scope.thin import thin_scope, times_taken
from isa_wrappers.scope.transitions import collect_all_at_once


def scope_of(figures, chance=0.05, delta=0.3, **more):
    return InfluenceScope(("a", "b"), np.array(figures), delta, (2, 2), chance=chance, **more)


def test_how_near_it_came_and_what_to_do():
    figures = [[[0.5, 0.0], [0.0, 0.0]], [[0.1, 0.0], [0.0, 0.21]]]
    said = thin_scope(scope_of(figures, state_names=("x", "y"), action_names=("left", "right")))
    assert said == (
        "b moves nothing: the largest influence is 0.21, of b's action right on y, delta is 0.3, chance 0.05; that is "
        "above chance: try delta 0.13"
    )
    assert thin_scope(scope_of(figures, delta=0.13)) is None
    low = thin_scope(scope_of(np.full((2, 2, 2), 0.06)))
    assert low.startswith("the scope is empty: the largest influence is 0.06")
    assert low.endswith("use more transitions, a window of 2 or more, or an estimator without bins, interval_effect")


def test_maps_and_states_that_stand_still():
    scope = scope_of(np.zeros((2, 2, 10)))
    cells = np.eye(10)
    assert thin_scope(scope, cells).endswith(
        "10 of 10 dimensions are 0 or 1, as in a map of cells: provide coordinates, or extract them from the "
        "map with --state-features map (in Python: isa_wrappers.MapState)"
    )
    assert "the state never changed" in thin_scope(scope, cells * 0)
    assert "coordinates" not in thin_scope(scope, cells * 3)


class Mapped(WalkEnv):
    def state(self):
        cells = np.zeros(9, dtype=np.float32)
        cells[:8] = 1
        return np.roll(cells, int(self.time * 31 % 9))


@pytest.mark.slow
def test_the_estimate_warns():
    with pytest.warns(UserWarning, match="the scope is empty: .* 9 of 9 dimensions are 0 or 1"):
        estimate_scope(Mapped(), ScopeConfig(transitions=600))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        estimate_scope(WalkEnv(), ScopeConfig(transitions=2000))


def test_rare_actions_are_named():
    figures = [[[0.5, 0.0], [0.0, 0.0]], [[0.02, 0.0], [0.0, 0.02]]]
    scope = scope_of(figures, action_names=("left", "right"))
    taken = np.array([[3, 997], [993, 7]])
    said = thin_scope(scope, taken=taken)
    assert said.endswith(
        "; b took right 7 times in 1,000 steps: it was rarely available; use 8 times as many transitions"
    )
    assert "right" not in thin_scope(scope, taken=np.array([[3, 997], [500, 500]])).partition(";")[2]
    assert "was rarely" not in thin_scope(scope, taken=np.array([[500, 500], [1000, 0]])), "it may never be to be had"
    above = thin_scope(scope_of([figures[0], [[0.2, 0.0], [0.0, 0.0]]]), taken=taken)
    assert "that is above chance: try delta 0.12; b took 1 7 times" in above


class Rarely(WalkEnv):
    """Everybody waits, but in one step of a hundred."""

    def __init__(self):
        super().__init__(masks="info", horizon=100)

    def _infos(self, won=False):
        infos = super()._infos(won)
        for info in infos.values():
            info["action_mask"] = np.array([1, self.time == 50, 0])
        return infos


def test_times_taken_counts_who_acted_freely():
    batch = ParallelEnvBatch([Rarely(), Rarely()])
    transitions = collect_all_at_once(batch, ScopeConfig(1_000, window=1), 0)
    taken = times_taken(transitions, 3)
    assert taken.sum(axis=1).tolist() == [1_000, 1_000]
    assert (taken[:, 1] <= 10).all()
    assert taken[:, 1].any()
    assert not taken[:, 2].any()


def test_the_estimate_names_them():
    with pytest.warns(UserWarning, match=r"the scope is empty: .*; walker_\d took 1 \d times in 1,000 steps: it was"):
        estimate_scope(ParallelEnvBatch([Rarely(), Rarely()]), ScopeConfig(1_000, window=1))
