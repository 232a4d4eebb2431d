"""The compiled network against the equations in float64, their gradient and finite differences."""

import pytest
import torch
from compiled_library import kernels, switch  # noqa: F401

from isa_learners.compiled import network as compiled
from isa_learners.compiled.buffer_pool import POOL, Pool
from isa_learners.ppo.networks import RecurrentNet
from isa_learners.recurrent.gru import plain_gru
from isa_learners.recurrent.network import RecurrentLinear

D = torch.float64


def plain(net, inputs, state, sizes, keep, alive):
    """Outputs and states as their equations stand there, step by step."""
    states = plain_gru(net.gru, torch.relu(net.embed(inputs)), state, sizes, keep, alive)
    return net.head(net.norm(states) if hasattr(net, "norm") else states), states


def make(hidden, inputs, outputs, sizes, seed=0, kind=RecurrentNet):
    torch.manual_seed(seed)
    net, rows = kind(inputs, hidden, outputs), sum(sizes)
    for weight in net.parameters():  # none is 0 or 1
        weight.data.add_(0.2 * torch.randn_like(weight))
    keep, alive = (torch.rand(rows, 1) < 0.7).float(), (torch.rand(rows) < 0.8).float()
    state = torch.randn(sizes[0] + 1 if sizes else 2, hidden)  # the last stream has no step
    return net, (torch.randn(rows, inputs), state, sizes, keep), alive


def with_gradients(unroll, net, arguments, alive):
    """Outputs, states, and the gradient of an uneven sum of both for every weight."""
    dtype = net.embed.weight.dtype
    made = unroll(net, *(x.to(dtype) if isinstance(x, torch.Tensor) else x for x in arguments), alive)
    total = sum((torch.linspace(-1, 2, x.numel(), dtype=dtype).view_as(x) * x).sum() for x in made)
    return [*made, *torch.autograd.grad(total, list(net.parameters()))]


SIZES = {"even": [7] * 5, "uneven": [50, 31, 31, 24, 6, 1], "one step": [27], "one row": [1], "chunks": [24, 24, 23]}


@pytest.mark.parametrize("alive", [True, False], ids=["some stand still", "all live"])
@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize(("hidden", "inputs", "outputs"), [(12, 7, 1), (32, 28, 5), (20, 33, 17), (80, 3, 16)])
@pytest.mark.parametrize("kind", [RecurrentNet, RecurrentLinear])
def test_equals_the_equations_in_float64(switch, kind, hidden, inputs, outputs, sizes, alive):  # noqa: F811
    net, arguments, living = make(hidden, inputs, outputs, sizes, kind=kind)
    living = living if alive else None
    found = with_gradients(compiled.unroll, net, arguments, living)
    expected = with_gradients(plain, net.to(D), arguments, living)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.shape == theirs.shape
        error = float((ours.detach().to(D) - theirs.detach()).abs().max() / theirs.detach().abs().max().clamp(min=1e-3))
        assert error < 1e-5


@pytest.mark.parametrize("hidden", [1, 2, 12])
def test_what_pads_a_row_is_not_part_of_its_deviation(switch, hidden):  # noqa: F811
    """Units that are all alike and far from 0 deviate by little, which the padding's must not drown."""
    torch.manual_seed(0)
    net = RecurrentNet(3, hidden, 2)
    state = 3.0 + 1e-3 * torch.randn(5, hidden)
    arguments = torch.zeros(5, 3), state, [5], torch.ones(5, 1)
    net.gru.bias_ih_l0.data[hidden : 2 * hidden] = 30.0  # the state stays what it is
    outputs, _ = compiled.unroll(net, *arguments, None)
    expected, _ = plain(net.to(D), arguments[0].to(D), state.to(D), [5], arguments[3].to(D), None)
    torch.testing.assert_close(outputs.to(D), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("kind", [RecurrentNet, RecurrentLinear])
def test_no_steps_at_all(switch, kind):  # noqa: F811
    net, arguments, _ = make(8, 3, 2, [], kind=kind)
    outputs, states, *gradients = with_gradients(compiled.unroll, net, arguments, None)
    assert outputs.shape == (0, 2)
    assert states.shape == (0, 8)
    assert all(not gradient.any() for gradient in gradients)


def test_the_gradient_passes_finite_differences(switch):  # noqa: F811
    """Along the gradient the objective rises by the gradient's squared length."""
    net, arguments, alive = make(16, 6, 3, [9, 7, 2])

    def objective():
        return sum(x.to(D).sin().sum() for x in compiled.unroll(net, *arguments, alive))

    gradient = torch.autograd.grad(objective(), list(net.parameters()))
    squares = float(sum(x.to(D).square().sum() for x in gradient))
    step, values = 1e-3 / squares**0.5, []
    for sign in (1, -1):
        for weight, x in zip(net.parameters(), gradient, strict=True):
            weight.data.add_(x, alpha=sign * step * (1 if sign > 0 else 2))
        values.append(float(objective()))
    assert (values[0] - values[1]) / (2 * step) == pytest.approx(squares, rel=1e-2)


def test_without_a_gradient_the_numbers_are_the_same(switch):  # noqa: F811
    net, arguments, alive = make(32, 9, 4, SIZES["uneven"])
    with torch.no_grad():
        found = compiled.unroll(net, *arguments, alive)
    assert all(map(torch.equal, found, compiled.unroll(net, *arguments, alive)))


def test_two_passes_do_not_share_memory(switch):  # noqa: F811
    net, arguments, alive = make(12, 5, 2, [6, 4])
    expected = with_gradients(compiled.unroll, net, arguments, alive)
    first = compiled.unroll(net, *arguments, alive)
    compiled.unroll(net, arguments[0] + 1, *arguments[1:], alive)[0].sum().backward()
    total = sum((torch.linspace(-1, 2, x.numel()).view_as(x) * x).sum() for x in first)
    assert all(map(torch.equal, torch.autograd.grad(total, list(net.parameters())), expected[2:]))


def test_its_gradient_is_taken_once(switch):  # noqa: F811
    net, arguments, alive = make(12, 5, 2, [6, 4])
    total = compiled.unroll(net, *arguments, alive)[0].sum()
    total.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="computed only once"):
        total.backward()


