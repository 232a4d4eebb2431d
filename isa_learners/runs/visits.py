"""Which states training visited: of each phase a uniform sample of bounded size, kept in the checkpoint."""

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
"""Of a phase's sample."""
MOST_NUMBERS = 131_072
"""Of a phase's sample, half a megabyte: of long states fewer are kept."""


class Reservoir:
    """A uniform sample, without replacement, of all that it is shown.

    The t-th state goes to a place drawn from ``0, ..., t - 1`` and is kept if that place lies in the sample, so that
    each of ``t`` states is in it with chance ``size / t`` (algorithm R of Vitter, 1985, doi:10.1145/3147.3165). Draws
    depend on the seed and on how many states came before alone: there is no generator to save.

    Args:
        state_size: K.
        seed: of the draws.
        size: of the sample, for tests; the most that the bounds allow where it is left out.

    Attributes:
        states: ``[at most size, K]`` float32, in no order that means anything.
        seen: how many states it was shown.

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
        """What is in the sample."""
        return self._places[: self.seen]

    def add(self, states: Tensor) -> None:
        """Show it ``states`` ``[N, K]``; only those that are kept are moved off their device."""
        order = self.seen + np.arange(1, len(states) + 1)
        draws = np.random.default_rng([self.seed, self.seen]).random(len(states))
        places = np.where(order <= self.size, order - 1, np.floor(draws * order)).astype(np.int64)
        kept = np.flatnonzero(places < self.size)
        self.seen += len(states)
        if len(kept):  # where two go to one place the later stands, as NumPy assigns
            self._places[places[kept]] = to_numpy(states[torch.as_tensor(kept, device=states.device)])

    def state_dict(self) -> dict[str, Tensor]:
        """Return the sample and how many it is of."""
        return {"states": torch.tensor(self.states), "seen": torch.tensor(self.seen)}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore what :meth:`state_dict` returned.

        Raises:
            ValueError: if it is of another size.
        """
        states, seen = to_numpy(state["states"]), int(state["seen"])
        if states.shape != (min(self.size, seen), self._places.shape[1]):
            raise ValueError(f"its visited states have shape {list(states.shape)}")
        self.seen = seen
        self.states[:] = states


class Visits:
    """Keeps a :class:`Reservoir` for each phase of a run.

    Args:
        seed: of the run.
        state_size: K.
        phases: their names.
    """

    def __init__(self, seed: int, state_size: int, phases: tuple[str, ...]) -> None:
        self.phases = {name: Reservoir(state_size, stream_seed(seed, f"{name} visits")) for name in phases}

    @property
    def seen(self) -> int:
        """How many states the samples were shown: none before the first rollout was learned from."""
        return sum(sample.seen for sample in self.phases.values())

    def add(self, phase: str, rollout: Rollout) -> None:
        """Show the phase's sample every state that a step led to; a step that was lost with its game led to none."""
        states = rollout.final_state.flatten(0, 1)
        lost = rollout.lost.flatten()
        self.phases[phase].add(states[~lost] if bool(lost.any()) else states)

    def state_dict(self) -> dict[str, Tensor]:
        """Return ``phase.states`` and ``phase.seen`` of every phase."""
        return {f"{name}.{key}": value for name, one in self.phases.items() for key, value in one.state_dict().items()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore what :meth:`state_dict` returned; earlier ones hold none, and the samples begin there."""
        for name, one in self.phases.items():
            saved = without_prefix(name, state)
            if saved:
                one.load_state_dict(saved)


@dataclass(frozen=True)
class Visited:
    """States that a phase of a run visited.

    Attributes:
        phase: its name.
        states: ``[n, K]``, a uniform sample of all visited ones.
        seen: how many states were visited: ``n`` or more.
    """

    phase: str
    states: npt.NDArray[np.float32]
    seen: int


def visited(folder: RunFolder) -> list[Visited]:
    """Read from a run's checkpoint which states its phases visited, in their order; empty where it holds none.

    Raises:
        FileFormatError: if the checkpoint cannot be read.
    """
    path = folder.newest_checkpoint()
    if path is None:
        return []
    saved = without_prefix("visits", load_checkpoint(path)[0])
    found = []
    for name in ALGORITHMS[folder.config().algo].phase_names:
        if f"{name}.seen" not in saved:
            continue
        try:
            states, seen = to_numpy(saved[f"{name}.states"]), int(saved[f"{name}.seen"])
        except (LookupError, RuntimeError, ValueError) as error:
            raise FileFormatError(f"{path} holds visited states that cannot be read ({error})") from error
        if states.ndim != 2 or not len(states) <= seen:
            raise FileFormatError(f"{path} holds visited states that cannot be read (shape {list(states.shape)})")
        found.append(Visited(name, states, seen))
    return [one for one in found if one.seen]
