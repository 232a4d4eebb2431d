"""The COMA learner: it acts with a mix of its policy and the uniform one, and learns from each rollout once."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from isa_learners.coma.batch import Batch
from isa_learners.coma.config import METRICS, ComaConfig
from isa_learners.coma.policy import mixed_log_probs
from isa_learners.coma.update import COMA
from isa_learners.heads import Categorical
from isa_learners.inputs import InputEncoder
from isa_learners.learner import Decision, Memory
from isa_learners.recurrent.memory import RecurrentMemory
from isa_learners.recurrent.packing import EveryStep
from isa_learners.rollout import Rollout, Sizes
from isa_wrappers.arrays import with_prefix, without_prefix
from isa_wrappers.batch import BatchStep


class ComaLearner(RecurrentMemory):
    """Counterfactual policy gradients; satisfies :class:`~isa_learners.learner.ProbedLearner`.

    Args:
        sizes: sizes of the environment.
        config: hyperparameters.
        device: torch device.
        seed: seed of the weights and of draws in updates.

    Attributes:
        encoder: builds the actor's inputs.
        coma: networks, optimisers and their update.
        steps: environment steps learned from so far, which determine epsilon.
    """

    def __init__(self, sizes: Sizes, config: ComaConfig, device: str, seed: int) -> None:
        self.sizes = sizes
        self.config = config
        self.device = device
        self.encoder = InputEncoder(sizes, config.obs_scale, device)
        self.coma = COMA(sizes, self.encoder.size, config, device, seed)
        self.steps = 0

    def act(
        self, step: BatchStep, memory: Memory, noise: Generator | None = None, probes: Tensor | None = None
    ) -> Decision:
        """Choose every agent's next action: from the mixed policy with ``noise``, else the actor's most likely one.

        With ``noise``, entries of ``probes`` ``[B, A]`` other than -1 replace the actions.
        """
        inputs = self.encoder(step.obs, memory["last_action"])
        logits, hidden = self.coma.actor(inputs.flatten(0, 1), memory["hidden"].flatten(0, 1))
        epsilon = 0.0 if noise is None else self.config.epsilon(self.steps)
        policy = Categorical(mixed_log_probs(logits.view(*step.alive.shape, -1), step.available, epsilon))
        action = policy.mode() if noise is None else policy.sample(noise)
        if noise is not None and probes is not None:
            action = torch.where(probes >= 0, probes, action)
        memory_after = self._after(step, memory, action, hidden)
        return Decision(action, memory_after, {} if noise is None else {"inputs": inputs})

    def set_progress(self, progress: float) -> None:
        """Do nothing, as epsilon depends on the steps."""

    def learn(self, rollout: Rollout) -> dict[str, float]:
        """Learn from a rollout; the metrics are :data:`~isa_learners.coma.config.METRICS`."""
        batch = self.batch(rollout)
        self.steps += rollout.done.numel()
        figures = self.coma.update(batch).tolist()
        return dict(zip(METRICS, (*figures, batch.epsilon), strict=True))

    def batch(self, rollout: Rollout) -> Batch:
        """Return a rollout as training data."""
        with torch.no_grad():
            final_inputs = self.encoder.after(rollout, rollout.action, self.coma.layout is EveryStep)
        scale = self.config.obs_scale
        states = {"state": rollout.state.float() * scale, "final_state": rollout.final_state.float() * scale}
        return Batch(
            **{**vars(rollout), **states},
            inputs=rollout.record["inputs"],
            final_inputs=final_inputs,
            hidden=rollout.memory["hidden"],
            epsilon=self.config.epsilon(self.steps),
        )

    def state_dict(self) -> dict[str, Tensor]:
        """Return networks, optimisers, generator and the number of steps."""
        return {"steps": torch.tensor(self.steps)} | with_prefix("coma", self.coma.state_dict())

    def load_state_dict(self, state: dict[str, Tensor], policy_only: bool = False) -> None:
        """Restore a state from :meth:`state_dict`; with ``policy_only``, only the networks and epsilon."""
        self.steps = int(state["steps"])
        inner = without_prefix("coma", state)
        if policy_only:
            self.coma.load_networks(inner)
            return
        self.coma.load_state_dict(inner)
