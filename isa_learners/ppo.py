"""Goal-conditioned, parameter-shared recurrent PPO: actor, critic and their update. It knows nothing of ISA."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch import Tensor

from isa_learners.checkpoint import load_optimizer_tensors, optimizer_tensors
from isa_learners.config import PPOConfig
from isa_learners.losses import entropy, masked_log_softmax, masked_mean, normalize, policy_loss, value_loss
from isa_learners.networks import RecurrentNet, ValueNorm
from isa_learners.returns import advantages
from isa_learners.rollout import Rollout
from isa_wrappers.arrays import with_prefix, without_prefix

_MODULES = ("actor", "critic", "value_norm")
_OPTIMIZERS = ("actor_optimizer", "critic_optimizer")


@dataclass
class Targets:
    """What an update aims at, fixed before its first epoch; all ``[T, B, A]``.

    Attributes:
        advantage: normalised over living agents' real steps.
        value: normalised values before the update.
        target: normalised returns.
    """

    advantage: Tensor
    value: Tensor
    target: Tensor


class PPO:
    """Actor, critic, optimisers and the buffer of recent rollouts.

    Args:
        input_size: F.
        num_actions: n.
        config: hyperparameters.
        device: torch device.
        seed: of the weights and of the minibatches.
    """

    def __init__(self, input_size: int, num_actions: int, config: PPOConfig, device: str, seed: int) -> None:
        self.config = config
        self.generator = torch.Generator()
        self.generator.manual_seed(seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.actor = RecurrentNet(input_size, config.hidden, num_actions).to(device)
            self.critic = RecurrentNet(input_size, config.hidden, 1).to(device)
        self.value_norm = ValueNorm().to(device)
        self.actor_optimizer = torch.optim.Adam(self.actor.parameters(), lr=config.lr, eps=config.adam_eps, fused=True)
        self.critic_optimizer = torch.optim.Adam(self.critic.parameters(), lr=config.lr, eps=config.adam_eps, fused=True)
        self.buffer: deque[Rollout] = deque(maxlen=config.buffer_rollouts)
        self._entropy_factor = config.entropy_factor

    def anneal(self, progress: float) -> None:
        """Set learning rates and entropy factor for ``progress`` from 0 to 1, linearly down to ``anneal_to``."""
        share = 1.0 - (1.0 - self.config.anneal_to) * min(progress, 1.0)
        self._entropy_factor = self.config.entropy_factor * share
        for name in _OPTIMIZERS:
            for group in getattr(self, name).param_groups:
                group["lr"] = self.config.lr * share

    def update(self, rollout: Rollout) -> tuple[dict[str, float], Tensor]:
        """Learn from ``rollout`` and those kept in the buffer.

        Returns:
            Metrics, and the critic's hidden state ``[B, A, H]`` after the rollout's last step.
        """
        self.buffer.append(rollout)
        data = Rollout.join(list(self.buffer))
        targets, hidden = self.prepare(data)
        order = [batch for _ in range(self.config.epochs) for batch in self._minibatches(data.done.shape[1])]
        actor, critic = self._run_both(
            lambda: [self._actor_step(data, targets, batch) for batch in order],
            lambda: [self._critic_step(data, targets, batch) for batch in order],
        )
        metrics = torch.cat([torch.stack(actor).mean(0), torch.stack(critic).mean(0)]).tolist()
        names = (
            "policy_loss",
            "entropy",
            "approx_kl",
            "clip_share",
            "actor_grad_norm",
            "value_loss",
            "critic_grad_norm",
        )
        hidden = hidden[-rollout.done.shape[1] :] * (~rollout.done[-1]).float()[:, None, None]
        return dict(zip(names, metrics, strict=True)), hidden

    def prepare(self, data: Rollout) -> tuple[Targets, Tensor]:
        """Compute advantages and returns with the critic as it is; also its last hidden state ``[B, A, H]``."""
        config = self.config
        with torch.no_grad():
            features = self.critic.features(data.inputs, data.critic_hidden[0], data.start)
            ends = data.done.clone()
            ends[-1] = True
            value = self.value_norm.denormalize(self.critic.decode(features)[..., 0])
            final = self.value_norm.denormalize(self._final_values(data, features, ends))
            following = torch.where(ends[..., None], final, value.roll(-1, dims=0))
            # The dead have no value of their own (nothing trains it); what the team earns later reaches an agent
            # from beyond its death through the lambda-return.
            v_t = value * data.alive
            v_tp1 = following * data.next_alive * (~data.terminated)[..., None]
            advantage = advantages(data.reward, v_t, v_tp1, ends, config.gamma, config.gae_lambda)
            returns = advantage + v_t
            self.value_norm.update(returns, data.alive)
            # The critic's output means something else once the norm has moved: bring old values along.
            old = self.value_norm.normalize(value)
            targets = Targets(normalize(advantage, data.alive), old, self.value_norm.normalize(returns))
        return targets, features[-1]

    def _final_values(self, data: Rollout, features: Tensor, ends: Tensor) -> Tensor:
        """Evaluate what episodes and rollouts end with, each a step on from a known state: ``[T, B, A]``."""
        if data.inputs.is_cuda:  # every step: to pick the ends would wait for the device
            rows = data.final_inputs.flatten(0, 1), features.flatten(0, 1)
            return self.critic(rows[0][None], rows[1])[0].view_as(data.reward)
        values = torch.zeros_like(data.reward)
        values[ends] = self.critic(data.final_inputs[ends][None], features[ends])[0][0, ..., 0]
        return values

    def _minibatches(self, num_envs: int) -> list[Tensor | None]:
        """Split the environments at random; ``None`` stands for all of them."""
        if self.config.minibatches == 1:
            return [None]
        order = torch.randperm(num_envs, generator=self.generator)
        # Before the buffer is full there may be fewer environments: an empty part would be a step on nothing.
        return list(order.tensor_split(min(self.config.minibatches, num_envs)))

    def state_dict(self) -> dict[str, Tensor]:
        """Return everything the next update depends on, flat."""
        state = {"generator": self.generator.get_state()}
        for name in _MODULES:
            state |= with_prefix(name, getattr(self, name).state_dict())
        for name in _OPTIMIZERS:
            state |= with_prefix(name, optimizer_tensors(getattr(self, name)))
        for index, rollout in enumerate(self.buffer):
            state |= with_prefix(f"buffer.{index}", vars(rollout))
        return state

    def load_networks(self, state: dict[str, Tensor]) -> None:
        """Restore actor, critic and value normalisation alone."""
        for name in _MODULES:
            getattr(self, name).load_state_dict(without_prefix(name, state))

    def load_state_dict(self, state: dict[str, Tensor], device: str) -> None:
        """Restore what :meth:`state_dict` returned."""
        self.generator.set_state(state["generator"])
        self.load_networks(state)
        for name in _OPTIMIZERS:
            load_optimizer_tensors(getattr(self, name), without_prefix(name, state))
        self.buffer.clear()
        while kept := without_prefix(f"buffer.{len(self.buffer)}", state):
            self.buffer.append(Rollout(**{name: tensor.to(device) for name, tensor in kept.items()}))

    def _run_both(
        self, actor: Callable[[], list[Tensor]], critic: Callable[[], list[Tensor]]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Run both updates, on CPU side by side: the two networks share nothing."""
        if next(self.actor.parameters()).is_cuda:
            return actor(), critic()
        with ThreadPoolExecutor(1) as pool:
            other = pool.submit(critic)
            return actor(), other.result()

    def _actor_step(self, data: Rollout, targets: Targets, batch: Tensor | None) -> Tensor:
        config = self.config
        inputs, hidden, start, available, mask, action, old, advantage = _select(
            batch,
            data.inputs,
            data.actor_hidden,
            data.start,
            data.available,
            data.alive,
            data.action,
            data.log_prob,
            targets.advantage,
        )
        log_probs = masked_log_softmax(self.actor(inputs, hidden[0], start)[0], available)
        log_prob = log_probs.gather(-1, action[..., None])[..., 0]
        loss = policy_loss(log_prob, old, advantage, mask, config.clip)
        spread = entropy(log_probs, mask)
        norm = _descend(loss - self._entropy_factor * spread, self.actor, self.actor_optimizer, config.max_grad_norm)
        with torch.no_grad():
            change = log_prob - old
            kl = masked_mean(change.exp() - 1.0 - change, mask)
            clipped = masked_mean(((change.exp() - 1.0).abs() > config.clip).float(), mask)
        return torch.stack([loss.detach(), spread.detach(), kl, clipped, norm])

    def _critic_step(self, data: Rollout, targets: Targets, batch: Tensor | None) -> Tensor:
        config = self.config
        inputs, hidden, start, mask, old, target = _select(
            batch, data.inputs, data.critic_hidden, data.start, data.alive, targets.value, targets.target
        )
        value = self.critic(inputs, hidden[0], start)[0][..., 0]
        loss = value_loss(value, old, target, mask, config.clip)
        norm = _descend(config.critic_factor * loss, self.critic, self.critic_optimizer, config.max_grad_norm)
        return torch.stack([loss.detach(), norm])


def _select(batch: Tensor | None, *arrays: Tensor) -> tuple[Tensor, ...]:
    """Take the environments ``batch`` of ``[T, B, ...]`` arrays."""
    return arrays if batch is None else tuple(array.index_select(1, batch) for array in arrays)


def _descend(loss: Tensor, net: RecurrentNet, optimizer: torch.optim.Optimizer, max_norm: float) -> Tensor:
    """Take one clipped gradient step; return the gradient's norm."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    norm = torch.nn.utils.clip_grad_norm_(net.parameters(), max_norm)
    optimizer.step()
    return norm.detach()
