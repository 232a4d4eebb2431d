"""The interval effect on torch, held to NumPy: the same is found, and figures agree to rounding."""

from functools import cache

import continuous_toys
import numpy as np
import pytest
from devices import DEVICES
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_wrappers import ESTIMATORS, ScopeConfig, estimate_scope
from isa_wrappers.arrays import to_backend
from isa_wrappers.envs import make_batch
from isa_wrappers.errors import DeviceError
from isa_wrappers.scope import kuiper
from isa_wrappers.scope.backends import bins_of, list_sums, to_device_of
from isa_wrappers.scope.doubling import COLLECTORS
from isa_wrappers.scope.estimation import as_batch
from isa_wrappers.scope.interval_effect import INTERVAL_EFFECT
from isa_wrappers.scope.ranks import Lists
from isa_wrappers.scope.transitions import Transitions

TORCH = DEVICES[1:]
TASKS = {
    "shooting": (lambda: make_batch("grid/shooting", 8), 2_000),
    "mixed": (lambda: as_batch(continuous_toys.Mixed()), 1_500),
    "continuous": (lambda: as_batch(continuous_toys.SynthC()), 1_500),
}


def alike(transitions, number, device, delta=0.1):
    config = INTERVAL_EFFECT.settled(ScopeConfig(1_000, window=2))
    plain, other = (INTERVAL_EFFECT.on(where).measure(transitions, config, number) for where in (None, device))
    np.testing.assert_array_equal(other.figures > delta, plain.figures > delta)
    np.testing.assert_allclose(other.figures, plain.figures, atol=1e-6)
    np.testing.assert_allclose(other.evidence.log_p, plain.evidence.log_p, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(other.evidence.taken, plain.evidence.taken)
    return plain.figures


@cache
def played(task):
    make, steps = TASKS[task]
    env = make()
    return COLLECTORS["all_at_once"](env, INTERVAL_EFFECT.settled(ScopeConfig(steps)), 0), max(env.num_actions)


@pytest.mark.slow
@pytest.mark.parametrize("device", TORCH)
@pytest.mark.parametrize("task", TASKS)
def test_tasks(task, device):
    assert (alike(*played(task), device) > 0.1).any()


def random_problem(seed, wide, masked):
    """Two agents of three actions, five dimensions: pushes, a rare one, noise that an action widens, a counter."""
    rng = np.random.default_rng(seed)
    steps, kind = 500, np.float64 if wide else np.float32
    available = np.ones((steps, 1, 2, 3), dtype=bool)
    if masked:
        available[..., 2] = rng.random((steps, 1, 2)) < 0.2
    actions = (rng.random(available.shape) * available).argmax(axis=-1)
    a, b = actions[:, 0].T
    noise = rng.standard_normal((steps, 2))
    moved = np.stack(
        [a - 1, (b == 2) * (rng.random(steps) < 0.5), noise[:, 0], noise[:, 1] * (1 + 4 * (a == 1)), a + b]
    )
    states = np.concatenate([np.zeros((1, 5)), np.cumsum(moved.T, axis=0)]).astype(kind)[:, None]
    return Transitions(
        free=np.ones((1, 2), dtype=bool), actions=actions, available=available, states=states[:-1],
        next_states=states[1:], episode=np.zeros((steps, 1), dtype=np.int64), held=np.full((steps, 1, 2), -1),
        valid=rng.random((steps, 1, 2)) < 0.9,
    )  # fmt: skip


@pytest.mark.parametrize("device", TORCH)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), wide=st.booleans(), masked=st.booleans())
def test_random_problems(device, seed, wide, masked):
    alike([random_problem(seed, wide, masked)], 3, device)


@pytest.mark.parametrize("device", DEVICES)
def test_what_the_standard_lacks(device):
    pytest.importorskip("torch")
    like = to_backend(np.zeros(1), device)
    columns, ends = np.array([[0.0, 1.0, 2.0], [5.0, 4.0, 3.0]]), np.array([[0.5, 1.0], [3.0, 4.0]])
    assert bins_of(to_device_of(like, columns), to_device_of(like, ends)).tolist() == [[0, 1, 2], [2, 1, 0]]
    summed = list_sums(to_device_of(like, columns.T), to_device_of(like, np.array([1, 2])), "float64")
    assert summed.tolist() == [[0.0, 5.0], [3.0, 7.0]]
    lists = to_device_of(like, Lists.of([np.array([0, 1]), np.array([2])], [np.array([1.0, 3.0]), np.array([2.0])]))
    shares = lists.cumulative(to_device_of(like, np.array([[0, 1, 1]], dtype=np.uint8)))
    assert shares[:, 0, :3].tolist() == [[0.25, 1.0, 1.0], [0.0, 1.0, 1.0]]
    table = to_device_of(like, kuiper.log_factorials(10))
    counts = (to_device_of(like, np.array(part)) for part in ([5, 0], [5, 5], [0, 0], [5, 5]))
    np.testing.assert_allclose(np.exp(kuiper.fisher_log_p(*counts, table).tolist()), [2 / 252, 1.0])


@pytest.mark.parametrize("device", TORCH)
def test_a_device_is_passed_on(device, monkeypatch):
    seen = []
    monkeypatch.setattr(type(INTERVAL_EFFECT), "on", lambda own, device: seen.append(device) or own)
    estimate_scope(make_batch("grid/unlock", 2, num_agents=1), ScopeConfig(100), device=device)
    assert seen == [device]


def test_other_estimators_stay_on_numpy_and_unknown_devices_are_refused():
    assert ESTIMATORS["nmi_block"].on("cpu") is ESTIMATORS["nmi_block"]
    with pytest.raises(DeviceError, match="'gpu' is not known to torch"):
        estimate_scope(make_batch("grid/unlock", 2, num_agents=1), device="gpu")
