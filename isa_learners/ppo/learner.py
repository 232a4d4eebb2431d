"""The PPO learner: it acts with the actor and converts rollouts into training data."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Generator, Tensor

from isa_learners.heads import head_for
from isa_learners.inputs import InputEncoder
from isa_learners.learner import Decision, Memory
from isa_learners.ppo.batch import Batch
from isa_learners.ppo.config import PPOConfig
from isa_learners.ppo.observations import ObservationNorm
from isa_learners.ppo.update import PPO
from isa_learners.recurrent.memory import RecurrentMemory
from isa_learners.recurrent.packing import EveryStep
from isa_learners.rollout import Rollout, Sizes
from isa_wrappers.arrays import with_prefix, without_prefix
from isa_wrappers.batch import BatchStep
from isa_wrappers.errors import InvalidValueError


class PPOLearner(RecurrentMemory):
    """Goal-conditioned PPO; satisfies :class:`~isa_learners.learner.ProbedLearner`.

    Args:
        sizes: sizes of the environment.
        config: hyperparameters.
        device: torch device.
        seed: seed of the weights and the minibatches.

    Attributes:
        head: converts the actor's outputs to actions.
        encoder: builds the networks' inputs.
        ppo: networks, optimisers and their update.
        norm: normalises observations and states, if configured.
    """

    state_name = "actor_hidden"

    def __init__(self, sizes: Sizes, config: PPOConfig, device: str, seed: int) -> None:
        self.sizes = sizes
        self.config = config
        self.device = device
        self.head = head_for(sizes, device)
        self.norm = ObservationNorm(sizes, device) if config.normalize_obs else None
        scaled = None if self.norm is None else self.norm.observations
        self.encoder = InputEncoder(sizes, config.obs_scale, device, self.head, scaled)
        state_size = sizes.state_size if config.critic == "state" else 0
        self.ppo = PPO(
            self.encoder.size, sizes.num_actions, config, device, seed, self.head, state_size, sizes.num_agents
        )
        self._agents = torch.arange(sizes.num_agents, device=device)
        self._critic_hidden: Tensor | None = None

    @property
    def state_size(self) -> int:  # noqa: D102
        return self.ppo.actor.state_size

    def act(
        self, step: BatchStep, memory: Memory, noise: Generator | None = None, probes: Tensor | None = None
    ) -> Decision:
        """Choose the next action of every agent: sampled from the policy with ``noise``, else the most likely one.

        With ``noise``, entries of ``probes`` ``[B, A]`` other than -1 replace the actions.
        """
        inputs = self.encoder(step.obs, memory["last_action"])
        before = self._hidden(memory, inputs).flatten(0, 1)
        outputs, hidden = self.ppo.actor(inputs.flatten(0, 1), before)
        policy = self.head.policy(outputs.view(*step.alive.shape, -1), step.available, self._agents)
        action = policy.mode() if noise is None else policy.sample(noise)
        if noise is not None and probes is not None:
            action = torch.where(probes >= 0, probes, action)
        native = self.head.native(action)
        memory_after = self._after(step, memory, action, hidden)
        if noise is None:
            return Decision(native, memory_after)
        record = {"inputs": inputs, "log_prob": policy.log_prob(action)}
        if native is not action:
            record["action"] = action
        if self.norm is not None:
            record["obs"] = step.obs
        return Decision(native, memory_after, record)

    def acting(self) -> tuple[Any, ...]:
        """Return the objects that :meth:`act` reads."""
        return self.ppo.actor, self.head, self.encoder, *([] if self.norm is None else [self.norm])

    def _hidden(self, memory: Memory, like: Tensor) -> Tensor:
        """Return the actor's state ``[B, A, S]``; S is 0 for a network without memory."""
        return memory[self.state_name] if self.state_size else like.new_zeros(*like.shape[:2], 0)

    def set_progress(self, progress: float) -> None:
        """Anneal the learning rates and the entropy factor."""
        self.ppo.anneal(progress)

    def learn(self, rollout: Rollout) -> dict[str, float]:
        """Learn from a rollout; the metrics are :data:`~isa_learners.ppo.config.METRICS`."""
        metrics, self._critic_hidden = self.ppo.update(self.to_scale(rollout))
        return metrics

    def to_scale(self, rollout: Rollout) -> Batch:
        """Return a rollout as training data, after updating any normalisation with it."""
        if self.norm is None:
            return self.batch(rollout)
        obs = rollout.record["obs"]
        played_unscaled = not self.norm.updated
        batch = self.batch(rollout)
        self.norm.update(obs, rollout.state, rollout.alive)
        if played_unscaled:  # keep its log-probabilities, although the inputs have changed
            inputs = torch.cat([self.norm.observations(obs), batch.inputs[..., obs.shape[-1] :]], dim=-1)
            batch = self.batch(replace(rollout, record={**rollout.record, "inputs": inputs}))
        return batch

    def batch(self, rollout: Rollout) -> Batch:
        """Return a rollout as training data."""
        action = rollout.record.get("action", rollout.action)
        with torch.no_grad():
            final_inputs = self.encoder.after(rollout, action, self.ppo.layout is EveryStep)
        actor_hidden = self._hidden(rollout.memory, rollout.alive[0])
        critic_hidden = actor_hidden.new_zeros(*actor_hidden.shape[:2], self.ppo.critic.state_size)
        if self._critic_hidden is not None:  # an episode that starts with the rollout has no earlier state
            critic_hidden = self._critic_hidden * (~rollout.start[0]).float()[:, None, None]
        return Batch(
            inputs=rollout.record["inputs"],
            final_inputs=final_inputs,
            available=rollout.available,
            alive=rollout.alive,
            next_alive=rollout.next_alive,
            action=action,
            log_prob=rollout.record["log_prob"],
            **self._rewards(rollout),
            start=rollout.start,
            terminated=rollout.terminated,
            done=rollout.done,
            actor_hidden=actor_hidden[None],
            critic_hidden=critic_hidden[None],
            cut=rollout.cut,
            probe=rollout.probe,
            lost=rollout.lost,
            **self._critic_states(rollout),
        )

    def _rewards(self, rollout: Rollout) -> dict[str, Tensor]:
        """Return the reward; if the critic has a head for the bonus, return that separately.

        Raises:
            InvalidValueError: if there is no bonus.
        """
        if not self.config.bonus_head:
            return {"reward": rollout.reward}
        if rollout.bonus is None:
            raise InvalidValueError("bonus_head needs rollouts with an added intrinsic reward, got none")
        return {"reward": rollout.reward - rollout.bonus, "bonus": rollout.bonus}

    def _critic_states(self, rollout: Rollout) -> dict[str, Tensor]:
        """Return the scaled global states, for a critic that uses them."""
        if self.config.critic == "own":
            return {}
        states = {"state": rollout.state, "final_state": rollout.final_state}
        if self.norm is not None:
            return {name: self.norm.states(state) for name, state in states.items()}
        return {name: state.float() * self.config.obs_scale for name, state in states.items()}

    def state_dict(self) -> dict[str, Tensor]:
        """Return networks, optimisers, buffer, generator, the critic's hidden state and the normalisation."""
        state = with_prefix("ppo", self.ppo.state_dict())
        if self.norm is not None:
            state |= with_prefix("norm", self.norm.state_dict())
        return state if self._critic_hidden is None else {**state, "critic_hidden": self._critic_hidden}

    def load_state_dict(self, state: dict[str, Tensor], policy_only: bool = False) -> None:
        """Restore a state from :meth:`state_dict`; with ``policy_only``, only the networks."""
        inner = without_prefix("ppo", state)
        if self.norm is not None:
            self.norm.load_state_dict(without_prefix("norm", state))
        if policy_only:
            self.ppo.load_networks(inner)
            return
        self.ppo.load_state_dict(inner, self.device)
        hidden = state.get("critic_hidden")
        self._critic_hidden = None if hidden is None else hidden.to(self.device)
