"""Goal-conditioned PPO: actor, critic and their update, independent of ISA."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import torch
from torch import Tensor

from isa_learners.checkpoint import load_modules, load_optimizers, state_of
from isa_learners.compiled import objective as compiled
from isa_learners.graphs.captured import Captured, graphs_on
from isa_learners.heads import ActionHead, DiscreteHead
from isa_learners.optimizers import optimizer_for
from isa_learners.ppo.batch import Batch
from isa_learners.ppo.config import METRICS, PPOConfig
from isa_learners.ppo.losses import value_loss
from isa_learners.ppo.network_choice import make_network
from isa_learners.ppo.networks import PerAgentNet, ValueNorm
from isa_learners.ppo.policy_update import PolicyUpdate, gradient_step, unrolled
from isa_learners.ppo.targets import Targets, targets_of
from isa_learners.recurrent.network import Network
from isa_learners.recurrent.packing import EveryStep, LivingSteps, Packing, layout_of
from isa_wrappers.arrays import restore_generator, with_prefix, without_prefix

_MODULES = ("actor", "critic", "value_norm")
_OPTIMIZERS = ("actor_optimizer", "critic_optimizer")


class PPO:
    """Actor, critic, optimisers and the buffer of recent rollouts.

    Args:
        input_size: F.
        num_actions: n.
        config: hyperparameters.
        device: torch device.
        seed: seed of the weights and the minibatches.
        head: converts the actor's outputs to actions; by default one of n actions.
        state_size: K for a critic that uses the global state; by default 0.
        num_agents: A, required if each agent has its own policy.

    Attributes:
        order: generator for the order of sequential updates.
    """

    def __init__(
        self,
        input_size: int,
        num_actions: int,
        config: PPOConfig,
        device: str,
        seed: int,
        head: ActionHead | None = None,
        state_size: int = 0,
        num_agents: int = 1,
    ) -> None:
        self.config = config
        self.head: ActionHead = DiscreteHead(num_actions, device) if head is None else head
        self.layout = layout_of(config.fixed_shapes, device)
        self.generator = torch.Generator(device)
        self.generator.manual_seed(seed)
        self.order = torch.Generator()  # on CPU, to avoid synchronisation with the device
        self.order.manual_seed(seed)
        policies = 1 if config.share_parameters else num_agents
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            actors = [make_network(config, input_size, self.head.size) for _ in range(policies)]
            actor = actors[0] if config.share_parameters else PerAgentNet(actors)
            self.actor: Network | PerAgentNet = actor.to(device)
            self.critic = make_network(config, input_size + state_size, 1 + config.bonus_head).to(device)
        self.value_norm = ValueNorm().to(device)
        self.bonus_norm = ValueNorm().to(device) if config.bonus_head else None
        self._modules = _MODULES + (("bonus_norm",) if config.bonus_head else ())
        adam = partial(optimizer_for, "adam", lr=config.lr, eps=config.adam_eps)
        self.actor_optimizer, self.critic_optimizer = adam(self.actor.parameters()), adam(self.critic.parameters())
        self.buffer: deque[Batch] = deque(maxlen=config.buffer_rollouts)
        self._entropy_factor: float | Tensor = config.entropy_factor
        on_cuda = str(device).startswith("cuda")
        self._side = torch.cuda.Stream(device) if on_cuda else None  # type: ignore[no-untyped-call]
        self._learn: Callable[[Batch], Any] = self._learn_from
        if graphs_on(device):
            self._entropy_factor = torch.tensor(config.entropy_factor, device=device)
            changes = [getattr(self, name) for name in (*self._modules, *_OPTIMIZERS)]
            self._learn = Captured(self._learn_from, [*changes, self.generator, self.order, self._entropy_factor])

    def anneal(self, progress: float) -> None:
        """Anneal learning rates and entropy factor linearly to ``anneal_to``, for ``progress`` from 0 to 1."""
        share = 1.0 - (1.0 - self.config.anneal_to) * min(progress, 1.0)
        self._entropy_factor = _set(self._entropy_factor, self.config.entropy_factor * share)
        for name in _OPTIMIZERS:
            for group in getattr(self, name).param_groups:
                group["lr"] = _set(group["lr"], self.config.lr * share)

    def update(self, batch: Batch) -> tuple[dict[str, float], Tensor]:
        """Learn from ``batch`` and the batches in the buffer.

        Returns:
            Metrics, and the critic's state ``[B, A, S]`` after the batch's last step.
        """
        metrics, hidden = self.learn(batch)
        return dict(zip(METRICS, metrics.tolist(), strict=True)), hidden

    def learn(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Update as in :meth:`update`, with :data:`METRICS` as a tensor, which avoids synchronisation on CUDA."""
        self.buffer.append(batch)
        metrics, hidden = self._learn(Batch.join(list(self.buffer), self.layout is EveryStep))
        hidden = hidden[-batch.done.shape[1] :] * (~batch.done[-1]).float()[:, None, None]
        return metrics, hidden

    def _learn_from(self, data: Batch) -> tuple[Tensor, Tensor]:
        """Take all steps of an update; return the metrics, and the critic's states ``[B, A, S]`` at the end."""
        steps = self.layout(data.alive, data.start)
        targets, hidden = self.prepare(data, steps)
        envs = [part for _ in range(self.config.epochs) for part in self._minibatches(data.done.shape[1])]
        parts = [steps.pack(part) for part in envs]
        policies = PolicyUpdate(
            self.actor, self.actor_optimizer, self.head, self.config, self._entropy_factor, data, targets.advantage
        )
        actor_figures, critic_figures = self._run_both(
            lambda: (
                policies.together(parts)
                if self.config.share_parameters
                else policies.agent_by_agent(steps, envs, self.order)
            ),
            lambda: [self._critic_step(data, targets, part) for part in parts],
        )
        return torch.cat([torch.stack(actor_figures).mean(0), torch.stack(critic_figures).mean(0)]), hidden

    def prepare(self, data: Batch, steps: EveryStep | LivingSteps) -> tuple[Targets, Tensor]:
        """Compute advantages and returns with the current critic, and its last state ``[B, A, S]``."""
        return targets_of(self.critic, self._norms, data, steps, self.config)

    @property
    def _norms(self) -> list[ValueNorm]:
        """Normalisation of each head's returns."""
        return [self.value_norm] if self.bonus_norm is None else [self.value_norm, self.bonus_norm]

    def _minibatches(self, num_envs: int) -> list[Tensor | None]:
        """Split the environments at random; ``None`` means all."""
        if self.config.minibatches == 1:
            return [None]
        order = torch.randperm(num_envs, generator=self.generator, device=self.generator.device)
        # Before the buffer is full there may be fewer environments; parts must not be empty.
        return list(order.tensor_split(min(self.config.minibatches, num_envs)))

    def state_dict(self) -> dict[str, Tensor]:
        """Return everything that the next update depends on, as a flat dict."""
        state = {"generator": self.generator.get_state()}
        if self.config.sequential:
            state["order"] = self.order.get_state()
        state |= state_of(self, self._modules, _OPTIMIZERS)
        for index, batch in enumerate(self.buffer):
            state |= with_prefix(f"buffer.{index}", vars(batch))
        return state

    def load_networks(self, state: dict[str, Tensor]) -> None:
        """Restore only actor, critic and value normalisation."""
        load_modules(self, self._modules, state)

    def load_state_dict(self, state: dict[str, Tensor], device: str) -> None:
        """Restore a state from :meth:`state_dict`."""
        restore_generator(self.generator, state["generator"])
        if self.config.sequential:
            self.order.set_state(state["order"])
        self.load_networks(state)
        load_optimizers(self, _OPTIMIZERS, state)
        self.buffer.clear()
        while saved := without_prefix(f"buffer.{len(self.buffer)}", state):
            self.buffer.append(Batch(**{name: tensor.to(device) for name, tensor in saved.items()}))

    def _run_both(
        self, actor: Callable[[], list[Tensor]], critic: Callable[[], list[Tensor]]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Run both updates in parallel, in two threads or on CUDA in two streams, as the networks share nothing."""
        if self._side is not None:
            main = torch.cuda.current_stream()
            self._side.wait_stream(main)
            with torch.cuda.stream(self._side):
                critic_figures = critic()
            actor_figures = actor()
            main.wait_stream(self._side)
            return actor_figures, critic_figures
        with ThreadPoolExecutor(1) as pool:
            critic_result = pool.submit(critic)
            return actor(), critic_result.result()

    def _critic_step(self, data: Batch, targets: Targets, part: Packing) -> Tensor:
        """Take one step; return loss and gradient norm."""
        config = self.config
        outputs, _ = unrolled(self.critic, data.critic_inputs(part.rows), data.critic_hidden, part, config.bf16)
        old, target = (array.flatten(0, 2)[part.rows] for array in (targets.value, targets.target))
        objective = compiled.value_objective if compiled.supports(outputs) else value_loss
        losses = [
            objective(outputs[:, head], old[:, head], target[:, head], part.alive, config.clip, config.huber)
            for head in range(outputs.shape[1])
        ]
        loss = torch.stack(losses).sum()
        norm = gradient_step(config.critic_factor * loss, self.critic, self.critic_optimizer, config.max_grad_norm)
        return torch.stack([loss.detach(), norm])


def _set(old: float | Tensor, value: float) -> float | Tensor:
    """Return the new value; if the old one is a tensor on the device, write the value into it."""
    return old.fill_(value) if isinstance(old, Tensor) else value