def test_what_is_no_number_stays_none(switch):  # noqa: F811
    net, arguments, _ = make(12, 5, 2, [3, 3])
    arguments[0][1, 0] = float("nan")
    outputs, _ = compiled.unroll(net, *arguments, None)
    assert outputs.isnan().any(-1).tolist()[:3] == [False, True, False]


class Doubled(RecurrentNet):
    def decode(self, features):
        return 2 * super().decode(features)


class DoubledLinear(RecurrentLinear):
    def decode(self, features):
        return 2 * super().decode(features)


def test_whom_it_serves(switch):  # noqa: F811
    net, arguments, _ = make(12, 5, 2, [6, 4])
    inputs = arguments[0]
    assert compiled.supports(net, inputs)
    assert not compiled.supports(net, inputs.clone().requires_grad_())
    assert not compiled.supports(net, inputs.to(D))
    assert not compiled.supports(net.to(D), inputs)
    assert not compiled.supports(RecurrentNet(5, 12, 2, layers=(12, 12)), inputs), "more layers"
    assert not compiled.supports(RecurrentNet(5, 12, 2, layers=(7,)), inputs), "of another width"
    switch(False)
    assert not compiled.supports(RecurrentNet(5, 12, 2), inputs)


@pytest.mark.parametrize(("kind", "another"), [(RecurrentNet, Doubled), (RecurrentLinear, DoubledLinear)])
def test_a_network_takes_it_and_one_that_decodes_otherwise_does_not(switch, kind, another):  # noqa: F811
    net, arguments, alive = make(12, 5, 2, [6, 4], kind=kind)
    expected = net.unroll(*arguments, alive)[0]
    assert type(expected.grad_fn).__name__ == "_UnrolledBackward"
    other = another(5, 12, 2)
    other.load_state_dict(net.state_dict())
    torch.testing.assert_close(other.unroll(*arguments, alive)[0], 2 * expected)


def test_memory_is_used_again_up_to_a_limit():
    pool = Pool(4 * 100)
    first = pool.take(60)
    pool.give(first)
    assert pool.take(50) is first, "large enough"
    pool.give(first)
    assert pool.take(61) is not first
    assert pool.take(10) is not first, "far too large"
    pool.give(torch.empty(50))
    assert all(x is not first for x in pool.free), "the oldest goes where more than the limit is kept"
    assert POOL.max_bytes == 2**28


def test_it_reads_flags_and_other_types_as_numbers(switch):  # noqa: F811
    """Memory is read as it lies: what is no float32 is made one before."""
    net, (inputs, state, sizes, keep), alive = make(12, 5, 2, [6, 4])
    expected = net.unroll(inputs, state, sizes, keep, alive)[0]
    found = net.unroll(inputs, state.to(D), sizes, keep > 0, alive > 0)[0]
    torch.testing.assert_close(found, expected, rtol=0.0, atol=0.0)


@pytest.mark.parametrize("other", [{"bias": False}, {"num_layers": 2}, {"bidirectional": True}, {"dtype": D}])
def test_another_gru_is_not_served(switch, other):  # noqa: F811
    net, arguments, _ = make(12, 5, 2, [6, 4], kind=RecurrentLinear)
    assert compiled.supports(net, arguments[0])
    net.gru = torch.nn.GRU(12, 12, **other)
    assert not compiled.supports(net, arguments[0])


def test_weights_that_do_not_lie_densely_are_not_served(switch):  # noqa: F811
    net, arguments, _ = make(12, 5, 2, [6, 4])
    net.head.weight = torch.nn.Parameter(net.head.weight.detach().T.contiguous().T)
    assert not compiled.supports(net, arguments[0])
