"""The paper's estimators: normalised mutual information, per joint action of the teammates or pooled."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from isa_wrappers.config import SettledScope
from isa_wrappers.scope.estimators import Estimator, Figures
from isa_wrappers.scope.information import normalized_mutual_information
from isa_wrappers.scope.transitions import Transitions

Shuffling = np.random.Generator | None


class NMIEstimator(Estimator):
    """The largest normalised mutual information of an action and a change over 1 to W steps.

    Args:
        pooled: whether to pool all transitions. Otherwise, the result is the mean over the teammates' joint actions, as
            in Def. 1. Small blocks bias this mean upwards; the teammates' moves bias the pooled value downwards.

    Source: arXiv 2505.08630, Section 4 and Algorithm 1, line 4.
    """

    figure: ClassVar[str] = "normalised mutual information"

    def __init__(self, pooled: bool) -> None:
        self.pooled = pooled

    def estimate(self, transitions: list[Transitions], config: SettledScope, num_actions: int) -> Figures:
        """Return ``[A, n, K]``, see :func:`~isa_wrappers.scope.information.normalized_mutual_information`."""
        return self._information(transitions, config, num_actions, None)

    def chance(
        self, transitions: list[Transitions], config: SettledScope, num_actions: int, rng: np.random.Generator
    ) -> float:
        """Return the largest information with actions shuffled within their blocks."""
        return float(self._information(transitions, config, num_actions, rng).max(initial=0.0))

    def advice(self) -> str:
        """Suggest pooling, more transitions and wider bins."""
        pool = "" if self.pooled else "estimator 'nmi_pooled', "
        return f"use {pool}more transitions or a larger bin_width"

    def _information(
        self, transitions: list[Transitions], config: SettledScope, num_actions: int, shuffling: Shuffling
    ) -> Figures:
        """Return the largest information over 1 to W steps, with actual or shuffled actions, ``[A, n, K]``."""
        agents = range(transitions[0].free.shape[1])
        by_width = []
        for width in range(1, config.window + 1):
            figures = []
            for i in agents:
                changes, actions, blocks, valid = self._samples(transitions, i, config, width)
                if shuffling is not None:
                    actions = shuffled(actions, blocks, valid, shuffling)
                sample = changes[None], actions[None], blocks[None], valid[None]
                figures.append(normalized_mutual_information(*sample, num_actions, config.bin_width))
            by_width.append(np.concatenate(figures))
        return np.maximum.reduce(by_width)  # type: ignore[no-any-return]

    def _samples(
        self, transitions: list[Transitions], i: int, config: SettledScope, width: int
    ) -> tuple[Any, Any, Any, Any]:
        """Gather agent i's changes ``[N, K]``, actions, blocks and validity ``[N]``."""
        part = next(part for part in transitions if part.free[:, i].any())
        streams = np.flatnonzero(part.free[:, i])
        steps = len(part.actions) - width + 1
        start, end = slice(0, steps), slice(width - 1, width - 1 + steps)
        changes = part.next_states[end, streams] - part.states[start, streams]
        valid = part.valid[start, streams, i] & (part.episode[end, streams] == part.episode[start, streams])
        held = part.held[start, streams].reshape(-1, part.held.shape[-1])
        blocks = np.zeros(len(held), dtype=np.int64)
        if not self.pooled:
            blocks = np.unique(held, axis=0, return_inverse=True)[1].reshape(-1)
        valid = valid.reshape(-1)
        valid &= np.cumsum(valid) <= config.transitions
        return changes.reshape(len(valid), -1), part.actions[start, streams, i].reshape(-1), blocks, valid


def shuffled(
    actions: npt.NDArray[Any], blocks: npt.NDArray[Any], valid: npt.NDArray[np.bool_], rng: np.random.Generator
) -> npt.NDArray[Any]:
    """Shuffle the valid ``actions`` ``[N]`` within each block."""
    index = np.flatnonzero(valid)
    block = blocks[index]
    redrawn: npt.NDArray[Any] = actions.copy()
    redrawn[index[np.argsort(block, kind="stable")]] = actions[index[np.lexsort((rng.random(len(index)), block))]]
    return redrawn


NMI_BLOCK = NMIEstimator(pooled=False)
NMI_POOLED = NMIEstimator(pooled=True)
