"""The networks' weights, the recurrent one's steps, and the value norm."""

import math

import pytest
import torch

from isa_learners.ppo.networks import LSTMNet, MLPNet, RecurrentNet, ValueNorm


def net(seed=0, outputs=4, hidden=6):
    torch.manual_seed(seed)
    return RecurrentNet(5, hidden, outputs)


def through(model, inputs, hidden):
    """Outputs and last state of whole sequences ``[L, N, F]``."""
    length, streams, _ = inputs.shape
    features = model.features(inputs.flatten(0, 1), hidden, [streams] * length, torch.ones(length * streams, 1))
    return model.decode(features).view(length, streams, -1), features[-streams:]


def test_whole_sequences_equal_single_steps():
    model, inputs, hidden = net(), torch.randn(9, 3, 5), torch.randn(3, 6)
    outputs, last = through(model, inputs, hidden)
    h = hidden
    for t in range(9):
        step, h = model(inputs[t], h)
        torch.testing.assert_close(outputs[t], step, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(last, h, rtol=1e-5, atol=1e-6)


def test_streams_do_not_mix():
    model, inputs, hidden = net(), torch.randn(3, 5), torch.randn(3, 6)
    alone, last = model(inputs[1:2], hidden[1:2])
    both, both_last = model(inputs, hidden)
    torch.testing.assert_close(both[1:2], alone, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(both_last[1:2], last, rtol=1e-5, atol=1e-6)


def test_the_past_matters_and_the_hidden_state_carries_it():
    model, inputs = net(), torch.randn(4, 1, 5)
    with torch.no_grad():
        model.head.weight.normal_()
    zero, other = torch.zeros(1, 6), torch.ones(1, 6)
    assert not torch.allclose(through(model, inputs, zero)[0][-1], through(model, inputs, other)[0][-1], atol=1e-3)


@pytest.mark.parametrize("outputs", [1, 4])
def test_initialisation_is_orthogonal(outputs):
    model = net(outputs=outputs)
    eye = torch.eye
    embed, head = model.embed.weight, model.head.weight
    torch.testing.assert_close(embed.T @ embed, 2.0 * eye(5))  # gain sqrt(2) for ReLU
    for weights in (model.gru.weight_ih_l0, model.gru.weight_hh_l0):
        for gate in weights.chunk(3):
            torch.testing.assert_close(gate @ gate.T, eye(6))
    torch.testing.assert_close(head @ head.T, 0.01**2 * eye(outputs))
    for name, parameter in model.named_parameters():
        if parameter.ndim == 1:
            assert parameter.unique().tolist() == [1.0 if name == "norm.weight" else 0.0], name


def test_gates_of_an_lstm_are_orthogonal_and_forget_nothing_at_first():
    model = LSTMNet(5, 6, 4)
    for weights in (model.lstm.weight_ih_l0, model.lstm.weight_hh_l0):
        for gate in weights.chunk(4):
            torch.testing.assert_close(gate @ gate.T, torch.eye(6))
    assert [gate.tolist() for gate in model.lstm.bias_ih_l0.chunk(4)] == [[0.0] * 6, [1.0] * 6, [0.0] * 6, [0.0] * 6]
    assert not model.lstm.bias_hh_l0.any()


def test_layers_of_a_network_without_memory_are_orthogonal():
    model = MLPNet(5, 6, 4, (7, 7))
    torch.testing.assert_close(model.deeper[0].weight @ model.deeper[0].weight.T, 2.0 * torch.eye(7))
    torch.testing.assert_close(model.last.weight @ model.last.weight.T, 2.0 * torch.eye(6))
    torch.testing.assert_close(model.head.weight @ model.head.weight.T, 0.01**2 * torch.eye(4))


def test_a_fresh_policy_is_nearly_uniform():
    logits = net()(torch.randn(8, 5), torch.zeros(8, 6))[0]
    assert float(logits.detach().abs().max()) < 0.05


def test_value_norm_equals_its_definition():
    """An exponential average of mean and mean square, divided by the sum of its weights."""
    norm, first, second, weight = ValueNorm(decay=0.9), 0.0, 0.0, 0.0
    generator = torch.Generator()
    generator.manual_seed(0)
    for _ in range(5):
        returns = 3.0 + 2.0 * torch.randn(4, 3, generator=generator)
        mask = (torch.rand(4, 3, generator=generator) < 0.6).float()
        norm.update(returns, mask)
        kept = [float(r) for r, m in zip(returns.flatten(), mask.flatten(), strict=True) if m]
        first = 0.9 * first + 0.1 * sum(kept) / len(kept)
        second = 0.9 * second + 0.1 * sum(r * r for r in kept) / len(kept)
        weight = 0.9 * weight + 0.1
        mean = first / weight
        std = math.sqrt(second / weight - mean**2)
        x = torch.tensor([-4.0, 0.0, 7.5])
        expected = [(float(v) - mean) / std for v in x]
        assert norm.normalize(x).tolist() == pytest.approx(expected, rel=1e-5)
        torch.testing.assert_close(norm.denormalize(norm.normalize(x)), x, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("offset", "spread"), [(-5_000, 2.0), (20_000, 1.0), (100_000, 5.0)])
def test_value_norm_knows_the_spread_of_returns_far_from_zero(offset, spread):
    norm, generator = ValueNorm(), torch.Generator()
    generator.manual_seed(0)
    drawn = [offset + spread * torch.randn(60, 8, 3, generator=generator) for _ in range(20)]
    for returns in drawn:
        norm.update(returns, torch.ones_like(returns))
    normalized = norm.normalize(torch.cat(drawn))
    assert float(normalized.mean()) == pytest.approx(0.0, abs=0.02)
    assert float(normalized.std()) == pytest.approx(1.0, abs=0.02)


def test_value_norm_does_nothing_before_it_saw_anything():
    x = torch.tensor([-4.0, 7.5])
    assert ValueNorm().normalize(x).tolist() == ValueNorm().denormalize(x).tolist() == x.tolist()


def test_value_norm_survives_equal_returns():
    norm = ValueNorm()
    norm.update(torch.full((4,), 2.0), torch.ones(4))
    assert torch.isfinite(norm.normalize(torch.tensor([2.0, 3.0]))).all()


def test_value_norm_travels_with_its_state():
    norm, other = ValueNorm(), ValueNorm()
    norm.update(torch.tensor([1.0, 5.0]), torch.ones(2))
    other.load_state_dict(norm.state_dict())
    x = torch.tensor([0.0, 1.0])
    assert torch.equal(norm.normalize(x), other.normalize(x))
