"""The written-out GRU against torch's own, and its gradient against torch's and finite differences."""

import pytest
import torch
from torch import nn

from isa_learners.recurrent.gru import gru

STEPS, STREAMS, F, H = 7, 4, 5, 6
D = torch.float64


def make(seed=0, dtype=D, device="cpu"):
    torch.manual_seed(seed)
    cell = nn.GRU(F, H).to(dtype)
    inputs, hidden = torch.randn(STEPS, STREAMS, F, dtype=dtype), torch.randn(STREAMS, H, dtype=dtype)
    start = torch.rand(STEPS, STREAMS) < 0.3
    return cell.to(device), inputs.to(device).requires_grad_(), hidden.to(device), start.to(device)


def step_by_step(cell, inputs, hidden, start):
    """torch's own, one step a call; the state is set to zero where an episode starts."""
    out = []
    for x, fresh in zip(inputs, start, strict=True):
        hidden = torch.where(fresh[:, None], 0.0, hidden)
        hidden = cell(x[None], hidden[None])[1][0]
        out.append(hidden)
    return torch.stack(out)


def whole(cell, inputs, hidden, start):
    """Ours, where all streams are equally long."""
    keep = (~start).to(inputs.dtype).reshape(-1, 1)
    return gru(cell, inputs.flatten(0, 1), hidden, [STREAMS] * STEPS, keep).view(STEPS, STREAMS, H)


def with_gradients(out, cell, inputs):
    """The states and the gradient of an uneven sum of them, for the inputs and each of the cell's weights."""
    weights = torch.linspace(-1.0, 2.0, out.numel(), dtype=out.dtype, device=out.device).view_as(out)
    return [out, *torch.autograd.grad((weights * out.square()).sum(), [inputs, *cell.parameters()])]


def test_equals_torch_without_starts():
    cell, inputs, hidden, start = make()
    found = with_gradients(whole(cell, inputs, hidden, torch.zeros_like(start)), cell, inputs)
    expected = with_gradients(cell(inputs, hidden[None])[0], cell, inputs)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_equals_torch_step_by_step_with_starts(seed):
    cell, inputs, hidden, start = make(seed)
    found = with_gradients(whole(cell, inputs, hidden, start), cell, inputs)
    expected = with_gradients(step_by_step(cell, inputs, hidden, start), cell, inputs)
    assert start.any()
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("lengths", [[7, 5, 5, 1], [4, 0, 0, 0], [7, 7, 7, 7], [1, 1, 0, 0]])
def test_streams_of_unequal_length_equal_torch_s_packed_sequences(lengths):
    """Streams of no step at all take no part; the others are handed to torch as it packs them."""
    cell, inputs, hidden, _ = make()
    sizes = [sum(length > t for length in lengths) for t in range(max(lengths))]
    rows = torch.cat([inputs[t, :size] for t, size in enumerate(sizes)])
    found = gru(cell, rows, hidden, sizes, torch.ones(len(rows), 1, dtype=D))
    living = [length for length in lengths if length]
    packed = nn.utils.rnn.pack_padded_sequence(inputs[:, : len(living)], living)
    expected = cell(packed, hidden[None, : len(living)])[0].data
    ours, theirs = with_gradients(found, cell, inputs), with_gradients(expected, cell, inputs)
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


@pytest.mark.slow
def test_the_gradient_passes_finite_differences():
    cell, inputs, hidden, start = make()
    assert torch.autograd.gradcheck(lambda x: whole(cell, x, hidden, start), (inputs,))


def test_single_precision():
    cell, inputs, hidden, start = make(dtype=torch.float32)
    found = with_gradients(whole(cell, inputs, hidden, start), cell, inputs)
    expected = with_gradients(step_by_step(cell, inputs, hidden, start), cell, inputs)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.cuda
def test_cuda_agrees_with_cpu():
    there, here = (make(device=device) for device in ("cuda", "cpu"))
    found = with_gradients(whole(*there), there[0], there[1])
    expected = with_gradients(whole(*here), here[0], here[1])
    torch.testing.assert_close([x.cpu() for x in found], expected, rtol=1e-9, atol=1e-10)
