"""The mixed policy and the counterfactual advantage against their definitions."""

import itertools

import pytest
import torch

from isa_learners.coma.critic import CentralCritic
from isa_learners.coma.policy import counterfactual_advantage, mixed_log_probs
from isa_learners.rollout import Sizes

D = torch.float64


@pytest.mark.parametrize("epsilon", [0.0, 0.3, 1.0])
def test_the_policy_is_mixed_before_barred_actions_leave_it(epsilon):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(30, 5, generator=generator, dtype=D)
    available = torch.rand(30, 5, generator=generator) < 0.5
    available[:, 2] |= ~available.any(-1)
    found = mixed_log_probs(logits, available, epsilon).exp()
    for row in range(30):
        total = sum(float(x.exp()) for x in logits[row])
        mixed = [(1 - epsilon) * float(x.exp()) / total + epsilon / 5 for x in logits[row]]
        kept = [p if there else 0.0 for p, there in zip(mixed, available[row].tolist(), strict=True)]
        assert found[row].tolist() == pytest.approx([p / sum(kept) for p in kept], abs=1e-12)
        assert all(p == 0.0 for p, there in zip(found[row].tolist(), available[row].tolist(), strict=True) if not there)


@pytest.mark.parametrize("epsilon", [0.0, 0.3, 1.0])
def test_its_gradient_is_finite(epsilon):
    logits = torch.tensor([[50.0, -50.0, 0.0]], requires_grad=True)
    mixed_log_probs(logits, torch.tensor([[False, True, True]]), epsilon)[0, 1].backward()
    assert torch.isfinite(logits.grad).all()
    assert bool((logits.grad != 0).any()) == (epsilon < 1.0)


def test_the_advantage_is_the_value_of_the_joint_action_against_all_own_alternatives():
    """By enumeration: each of i's actions put into the joint action, one critic's pass for each."""
    sizes = Sizes(num_agents=3, num_actions=4, obs_size=2, state_size=5)
    generator = torch.Generator().manual_seed(0)
    critic = CentralCritic(sizes, 16).to(D)
    state = torch.randn(5, generator=generator, dtype=D)
    own = torch.randn(3, 2 + 4 + 3, generator=generator, dtype=D)
    log_probs = torch.log_softmax(torch.randn(3, 4, generator=generator, dtype=D), -1)
    everybody = torch.ones(3, dtype=D)

    def value(joint, i):
        action = torch.tensor(joint)
        return float(critic(critic.inputs(state, own, action, everybody))[i, joint[i]].detach())

    for joint in itertools.islice(itertools.product(range(4), repeat=3), 0, 64, 7):
        action = torch.tensor(joint)
        values = critic(critic.inputs(state, own, action, everybody)).detach()
        found = counterfactual_advantage(values, log_probs, action)
        for i in range(3):
            alternatives = [(*joint[:i], b, *joint[i + 1 :]) for b in range(4)]
            baseline = sum(float(log_probs[i, b].exp()) * value(alternatives[b], i) for b in range(4))
            assert float(found[i]) == pytest.approx(value(joint, i) - baseline, abs=1e-12)


def test_a_baseline_has_no_part_in_the_expected_gradient():
    """``E_a[A(a) grad log pi(a)]`` is that of Q alone."""
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(6, generator=generator, dtype=D, requires_grad=True)
    values = torch.randn(6, generator=generator, dtype=D)
    log_probs = torch.log_softmax(logits, -1)
    actions = torch.arange(6)
    advantage = counterfactual_advantage(values.expand(6, 6), log_probs.detach().expand(6, 6), actions)
    found = torch.autograd.grad((log_probs.detach().exp() * advantage * log_probs).sum(), logits, retain_graph=True)[0]
    wanted = torch.autograd.grad((log_probs.exp() * values).sum(), logits)[0]
    torch.testing.assert_close(found, wanted)
