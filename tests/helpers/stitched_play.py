"""Two agents on lines of cells, and the goals that are stitched of their places."""

import numpy as np
import pytest

from isa_wrappers import InfluenceScope, StitchedGoals
from isa_wrappers.arrays import to_backend, to_numpy

SCOPE = InfluenceScope.from_dimensions({"a": [[0]], "b": [[1]]}, state_size=3)


def made(device=None, scope=SCOPE, **options):
    if device is not None:
        pytest.importorskip("torch")
    return StitchedGoals(scope, device=device, **options)


def steps(count, seed=0, envs=6, cells=9, paid=lambda places, rng: places[:, :2] == 4):
    """Steps of two agents on lines of ``cells`` cells each; the team is paid where either arrives as ``paid`` says."""
    rng = np.random.default_rng(seed)
    before = rng.integers(0, cells, (envs, 3)).astype(np.float32)
    for _ in range(count):
        stays = rng.random((envs, 3)) < 0.3
        after = np.where(stays, before, rng.integers(0, cells, (envs, 3))).astype(np.float32)
        acted = rng.random((envs, 2)) < 0.9
        arrived = (after != before)[:, :2] & acted & paid(after, rng)
        reward = np.repeat(arrived.any(1, keepdims=True), 2, axis=1).astype(np.float32)
        yield before, after, reward, acted, np.zeros(envs, dtype=bool)
        before = after


def feed(goals, played):
    for step in played:
        goals.observe(goals.begin(len(step[0])), *(to_backend(x, goals.device) for x in step))


def drawn(goals, count=4_000, seed=0, searching=True):
    """Goals of the first agent: value -> share of the draws."""
    uniform = np.random.default_rng(seed).random((count, goals.rows, 4))
    if not searching:
        uniform[..., 1] = 0.9
    values = to_numpy(goals.stitch(uniform))[:, 0]
    found, counts = np.unique(values, return_counts=True)
    return dict(zip(found.tolist(), (counts / count).tolist(), strict=True))
