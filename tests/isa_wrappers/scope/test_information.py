"""Normalised mutual information against scikit-learn and against a loop written from Definition 1."""

from collections import Counter
from math import log

import numpy as np
import pytest
from devices import DEVICES
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import normalized_mutual_info_score

from isa_wrappers import information
from isa_wrappers.arrays import to_backend, to_numpy
from isa_wrappers.errors import InvalidValueError, NonFiniteError
from isa_wrappers.scope.information import normalized_mutual_information


def estimate(changes, actions, blocks, valid, num_actions, width, device=None):
    if device is not None:
        pytest.importorskip("torch")
    arrays = (to_backend(np.ascontiguousarray(a), device) for a in (changes, actions, blocks, valid))
    return to_numpy(normalized_mutual_information(*arrays, num_actions, width))


def entropy(labels):
    return -sum(c / len(labels) * log(c / len(labels)) for c in Counter(labels).values())


def nmi(x, y):
    h_x, h_y = entropy(x), entropy(y)
    if h_x == 0 or h_y == 0:
        return 0.0
    mutual = h_x + h_y - entropy(list(zip(x, y, strict=True)))
    return 2 * mutual / (h_x + h_y)


def oracle(changes, actions, blocks, valid, num_actions, width):
    """Def. 1 for one agent, word for word: the mean over the blocks in which the action varied, by their size."""
    result = np.zeros((num_actions, changes.shape[1]))
    for a in range(num_actions):
        for k in range(changes.shape[1]):
            total = weight = 0.0
            for block in sorted(set(blocks.tolist())):
                here = [t for t in range(len(actions)) if blocks[t] == block and valid[t]]
                taken = [bool(actions[t] == a) for t in here]
                if all(taken) or not any(taken):
                    continue
                binned = [round(float(changes[t, k]) / width) for t in here]
                total += len(here) * nmi(binned, taken)
                weight += len(here)
            result[a, k] = total / weight if weight else 0.0
    return result


