"""The GRU's kernels against its equations; on CUDA, and where Triton is installed without it, in its interpreter."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from isa_learners.recurrent import fused
from isa_learners.recurrent.gru import gru, plain_gru

ROOT = Path(__file__).parents[3]
SIZES = [(12, 5, 4), (32, 37, 3), (64, 16, 5), (16, 1, 1)]


def both(size, streams, steps, device, dtype=torch.float32):
    """Outputs and gradients of the equations and of what is called in their place."""
    torch.manual_seed(0)
    cell = nn.GRU(7, size)
    x, h = torch.randn(steps * streams, 7), torch.randn(streams, size)
    keep, alive = (torch.rand(steps * streams, 1) < 0.7).float(), (torch.rand(steps * streams) < 0.7).float()
    weight = torch.randn(steps * streams, size)
    cell, x, h, keep, alive, weight = (part.to(device) for part in (cell, x, h, keep, alive, weight))
    cell, x, h, keep = cell.to(dtype), x.to(dtype), h.to(dtype), keep.to(dtype)
    for function in (plain_gru, gru):
        cell.zero_grad()
        out = function(cell, x, h, [streams] * steps, keep, alive)
        (out.float() * weight).sum().backward()
        yield [out.detach(), *(part.grad.clone() for part in cell.parameters())]


def check(size, streams, steps, device, within=2e-6, dtype=torch.float32):
    for expected, found in zip(*both(size, streams, steps, device, dtype), strict=True):
        assert float((expected - found).float().norm() / expected.float().norm()) < within


@pytest.mark.cuda
@pytest.mark.parametrize(("size", "streams", "steps"), SIZES)
def test_kernels_compute_the_equations(size, streams, steps, monkeypatch):
    calls = []
    apply = fused.FusedRecurrence.apply
    monkeypatch.setattr(fused.FusedRecurrence, "apply", lambda *given: calls.append(1) or apply(*given))
    check(size, streams, steps, "cuda")
    assert calls or not fused._has_triton()


@pytest.mark.cuda
def test_kernels_in_bfloat16_are_near():
    check(32, 37, 3, "cuda", within=2e-2, dtype=torch.bfloat16)


@pytest.mark.cuda
def test_without_gradients_nothing_is_kept():
    cell, x, h = nn.GRU(7, 32).cuda(), torch.randn(8, 7, device="cuda"), torch.randn(4, 32, device="cuda")
    keep = torch.ones(8, 1, device="cuda")
    with torch.no_grad():
        found = gru(cell, x, h, [4, 4], keep)
    assert torch.allclose(found, gru(cell, x, h, [4, 4], keep), atol=1e-6)


@pytest.mark.cuda
@pytest.mark.parametrize(("size", "sizes"), [(128, [4, 4]), (32, [4, 3])])
def test_what_no_kernel_serves_goes_step_by_step(size, sizes):
    cell, h = nn.GRU(7, size).cuda(), torch.randn(4, size, device="cuda")
    x, keep = torch.randn(sum(sizes), 7, device="cuda"), torch.ones(sum(sizes), 1, device="cuda")
    assert not fused.supports(torch.empty(sum(sizes), 3 * size, device="cuda"), sizes)
    assert torch.allclose(gru(cell, x, h, sizes, keep), plain_gru(cell, x, h, sizes, keep), atol=1e-5)


def test_on_cpu_no_kernel_serves():
    assert not fused.supports(torch.empty(4, 96), [2, 2])


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="Triton is not installed")
def test_kernels_compute_the_equations_in_the_interpreter():
    code = """
import test_fused as t
from isa_learners.recurrent import fused
fused.supports = lambda given, sizes: True
for size, streams, steps in t.SIZES:
    t.check(size, streams, steps, "cpu")
"""
    paths = os.pathsep.join([str(ROOT), str(Path(__file__).parent), *sys.path])
    env = {**os.environ, "TRITON_INTERPRET": "1", "PYTHONPATH": paths}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
