"""Running moments and the deviation of returns against NumPy on everything at once."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from isa_wrappers.rewards.learned.moments import ReturnScale, RunningMoments  # noqa: E402


def test_moments_are_those_of_all_rows_at_once():
    rng, moments, counted = np.random.default_rng(0), RunningMoments(3), []
    for size in (1, 5, 0, 40, 2):
        rows, mask = 1e3 + rng.normal(size=(size, 3)) * [1.0, 50.0, 1e-3], rng.random(size) < 0.6
        moments.update(torch.tensor(rows), torch.tensor(mask))
        counted.append(rows[mask])
    everything = np.concatenate(counted)
    assert int(moments.count) == len(everything) > 10
    np.testing.assert_allclose(moments.mean.numpy(), everything.mean(0), rtol=1e-12)
    np.testing.assert_allclose(moments.deviation.numpy(), everything.std(0), rtol=1e-9)
    seen = rng.normal(size=(7, 3)) * 100 + 1e3
    white = np.clip((seen - everything.mean(0)) / everything.std(0), -5, 5)
    assert (np.abs(white) == 5).any()
    np.testing.assert_allclose(moments.whiten(torch.tensor(seen), 5.0).numpy(), white, rtol=1e-6)


def test_what_never_varied_is_divided_by_nothing():
    moments = RunningMoments(2)
    assert moments.whiten(torch.tensor([3.0, -9.0]), 5.0).tolist() == [3.0, -5.0], "nothing is known yet"
    moments.update(torch.tensor([[3.0, 1.0], [3.0, 2.0]]), torch.tensor([True, True]))
    assert moments.deviation.tolist() == [1.0, 0.5]


def test_the_deviation_of_returns_against_loops():
    """Returns go on over episodes' ends; who does not act keeps its return and is not counted."""
    rng, scale = np.random.default_rng(1), ReturnScale(0.9)
    returns, seen = np.zeros((3, 2)), []
    for _ in range(25):
        paid, acted = rng.random((3, 2)), rng.random((3, 2)) < 0.7
        scale.update(torch.tensor(paid), torch.tensor(acted))
        for place in np.ndindex(3, 2):
            if acted[place]:
                returns[place] = 0.9 * returns[place] + paid[place]
                seen.append(returns[place])
    np.testing.assert_allclose(float(scale.moments.deviation), np.std(seen), rtol=1e-9)
    assert float(scale(torch.tensor(2.0))) == pytest.approx(2 / np.std(seen), rel=1e-6)
