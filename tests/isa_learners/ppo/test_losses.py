"""Losses: golden values worked out by hand, and masks."""

import pytest
import torch
from torch import tensor

from isa_learners.masks import masked_mean
from isa_learners.ppo.losses import normalize, policy_loss, value_loss

ONES = torch.ones(4)


def test_masked_mean():
    assert masked_mean(tensor([1.0, 5.0, 9.0]), tensor([1.0, 0.0, 1.0])).item() == 5.0
    assert masked_mean(tensor([1.0, 5.0]), torch.zeros(2)).item() == 0.0


def test_normalize_uses_the_mask_alone():
    found = normalize(tensor([1.0, 3.0, 1000.0]), tensor([1.0, 1.0, 0.0]))
    assert found[:2].tolist() == pytest.approx([-1.0, 1.0], abs=1e-4)


def test_normalize_leaves_equal_advantages_finite():
    assert normalize(tensor([2.0, 2.0]), torch.ones(2)).tolist() == [0.0, 0.0]


def test_policy_loss():
    """Ratios 1, 1.5, 1.5 and 0.5 at clip 0.2: the smaller of the free and the clipped gain each time."""
    ratio = tensor([1.0, 1.5, 1.5, 0.5])
    advantage = tensor([2.0, 1.0, -1.0, 1.0])
    gains = [2.0, 1.2, -1.5, 0.5]
    loss = policy_loss(ratio.log(), torch.zeros(4), advantage, ONES, 0.2)
    assert loss.item() == pytest.approx(-sum(gains) / 4)
    assert policy_loss(ratio.log(), torch.zeros(4), advantage, tensor([0.0, 1, 1, 0]), 0.2).item() == pytest.approx(
        -(1.2 - 1.5) / 2
    )


def test_policy_loss_is_about_the_change_of_probability():
    old = tensor([0.25, 0.5]).log()
    new = tensor([0.3, 0.45]).log()
    loss = policy_loss(new, old, tensor([1.0, 1.0]), torch.ones(2), 0.5)
    assert loss.item() == pytest.approx(-(0.3 / 0.25 + 0.45 / 0.5) / 2)


def test_no_gradient_beyond_the_clip():
    log_prob = tensor([1.5, 1.5, 0.5, 0.5]).log().requires_grad_()
    policy_loss(log_prob, torch.zeros(4), tensor([1.0, -1.0, 1.0, -1.0]), ONES, 0.2).backward()
    assert (log_prob.grad != 0).tolist() == [False, True, True, False]


def test_value_loss():
    """Old value 0, clip 0.2. The worse of the free and the clipped value counts."""
    value = tensor([0.1, 1.0, 1.0, -1.0])
    target = tensor([1.0, 1.0, 0.0, 1.0])
    squares = [0.9**2, 0.8**2, 1.0**2, 2.0**2]
    loss = value_loss(value, torch.zeros(4), target, ONES, 0.2)
    assert loss.item() == pytest.approx(sum(squares) / 4)
    only_second = tensor([0.0, 1.0, 0.0, 0.0])
    assert value_loss(value, torch.zeros(4), target, only_second, 0.2).item() == pytest.approx(0.64)


def test_value_loss_clips_around_the_old_value():
    loss = value_loss(tensor([4.0]), tensor([3.0]), tensor([4.0]), torch.ones(1), 0.25)
    assert loss.item() == pytest.approx(0.75**2)


def test_value_loss_by_huber():
    """Errors of 0.5 and 3 at a delta of 1: 0.5^2 / 2 and 1 (3 - 1 / 2); the clipped value is no worse here."""
    value, old, target = tensor([0.5, 3.0]), tensor([0.5, 3.0]), tensor([0.0, 0.0])
    assert value_loss(value, old, target, torch.ones(2), 0.2, huber=1.0).item() == pytest.approx((0.125 + 2.5) / 2)
