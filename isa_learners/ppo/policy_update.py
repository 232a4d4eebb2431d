"""Gradient steps of PPO's policies, shared by all agents or separate for each agent."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from isa_learners.compiled import clipping
from isa_learners.compiled import objective as compiled
from isa_learners.heads import ActionHead, DiscreteHead, Policy
from isa_learners.ppo.batch import Batch
from isa_learners.ppo.config import PPOConfig
from isa_learners.ppo.losses import policy_objective
from isa_learners.ppo.networks import PerAgentNet
from isa_learners.ppo.sequential import compound_advantages, policy_ratio
from isa_learners.recurrent.half import unroll_in_bf16
from isa_learners.recurrent.network import Network
from isa_learners.recurrent.packing import EveryStep, LivingSteps, Packing

FIGURES = 5
"""Number of metrics of a step: loss, entropy, divergence, share of clipped ratios and gradient norm."""


@dataclass
class PolicyUpdate:
    """One update of the policies.

    Attributes:
        actor: one network, or one for each agent.
        optimizer: optimiser of all networks; those without a gradient do not change.
        head: converts outputs to distributions.
        config: hyperparameters.
        entropy_factor: current entropy factor.
        data: training data.
        advantage: ``[T, B, A]``, normalised.
    """

    actor: Network | PerAgentNet
    optimizer: torch.optim.Optimizer
    head: ActionHead
    config: PPOConfig
    entropy_factor: float | Tensor
    data: Batch
    advantage: Tensor

    def together(self, parts: list[Packing]) -> list[Tensor]:
        """Take a step on each part; return the metrics of each."""
        return [self._step(self._net(None), part, self.advantage) for part in parts]

    def agent_by_agent(
        self, steps: EveryStep | LivingSteps, envs: list[Tensor | None], order: torch.Generator
    ) -> list[Tensor]:
        """Take all steps of one agent's policy, then those of the next agent; return the metrics of each step.

        Args:
            steps: layout of the data.
            envs: environments of each step; ``None`` for all.
            order: generator for the order of the agents.
        """
        agents = self.advantage.shape[-1]
        if not self.config.sequential:
            passes = [(self._net(i), steps.pack(part, i)) for i in range(agents) for part in envs]
            return self._agent_steps(passes, self.advantage)
        figures: list[Tensor] = []
        agent_order = torch.randperm(agents, generator=order).tolist()
        compound = compound_advantages(agent_order, self.advantage, lambda i: self._ratio(i, steps.pack(agent=i)))
        for agent, advantage in compound:
            figures += self._agent_steps([(self._net(agent), steps.pack(part, agent)) for part in envs], advantage)
        return figures

    def _agent_steps(self, passes: list[tuple[Network, Packing]], advantage: Tensor) -> list[Tensor]:
        """Take a step of one agent's policy on each part in which it acted; momentum must not change it on others.

        With fixed shapes, it takes a step on every part and undoes those without an action, without synchronisation.
        """
        figures = []
        for net, part in passes:
            if part.every:
                before = _weights_and_moments(net, self.optimizer)
                figures.append(self._step(net, part, advantage))
                _undo_step(before, _weights_and_moments(net, self.optimizer), unless=part.alive.any())
            elif len(part.rows):
                figures.append(self._step(net, part, advantage))
            else:
                figures.append(advantage.new_zeros(FIGURES))
        return figures

    def _net(self, agent: int | None) -> Network:
        """Return the network of an agent, or the shared one."""
        if isinstance(self.actor, PerAgentNet):
            return self.actor.of(agent or 0)
        return self.actor

    def _ratio(self, agent: int, part: Packing) -> Tensor:
        """Return the ratios ``[T, B]`` of new and old probabilities of an agent's actions."""
        with torch.no_grad():
            policy, action, old, chosen = self._policy(self._net(agent), part)
            ratio = torch.ones_like(self.data.log_prob).flatten()
            ratio[part.rows] = policy_ratio(policy.log_prob(action), old, chosen)
        return ratio.view_as(self.data.log_prob)[..., agent]

    def _policy(self, net: Network, part: Packing) -> tuple[Policy, Tensor, Tensor, Tensor]:
        """Return distributions, actions, old log-probabilities and the mask of chosen actions at a packing's steps."""
        outputs, available, action, old, chosen = self._outputs(net, part)
        return self.head.policy(outputs, available, part.rows), action, old, chosen

    def _outputs(self, net: Network, part: Packing) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Return outputs, available actions, actions, old log-probabilities and chosen mask at a packing's steps."""
        data = self.data
        outputs, _ = unrolled(net, data.actor_inputs(part.rows), data.actor_hidden, part, self.config.bf16)
        available, action, old, chosen = (
            array.flatten(0, 2)[part.rows] for array in (data.available, data.action, data.log_prob, data.chosen)
        )
        return outputs, available, action, old, chosen

    def _step(self, net: Network, part: Packing, advantage: Tensor) -> Tensor:
        """Take one step; return loss, entropy, divergence, share of clipped ratios and gradient norm."""
        config = self.config
        outputs, available, action, old, chosen = self._outputs(net, part)
        advantage = advantage.flatten()[part.rows]
        if isinstance(self.head, DiscreteHead) and compiled.supports(outputs):
            entropy_factor = float(self.entropy_factor)
            objective, figures = compiled.policy_objective(
                outputs, available, action, old, advantage, (chosen, part.alive), config.clip, entropy_factor
            )
        else:
            policy = self.head.policy(outputs, available, part.rows)
            objective, figures = policy_objective(
                policy, action, old, advantage, (chosen, part.alive), config.clip, self.entropy_factor
            )
        norm = gradient_step(objective, net, self.optimizer, config.max_grad_norm)
        return torch.cat([figures, norm[None]])


