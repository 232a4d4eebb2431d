"""The deviation of returns against loops."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from isa_wrappers.rewards.learned.moments import ReturnScale  # noqa: E402


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
