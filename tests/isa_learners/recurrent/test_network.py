"""What a network's class makes of a step: whole rollouts, with deaths and starts, against a walk."""

import pytest
import torch
from torch import nn

from isa_learners.recurrent.network import Layered, Network, RecurrentLinear


class Leaky(Network):
    """Remembers two numbers."""

    state_size = 2

    def __init__(self):
        super().__init__()
        self.read, self.say = nn.Linear(3, 2), nn.Linear(2, 4)

    def forward(self, inputs, state):
        state = 0.5 * state + torch.tanh(self.read(inputs))
        return self.say(state), state


def test_a_rollout_equals_a_walk_over_each_stream():
    torch.manual_seed(0)
    net, sizes = Leaky(), [3, 3, 2, 1]
    inputs, state = torch.randn(9, 3), torch.randn(3, 2)
    keep, alive = (torch.rand(9, 1) < 0.7).float(), (torch.rand(9) < 0.7).float()
    for living in (None, alive):
        outputs, states = net.unroll(inputs, state, sizes, keep, living)
        for stream in range(3):
            h = state[stream]
            for t in range(sum(size > stream for size in sizes)):
                row = sum(sizes[:t]) + stream
                h = h * keep[row]
                output, after = net(inputs[row][None], h[None])
                h = h if living is not None and not living[row] else after[0]
                torch.testing.assert_close(outputs[row], output[0])
                torch.testing.assert_close(states[row], h)


def test_a_network_without_a_step_is_none():
    with pytest.raises(TypeError, match="forward"):
        type("Sizeless", (Network,), {})()


def test_a_network_without_memory_is_one_call():
    calls = []

    class Plain(Network):
        def forward(self, inputs, state):
            calls.append(state.shape)
            return 2.0 * inputs, state

    outputs, states = Plain().unroll(torch.ones(5, 3), torch.zeros(2, 0), [2, 2, 1], torch.ones(5, 1))
    assert (outputs.shape, states.shape, calls) == ((5, 3), (5, 0), [(5, 0)])


@pytest.mark.parametrize(("layers", "widths"), [((), [(5, 8)]), ((4, 3), [(5, 4), (4, 3)])])
def test_layers_come_before_what_follows(layers, widths):
    net = Layered(5, 8, layers)
    assert [(layer.in_features, layer.out_features) for layer in (net.embed, *net.deeper)] == widths
    assert net.width == widths[-1][1]
    x, expected = torch.randn(2, 5), torch.zeros(0)
    expected = torch.relu(net.embed(x))
    for layer in net.deeper:
        expected = torch.relu(layer(expected))
    assert torch.equal(net.embedded(x), expected)
    assert net.embedded(x).min() >= 0


def test_a_plain_recurrent_network_unrolls_as_it_steps():
    torch.manual_seed(0)
    net, given = RecurrentLinear(3, 4, 2), (torch.randn(5, 3), torch.randn(3, 4), [3, 2], torch.ones(5, 1))
    torch.testing.assert_close(net.unroll(*given), Network.unroll(net, *given))
