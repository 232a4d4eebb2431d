"""Places at which each segment of the state arrived when the team was rewarded, with reward frequencies."""

from __future__ import annotations

from math import log, pi, sqrt

import numpy as np

from isa_wrappers.arrays import Array, backend, known_empty, namespace, scatter_add, scatter_max
from isa_wrappers.errors import ScopeMismatchError
from isa_wrappers.rewards.keys import SegmentKeys

PLACES = 64
"""Number of rows for rewarded places per segment; a new place waits until the one in its row proves bad."""
MEMORY = 20
"""Number of arrivals at a place after which earlier ones fade, since the policies of teammates change."""
ERROR_RATE = 0.05
"""Probability of a false positive for a segment without better places."""
_WINDINGS = np.random.Generator(np.random.PCG64(2505_08630)).choice(np.arange(1_000, 60_000), PLACES, replace=False)
_SAVED = ("arrivals", "rewarded", "values", "hash", "used", "at_large", "low", "high")


class RewardedPlaces:
    """The places at which each of R segments arrived when the team was rewarded.

    A place is a cell of the segment's dimensions. Once a place is known, its arrivals and its rewarded arrivals are
    counted. A place that is unrelated to rewards is rewarded as often as any arrival; a relevant one nearly always.
    Memory is fixed: the hash of a place selects one of :data:`PLACES` rows, and a new place replaces the old one in its
    row once fewer than half of the old one's arrivals were rewarded.

    Args:
        segments: dimensions of each segment.
        count_scale: cells per unit of the state.
        device: ``None`` for NumPy, else a torch device.

    Attributes:
        dims: dimensions of each segment, padded with 0, ``[R, W]`` int64.

    Source: Thompson (1933), as in Chapelle and Li (2011), for the draws; Hoeffding (1963), Theorem 1, for places that
    stand out.
    """

    def __init__(self, segments: list[list[int]], count_scale: float, device: str | None = None) -> None:
        xp = backend(device)
        self._keys = SegmentKeys(segments, count_scale, device)
        self.device, self.dims = device, self._keys.dims
        rows, width = self.dims.shape
        self.rows = rows
        self._row = xp.arange(rows, dtype=xp.int64, device=device)
        self._windings = xp.asarray(_WINDINGS.astype(np.float64), device=device)
        self._arrivals, self._rewarded = (xp.zeros(rows * PLACES, dtype=xp.float64, device=device) for _ in range(2))
        self._values = xp.zeros((rows * PLACES + 1, width), dtype=xp.float64, device=device)
        self._hash = xp.zeros(rows * PLACES + 1, dtype=xp.int64, device=device)
        self._used = xp.zeros(rows * PLACES, dtype=xp.bool, device=device)
        self._at_large = xp.zeros((rows, 2), dtype=xp.float64, device=device)
        self._low = xp.full((rows, width), xp.inf, dtype=xp.float64, device=device)
        self._high = -self._low

    def visit(self, states: Array, arrived: Array, paid: Array) -> None:
        """Record a step of B environments.

        Args:
            states: states after the step, ``[B, K]``.
            arrived: whether each segment changed in the step, ``[B, R]`` bool.
            paid: whether it changed and the team was rewarded in the step, ``[B, R]`` bool.
        """
        xp = namespace(states)
        parts = xp.astype(states, xp.float64)[..., self.dims]
        has_arrived = arrived[..., None]
        self._low = xp.minimum(self._low, xp.min(xp.where(has_arrived, parts, xp.inf), axis=0))
        self._high = xp.maximum(self._high, xp.max(xp.where(has_arrived, parts, -xp.inf), axis=0))
        hashes = self._keys.hashes(states)
        place = ((hashes >> 57) & (PLACES - 1)) + self._row * PLACES
        used = self._used[place]
        is_known = used & (self._hash[place] == hashes)
        counted = xp.astype(xp.stack([arrived, paid]), xp.float64)
        slots, known_counts = place.reshape(-1), (counted * is_known).reshape(2, -1)
        scatter_add(self._arrivals, slots, known_counts[0])
        scatter_add(self._rewarded, slots, known_counts[1])
        self._fade()
        self._at_large = self._at_large + counted.sum(1).T
        is_new = paid & ~is_known
        if not known_empty(is_new):
            free = ~used | (2 * self._rewarded[place] < self._arrivals[place])
            self._learn(place, is_new & free, parts, hashes)

    def _fade(self) -> None:
        """Reduce the weight of arrivals at a place before the last :data:`MEMORY` ones."""
        xp, fades_now = namespace(self._arrivals), self._arrivals > MEMORY
        if known_empty(fades_now):
            return
        factor = xp.where(fades_now, MEMORY / xp.clip(self._arrivals, 1.0, None), 1.0)
        self._arrivals, self._rewarded = self._arrivals * factor, self._rewarded * factor

    def _learn(self, place: Array, is_new: Array, parts: Array, hashes: Array) -> None:
        """Store places ``[B, R]`` where ``is_new`` is true; if several share a row, keep that of the last environment.

        To avoid host synchronisation, places that are not stored are written as 0 to a spare row.
        """
        xp = namespace(place)
        spare = self.rows * PLACES
        slots = xp.where(is_new, place, spare).reshape(-1)
        order = xp.arange(1, slots.shape[0] + 1, dtype=xp.int64, device=self.device)
        last = xp.zeros(spare + 1, dtype=xp.int64, device=self.device)
        scatter_max(last, slots, order)
        slots = xp.where(last[slots] == order, slots, spare)
        is_written = slots < spare
        self._values[slots] = xp.where(is_written[:, None], parts.reshape(-1, parts.shape[-1]), 0.0)
        self._hash[slots] = xp.where(is_written, hashes.reshape(-1), 0)
        # The first arrival was selected for its reward, so it does not count.
        is_replaced = last[:-1] > 0
        self._used = self._used | is_replaced
        self._arrivals = xp.where(is_replaced, 0.0, self._arrivals)
        self._rewarded = xp.where(is_replaced, 0.0, self._rewarded)

    def have_significant_places(self, rows: list[int]) -> bool:
        """Return whether each of these segments has a place that stands out.

        A place stands out if at least half of its arrivals were rewarded, and significantly more often than the
        arrivals of the segment in general: ``n KL(share || general share) > log(PLACES / ERROR_RATE)``, Chernoff's
        bound over all places.
        """
        n, paid = (x.reshape(self.rows, PLACES)[rows] for x in (self._arrivals, self._rewarded))
        at_large = self._at_large[rows]
        xp = namespace(n)
        usual = xp.clip(at_large[:, 1] / xp.clip(at_large[:, 0], 1.0, None), 1e-12, 1.0 - 1e-12)[:, None]
        share = paid / xp.clip(n, 1.0, None)
        is_certain = n * _divergence(share, usual) > log(PLACES / ERROR_RATE)
        return bool((is_certain & (2 * paid >= n) & (share > usual)).any(-1).all())

    def draw(self, uniform: Array) -> Array:
        """Draw a place for each segment.

        Half of the time, draw any place in the bounding box of all arrivals of the segment, since a known place may
        already be taken by others. Otherwise take the place with the highest draw from Beta(1 + rewarded,
        1 + not rewarded), in the normal approximation with a logistic deviate, unless that draw is below 1/2.

        Args:
            uniform: random numbers in [0, 1) for the choice, the draws and the place in the box, ``[..., R, 2 + W]``.

        Returns:
            ``[..., R, W]`` float64.
        """
        xp = namespace(self._arrivals)
        n, paid, used = (x.reshape(self.rows, PLACES) for x in (self._arrivals, self._rewarded, self._used))
        mean = (paid + 1.0) / (n + 2.0)
        deviation = xp.sqrt(mean * (1.0 - mean) / (n + 3.0))
        # Derive a number for each place from a single one: each is uniform, and any two are nearly independent.
        noise = xp.clip(uniform[..., 1:2] * self._windings % 1.0, 1e-9, 1.0 - 1e-9)
        drawn = xp.where(used, mean + deviation * xp.log(noise / (1.0 - noise)) * (sqrt(3.0) / pi), -1.0)
        best = xp.argmax(drawn, axis=-1) + self._row * PLACES
        use_known = (uniform[..., 0] >= 0.5) & (xp.max(drawn, axis=-1) >= 0.5)
        return xp.where(use_known[..., None], self._values[best], self._draw_in_box(uniform[..., 2:]))

    def _draw_in_box(self, uniform: Array) -> Array:
        """Return centres of cells in the box of each segment."""
        xp = namespace(uniform)
        low = xp.where(self._low > self._high, 0.0, self._low)
        place = low + uniform * (xp.where(self._low > self._high, 0.0, self._high) - low)
        scale = self._keys.count_scale
        return xp.clip(xp.floor(place * scale + 0.5) / scale, low, None)

    def state_dict(self) -> dict[str, Array]:
        """Return the known places and their counts."""
        xp = backend(self.device)
        return {name: xp.asarray(getattr(self, "_" + name), copy=True) for name in _SAVED}

    def load_state_dict(self, state: dict[str, Array]) -> None:
        """Restore what :meth:`state_dict` returned.

        Raises:
            ScopeMismatchError: if it belongs to other segments.
        """
        xp = backend(self.device)
        for name in _SAVED:
            saved, current = state[name], getattr(self, "_" + name)
            if tuple(saved.shape) != tuple(current.shape):
                raise ScopeMismatchError(
                    f"saved places of shape {list(saved.shape)} do not fit shape {list(current.shape)}; load a state "
                    "saved with this scope"
                )
            setattr(self, "_" + name, xp.asarray(saved, device=self.device, copy=True))


def _divergence(share: Array, usual: Array) -> Array:
    """Return KL(share || usual) of two probabilities, in nats; ``usual`` in (0, 1)."""
    xp = namespace(share)

    def part(p: Array, q: Array) -> Array:
        return xp.where(p > 0, p * xp.log(xp.clip(p, 1e-300, None) / q), 0.0 * q)

    return part(share, usual) + part(1.0 - share, 1.0 - usual)
