"""The update of COMA: the critic learns lambda-returns, then the actor follows its counterfactual advantages."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from isa_learners.checkpoint import load_modules, load_optimizers, state_of
from isa_learners.coma.batch import Batch
from isa_learners.coma.config import ComaConfig
from isa_learners.coma.critic import CentralCritic
from isa_learners.coma.policy import counterfactual_advantage, mixed_log_probs
from isa_learners.heads import Categorical
from isa_learners.masks import chosen_steps, masked_mean
from isa_learners.optimizers import optimizer_for
from isa_learners.recurrent.network import RecurrentLinear
from isa_learners.recurrent.packing import Packing, layout_of
from isa_learners.returns import lambda_returns, within_episodes
from isa_learners.rollout import Sizes
from isa_wrappers.arrays import restore_generator

_MODULES = ("actor", "critic", "target_critic")
_OPTIMIZERS = ("actor_optimizer", "critic_optimizer")


class COMA:
    """Actor, critic, target critic and their optimisers.

    Args:
        sizes: sizes of the environment.
        input_size: F of the actor.
        config: hyperparameters.
        device: torch device.
        seed: seed of the weights and of the actions drawn at the end of a rollout.

    Attributes:
        count: gradient steps of the critic so far.
    """

    def __init__(self, sizes: Sizes, input_size: int, config: ComaConfig, device: str, seed: int) -> None:
        self.config = config
        self.layout = layout_of(config.fixed_shapes, device)
        self.generator = torch.Generator(device)
        self.generator.manual_seed(seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.actor = RecurrentLinear(input_size, config.hidden, sizes.num_actions).to(device)
            self.critic, self.target_critic = (CentralCritic(sizes, config.critic_width).to(device) for _ in range(2))
        self.target_critic.load_state_dict(self.critic.state_dict())
        kind, eps = config.optimizer, config.optimizer_eps
        self.actor_optimizer = optimizer_for(kind, self.actor.parameters(), config.lr, eps)
        self.critic_optimizer = optimizer_for(kind, self.critic.parameters(), config.critic_lr, eps)
        self.count = 0

    def update(self, batch: Batch) -> Tensor:
        """Learn from a rollout; return :data:`~isa_learners.coma.config.METRICS` without epsilon as a tensor."""
        part = self.layout(batch.alive, batch.start).pack()
        critic_inputs = self.critic.inputs(batch.state, batch.inputs, batch.action, batch.alive)
        target = self.targets(batch, critic_inputs)
        critic_figures = self._critic_steps(batch, critic_inputs, target)
        with torch.no_grad():
            values = self.critic(critic_inputs)
        return torch.cat([self._actor_step(batch, values, part), critic_figures])

    def targets(self, batch: Batch, seen: Tensor) -> Tensor:
        """Compute lambda-returns ``[T, B, A]`` with the target critic.

        The value after a step is that of the next joint action; where an episode is truncated or the rollout ends, it
        is that of an action sampled from the policy.
        """
        config = self.config
        with torch.no_grad():
            value = _values_of(self.target_critic(seen), batch.action) * batch.alive
            ahead = within_episodes(batch.done, batch.terminated, batch.cut, batch.next_alive)
            action, rows = self._draw(batch, ahead.known)
            acts_next = batch.next_alive * (~batch.cut)  # an agent that alone is truncated no longer acts
            final_inputs = self.critic.inputs(batch.final_state, batch.final_inputs, action, acts_next)
            final = _values_of(self.target_critic(final_inputs.flatten(0, 2)[rows]), action.flatten()[rows])
            following = value.roll(-1, dims=0).flatten()
            following[rows] = torch.where(ahead.known.flatten()[rows], final, following[rows])
            reward = batch.reward
            if config.reward == "team":
                reward = reward.mean(-1, keepdim=True).expand_as(reward)
            # The return of a lost step is its value, so that nothing is learned from it or earlier steps.
            lost = batch.lost[..., None]
            v_tp1 = torch.where(ahead.lasts & ~lost, following.view(value.shape), 0.0)
            reward = torch.where(lost, value, reward)
            return lambda_returns(reward, v_tp1, ahead.ends, config.gamma, config.td_lambda)

    def _draw(self, batch: Batch, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return the actions ``[T, B, A]`` after each step, sampled where ``mask`` is set, and the rows of those."""
        steps = self.layout(batch.alive, batch.start)
        part = steps.pack()
        first = batch.hidden.flatten(0, 1)
        _, states = self._unroll(batch, part)
        rows = steps.where(mask)
        hidden = steps.hidden_after(rows, part, states, first)
        logits, _ = self.actor(batch.final_inputs.flatten(0, 2)[rows], hidden)
        available = batch.available.flatten(0, 2)[rows]  # the available actions after the step are unknown
        policy = Categorical(mixed_log_probs(logits, available, batch.epsilon))
        action = batch.action.roll(-1, dims=0).flatten()  # if the episode continues: the next action taken
        # Drawn for every step, so that every layout draws the same numbers.
        clocks = torch.empty_like(batch.available, dtype=hidden.dtype).exponential_(generator=self.generator)
        draws = policy.first(clocks.flatten(0, 2)[rows])
        action[rows] = torch.where(mask.flatten()[rows], draws, action[rows])
        return action.view_as(batch.action), rows

    def _critic_steps(self, batch: Batch, critic_inputs: Tensor, target: Tensor) -> Tensor:
        """Train the critic on parts of the rollout, the latest first; return mean loss, value and gradient norm."""
        config = self.config
        figures = []
        count = min(config.critic_steps or len(target), len(target))
        size, remainder = divmod(len(target), count)  # the first ``remainder`` parts are one step longer
        edges = [number * size + min(number, remainder) for number in range(count + 1)]
        for first, last in reversed(list(pairwise(edges))):
            alive = batch.alive[first:last] * ~batch.lost[first:last, :, None]
            value = _values_of(self.critic(critic_inputs[first:last]), batch.action[first:last])
            loss = masked_mean((value - target[first:last]).square(), alive)
            norm = self._gradient_step(loss, self.critic, self.critic_optimizer)
            figures.append(torch.stack([loss.detach(), masked_mean(value.detach(), alive), norm]))
            self.count += 1
            if self.count % config.target_interval == 0:
                self.target_critic.load_state_dict(self.critic.state_dict())
        return torch.stack(figures).mean(0)

    def _actor_step(self, batch: Batch, values: Tensor, part: Packing) -> Tensor:
        """Take one step along ``E[A log pi]``; return loss, entropy and gradient norm."""
        chosen = chosen_steps(batch.alive, batch.probe, batch.lost)
        values, available, action, chosen = (
            x.flatten(0, 2)[part.rows] for x in (values, batch.available, batch.action, chosen)
        )
        logits, _ = self._unroll(batch, part)
        log_probs = mixed_log_probs(logits, available, batch.epsilon)
        advantage = counterfactual_advantage(values, log_probs.detach(), action)
        policy = Categorical(log_probs)
        loss = -masked_mean(advantage * policy.log_prob(action), chosen)
        entropy = masked_mean(policy.entropy(), part.alive)
        norm = self._gradient_step(loss - self.config.entropy_factor * entropy, self.actor, self.actor_optimizer)
        return torch.stack([loss.detach(), entropy.detach(), norm])

    def _unroll(self, batch: Batch, part: Packing) -> tuple[Tensor, Tensor]:
        """Return the actor's logits ``[R, n]`` and hidden states ``[R, H]`` at the steps of a packing."""
        first = batch.hidden.flatten(0, 1)[part.streams]
        inputs = batch.inputs.flatten(0, 2)[part.rows]
        return self.actor.unroll(inputs, first, part.sizes, part.keep, part.alive if part.every else None)

    def _gradient_step(self, loss: Tensor, net: nn.Module, optimizer: torch.optim.Optimizer) -> Tensor:
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(net.parameters(), self.config.max_grad_norm)
        optimizer.step()
        return norm.detach()

    def state_dict(self) -> dict[str, Tensor]:
        """Return everything that the next update depends on, as a flat dict."""
        state = {"generator": self.generator.get_state(), "count": torch.tensor(self.count)}
        return state | state_of(self, _MODULES, _OPTIMIZERS)

    def load_networks(self, state: dict[str, Tensor]) -> None:
        """Restore only actor and critics."""
        load_modules(self, _MODULES, state)

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore a state from :meth:`state_dict`."""
        self.load_networks(state)
        load_optimizers(self, _OPTIMIZERS, state)
        restore_generator(self.generator, state["generator"])
        self.count = int(state["count"])


def _values_of(values: Tensor, action: Tensor) -> Tensor:
    """Return the values ``[...]`` of actions, selected from ``[..., n]``."""
    return values.gather(-1, action[..., None])[..., 0]
