"""Comparison of an exported policy with the original over random steps."""

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
"""Maps the inputs of a :class:`~isa_learners.runs.policy_module.PolicyModule` to its outputs as NumPy arrays."""

ENVS = 4
TOLERANCE = 1e-5
MOST_OTHERS = 1e-3


@dataclass(frozen=True)
class Difference:
    """The difference between the outputs of two policies.

    Attributes:
        largest: largest difference of floats, relative for values above 1.
        others: share of discrete actions that differ; rounding decides between almost equally good actions.
    """

    largest: float
    others: float

    @property
    def small(self) -> bool:
        """Whether the two policies agree."""
        return self.largest <= TOLERANCE and self.others <= MOST_OTHERS

    def __str__(self) -> str:
        return f"its numbers differ by up to {self.largest:.1e}, {self.others:.2%} of its discrete actions differ"


def compare(policy: RunPolicy, module: PolicyModule, run: Run, steps: int, seed: int = 0) -> Difference:
    """Run both on the same random observations; each step starts from the memory of the original policy.

    Args:
        policy: original policy; it is reset.
        module: module with names and sizes.
        run: exported policy.
        steps: number of steps, with :data:`ENVS` environments each.
        seed: seed of observations, masks, deaths, goals and ends of episodes.
    """
    rng = np.random.default_rng(seed)
    example = dict(zip(module.input_names, module.example(ENVS), strict=True))
    policy.reset(seed)
    largest, others, count = 0.0, 0, 0
    for t in range(steps):
        inputs = {**example, **_drawn(rng, example, policy.task, first=t == 0), **(policy.memory if t else {})}
        outputs = run(list(inputs.values()))
        infos = {"action_mask": inputs["action_mask"], "alive": inputs["alive"], "done": inputs["start"]}
        action = policy.act(inputs["observation"], infos, inputs.get("goal"))
        names = (name.removeprefix("next_") for name in module.output_names[1:])
        expected = [to_numpy(action), *(to_numpy(policy.memory[name]) for name in names)]
        for x, y in zip(outputs, expected, strict=True):
            if y.dtype.kind == "f":
                largest = max(largest, float(np.max(np.abs(x - y) / np.maximum(np.abs(y), 1.0), initial=0.0)))
        if action.dtype == torch.int64:
            others, count = others + int((outputs[0] != expected[0]).sum()), count + expected[0].size
    policy.reset(seed)
    return Difference(largest, others / max(count, 1))


def _drawn(rng: np.random.Generator, like: dict[str, Tensor], task: BatchEnv, first: bool) -> dict[str, Tensor]:
    """Draw random inputs: 70 % of the agents alive, half of the actions available, 10 % of the episodes ending."""
    code, mask = action_code_of(task), rng.random(like["action_mask"].shape) < 0.5
    if code is None:
        mask &= np.arange(mask.shape[-1]) < np.array(task.num_actions)[:, None]
        mask[..., 0] |= ~mask.any(-1)
    else:
        mask |= code.idle()  # one value per choice, and complete ranges
    drawn = {
        "observation": rng.standard_normal(like["observation"].shape).astype(np.float32),
        "action_mask": mask,
        "alive": rng.random(like["alive"].shape) < 0.7,
        "start": (rng.random(like["start"].shape) < 0.1) | first,
    }
    if "goal" in like:
        drawn["goal"] = rng.standard_normal(like["goal"].shape).astype(np.float32)
    return {name: torch.from_numpy(np.asarray(value)) for name, value in drawn.items()}