@st.composite
def samples(draw, max_blocks=4):
    """One to three agents' transitions, changes within 0.4 of a bin of the bins' centres."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    agents, length = draw(st.integers(1, 3)), draw(st.integers(1, 60))
    size, n = draw(st.integers(1, 4)), draw(st.integers(2, 5))
    width = draw(st.sampled_from([0.01, 0.25, 1.0, 3.0]))
    actions = rng.integers(0, draw(st.integers(1, n)), (agents, length))
    blocks = rng.integers(0, draw(st.integers(1, max_blocks)), (agents, length))
    noise = rng.integers(-draw(st.integers(0, 3)), 4, (agents, length, size))
    # Some dimensions follow the action, some the block, some nothing at all.
    bins = np.where(rng.random(size) < 0.6, noise, 0) + rng.integers(-3, 3, size) * actions[..., None]
    bins = bins + rng.integers(0, 2, size) * blocks[..., None]
    changes = (bins + rng.uniform(-0.4, 0.4, bins.shape)) * width
    valid = rng.random((agents, length)) < draw(st.sampled_from([0.0, 0.5, 0.9, 1.0]))
    return changes, actions, blocks, valid, n, width


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES)
@given(data=samples(max_blocks=1))
@settings(deadline=None, max_examples=60)
def test_one_block_equals_scikit_learn(device, data):
    changes, actions, blocks, _, n, width = data
    figure = estimate(changes, actions, blocks, np.ones_like(blocks, dtype=bool), n, width, device)
    assert figure.shape == (len(changes), n, changes.shape[-1])
    for i in range(len(changes)):
        for a in range(n):
            for k in range(changes.shape[-1]):
                taken, binned = actions[i] == a, np.round(changes[i, :, k] / width)
                constant = len(set(taken.tolist())) == 1 or len(set(binned.tolist())) == 1
                expected = 0.0 if constant else normalized_mutual_info_score(taken, binned)
                assert figure[i, a, k] == pytest.approx(expected, abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES)
@given(data=samples())
@settings(deadline=None, max_examples=60)
def test_blocks_equal_a_loop_over_the_definition(device, data):
    changes, actions, blocks, valid, n, width = data
    figure = estimate(changes, actions, blocks, valid, n, width, device)
    expected = np.stack([oracle(changes[i], actions[i], blocks[i], valid[i], n, width) for i in range(len(changes))])
    np.testing.assert_allclose(figure, expected, rtol=0, atol=1e-9)
    assert figure.min() >= 0.0
    assert figure.max() <= 1.0


@pytest.mark.parametrize("device", DEVICES)
def test_many_bins_need_wide_keys(device):
    """Changes of up to 1e9 in bins of 0.01 overflow 32 bits; the figure must not notice."""
    rng = np.random.default_rng(0)
    actions, blocks = rng.integers(0, 3, (1, 200)), rng.integers(0, 5, (1, 200))
    changes = (rng.integers(-2, 3, (1, 200, 2)) + actions[..., None]) * 1e9 / 6
    valid = np.ones((1, 200), dtype=bool)
    expected = oracle(changes[0], actions[0], blocks[0], valid[0], 3, 0.01)
    assert expected.max() > 0.1
    np.testing.assert_allclose(estimate(changes, actions, blocks, valid, 3, 0.01, device)[0], expected, atol=1e-9)


def test_blocks_in_which_the_action_never_varied_do_not_dilute_it():
    """Action 1 was free in block 0 only, where it moves the dimension; blocks 1 and 2 say nothing about it."""
    actions = np.array([[0, 1, 0, 1] + [0] * 20 + [2, 0] * 3])
    blocks = np.array([[0] * 4 + [1] * 20 + [2] * 6])
    changes = (actions == 1).astype(float)[..., None]
    figure = estimate(changes, actions, blocks, np.ones_like(blocks, dtype=bool), 3, 0.01)
    assert figure[0, 1, 0] == pytest.approx(1.0, abs=1e-12)
    # Action 2 varied in block 2 alone, where nothing changed.
    assert figure[0, 2, 0] == 0.0


def test_conditioning_hides_the_teammates_influence():
    """The dimension is moved by the teammate (the block) alone; pooled and with correlated actions it seems ours."""
    blocks = np.repeat([[0, 1]], 50, axis=1).reshape(1, -1)
    blocks = np.sort(blocks)
    actions = np.array([[0] * 40 + [1] * 10 + [1] * 40 + [0] * 10])
    changes = blocks[..., None].astype(float)
    valid = np.ones_like(blocks, dtype=bool)
    assert estimate(changes, actions, blocks, valid, 2, 0.01).max() == 0.0
    assert estimate(changes, actions, np.zeros_like(blocks), valid, 2, 0.01).min() > 0.2


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("poison", [7.0, 1e300, np.nan, np.inf])
def test_invalid_transitions_are_excluded_whatever_they_hold(device, poison):
    rng = np.random.default_rng(1)
    actions, blocks = rng.integers(0, 3, (2, 80)), rng.integers(0, 2, (2, 80))
    changes = (rng.integers(0, 2, (2, 80, 3)) + actions[..., None]).astype(float)
    valid = rng.random((2, 80)) < 0.6
    changes[~valid] = poison
    figure = estimate(changes, actions, blocks, valid, 3, 0.5, device)
    for i in range(2):
        v = valid[i]
        alone = estimate(changes[i, v][None], actions[i, v][None], blocks[i, v][None], v[v][None], 3, 0.5, device)
        np.testing.assert_allclose(figure[i], alone[0], atol=1e-12)


@pytest.mark.parametrize("device", DEVICES)
def test_a_constant_change_carries_no_information(device):
    actions = np.array([[0, 1, 2, 1, 0, 2]])
    changes = np.full((1, 6, 2), 0.37)
    figure = estimate(changes, actions, np.zeros_like(actions), actions >= 0, 3, 0.01, device)
    assert (figure == 0.0).all()


def test_bins_are_centred_on_multiples_of_the_width():
    """Noise of less than half a bin around "no change" is no change; more than half is one."""
    actions = np.array([[0, 1] * 10])
    sign = np.where(actions == 1, 1.0, -1.0)[..., None]
    zeros, valid = np.zeros_like(actions), actions >= 0
    assert estimate(0.0049 * sign, actions, zeros, valid, 2, 0.01).max() == 0.0
    assert estimate(0.0051 * sign, actions, zeros, valid, 2, 0.01).min() == 1.0


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("elements", [1, 70, 150, 100_000])
def test_chunking_changes_nothing(monkeypatch, device, elements):
    rng = np.random.default_rng(2)
    actions, blocks = rng.integers(0, 4, (5, 64)), rng.integers(0, 3, (5, 64))
    changes = rng.integers(-1, 2, (5, 64, 7)) + (actions[..., None] == np.arange(7) % 4)
    valid = rng.random((5, 64)) < 0.8
    arguments = changes.astype(float), actions, blocks, valid, 4, 1.0, device
    whole = estimate(*arguments)
    assert whole.max() > 0.3
    monkeypatch.setattr(information, "CHUNK_ELEMENTS", elements)
    monkeypatch.setattr(information, "CHUNK_ELEMENTS_CUDA", elements)
    # CUDA adds up in any order.
    np.testing.assert_allclose(estimate(*arguments), whole, rtol=1e-12 if device == "cuda" else 0.0)


@pytest.mark.parametrize("device", DEVICES)
def test_no_transitions_no_information(device):
    none = np.zeros((2, 0), dtype=np.int64)
    figure = estimate(np.zeros((2, 0, 3)), none, none, none == 0, 4, 0.01, device)
    assert figure.shape == (2, 4, 3)
    assert (figure == 0).all()
    zeros = np.zeros((2, 5), dtype=np.int64)
    assert (estimate(np.ones((2, 5, 3)), zeros, zeros, zeros > 0, 4, 0.01, device) == 0).all()


@pytest.mark.parametrize("width", [0, 0.0, -0.01, float("nan"), float("inf"), "0.01", True, None])
def test_bad_bin_width_is_refused(width):
    zeros = np.zeros((1, 4), dtype=np.int64)
    with pytest.raises(InvalidValueError, match="bin_width"):
        normalized_mutual_information(np.zeros((1, 4, 1)), zeros, zeros, zeros == 0, 2, width)


def test_bins_too_many_to_number_are_refused_in_one_short_line():
    zeros = np.zeros((1, 4), dtype=np.int64)
    changes = np.array([[[0.0], [1e300], [1.0], [2.0]]])
    with pytest.raises(InvalidValueError, match="larger one") as caught:
        normalized_mutual_information(changes, zeros, zeros, zeros == 0, 2, 0.01)
    assert len(str(caught.value)) < 120


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("device", DEVICES)
def test_non_finite_changes_are_refused(device, value):
    zeros = np.zeros((1, 4), dtype=np.int64)
    changes = np.array([[[0.0], [value], [1.0], [2.0]]])
    with pytest.raises(NonFiniteError):
        estimate(changes, zeros, zeros, zeros == 0, 2, 0.01, device)
