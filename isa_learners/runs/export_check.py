"""An exported policy against the policy it came from: step by step, with deaths, masks, goals and ends of episodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from isa_learners.runs.policy import RunPolicy
from isa_learners.runs.policy_module import PolicyModule
from isa_wrappers.arrays import to_numpy
from isa_wrappers.batch import BatchEnv
from isa_wrappers.batch.protocol import action_code_of

Run: TypeAlias = Callable[[Sequence[Tensor]], list[Any]]
"""From the inputs of a :class:`~isa_learners.runs.policy_module.PolicyModule` to its outputs, as NumPy arrays."""

ENVS = 4
TOLERANCE = 1e-5
MOST_OTHERS = 1e-3


@dataclass(frozen=True)
class Difference:
    """Between what two returned.

    Attributes:
        largest: of their floats, relative to those beyond 1.
        others: share of discrete actions that differ: where two are all but equally good, rounding decides.
    """

    largest: float
    others: float

    @property
    def small(self) -> bool:
        """Whether they are one policy."""
        return self.largest <= TOLERANCE and self.others <= MOST_OTHERS

    def __str__(self) -> str:
        return f"its numbers differ by up to {self.largest:.1e}, {self.others:.2%} of its discrete actions differ"


def compare(policy: RunPolicy, module: PolicyModule, run: Run, steps: int, seed: int = 0) -> Difference:
    """Let both act on the same random observations; each step begins with what the policy remembers.

    Args:
        policy: it is reset.
        module: for names and sizes.
        run: what was exported.
        steps: of :data:`ENVS` environments each.
        seed: of observations, masks, deaths, goals and ends of episodes.
    """
    rng = np.random.default_rng(seed)
    example = dict(zip(module.input_names, module.example(ENVS), strict=True))
    policy.reset(seed)
    largest, others, count = 0.0, 0, 0
    for t in range(steps):
        told = {**example, **_drawn(rng, example, policy.task, first=t == 0), **(policy.memory if t else {})}
        found = run(list(told.values()))
        infos = {"action_mask": told["action_mask"], "alive": told["alive"], "done": told["start"]}
        action = policy.act(told["observation"], infos, told.get("goal"))
        names = (name.removeprefix("next_") for name in module.output_names[1:])
        wanted = [to_numpy(action), *(to_numpy(policy.memory[name]) for name in names)]
        for x, y in zip(found, wanted, strict=True):
            if y.dtype.kind == "f":
                largest = max(largest, float(np.max(np.abs(x - y) / np.maximum(np.abs(y), 1.0), initial=0.0)))
        if action.dtype == torch.int64:
            others, count = others + int((found[0] != wanted[0]).sum()), count + wanted[0].size
    policy.reset(seed)
    return Difference(largest, others / max(count, 1))


def _drawn(rng: np.random.Generator, like: dict[str, Tensor], task: BatchEnv, first: bool) -> dict[str, Tensor]:
    """Draw what is told: seven of ten agents live, half of the actions are open, an episode in ten ends."""
    code, mask = action_code_of(task), rng.random(like["action_mask"].shape) < 0.5
    if code is None:
        mask &= np.arange(mask.shape[-1]) < np.array(task.num_actions)[:, None]
        mask[..., 0] |= ~mask.any(-1)
    else:
        mask |= code.idle()  # a value of each choice, and ranges whole
    drawn = {
        "observation": rng.standard_normal(like["observation"].shape).astype(np.float32),
        "action_mask": mask,
        "alive": rng.random(like["alive"].shape) < 0.7,
        "start": (rng.random(like["start"].shape) < 0.1) | first,
    }
    if "goal" in like:
        drawn["goal"] = rng.standard_normal(like["goal"].shape).astype(np.float32)
    return {name: torch.from_numpy(np.asarray(value)) for name, value in drawn.items()}
