"""Kuiper's distance and the tests of significance, against loops, shuffles and scipy."""

from itertools import combinations

import numpy as np
import pytest

from isa_wrappers.scope import kuiper


def by_intervals(x, y):
    """The largest difference, over all intervals between values, of the shares in the interval."""
    cuts = sorted({*x, *y})
    ends = [-np.inf, *cuts]
    return max(
        abs(np.mean((x > low) & (x <= high)) - np.mean((y > low) & (y <= high))) for low in ends for high in cuts
    )


@pytest.mark.parametrize("seed", range(10))
def test_distance_is_the_largest_difference_over_intervals(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.integers(6, size=30), rng.integers(4, size=20) + rng.integers(3)
    grid = np.arange(10)
    cumulative = [(sample[:, None] <= grid).mean(axis=0) for sample in (x, y)]
    assert kuiper.distance(*cumulative) == pytest.approx(by_intervals(x, y))


def test_tail_is_what_shuffles_give():
    """Of continuous samples, at the quantiles that 4,000 shuffles tell."""
    rng = np.random.default_rng(0)
    n, m = 60, 90
    values = np.arange(n + m)
    distances = []
    for _ in range(4000):
        first = np.zeros(n + m, dtype=bool)
        first[rng.permutation(n + m)[:n]] = True
        distances.append(kuiper.distance(np.cumsum(first) / n, np.cumsum(~first) / m))
    scaled = np.array(distances) * kuiper.scale(np.float64(n * m / (n + m)))
    for p in (0.2, 0.05, 0.01):
        seen = (scaled >= kuiper.least_scaled(np.log(p))).mean()
        assert seen == pytest.approx(p, rel=0.35)
    assert values.size == n + m


@pytest.mark.parametrize("n", [4, 5, 6])
def test_of_few_the_tail_is_half_of_what_it_is_at_least(n):
    """All ways to part 2 n without ties."""
    distances = []
    for chosen in combinations(range(2 * n), n):
        first = np.isin(np.arange(2 * n), chosen)
        distances.append(float(kuiper.distance(np.cumsum(first) / n, np.cumsum(~first) / n)))
    exact = np.mean(np.isclose(distances, 1.0))
    told = np.exp(float(kuiper.log_tail(kuiper.scale(np.float64(n / 2)))))
    assert told < exact < 2.2 * told


@pytest.mark.parametrize("log_p", [-3.0, -10.0, -40.0])
def test_the_least_distance_is_where_the_tail_says(log_p):
    assert float(kuiper.log_tail(kuiper.least_scaled(log_p))) == pytest.approx(log_p, abs=1e-6)


def test_unbiased_is_near_nothing_where_nothing_is():
    rng = np.random.default_rng(1)
    found = []
    for _ in range(300):
        first = rng.permutation(np.arange(200) < 100)
        v = kuiper.distance(np.cumsum(first) / 100, np.cumsum(~first) / 100)
        found.append(v**2 - kuiper.BIAS / 50)
    assert np.mean(found) == pytest.approx(0.0, abs=0.004)
    assert kuiper.unbiased(np.float64(0.9), np.float64(1000.0)) == pytest.approx(0.9, abs=0.002)


@pytest.mark.parametrize("seed", range(5))
def test_what_is_missing_is_taken_to_be_the_worst_it_may(seed):
    """However the missing are spread, the distance of all is no less; where it is 0, two spreads can make it so."""
    rng = np.random.default_rng(seed)
    there, missing = rng.dirichlet(np.full(4, 0.3), 2), rng.random(2) * 0.5
    v = kuiper.distance(*np.cumsum(there, axis=1))
    bound = kuiper.population_distance(np.array([v]), missing[None])[0]
    for _ in range(500):
        spread = np.stack([rng.dirichlet(np.full(4, 0.1)) for _ in range(2)])
        whole = (1.0 - missing)[:, None] * there + missing[:, None] * spread
        assert kuiper.distance(*np.cumsum(whole, axis=1)) >= bound - 1e-12
    assert kuiper.population_distance(np.array([0.6]), np.array([[0.375, 0.375]])) == pytest.approx(0.0)


@pytest.mark.parametrize(
    "counts", [(9, 10, 1, 12), (0, 15, 11, 15), (40, 300, 2, 280), (3, 3, 0, 200), (30, 40, 35, 40), (58, 186, 0, 34)]
)
def test_fisher_is_near_the_exact_test(counts):
    stats = pytest.importorskip("scipy.stats")
    x, n, y, m = counts
    exact = stats.fisher_exact([[x, n - x], [y, m - y]]).pvalue
    mine = float(np.exp(kuiper.fisher_log_p(x, n, y, m, kuiper.log_factorials(n + m))))
    assert exact <= mine * 1.08
    assert mine <= max(2.6 * exact, 1e-300) or exact > 0.05


def test_fisher_of_equal_shares_says_nothing():
    assert kuiper.fisher_log_p(5, 10, 50, 100, kuiper.log_factorials(110)) == pytest.approx(0.0, abs=1e-9)
