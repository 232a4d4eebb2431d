"""The Q-learner: it acts epsilon-greedily, stores whole episodes and learns from batches of them."""

from __future__ import annotations

import warnings
from functools import partial

import torch
from torch import Generator, Tensor

from isa_learners.inputs import InputEncoder
from isa_learners.learner import Decision, Memory
from isa_learners.q_learning.config import METRICS, QConfig
from isa_learners.q_learning.maser import Subgoals
from isa_learners.q_learning.maser_config import MASER_METRICS, MaserConfig
from isa_learners.q_learning.replay import Replay
from isa_learners.q_learning.replay_size import check_fits, free_bytes
from isa_learners.q_learning.update import QLearning
from isa_learners.recurrent.memory import RecurrentMemory
from isa_learners.recurrent.packing import EveryStep
from isa_learners.rollout import Rollout, Sizes
from isa_wrappers.arrays import restore_generator, with_prefix, without_prefix
from isa_wrappers.batch import BatchStep
from isa_wrappers.errors import InvalidValueError


def longest_episode(sizes: Sizes, config: QConfig) -> int:
    """Return the maximum number of steps of an episode that is stored in one piece.

    Raises:
        InvalidValueError: if neither the configuration nor the environment defines it.
    """
    steps = config.episode_steps or sizes.horizon
    if not steps:
        raise InvalidValueError("the environment has no horizon; set episode_steps, the longest episode to replay")
    return steps


class QLearner(RecurrentMemory):
    """Recurrent Q-learning with shared parameters; satisfies :class:`~isa_learners.learner.ProbedLearner`.

    Args:
        sizes: sizes of the environment.
        config: hyperparameters.
        device: torch device.
        seed: seed of the weights and the batches.
        maser: settings of MASER, which needs a team mixer; by default plain Q-learning.

    Attributes:
        encoder: builds the networks' inputs.
        q: networks, mixers and their update.
        steps: environment steps learned from so far, which determine epsilon.
        replay: the replay, created with the first rollout, as acting does not need it.
    """

    def __init__(self, sizes: Sizes, config: QConfig, device: str, seed: int, maser: MaserConfig | None = None) -> None:
        self.sizes = sizes
        self.config = config
        self.device = device
        self.encoder = InputEncoder(sizes, config.obs_scale, device)
        make_part = None if maser is None else partial(Subgoals, sizes, maser, config)
        self.q = QLearning(sizes, config, self.encoder, device, seed, make_part)
        self.part_metrics = () if maser is None else MASER_METRICS
        self.generator = torch.Generator(device)
        self.generator.manual_seed(seed)
        self.steps = 0
        self.replay: Replay | None = None

    def act(
        self, step: BatchStep, memory: Memory, noise: Generator | None = None, probes: Tensor | None = None
    ) -> Decision:
        """Choose the next action of every agent: the best available one, or with ``noise`` and probability epsilon any.

        With ``noise``, entries of ``probes`` ``[B, A]`` other than -1 replace the actions.
        """
        inputs = self.encoder(step.obs, memory["last_action"])
        values, hidden = self.q.net(inputs.flatten(0, 1), memory["hidden"].flatten(0, 1))
        values = values.view(*step.alive.shape, -1)
        action = values.masked_fill(~step.available, -1e9).argmax(-1)
        if noise is None:
            return Decision(action, self._after(step, memory, action, hidden))
        drawn = torch.rand(values.shape, generator=noise, device=self.device).masked_fill(~step.available, -1.0)
        explores = torch.rand(action.shape, generator=noise, device=self.device) < self.config.epsilon(self.steps)
        action = torch.where(explores, drawn.argmax(-1), action)
        if probes is not None:
            action = torch.where(probes >= 0, probes, action)
        return Decision(action, self._after(step, memory, action, hidden), {"obs": step.obs})

    def set_progress(self, progress: float) -> None:
        """Do nothing, as epsilon depends on the steps."""

    def learn(self, rollout: Rollout) -> dict[str, float]:
        """Store a rollout and learn from the replay.

        The metrics are :data:`~isa_learners.q_learning.config.METRICS`, and those of any part.
        """
        if self.replay is None:
            self.replay = self._make_replay()
        epsilon = self.config.epsilon(self.steps)
        self.replay.add(rollout, rollout.record["obs"])
        self.steps += rollout.done.numel()
        count = len(self.replay)
        means = [0.0] * (4 + len(self.part_metrics))
        if count >= self.config.batch:
            drawn = (self.replay.sample(self.config.batch, self.generator) for _ in range(self.config.updates))
            means = torch.stack([self.q.gradient_step(episodes) for episodes in drawn]).mean(0).tolist()
        metrics = dict(zip(METRICS, (*means[:4], epsilon, float(count)), strict=True))
        return metrics | dict(zip(self.part_metrics, means[4:], strict=True))

    def _make_replay(self, loaded_bytes: int = 0) -> Replay:
        """Create the replay; ``loaded_bytes`` of its contents are already in memory."""
        config = self.config
        steps = longest_episode(self.sizes, config)
        free = free_bytes(self.device)
        needed = Replay.bytes_needed(self.sizes, config.replay, steps)
        check_fits(needed, None if free is None else free + loaded_bytes, self.device)
        _warn_of_large_batch(config)
        fixed_shapes = self.q.layout is EveryStep
        return Replay(self.sizes, config.num_envs, config.replay, steps, self.device, fixed_shapes)

    def state_dict(self) -> dict[str, Tensor]:
        """Return networks, optimiser, generator, the number of steps and the replay."""
        state = {"generator": self.generator.get_state(), "steps": torch.tensor(self.steps)}
        state |= with_prefix("q", self.q.state_dict())
        return state if self.replay is None else state | with_prefix("replay", self.replay.state_dict())

    def load_state_dict(self, state: dict[str, Tensor], policy_only: bool = False) -> None:
        """Restore a state from :meth:`state_dict`; with ``policy_only``, only the networks and epsilon."""
        self.steps = int(state["steps"])
        if policy_only:
            self.q.load_networks(without_prefix("q", state))
            return
        self.q.load_state_dict(without_prefix("q", state))
        restore_generator(self.generator, state["generator"])
        if replay_state := without_prefix("replay", state):
            self.replay = self._make_replay(sum(rows.nbytes for rows in replay_state.values()))
            self.replay.load_state_dict(replay_state)


def _warn_of_large_batch(config: QConfig) -> None:
    """Warn if the replay may never hold a batch, as one slot of each environment is always incomplete."""
    total = config.num_envs * (config.replay // config.num_envs - 1)
    if config.batch > total:
        warnings.warn(
            f"q.batch = {config.batch} is more than the {total} complete episodes that a replay of {config.replay} is "
            "sure to hold, so updates may be rare or never happen; lower q.batch or raise q.replay",
            stacklevel=3,
        )
