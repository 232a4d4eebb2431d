"""A run's greedy policy as a stateless function of tensors, which torch can export."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from isa_learners.runs.external import ExternalBatch, array_step
from isa_learners.runs.policy import RunPolicy, goals_in

STEP_INPUTS = ("observation", "action_mask", "alive", "start")


class PolicyModule(nn.Module):
    """One step of B environments, from observations and memory to actions and new memory.

    Inputs, in this order: ``observation`` ``[B, A, O]`` float32, ``action_mask`` ``[B, A, n]`` bool, ``alive``
    ``[B, A]`` bool, ``start`` ``[B]`` bool (an episode begins and the memory is ignored), ``goal`` ``[B, K]`` float32
    if the policy pursues goals, then the learner's memory. Outputs: ``action`` ``[B, A]`` int64 or ``[B, A, d]``
    float32, then the memory after the step.

    Args:
        policy: policy of the run.

    Attributes:
        input_names: names of the inputs.
        output_names: names of the outputs.
    """

    def __init__(self, policy: RunPolicy) -> None:
        super().__init__()
        self._policy = policy
        self._memory = tuple(policy.learner.begin(1))
        self._goal = ("goal",) if policy.pursues_goals else ()
        self.input_names = (*STEP_INPUTS, *self._goal, *self._memory)
        self.output_names = ("action", *(f"next_{name}" for name in self._memory))

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Compute one step."""
        named_inputs = dict(zip(self.input_names, inputs, strict=True))
        policy, observation = self._policy, named_inputs["observation"]
        batch = ExternalBatch(policy.task, observation.shape[0], policy.device)
        env = policy.seen_by_learner(batch)
        batch.now = array_step(
            observation, {name: named_inputs[name] for name in ("action_mask", "alive")}, policy.task, policy.device
        )
        if (sampling := goals_in(env)) is not None:
            sampling.pursue(named_inputs["goal"])
        memory = policy.learner.forget({name: named_inputs[name] for name in self._memory}, named_inputs["start"])
        decision = policy.learner.act(env.reset(), memory)
        return decision.action, *(decision.memory[name] for name in self._memory)

    def example(self, num_envs: int) -> tuple[Tensor, ...]:
        """Return example inputs: zero observations at the start of an episode."""
        policy, task = self._policy, self._policy.task
        team = num_envs, len(task.agents)
        all_true = torch.ones(*team, max(task.num_actions), dtype=torch.bool)
        goal = [torch.zeros(num_envs, task.state_size)] if self._goal else []
        step_inputs = torch.zeros(*team, task.obs_size), all_true, all_true[..., 0].clone(), all_true[:, 0, 0].clone()
        memory = policy.learner.begin(num_envs)
        return tuple(x.to(policy.device) for x in (*step_inputs, *goal, *(memory[name] for name in self._memory)))
