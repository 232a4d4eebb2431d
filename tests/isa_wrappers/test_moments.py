"""Running moments against NumPy on everything at once."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from isa_wrappers.moments import RunningMoments  # noqa: E402


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


def test_quantities_that_are_counted_apart_have_moments_of_their_own():
    rng, moments, kept = np.random.default_rng(0), RunningMoments(3, apart=True), [[], [], []]
    offset = np.array([0.0, 1e6, -5.0])
    for _ in range(4):
        values = rng.normal(size=(50, 3)) * [1.0, 3.0, 0.01] + offset
        weight = rng.random((50, 3)) < 0.6
        moments.update(torch.tensor(values), torch.tensor(weight))
        for k in range(3):
            kept[k] += values[weight[:, k], k].tolist()
    mean, std = moments.mean, moments.deviation
    np.testing.assert_allclose(mean, [np.mean(x) for x in kept], rtol=1e-9)
    np.testing.assert_allclose(std, [np.std(x) for x in kept], rtol=1e-6)
    assert moments.count.tolist() == [len(x) for x in kept]


def test_what_has_not_moved_is_shifted_alone():
    moments = RunningMoments(2, apart=True, smallest=1e-12)
    moments.update(torch.tensor([[0.1, 1.0], [0.1, 2.0], [0.1, 3.0]]), torch.ones(3, 2))
    moments.update(torch.full((1, 2), float("nan")), torch.zeros(1, 2))
    mean, std = moments.mean, moments.deviation
    assert mean.tolist() == pytest.approx([0.1, 2.0])
    assert std.tolist() == pytest.approx([1.0, (2 / 3) ** 0.5])
