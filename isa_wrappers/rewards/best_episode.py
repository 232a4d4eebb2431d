"""The best episode so far: its last state and the segments rewarded in it."""

from __future__ import annotations

from dataclasses import dataclass

from isa_wrappers.arrays import Array, backend, known_empty, namespace
from isa_wrappers.axes import Bool, Real


@dataclass
class Episodes:
    """Progress of the unfinished episodes of B environments.

    Attributes:
        earned: return of the team so far, ``[B]`` float64.
        holds: whether each segment was rewarded at its last arrival, ``[B, R]`` bool.
    """

    earned: Array
    holds: Array

    @classmethod
    def new(cls, num_envs: int, rows: int, device: str | None) -> Episodes:
        """Return B new episodes with R segments."""
        xp = backend(device)
        earned = xp.zeros(num_envs, dtype=xp.float64, device=device)
        return cls(earned, xp.zeros((num_envs, rows), dtype=xp.bool, device=device))


class BestEpisode:
    """Stores the last state of the episode with the highest return among those with a rewarded segment.

    Args:
        rows: number of segments, R.
        state_size: length of the state, K.
        device: ``None`` for NumPy, else a torch device.

    Attributes:
        earned: return of the team in that episode, ``[1]`` float64.
        state: last state of that episode, ``[K]`` float64.
        kept: whether each segment was rewarded at its last arrival in that episode, ``[R]`` bool.

    Example:
        >>> import numpy as np
        >>> best, two = BestEpisode(1, 2, None), Episodes(np.array([1.0, 3.0]), np.array([[True], [True]]))
        >>> best.process_ended(two, np.array([[4.0, 4.0], [5.0, 6.0]]), np.array([True, True]))
        >>> best.state.tolist(), best.kept.tolist(), two.earned.tolist()
        ([5.0, 6.0], [True], [0.0, 0.0])
    """

    def __init__(self, rows: int, state_size: int, device: str | None) -> None:
        xp, self._device = backend(device), device
        self.earned = xp.zeros(1, dtype=xp.float64, device=device)
        self.state = xp.zeros(state_size, dtype=xp.float64, device=device)
        self.kept = xp.zeros(rows, dtype=xp.bool, device=device)

    def process_ended(self, episodes: Episodes, states: Real[Array, "envs dims"], ended: Bool[Array, " envs"]) -> None:
        """Process the episodes that ended in a step, and reset their progress.

        Args:
            episodes: progress of the B environments, including the step.
            states: states after the step, before any automatic reset, ``[B, K]``.
            ended: whether each episode ended, ``[B]`` bool.
        """
        if known_empty(ended):
            return
        xp = namespace(states)
        earned = xp.where(ended, episodes.earned, -xp.inf)
        env = xp.argmax(earned).reshape(1)  # an index array, to avoid reading it on the host
        best, holds = earned[env], episodes.holds[env][0]
        better = ended.any() & (best >= self.earned) & holds.any()
        self.earned = xp.where(better, best, self.earned)
        self.state = xp.where(better, xp.astype(states[env], xp.float64)[0], self.state)
        self.kept = xp.where(better, holds, self.kept)
        episodes.earned = xp.where(ended, 0.0, episodes.earned)
        episodes.holds = episodes.holds & ~ended[:, None]

    def state_dict(self) -> dict[str, Array]:
        """Return the stored episode."""
        xp = backend(self._device)
        saved = {"best": self.earned, "best_state": self.state, "kept": self.kept}
        return {name: xp.asarray(value, copy=True) for name, value in saved.items()}

    def load_state_dict(self, state: dict[str, Array]) -> None:
        """Restore what :meth:`state_dict` returned; other entries are ignored."""
        xp = backend(self._device)
        self.earned, self.state, self.kept = (
            xp.asarray(state[name], device=self._device, copy=True) for name in ("best", "best_state", "kept")
        )