def unrolled(net: Network, inputs: Tensor, state: Tensor, part: Packing, bf16: bool) -> tuple[Tensor, Tensor]:
    """Run a network over a packing's ``inputs`` ``[R, F]`` from ``state`` ``[1, B, A, S]``; return outputs, states."""
    first = state.flatten(0, 2)[part.streams]
    sequence = inputs, first, part.sizes, part.keep, part.alive if part.every else None
    return unroll_in_bf16(net, *sequence) if bf16 else net.unroll(*sequence)


def _weights_and_moments(net: Network, optimizer: torch.optim.Optimizer) -> list[tuple[Tensor, Tensor]]:
    """Return a network's weights and any optimiser state, each with a copy."""
    weights = list(net.parameters())
    moments = [value for weight in weights for value in optimizer.state.get(weight, {}).values()]
    return [(value.data, value.detach().clone()) for value in (*weights, *moments)]


def _undo_step(before: list[tuple[Tensor, Tensor]], after: list[tuple[Tensor, Tensor]], unless: Tensor) -> None:
    """Undo a step in place unless ``unless`` holds; optimiser state created by the step becomes 0."""
    old_values = [copy for _, copy in before] + [torch.zeros_like(copy) for _, copy in after[len(before) :]]
    for (tensor, new), old in zip(after, old_values, strict=True):
        tensor.copy_(torch.where(unless, new, old))


def gradient_step(loss: Tensor, net: Network, optimizer: torch.optim.Optimizer, max_norm: float) -> Tensor:
    """Take one clipped gradient step; return the gradient norm."""
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad = None
    loss.backward()  # type: ignore[no-untyped-call]
    gradients = [parameter.grad for parameter in net.parameters() if parameter.grad is not None]
    if clipping.supports(gradients):
        norm = clipping.clip_norm(gradients, max_norm)
    else:
        norm = torch.nn.utils.clip_grad_norm_(net.parameters(), max_norm)
    optimizer.step()
    return norm.detach()
