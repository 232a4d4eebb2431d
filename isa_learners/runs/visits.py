"""States visited during training: a uniform sample of bounded size for each phase, saved in the checkpoint."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from isa_learners.algorithms import ALGORITHMS
from isa_learners.checkpoint import load_checkpoint
from isa_learners.rollout import Rollout
from isa_learners.runs.run_folder import RunFolder
from isa_wrappers.arrays import stream_seed, to_numpy, without_prefix
from isa_wrappers.errors import FileFormatError

MOST_STATES = 4096
"""Maximum number of states in the sample of a phase."""
MOST_NUMBERS = 131_072
"""Maximum number of values in the sample of a phase (half a megabyte), which limits the number of large states."""


class Reservoir:
    """A uniform sample, without replacement, of all states added to it.

    The t-th state goes to an index drawn from ``0, ..., t - 1`` and is kept if that index lies in the sample, so that
    each of ``t`` states is in it with probability ``size / t`` (algorithm R of Vitter, 1985, doi:10.1145/3147.3165).
    Draws depend only on the seed and the number of earlier states, so there is no generator to save.

    Args:
        state_size: K.
        seed: seed of the draws.
        size: maximum size of the sample, for tests; by default as large as the bounds allow.

    Attributes:
        states: ``[at most size, K]`` float32, in arbitrary order.
        seen: number of states added.

    Example:
        >>> sample = Reservoir(state_size=1, seed=0, size=3)
        >>> sample.add(torch.arange(2.0)[:, None])
        >>> sample.states.tolist(), sample.seen
        ([[0.0], [1.0]], 2)
        >>> sample.add(torch.arange(2.0, 100.0)[:, None])
        >>> len(sample.states), sample.seen
        (3, 100)
    """

    def __init__(self, state_size: int, seed: int, size: int | None = None) -> None:
        self.size = max(1, min(MOST_STATES, MOST_NUMBERS // max(1, state_size))) if size is None else size
        self.seed, self.seen = seed, 0
        self._places = np.zeros((self.size, state_size), dtype=np.float32)

    @property
    def states(self) -> npt.NDArray[np.float32]:
        """States in the sample."""
        return self._places[: self.seen]

    def add(self, states: Tensor) -> None:
        """Add ``states`` ``[N, K]``; only the kept ones are moved off their device."""
        order = self.seen + np.arange(1, len(states) + 1)
        draws = np.random.default_rng([self.seed, self.seen]).random(len(states))
        places = np.where(order <= self.size, order - 1, np.floor(draws * order)).astype(np.int64)
        kept = np.flatnonzero(places < self.size)
        self.seen += len(states)
        if len(kept):  # of two states at the same index NumPy keeps the later one
            self._places[places[kept]] = to_numpy(states[torch.as_tensor(kept, device=states.device)])

    def state_dict(self) -> dict[str, Tensor]:
        """Return the sample and the number of states added."""
        return {"states": torch.tensor(self.states), "seen": torch.tensor(self.seen)}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore a state from :meth:`state_dict`.

        Raises:
            ValueError: if it has another size.
        """
        states, seen = to_numpy(state["states"]), int(state["seen"])
        if states.shape != (min(self.size, seen), self._places.shape[1]):
            raise ValueError(f"its visited states have shape {list(states.shape)}")
        self.seen = seen
        self.states[:] = states


class Visits:
    """Keeps a :class:`Reservoir` for each phase of a run.

    Args:
        seed: seed of the run.
        state_size: K.
        phases: names of the phases.
    """

    def __init__(self, seed: int, state_size: int, phases: tuple[str, ...]) -> None:
        self.phases = {name: Reservoir(state_size, stream_seed(seed, f"{name} visits")) for name in phases}

    @property
    def seen(self) -> int:
        """Number of states added to the samples; 0 before the first update."""
        return sum(sample.seen for sample in self.phases.values())

    def add(self, phase: str, rollout: Rollout) -> None:
        """Add the states of a rollout to the sample of the phase, except for steps lost because their game failed."""
        states = rollout.final_state.flatten(0, 1)
        lost = rollout.lost.flatten()
        self.phases[phase].add(states[~lost] if bool(lost.any()) else states)

    def state_dict(self) -> dict[str, Tensor]:
        """Return ``phase.states`` and ``phase.seen`` of every phase."""
        return {
            f"{name}.{key}": value for name, sample in self.phases.items() for key, value in sample.state_dict().items()
        }

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore a state from :meth:`state_dict`; checkpoints of older versions hold none, so sampling starts then."""
        for name, sample in self.phases.items():
            saved = without_prefix(name, state)
            if saved:
                sample.load_state_dict(saved)


@dataclass(frozen=True)
class Visited:
    """States that a phase of a run visited.

    Attributes:
        phase: name of the phase.
        states: ``[n, K]``, a uniform sample of all visited states.
        seen: number of visited states, at least ``n``.
    """

    phase: str
    states: npt.NDArray[np.float32]
    seen: int


def visited(folder: RunFolder) -> list[Visited]:
    """Read the visited states of each phase from a run's checkpoint; empty if it holds none.

    Raises:
        FileFormatError: if the checkpoint cannot be read.
    """
    path = folder.newest_checkpoint()
    if path is None:
        return []
    saved = without_prefix("visits", load_checkpoint(path)[0])
    visits = []
    for name in ALGORITHMS[folder.config().algo].phase_names:
        if f"{name}.seen" not in saved:
            continue
        try:
            states, seen = to_numpy(saved[f"{name}.states"]), int(saved[f"{name}.seen"])
        except (LookupError, RuntimeError, ValueError) as error:
            raise FileFormatError(f"{path} holds visited states that cannot be read ({error})") from error
        if states.ndim != 2 or not len(states) <= seen:
            raise FileFormatError(f"{path} holds visited states that cannot be read (shape {list(states.shape)})")
        visits.append(Visited(name, states, seen))
    return [phase for phase in visits if phase.seen]
