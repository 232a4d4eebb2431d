"""Passes in bfloat16: near those in float32, with gradients in float32, and learned from."""

import pytest
import torch
from devices import TORCH
from ppo_reference_net import ACTIONS, AGENTS, BASE, F
from rollout_toys import MANY, random_rollout

from isa_learners.ppo import PPO, PPOConfig
from isa_learners.ppo.network_choice import make_network
from isa_learners.recurrent.half import unroll_in_bf16
from isa_learners.recurrent.network import Network


@pytest.mark.parametrize("network", ["gru", "lstm", "mlp"])
@pytest.mark.parametrize("device", TORCH)
def test_outputs_and_gradients_are_near_those_in_float32(network, device):
    torch.manual_seed(0)
    net = make_network(PPOConfig(network=network, hidden=16), 5, 3).to(device)
    sizes, rows = [6, 6, 4], 16
    inputs, state = torch.randn(rows, 5, device=device), torch.randn(6, net.state_size, device=device)
    keep = (torch.rand(rows, 1, device=device) < 0.7).float()
    weight, found = torch.randn(rows, 3, device=device), []
    for unroll in (net.unroll, lambda *given: unroll_in_bf16(net, *given)):
        outputs, states = unroll(inputs, state, sizes, keep)
        net.zero_grad()
        (outputs * weight).sum().backward()
        assert {x.dtype for x in (outputs, states)} == {torch.float32}
        gradient = torch.cat([p.grad.flatten() for p in net.parameters()])
        assert gradient.dtype == torch.float32
        found.append((outputs.detach(), gradient))
    for full, half in zip(*found, strict=True):
        difference = float((full - half).norm() / full.norm())
        assert 0.0 < difference < 0.03


@pytest.mark.parametrize("device", TORCH)
def test_an_update_goes_nearly_where_that_in_float32_goes(device):
    moved = {}
    for bf16 in (False, True):
        ppo = PPO(F, ACTIONS, PPOConfig(**BASE, buffer_rollouts=1, bf16=bf16), device, 3)
        before = torch.nn.utils.parameters_to_vector(ppo.actor.parameters()).detach()
        made = random_rollout(ppo, 11, MANY, [True, False, False], AGENTS, dtype=torch.float32)
        ppo.update(type(made)(**{name: value.to(device) for name, value in vars(made).items()}))
        moved[bf16] = torch.nn.utils.parameters_to_vector(ppo.actor.parameters()).detach() - before
    assert moved[True].dtype == torch.float32
    assert not torch.equal(moved[True], moved[False])
    assert torch.nn.functional.cosine_similarity(moved[True], moved[False], dim=0) > 0.8


def test_what_a_network_keeps_beside_its_weights_is_halved_too():
    class Shifted(Network):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(3, 2)
            self.register_buffer("shift", torch.ones(2))
            self.register_buffer("seen", torch.zeros((), dtype=torch.int64))

        def forward(self, inputs, state):
            return self.linear(inputs) @ torch.diag(self.shift), state

    net, inputs = Shifted(), torch.randn(4, 3)
    given = inputs, torch.zeros(4, 0), [4], torch.ones(4, 1)
    torch.testing.assert_close(unroll_in_bf16(net, *given)[0], net.unroll(*given)[0], atol=0.05, rtol=0.05)
