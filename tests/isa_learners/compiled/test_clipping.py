"""Clipping against torch's own."""

import pytest
import torch
from compiled_library import kernels, switch  # noqa: F401

from isa_learners.compiled import clipping


@pytest.mark.parametrize("max_norm", [0.5, 100.0])
def test_equals_torch(switch, max_norm):  # noqa: F811
    torch.manual_seed(0)
    gradients = [torch.randn(shape) for shape in ((3,), (17, 5), (8,), (1,), (0,))]
    weights = [torch.zeros_like(x).requires_grad_() for x in gradients]
    for weight, x in zip(weights, gradients, strict=True):
        weight.grad = x.clone()
    expected = torch.nn.utils.clip_grad_norm_(weights, max_norm)
    torch.testing.assert_close(clipping.clip_norm(gradients, max_norm), expected)
    torch.testing.assert_close(gradients, [weight.grad for weight in weights])


def test_what_is_no_number_is_said(switch):  # noqa: F811
    assert clipping.clip_norm([torch.tensor([1.0, float("nan")])], 1.0).isnan()


def test_whom_it_serves(switch):  # noqa: F811
    assert clipping.supports([torch.zeros(3)])
    assert not clipping.supports([torch.zeros(3), torch.zeros(3, dtype=torch.float64)])
    assert not clipping.supports([torch.zeros(3, 2).t()])
    switch(False)
    assert not clipping.supports([torch.zeros(3)])
