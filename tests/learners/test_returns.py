"""GAE as one matrix product against its recursion."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_learners.returns import advantages, discount_matrix


def by_recursion(reward, value, value_after, lengths, gamma, gae_lambda):
    """Each stream from its last real step back."""
    steps, streams = len(reward), len(reward[0])
    out = [[0.0] * streams for _ in range(steps)]
    for n in range(streams):
        following = 0.0
        for t in reversed(range(lengths[n])):
            delta = reward[t][n] + gamma * value_after[t][n] - value[t][n]
            following = delta + gamma * gae_lambda * following
            out[t][n] = following
    return torch.tensor(out, dtype=torch.float64)


unit = st.floats(0.0, 1.0, allow_nan=False, width=32)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**20), st.integers(1, 12), st.lists(st.integers(0, 12), min_size=1, max_size=4), unit, unit)
def test_equals_the_recursion(seed, steps, lengths, gamma, gae_lambda):
    lengths = [min(length, steps) for length in lengths]
    generator = torch.Generator()
    generator.manual_seed(seed)
    r, v, after = (
        torch.randn(steps, len(lengths), generator=generator, dtype=torch.float64) for _ in range(3)
    )  # what stands in the padding must not matter
    valid = (torch.arange(steps)[:, None] < torch.tensor(lengths)).double()
    found = advantages(r, v, after, valid, gamma, gae_lambda)
    expected = by_recursion(r.tolist(), v.tolist(), after.tolist(), lengths, gamma, gae_lambda)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


def test_golden():
    """gamma 0.5, lambda 0.5: deltas 1 + 0.5*3 - 2 = 0.5 and 2 + 0.5*4 - 3 = 1, so A = 0.5 + 0.25*1 and 1."""
    r, v = torch.tensor([[1.0], [2.0]]), torch.tensor([[2.0], [3.0]])
    v_after = torch.tensor([[3.0], [4.0]])
    assert advantages(r, v, v_after, torch.ones(2, 1), 0.5, 0.5)[:, 0].tolist() == [0.75, 1.0]


def test_nothing_counts_when_lambda_is_zero_but_the_next_step():
    assert discount_matrix(3, 0.0, torch.device("cpu")).tolist() == torch.eye(3).tolist()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_discount_matrix(dtype):
    matrix = discount_matrix(4, 0.5, torch.device("cpu"), dtype)
    assert matrix.dtype == dtype
    assert matrix.tolist() == [[1, 0.5, 0.25, 0.125], [0, 1, 0.5, 0.25], [0, 0, 1, 0.5], [0, 0, 0, 1]]
