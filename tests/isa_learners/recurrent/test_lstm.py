"""The written-out LSTM against torch's own, and its gradient against torch's and finite differences."""

import pytest
import torch
from torch import nn

from isa_learners.recurrent.lstm import lstm, plain_lstm

STEPS, STREAMS, F, H = 7, 4, 5, 6
D = torch.float64


def make(seed=0, dtype=D, device="cpu"):
    torch.manual_seed(seed)
    cell = nn.LSTM(F, H).to(dtype)
    inputs, state = torch.randn(STEPS, STREAMS, F, dtype=dtype), torch.randn(STREAMS, 2 * H, dtype=dtype)
    start, alive = torch.rand(STEPS, STREAMS) < 0.3, torch.rand(STEPS, STREAMS) < 0.7
    return cell.to(device), inputs.to(device).requires_grad_(), state.to(device), start.to(device), alive.to(device)


def step_by_step(cell, inputs, state, start, alive):
    """torch's own, one step a call; zeros where an episode starts, and the dead stand still."""
    out = []
    for x, fresh, here in zip(inputs, start, alive, strict=True):
        state = torch.where(fresh[:, None], 0.0, state)
        h, c = (part.contiguous() for part in state[None].chunk(2, -1))
        h, c = cell(x[None], (h, c))[1]
        state = torch.where(here[:, None], torch.cat([h[0], c[0]], dim=-1), state)
        out.append(state)
    return torch.stack(out)


def whole(cell, inputs, state, start, alive):
    """Ours, where all streams are equally long."""
    keep, lives = (~start).to(inputs.dtype).reshape(-1, 1), alive.to(inputs.dtype).flatten()
    lives = None if bool(alive.all()) else lives
    return lstm(cell, inputs.flatten(0, 1), state, [STREAMS] * STEPS, keep, lives).view(STEPS, STREAMS, 2 * H)


def with_gradients(out, cell, inputs):
    """The states and the gradient of an uneven sum of them, for the inputs and each of the cell's weights."""
    weights = torch.linspace(-1.0, 2.0, out.numel(), dtype=out.dtype, device=out.device).view_as(out)
    return [out, *torch.autograd.grad((weights * out.square()).sum(), [inputs, *cell.parameters()])]


@pytest.mark.parametrize("deaths", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_equals_torch_step_by_step(seed, deaths):
    cell, inputs, state, start, alive = make(seed)
    alive |= not deaths
    found = with_gradients(whole(cell, inputs, state, start, alive), cell, inputs)
    expected = with_gradients(step_by_step(cell, inputs, state, start, alive), cell, inputs)
    assert start.any()
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("lengths", [[7, 5, 5, 1], [4, 0, 0, 0], [1, 1, 0, 0]])
def test_streams_of_unequal_length_equal_torch_s_packed_sequences(lengths):
    """Streams of no step at all take no part; the others are handed to torch as it packs them."""
    cell, inputs, state, _, _ = make()
    sizes = [sum(length > t for length in lengths) for t in range(max(lengths))]
    rows = torch.cat([inputs[t, :size] for t, size in enumerate(sizes)])
    found = lstm(cell, rows, state, sizes, torch.ones(len(rows), 1, dtype=D))[:, :H]
    living = [length for length in lengths if length]
    packed = nn.utils.rnn.pack_padded_sequence(inputs[:, : len(living)], living)
    h, c = (part.contiguous() for part in state[None, : len(living)].chunk(2, -1))
    expected = cell(packed, (h, c))[0].data
    ours, theirs = with_gradients(found, cell, inputs), with_gradients(expected, cell, inputs)
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


def test_the_plain_one_is_the_same():
    cell, inputs, state, start, alive = make()
    keep, lives = (~start).to(D).reshape(-1, 1), alive.to(D).flatten()
    given = cell, inputs.flatten(0, 1), state, [STREAMS] * STEPS, keep, lives
    torch.testing.assert_close(lstm(*given), plain_lstm(*given), rtol=1e-12, atol=1e-14)


@pytest.mark.slow
def test_the_gradient_passes_finite_differences():
    cell, inputs, state, start, alive = make()
    assert torch.autograd.gradcheck(lambda x: whole(cell, x, state, start, alive), (inputs,))


def test_nothing_to_do():
    cell, _, state, _, _ = make()
    assert lstm(cell, torch.zeros(0, F, dtype=D), state, [0], torch.ones(0, 1, dtype=D)).shape == (0, 2 * H)


@pytest.mark.cuda
def test_cuda_agrees_with_cpu():
    there, here = (make(device=device) for device in ("cuda", "cpu"))
    found = with_gradients(whole(*there), there[0], there[1])
    expected = with_gradients(whole(*here), here[0], here[1])
    torch.testing.assert_close([x.cpu() for x in found], expected, rtol=1e-9, atol=1e-10)
