"""Tasks by name with state features around every copy, here and in workers."""

import map_toys
import numpy as np
import pytest

from isa_wrappers.border.map_features import MapState
from isa_wrappers.envs import estimate_task_scope, family_of, make_batch, make_parallel
from isa_wrappers.envs.featured import FeaturedFamily
from isa_wrappers.envs.smac.family import FAMILY as SMAC
from isa_wrappers.errors import InvalidValueError, UnsupportedEnvironmentError


@pytest.mark.parametrize("workers", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_every_copy_has_the_features(workers):
    batch = make_batch("map_toys:Board", 3, None, None, "success", workers, "map", shared=False)
    try:
        assert batch.state_names == make_parallel("map_toys:Board", state_features="map").state_names
        np.testing.assert_array_equal(batch.reset(seed=0).state, [[1, 3, 3, 1, 3, 3]] * 3)
        said = batch.step(np.array([[1, 0], [0, 3], [4, 2]]))
        np.testing.assert_array_equal(said.state, [[1, 3, 4, 1, 3, 3], [1, 3, 3, 1, 4, 3], [1, 2, 3, 1, 3, 2]])
    finally:
        batch.close()


def test_what_cannot_be_wrapped_is_closed_and_told(monkeypatch):
    closed = []
    monkeypatch.setattr(map_toys.Board, "close", lambda env: closed.append(env), raising=False)
    with pytest.raises(InvalidValueError, match="channels must name 2 channels"):
        make_batch("map_toys:Board", 2, state_features=lambda env: MapState(env, channels=["one"]))
    assert len(closed) == 1
    with pytest.raises(UnsupportedEnvironmentError, match=r"a map is a state .* got shape \[28\]"):
        make_batch("grid/navigation", 2, state_features="map")
    with pytest.raises(
        UnsupportedEnvironmentError, match=r"single ParallelEnv, which make_parallel, isa check, state features and"
    ):
        make_batch("batch_toys:walks", 2, state_features="map")
    with pytest.raises(InvalidValueError, match="leave out one of them"):
        estimate_task_scope("map_toys:Board", None, 0, "observations", "map")


def test_games_have_processes_of_their_own_with_features_too():
    """SMAC's are waited for, and crash by themselves."""
    assert FeaturedFamily(SMAC, MapState).own_workers(3) == SMAC.own_workers(3) == 3
    assert FeaturedFamily(family_of("mpe/simple_v3"), MapState).own_workers(3) == 0
