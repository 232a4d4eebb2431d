"""The optimisers of learners, by name."""

from __future__ import annotations

from collections.abc import Iterable
from inspect import unwrap
from typing import TypeVar

import torch
from torch import nn
from torch.optim import Optimizer

from isa_learners.settings import OptimizerName

_Kind = TypeVar("_Kind", bound=Optimizer)


def _without_compiler(kind: type[_Kind]) -> type[_Kind]:
    """Remove the wrappers for ``torch.compile`` from an optimiser, as they import the compiler, which takes seconds."""
    names = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
    methods = {name: unwrap(getattr(kind, name)) for name in names}
    return type(kind.__name__, (kind,), {**methods, "step": torch.no_grad()(unwrap(kind.step))})


_Adam = _without_compiler(torch.optim.Adam)
_RMSprop = _without_compiler(torch.optim.RMSprop)


def optimizer_for(kind: OptimizerName, parameters: Iterable[nn.Parameter], lr: float, eps: float) -> Optimizer:
    """Create an optimiser of torch that does not import torch's compiler.

    Args:
        kind: an :data:`~isa_learners.settings.OptimizerName`.
        parameters: parameters to train.
        lr: learning rate.
        eps: epsilon.
    """
    if kind == "adam":
        parameters = list(parameters)
        if parameters[0].is_cuda:  # a recorded step reads the rate from a tensor; see isa_learners.graphs
            rate = torch.tensor(lr, device=parameters[0].device)
            return _Adam(parameters, lr=rate, eps=eps, fused=True, capturable=True)
        return _Adam(parameters, lr=lr, eps=eps, fused=True)
    return _RMSprop(parameters, lr=lr, alpha=0.99, eps=eps)
