"""NovelD (Zhang et al., 2021): the increase of novelty in a step, on the first visit of an episode."""

from __future__ import annotations

import torch
from torch import Tensor

from isa_wrappers.errors import check_kind
from isa_wrappers.rewards.counts import VisitCounter
from isa_wrappers.rewards.keys import SegmentKeys
from isa_wrappers.rewards.learned.base import LearnedReward, Sample, Step
from isa_wrappers.rewards.learned.moments import ReturnScale
from isa_wrappers.rewards.learned.rnd import Distillation, input_size, inputs_of, kept_inputs, normalised
from isa_wrappers.rewards.learned.settings import NovelDConfig
from isa_wrappers.rewards.registry import RewardContext
from isa_wrappers.rewards.segments import count_bonus


class EpisodeVisits:
    """Visits of each of R streams in each of N environments during an episode, as 64-bit hashes of keys.

    Args:
        size: length of the visited vector, D.
        count_scale: cells per unit; the key is the value times this, rounded.
        length: number of remembered steps, first in, first out; memory is ``9 * N * R * length`` bytes.
        device: torch device.

    Example:
        >>> visits, alive = EpisodeVisits(1, 1.0, 9, "cpu"), torch.ones(1, 1, dtype=torch.bool)
        >>> walk = torch.tensor([0.0, 1.0, 0.0, 2.0, 0.0]).view(-1, 1, 1, 1)
        >>> [bool(visits(walk[t], walk[t + 1], alive, torch.tensor([t == 3]), True)) for t in range(4)]
        [True, False, True, True]
    """

    def __init__(self, size: int, count_scale: float, length: int, device: str) -> None:
        self._hash = SegmentKeys([list(range(size))], count_scale, device)
        self.length = length
        self.at = 0
        self.keys = torch.zeros(0, 0, length, dtype=torch.int64, device=device)
        self.valid = torch.zeros(0, 0, length, dtype=torch.bool, device=device)
        self._evaluation: tuple[Tensor, Tensor, int] | None = None

    def __call__(self, before: Tensor, after: Tensor, acted: Tensor, start: Tensor, update: bool) -> Tensor:
        """Return whether ``after`` ``[N, R, D]`` is a first visit, ``[N, R]``; ``before`` counts as a visit too."""
        hash_before, hash_after = self._hash.hashes(before)[..., 0], self._hash.hashes(after)[..., 0]
        keys = self.keys
        valid = self.valid
        at = self.at
        if not update:  # evaluation has its own memory
            evaluation = self._evaluation
            continues = evaluation is not None and evaluation[0].shape[:2] == acted.shape
            keys, valid, at = evaluation if evaluation is not None and continues else (keys.clone(), valid.clone(), at)
        if keys.shape[:2] != acted.shape:  # the number of environments has changed
            keys, valid = (buffer.new_zeros(*acted.shape, self.length) for buffer in (keys, valid))
        valid = valid & ~start[:, None, None]
        is_known = (valid & (keys == hash_after[..., None])).any(-1) | (hash_before == hash_after)
        keys[..., at], valid[..., at] = hash_before, acted
        updated = keys, valid, (at + 1) % self.length
        self._evaluation = None if update else updated
        if update:
            self.keys, self.valid, self.at = updated
        first: Tensor = ~is_known
        return first

    def state_dict(self) -> dict[str, Tensor]:
        """Return the keys."""
        return {"keys": self.keys, "valid": self.valid, "at": torch.tensor([self.at])}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore what :meth:`state_dict` returned."""
        self.keys = state["keys"]
        self.valid = state["valid"]
        self.at = int(state["at"][0])
        self._evaluation = None


class NovelD(LearnedReward):
    """``max(novelty(o') - alpha * novelty(o), 0)`` if ``o'`` is visited for the first time in the episode.

    The novelty is either RND's distance, not squared, where the bonus is divided by the running deviation of its
    returns, or ``N^-1/2`` of a count table, where the bonus is not normalised.

    Args:
        context: sizes, device and seed.
        config: settings.

    Source: Zhang et al., NovelD, NeurIPS 2021, Eq. 2 and 3.

    Example:
        >>> import numpy as np
        >>> from isa_wrappers.rewards import Transition
        >>> noveld = NovelD(RewardContext(("a",), (2,), 1, 1), NovelDConfig(novelty="counts"))
        >>> walk = np.array([0.0, 1.0, 0.0, 2.0], dtype=np.float32).reshape(-1, 1, 1)
        >>> acted, none = np.array([True]), np.zeros(1, dtype=np.float32)
        >>> def paid(t):
        ...     start = np.array(t == 0)
        ...     step = Transition(None, None, walk[t + 1], np.array([0]), none, acted, obs_t=walk[t], start=start)
        ...     return round(float(noveld(step).total[0]), 3)
        >>> [paid(t) for t in range(3)]
        [0.5, 0.0, 0.646]
    """

    name = "noveld"
    parts = ("novelty",)
    needs_obs = True

    def __init__(self, context: RewardContext, config: NovelDConfig | None = None) -> None:
        config = NovelDConfig() if config is None else config
        check_kind("config", config, NovelDConfig)
        super().__init__(context, config)
        self.needs_states, self.share = config.of == "state", config.share
        size = input_size(context, config)
        self.visits = EpisodeVisits(size, config.count_scale, config.episode, self.device)
        self.saved = {"visits": self.visits}
        self.counter: VisitCounter | None = None
        if config.novelty == "counts":
            all_dims = [list(range(size))]
            self.counter = VisitCounter(all_dims, config.count_scale, config.table_bits, self.device)
            self.saved["counter"] = self.counter
            return
        self.distillation = Distillation(size, config, context.seed, self.device)
        self.scale = ReturnScale(config.gamma, self.device)
        self.saved |= {"seen": self.distillation.seen, "scale": self.scale}
        self._set_networks(self.distillation.networks)

    def _compute_parts(self, step: Step, update: bool) -> dict[str, Tensor]:
        before, after, acted = inputs_of(step, self.config)
        start = self._started(step)
        first = self.visits(before, after, acted, start, update) & acted
        if self.counter is None:
            if update:
                self.distillation.seen.update(after.flatten(0, 1), acted.flatten())
            novelty_before, novelty_after = self.distillation.distance(before), self.distillation.distance(after)
        else:
            if update:  # the start of an episode counts as visited
                self.counter.visit(before, acted & start[:, None])
                self.counter.visit(after, acted)
            novelty_before, novelty_after = self._rareness(self.counter, before), self._rareness(self.counter, after)
        paid = (novelty_after - self.config.alpha * novelty_before).clamp(min=0.0) * first
        return {"novelty": paid if self.counter is not None else normalised(self, paid, acted, update)}

    def _rareness(self, counter: VisitCounter, visited: Tensor) -> Tensor:
        """Return ``N^-1/2`` ``[N, R]`` of the visited vectors ``[N, R, D]``."""
        bonus: Tensor = count_bonus(counter.count(visited), torch.ones(1, device=visited.device))[..., 0]
        return bonus

    def _training_data(self, step: Step) -> Sample:
        return kept_inputs(step, self.config) if self.counter is None else {}

    def _loss(self, sample: Sample) -> Tensor:
        return self.distillation.loss(sample)
