"""The quick look passes over nothing that the full comparison would find."""

import numpy as np
import pytest
from walked_corridor import walk

from isa_wrappers.scope import strata
from isa_wrappers.scope.comparisons import Levels
from isa_wrappers.scope.interval_effect import Window
from isa_wrappers.scope.probes import Probes
from isa_wrappers.scope.screening import BINS, Screen, coarse_bins
from isa_wrappers.scope.strata import effects_in_strata

LEVELS = Levels(-16.0, -14.0, -8.0)


def kinds_of_effects(rng, rows=3_000, actions=6):
    """One agent in one of eight places; what its actions do there: a push, a rare one, noise, both ways, a half."""
    place, act = rng.integers(8, size=rows), rng.integers(actions, size=(rows, 1))
    here, a, noise = place == 3, act[:, 0], rng.standard_normal((rows, 3))
    changes = np.stack(
        [
            here * (a == 1),
            here * (a == 2) * (rng.random(rows) < 0.4),
            noise[:, 0] + 3.0 * here * (a == 3),
            noise[:, 1] * np.where(here & (a == 4), 9.0, 1.0),
            here * np.where(a < actions // 2, 1.0, -1.0),
            here * ((a == 1) * 1.0 - (a == 2)) * 1e-5,
            noise[:, 2],
        ],
        axis=1,
    ).astype(np.float64)
    states = np.stack([place, rng.standard_normal(rows)], axis=1).astype(np.float32)
    states = np.concatenate([states, np.zeros((rows, 6))], axis=1).astype(np.float32)
    every, always = np.ones((rows, 1, actions), dtype=bool), np.ones((rows, 1), dtype=bool)
    return Window(states, changes, np.arange(1, 8), np.full((2, 7), 1e-9), act, every, always)


def unscreened(monkeypatch, window):
    with monkeypatch.context() as patched:
        patched.setattr(Screen, "candidates", lambda self, group: np.ones((group.max() + 1, self.zero.shape[1]), bool))
        return effects_in_strata(window)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_passed_over(monkeypatch, seed):
    rng = np.random.default_rng(seed)
    probes = Probes()
    probes.add(walk(12_000, 0.1, seed))
    for window in (kinds_of_effects(rng), probes.window()):
        wanted = unscreened(monkeypatch, window)
        assert (wanted > 0.1).any()
        np.testing.assert_array_equal(effects_in_strata(window), wanted)


def test_what_nobody_moves_is_seldom_looked_at_in_full(monkeypatch):
    looked = []
    full = strata.agent_effects
    monkeypatch.setattr(
        strata, "agent_effects", lambda part, *rest: (looked.append(len(part.dims)), full(part, *rest))[1]
    )
    rng = np.random.default_rng(0)
    rows, dims = 4_000, 12
    states, changes = rng.standard_normal((2, rows, dims))
    every, always = np.ones((rows, 1, 6), dtype=bool), np.ones((rows, 1), dtype=bool)
    act = rng.integers(6, size=(rows, 1))
    assert not effects_in_strata(
        Window(states, changes, np.arange(dims), np.full((2, dims), 1e-9), act, every, always)
    ).any()
    assert looked[0] == dims, "all transitions together"
    assert sum(looked[1:]) < 0.05 * 8 * dims * dims


def test_groups_and_dimensions_are_told_apart_and_rows_in_no_group_left_out():
    rng = np.random.default_rng(0)
    act, group = rng.integers(3, size=900), np.repeat([0, 1, -1], 300)
    changes = np.stack([(group == 1) * (act == 2), (group == -1) * (act == 1)], axis=1).astype(np.float64)
    screen = Screen.of([changes], act, 3, LEVELS)
    assert screen.candidates(group).tolist() == [[False, False], [True, False]]


def test_bins_hold_zero_apart_and_are_few():
    rng = np.random.default_rng(0)
    values = rng.standard_normal((1_000, 2)) * (rng.random((1_000, 2)) < 0.1)
    codes = coarse_bins(values)
    assert codes.max() < BINS
    for k in range(2):
        assert len(set(codes[values[:, k] == 0, k].tolist())) == 1
        order = np.argsort(values[:, k])
        assert (np.diff(codes[order, k].astype(int)) >= 0).all()
        assert not set(codes[values[:, k] == 0, k].tolist()) & set(codes[values[:, k] != 0, k].tolist())
    assert coarse_bins(np.zeros((5, 1)))[:, 0].tolist() == [0] * 5
