"""The optimisers step as torch's own do, bit by bit, and start without torch's compiler."""

import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
import torch

from isa_learners.checkpoint import load_optimizer_tensors, optimizer_tensors
from isa_learners.optimizers import optimizer_for
from isa_learners.settings import OptimizerName

TORCHS_OWN = {
    "adam": lambda parameters: torch.optim.Adam(parameters, lr=0.1, eps=1e-5, fused=True),
    "rmsprop": lambda parameters: torch.optim.RMSprop(parameters, lr=0.1, alpha=0.99, eps=1e-5),
}


def weights():
    torch.manual_seed(0)
    return torch.nn.Parameter(torch.randn(3)), torch.nn.Parameter(torch.randn(2, 2))


def descend(parameters, optimizer, times):
    for _ in range(times):
        optimizer.zero_grad(set_to_none=True)
        sum((weight**4).sum() for weight in parameters).backward()
        optimizer.step()


def test_the_list_is_tested():
    assert set(get_args(OptimizerName)[1].choices) == set(TORCHS_OWN)


@pytest.mark.parametrize("kind", TORCHS_OWN)
def test_steps_are_torchs_own(kind):
    ours, theirs = weights(), weights()
    optimizers = optimizer_for(kind, ours, 0.1, 1e-5), TORCHS_OWN[kind](theirs)
    for parameters, optimizer in zip((ours, theirs), optimizers, strict=True):
        descend(parameters, optimizer, 3)
        optimizer.param_groups[0]["lr"] = 0.05
        descend(parameters, optimizer, 2)
    for mine, other in zip(ours, theirs, strict=True):
        assert torch.equal(mine, other)
        assert mine.requires_grad
        assert mine.is_leaf
    assert not torch.equal(ours[0], weights()[0])


@pytest.mark.parametrize("kind", TORCHS_OWN)
def test_its_tensors_are_torchs_own(kind):
    """A checkpoint of one loads into the other."""
    ours, theirs = weights(), weights()
    mine, other = optimizer_for(kind, ours, 0.1, 1e-5), TORCHS_OWN[kind](theirs)
    descend(ours, mine, 3)
    for target, source in zip(theirs, ours, strict=True):
        target.data.copy_(source.data)
    load_optimizer_tensors(other, optimizer_tensors(mine))
    again = optimizer_for(kind, ours, 0.1, 1e-5)
    load_optimizer_tensors(again, optimizer_tensors(other))
    descend(ours, again, 2)
    descend(theirs, other, 2)
    for one, two in zip(ours, theirs, strict=True):
        assert torch.equal(one, two)


@pytest.mark.slow
def test_torchs_compiler_is_not_imported():
    code = (
        "import sys; from test_optimizers import TORCHS_OWN, descend, optimizer_for, weights\n"
        "from isa_learners.checkpoint import load_optimizer_tensors, optimizer_tensors\n"
        "for kind in TORCHS_OWN:\n"
        "    parameters = weights(); optimizer = optimizer_for(kind, parameters, 0.1, 1e-5)\n"
        "    descend(parameters, optimizer, 2)\n"
        "    load_optimizer_tensors(optimizer, optimizer_tensors(optimizer))\n"
        "print([name for name in ('torch._dynamo', 'sympy') if name in sys.modules])\n"
    )
    path = f"import sys; sys.path[:0] = {[str(Path(__file__).parent), *sys.path]!r}\n"
    done = subprocess.run([sys.executable, "-c", path + code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")
