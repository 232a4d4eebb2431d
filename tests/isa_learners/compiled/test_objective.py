"""The compiled objective against the plain one in float64."""

import pytest
import torch
from compiled_library import kernels, switch  # noqa: F401

from isa_learners.compiled import objective as compiled
from isa_learners.heads import DiscreteHead
from isa_learners.ppo.losses import policy_objective, value_loss

CLIP, FACTOR = 0.2, 0.05


def make(rows, actions, seed=0):
    torch.manual_seed(seed)
    logits = 2.0 * torch.randn(rows, actions)
    available = torch.rand(rows, actions) < 0.7
    action = torch.randint(actions, (rows,))
    available[torch.arange(rows), action] = True
    masks = (torch.rand(rows) < 0.8).float(), (torch.rand(rows) < 0.9).float()
    available[0], masks[0][0] = False, 0.0  # whoever is dead may have nothing to choose from
    return logits, available, action, -2.0 * torch.rand(rows), torch.randn(rows), masks


def plain(logits, available, action, old, advantage, masks):
    policy = DiscreteHead(logits.shape[-1], "cpu").policy(logits, available, torch.arange(len(logits)))
    return policy_objective(policy, action, old, advantage, masks, CLIP, FACTOR)


def check(arguments):
    """Objective, figures and gradient are those of the plain one in float64; return the figures."""
    logits = arguments[0].clone().requires_grad_()
    total, figures = compiled.policy_objective(logits, *arguments[1:], CLIP, FACTOR)
    double = arguments[0].double().requires_grad_()
    masks = tuple(x.double() for x in arguments[5])
    expected, wanted = plain(double, *arguments[1:3], *(x.double() for x in arguments[3:5]), masks)
    (found,), (gradient,) = torch.autograd.grad(3.0 * total, logits), torch.autograd.grad(3.0 * expected, double)
    for ours, theirs in ((total, expected), (figures, wanted), (found, gradient)):
        torch.testing.assert_close(ours.double(), theirs, rtol=1e-5, atol=1e-7)
    return figures


@pytest.mark.parametrize(("rows", "actions"), [(300, 5), (200, 8), (100, 9), (40, 1), (50, 17)])
def test_equals_the_plain_one(switch, rows, actions):  # noqa: F811
    figures = check(make(rows, actions))
    assert figures[3] > 0 or actions == 1, "some ratios are clipped"


def test_nobody_chose(switch):  # noqa: F811
    *arguments, (chosen, alive) = make(20, 4)
    assert check((*arguments, (torch.zeros_like(chosen), torch.zeros_like(alive)))).tolist() == [0, 0, 0, 0]


def test_the_policy_has_not_moved(switch):  # noqa: F811
    """All ratios are 1; those who did not choose have any old log-probability, infinity among them."""
    logits, available, action, _, advantage, masks = make(60, 6)
    old = DiscreteHead(6, "cpu").policy(logits, available, torch.arange(60)).log_prob(action)
    figures = check((logits, available, action, torch.where(masks[0] > 0, old, -torch.inf), advantage, masks))
    assert figures[2] == pytest.approx(0, abs=1e-6)
    assert figures[3] == 0


def test_it_serves_float32_on_cpu(switch):  # noqa: F811
    assert compiled.supports(torch.zeros(2, 2))
    assert not compiled.supports(torch.zeros(2, 2, dtype=torch.float64))
    switch(False)
    assert not compiled.supports(torch.zeros(2, 2))


@pytest.mark.parametrize("huber", [0.0, 0.3])
@pytest.mark.parametrize("living", [True, False])
def test_values_equal_the_plain_loss(switch, huber, living):  # noqa: F811
    torch.manual_seed(0)
    value, old, target = torch.randn(3, 400)
    old[:200] = value[:200] + 0.1 * torch.randn(200)  # half of them have moved less than the clip
    mask = (torch.rand(400) < 0.8).float() * living
    ours, theirs = value.clone().requires_grad_(), value.double().requires_grad_()
    found = compiled.value_objective(ours, old, target, mask, CLIP, huber)
    expected = value_loss(theirs, old.double(), target.double(), mask.double(), CLIP, huber)
    torch.testing.assert_close(found.double(), expected, rtol=1e-6, atol=1e-8)
    (gradient,), (wanted,) = torch.autograd.grad(0.5 * found, ours), torch.autograd.grad(0.5 * expected, theirs)
    torch.testing.assert_close(gradient.double(), wanted, rtol=1e-5, atol=1e-8)
    assert bool(gradient.any()) == living
