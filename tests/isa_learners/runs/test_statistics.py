"""Statistics over seeds, against scipy, brute force and known values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from isa_learners.runs.statistics import STATISTICS, bands, estimate, iqm, mean, probability_of_improvement, profile
from isa_wrappers.errors import InvalidValueError

rates = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12)


@given(rates)
@settings(deadline=None)
def test_iqm_is_the_mean_of_the_middle_half(values):
    cut = len(values) // 4
    assert iqm(np.array(values)) == pytest.approx(np.mean(sorted(values)[cut : len(values) - cut]))


@given(rates, rates)
@settings(deadline=None, max_examples=25)
def test_probability_of_improvement_is_mann_whitneys(first, second):
    found = probability_of_improvement([first], [second]).value
    assert found == pytest.approx(mannwhitneyu(first, second).statistic / (len(first) * len(second)))
    assert found + probability_of_improvement([second], [first]).value == pytest.approx(1.0)


def test_tasks_count_alike_in_the_probability_of_improvement():
    assert probability_of_improvement([[1.0], [0.0, 0.0, 0.0]], [[0.0], [1.0, 1.0]]).value == 0.5


@pytest.mark.parametrize("name", STATISTICS)
def test_an_interval_holds_its_value_and_narrows_with_seeds(name):
    rng = np.random.default_rng(3)
    few, many = (estimate([rng.uniform(size=size)], STATISTICS[name]) for size in (5, 500))
    assert few.low <= few.value <= few.high
    assert many.high - many.low < (few.high - few.low) / 3


def test_an_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(0)
    inside = [e.low <= 0.5 <= e.high for e in (estimate([rng.uniform(size=30)], np.mean) for _ in range(100))]
    assert 0.87 <= np.mean(inside) <= 1.0


def test_strata_are_drawn_on_their_own():
    """Two tasks, each the same for every seed: nothing varies, whatever lies between the tasks."""
    found = estimate([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]], STATISTICS["mean"])
    assert tuple(found) == (0.5, 0.5, 0.5)


def test_one_seed_has_no_interval():
    assert tuple(estimate([[0.3]])) == (0.3, 0.3, 0.3)


def test_profile_counts_runs_above():
    scores, at = [[0.1, 0.5, 0.5], [1.0]], np.array([0.0, 0.5, 0.99, 1.0])
    assert profile(scores, at).tolist() == [np.mean(np.concatenate(scores) > x) for x in at] == [1.0, 0.25, 0.25, 0.0]


def test_bands_enclose_the_middle():
    values = np.random.default_rng(1).uniform(size=(9, 4))
    for statistic in STATISTICS.values():
        middle, low, high = bands(values, statistic)
        assert (low <= middle).all()
        assert (middle <= high).all()
        assert middle.tolist() == [pytest.approx(float(statistic(column))) for column in values.T]


def test_bands_are_of_the_curves_that_are_known():
    nan, rest = np.nan, np.random.default_rng(1).uniform(size=(5, 3))
    lost = np.full((1, 3), nan)
    late = np.array([[nan, 0.4, 0.6]])
    for statistic in STATISTICS.values():
        assert np.array_equal(bands(np.concatenate([rest, lost]), statistic), bands(rest, statistic))
        found, both = (bands(np.concatenate([rest, one]), statistic) for one in (late, np.nan_to_num(late)))
        assert [one[0] for one in found] == [one[0] for one in bands(rest, statistic)]
        assert np.array_equal([one[1:] for one in found], [one[1:] for one in both])
        assert np.isnan(bands(lost, statistic)).all()


@pytest.mark.parametrize("strata", [[], [[]], [[0.5], []]])
def test_no_seeds_are_refused(strata):
    with pytest.raises(InvalidValueError, match="at least one seed"):
        estimate(strata)
    if strata:
        with pytest.raises(InvalidValueError, match=f"the same number of tasks, got {len(strata)} and 0"):
            probability_of_improvement(strata, [])


@pytest.mark.parametrize(("strata", "statistic"), [([[0.0], [1, 1, 0.9, 0.95, 1]], iqm), ([[1.0, 0.2], [0.5]], mean)])
def test_a_stratum_of_one_seed_weighs_in_the_interval_what_it_weighs_in_the_value(strata, statistic):
    rng = np.random.default_rng(3)
    drawn = [np.asarray(part)[rng.integers(len(part), size=(20_000, len(part)))] for part in strata]
    low, high = np.percentile(statistic(np.concatenate(drawn, axis=-1), axis=-1), [2.5, 97.5])
    found = estimate(strata, statistic)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.02)
    assert found.low <= found.value <= found.high
