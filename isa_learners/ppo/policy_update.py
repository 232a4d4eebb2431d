"""The gradient steps of PPO's policies: of one that all agents share, or of each agent's own."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from isa_learners.heads import ActionHead, Policy
from isa_learners.masks import masked_mean
from isa_learners.ppo.batch import Batch
from isa_learners.ppo.config import PPOConfig
from isa_learners.ppo.losses import policy_loss
from isa_learners.ppo.networks import PerAgentNet
from isa_learners.ppo.sequential import compound_advantages, policy_ratio
from isa_learners.recurrent.network import Network
from isa_learners.recurrent.packing import EveryStep, LivingSteps, Packing


@dataclass
class PolicyUpdate:
    """One update of the policies.

    Attributes:
        actor: one network, or one for each agent.
        optimizer: of all of them; those without a gradient stand still.
        head: makes distributions of outputs.
        config: hyperparameters.
        entropy_factor: as it is now.
        data: what is learned from.
        advantage: ``[T, B, A]``, normalised.
    """

    actor: Network | PerAgentNet
    optimizer: torch.optim.Optimizer
    head: ActionHead
    config: PPOConfig
    entropy_factor: float
    data: Batch
    advantage: Tensor

    def together(self, parts: list[Packing]) -> list[Tensor]:
        """Take a step on each part; return the figures of each."""
        return [self._step(self._net(None), part, self.advantage) for part in parts]

    def agent_by_agent(
        self, steps: EveryStep | LivingSteps, envs: list[Tensor | None], order: torch.Generator
    ) -> list[Tensor]:
        """Take all steps of one agent's policy, then of the next one's; return the figures of each.

        Args:
            steps: lays the data out.
            envs: the environments of each step; None for all.
            order: draws the order of the agents.
        """
        agents = self.advantage.shape[-1]
        if not self.config.sequential:
            own = [(self._net(i), steps.pack(part, i)) for i in range(agents) for part in envs]
            return [self._step(net, part, self.advantage) for net, part in own]
        said = []
        drawn = torch.randperm(agents, generator=order).tolist()
        compound = compound_advantages(drawn, self.advantage, lambda i: self._ratio(i, steps.pack(agent=i)))
        for agent, advantage in compound:
            said += [self._step(self._net(agent), steps.pack(part, agent), advantage) for part in envs]
        return said

    def _net(self, agent: int | None) -> Network:
        """Return the network of an agent, or the one that all share."""
        if isinstance(self.actor, PerAgentNet):
            return self.actor.of(agent or 0)
        return self.actor

    def _ratio(self, agent: int, part: Packing) -> Tensor:
        """Return what an agent's update has made of the probabilities of its actions ``[T, B]``."""
        with torch.no_grad():
            policy, action, old, chosen = self._policy(self._net(agent), part)
            ratio = torch.ones_like(self.data.log_prob).flatten()
            ratio[part.rows] = policy_ratio(policy.log_prob(action), old, chosen)
        return ratio.view_as(self.data.log_prob)[..., agent]

    def _policy(self, net: Network, part: Packing) -> tuple[Policy, Tensor, Tensor, Tensor]:
        """Return the distributions of a packing's steps; its actions, their old log-probabilities, who chose them."""
        data = self.data
        outputs, _ = unrolled(net, data.actor_inputs(part.rows), data.actor_hidden, part)
        available, action, old, chosen = (
            array.flatten(0, 2)[part.rows] for array in (data.available, data.action, data.log_prob, data.chosen)
        )
        return self.head.policy(outputs, available, part.rows), action, old, chosen

    def _step(self, net: Network, part: Packing, advantage: Tensor) -> Tensor:
        """Take one step; return loss, entropy, divergence, share of clipped ratios and the gradient's norm."""
        config = self.config
        policy, action, old, chosen = self._policy(net, part)
        advantage = advantage.flatten()[part.rows]
        log_prob = policy.log_prob(action)
        # What the policy would hardly ever have done has any ratio: infinity times a mask of 0 were no number.
        old = torch.where(chosen > 0, old, log_prob.detach())
        loss = policy_loss(log_prob, old, advantage, chosen, config.clip)
        spread = masked_mean(policy.entropy(), part.alive)
        norm = gradient_step(loss - self.entropy_factor * spread, net, self.optimizer, config.max_grad_norm)
        with torch.no_grad():
            log_ratio = log_prob - old
            ratio = log_ratio.exp()
            kl = masked_mean(ratio - 1.0 - log_ratio, chosen)
            clipped = masked_mean(((ratio - 1.0).abs() > config.clip).float(), chosen)
        return torch.stack([loss.detach(), spread.detach(), kl, clipped, norm])


def unrolled(net: Network, inputs: Tensor, state: Tensor, part: Packing) -> tuple[Tensor, Tensor]:
    """Run a network over a packing's ``inputs`` ``[R, F]`` from ``state`` ``[1, B, A, S]``: outputs, ``[R, S]``."""
    first = state.flatten(0, 2)[part.streams]
    return net.unroll(inputs, first, part.sizes, part.keep, part.alive if part.every else None)


def gradient_step(loss: Tensor, net: Network, optimizer: torch.optim.Optimizer, max_norm: float) -> Tensor:
    """Take one clipped gradient step; return the gradient's norm."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    norm = torch.nn.utils.clip_grad_norm_(net.parameters(), max_norm)
    optimizer.step()
    return norm.detach()
