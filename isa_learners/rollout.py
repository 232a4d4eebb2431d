"""Collecting experience: the shared policy steps a batched environment and remembers what it saw."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from isa_learners.ppo.losses import masked_log_softmax
from isa_learners.ppo.networks import RecurrentNet
from isa_wrappers.batch.protocol import BatchEnv, BatchStep, BatchWrapper
from isa_wrappers.errors import InvalidValueError


@dataclass
class Rollout:
    """T steps of B environments with A agents; time first.

    Attributes:
        inputs: ``[T, B, A, F]`` network inputs.
        final_inputs: ``[T, B, A, F]`` inputs after the step, before an automatic reset.
        available: ``[T, B, A, n]`` bool.
        alive: ``[T, B, A]`` float, 1 where the agent acted.
        next_alive: ``[T, B, A]`` float, 1 where the agent is alive after the step, before an automatic reset.
        action: ``[T, B, A]`` int64.
        log_prob: ``[T, B, A]`` of the action under the policy that took it.
        reward: ``[T, B, A]``.
        start: ``[T, B]`` bool, an episode starts at this step.
        terminated: ``[T, B]`` bool.
        done: ``[T, B]`` bool, terminated or truncated.
        actor_hidden: ``[1, B, A, H]`` of the actor before the first step.
        critic_hidden: ``[1, B, A, H]`` of the critic before the first step.
    """

    inputs: Tensor
    final_inputs: Tensor
    available: Tensor
    alive: Tensor
    next_alive: Tensor
    action: Tensor
    log_prob: Tensor
    reward: Tensor
    start: Tensor
    terminated: Tensor
    done: Tensor
    actor_hidden: Tensor
    critic_hidden: Tensor

    @staticmethod
    def join(rollouts: list[Rollout]) -> Rollout:
        """Put rollouts of equal length side by side along the environment axis."""
        if len(rollouts) == 1:
            return rollouts[0]
        return Rollout(**{f.name: torch.cat([getattr(r, f.name) for r in rollouts], dim=1) for f in fields(Rollout)})


class InputEncoder:
    """Builds network inputs: own observation, own last action (one-hot), agent id (one-hot).

    Args:
        env: gives the sizes.
        obs_scale: multiplies the observation.
    """

    def __init__(self, env: BatchEnv, obs_scale: float) -> None:
        self.num_actions = max(env.num_actions)
        self.obs_scale = obs_scale
        num_agents = len(env.agents)
        self.size = env.obs_size + self.num_actions + num_agents
        self._id = torch.eye(num_agents, device=env.device)
        # Row n is all zeros: no last action at an episode's start.
        self._one_hot = torch.eye(self.num_actions + 1, device=env.device)[:, : self.num_actions].contiguous()

    def __call__(self, obs: Tensor, last_action: Tensor) -> Tensor:
        """Return ``[..., A, F]`` for ``obs`` ``[..., A, O]`` and ``last_action`` ``[..., A]`` (n: none)."""
        ids = self._id.expand(*obs.shape[:-1], -1)
        return torch.cat([obs * self.obs_scale, self._one_hot[last_action], ids], dim=-1)


class Collector:
    """Steps the environment with the stochastic policy; episodes go on from one rollout to the next.

    Args:
        env: a batched environment on torch.
        actor: the shared policy.
        encoder: builds the inputs.
        generator: of the action noise.
        seed: of the environment.
    """

    def __init__(
        self, env: BatchEnv, actor: RecurrentNet, encoder: InputEncoder, generator: torch.Generator, seed: int | None
    ) -> None:
        self.env, self.actor, self.encoder, self.generator = env, actor, encoder, generator
        self._begin(env.reset(seed))

    def _begin(self, step: BatchStep) -> None:
        shape = step.reward.shape
        self.current = step
        self.start = torch.ones(shape[0], dtype=torch.bool, device=step.reward.device)
        self.last_action = torch.full(shape, self.encoder.num_actions, dtype=torch.int64, device=step.reward.device)
        self.actor_hidden = torch.zeros(*shape, self.actor.hidden, device=step.reward.device)
        self.critic_hidden = torch.zeros_like(self.actor_hidden)

    def collect(self, steps: int) -> Rollout:
        """Take ``steps`` steps in every environment."""
        rows: dict[str, list[Tensor]] = {}
        hidden = self.actor_hidden[None], self.critic_hidden[None]
        with torch.no_grad():
            for _ in range(steps):
                for name, value in self._step().items():
                    rows.setdefault(name, []).append(value)
            stacked = {name: torch.stack(values) for name, values in rows.items()}
            stacked["final_inputs"] = self.encoder(stacked.pop("final_obs"), stacked["action"])
        return Rollout(**stacked, actor_hidden=hidden[0], critic_hidden=hidden[1])

    def _step(self) -> dict[str, Tensor]:
        now = self.current
        inputs = self.encoder(now.obs, self.last_action)
        logits, hidden = self.actor(inputs.flatten(0, 1), self.actor_hidden.flatten(0, 1))
        log_probs = masked_log_softmax(logits.view_as(now.available), now.available)
        noise = torch.empty_like(log_probs).exponential_(generator=self.generator)
        action = (log_probs - noise.log()).argmax(-1)
        log_prob = log_probs.gather(-1, action[..., None])[..., 0]
        step = self.env.step(action)
        done = step.done
        row = {
            "inputs": inputs,
            "final_obs": step.final_obs,
            "available": now.available,
            "alive": now.alive.float(),
            "next_alive": step.final_alive.float(),
            "action": action,
            "log_prob": log_prob,
            "reward": step.reward,
            "start": self.start,
            "terminated": step.terminated,
            "done": done,
        }
        # While an agent is dead its state stands still, so that updates need not compute it.
        hidden = torch.where(now.alive[..., None], hidden.view_as(self.actor_hidden), self.actor_hidden)
        self.actor_hidden = hidden * (~done).float()[:, None, None]
        self.last_action = torch.where(done[:, None], self.encoder.num_actions, action)
        self.start, self.current = done, step
        return row

    def state_dict(self) -> dict[str, Tensor]:
        """Return what the next rollout starts from, the environment included."""
        return {
            "start": self.start,
            "last_action": self.last_action,
            "actor_hidden": self.actor_hidden,
            "critic_hidden": self.critic_hidden,
            **{"env." + key: torch.as_tensor(value) for key, value in self.env.state_dict().items()},
        }

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Go on from a saved state; episodes start afresh where the environment cannot save its own.

        Raises:
            InvalidValueError: if it was saved with another number of environments.
        """
        if len(state["start"]) != self.env.num_envs:
            raise InvalidValueError(f"it holds {len(state['start'])} environments, num_envs is {self.env.num_envs}")
        env_state = {key[4:]: value for key, value in state.items() if key.startswith("env.")}
        self._begin(self.env.load_state_dict(env_state))
        innermost = self.env
        while isinstance(innermost, BatchWrapper):
            innermost = innermost.env
        if not innermost.state_dict():
            return
        device = self.start.device
        for name in ("start", "last_action", "actor_hidden", "critic_hidden"):
            setattr(self, name, state[name].to(device))
