"""The goal buffer B of won states."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from isa_wrappers.arrays import Array, Rng, backend, known_empty, namespace, on_host, to_numpy
from isa_wrappers.axes import Bool, Float, Real
from isa_wrappers.checks import LARGEST_STATE, check_array, check_states_finite
from isa_wrappers.config import GoalConfig
from isa_wrappers.errors import (
    EmptyGoalBufferError,
    InvalidValueError,
    NonFiniteError,
    ScopeMismatchError,
    check_int,
    shown,
)

LATEST = 100
"""Time constant, in episodes, of the moving average of the fraction of won episodes."""
GoalSelector: TypeAlias = Callable[["GoalBuffer", Array], Array]
"""(goal buffer, random numbers in [0, 1) ``[...]``) -> goals ``[..., K]``."""


class GoalBuffer:
    """The last ``capacity`` won states, first in, first out (B in Algorithm 1).

    States are stored as float32, and as float64 once a float64 state is added: integers beyond 2^24, or 2^53, are
    rounded. If :meth:`ended` is called, the buffer also tracks the fraction of recent episodes that were won,
    :attr:`won_share`.

    Args:
        state_size: length of the state, K.
        capacity: maximum number of states.
        seed: seed of the draws.
        device: ``None`` for NumPy, else a torch device.

    Example:
        >>> goals = GoalBuffer(state_size=2, capacity=2)
        >>> goals.add(np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]), np.array([True, False, True]))
        >>> len(goals), sorted(goals.sample(50)[:, 0].tolist())[:: 49]
        (2, [1.0, 3.0])
    """

    def __init__(
        self, state_size: int, capacity: int = GoalConfig.capacity, seed: int = 0, device: str | None = None
    ) -> None:
        self.capacity = check_int("capacity", capacity, 1, 10**7)
        self.state_size = check_int("state_size", state_size, 1, LARGEST_STATE)
        self.device = device
        xp = backend(device)
        # One extra row, always 0: states that are not stored are written there as 0, since the order of several writes
        # to one row is undefined on CUDA.
        self._states = xp.zeros((self.capacity + 1, self.state_size), dtype=xp.float32, device=device)
        self._added = xp.zeros((), dtype=xp.int64, device=device)
        self._won_share = xp.zeros((), dtype=xp.float64, device=device)
        self._rng = Rng(seed, device, "buffer")

    def __len__(self) -> int:
        return min(int(self._added), self.capacity)

    @property
    def stitches(self) -> bool:
        """Whether goals are stitched, as :class:`~isa_wrappers.rewards.stitched.StitchedGoals` does before any win."""
        return False

    @property
    def states(self) -> Float[Array, "stored dims"]:
        """Stored states, ``[len, K]``."""
        return self._states[: len(self)]

    def add(self, states: Real[Array, "envs dims"], won: Bool[Array, " envs"]) -> None:
        """Store the states ``[B, K]`` where ``won`` ``[B]`` is true.

        Raises:
            InvalidValueError: if the shapes do not fit.
            NonFiniteError: if a won state on the host contains NaN or infinity.
        """
        check_array("states", states, None, self.state_size)
        check_array("won", won, states.shape[0])
        if on_host(states) and won.any():
            check_states_finite("won states", to_numpy(states[won > 0]))
        self._match_dtype(states)
        if known_empty(won):
            return
        xp = namespace(self._states)
        won = xp.astype(won, xp.int64)
        total = xp.sum(won)
        order = self._added + xp.cumulative_sum(won) - 1
        keep = (won > 0) & (order >= self._added + total - self.capacity)
        row = xp.where(keep, order % self.capacity, xp.full_like(order, self.capacity))
        self._states[row] = xp.where(keep[:, None], xp.astype(states, self._states.dtype), 0.0)
        self._added = self._added + total

    @property
    def won_share(self) -> Float[Array, ""]:
        """Fraction of about the last :data:`LATEST` episodes that were won; 0 before any ended."""
        return self._won_share

    def ended(self, over: Bool[Array, " envs"], won: Bool[Array, " envs"]) -> None:
        """Record the episodes that ended in a step.

        Args:
            over: whether each episode ended, ``[B]`` bool.
            won: whether each episode was won, ``[B]`` bool.

        Example:
            >>> goals = GoalBuffer(state_size=1)
            >>> for _ in range(200):
            ...     goals.ended(np.array([True, True, False]), np.array([True, False, True]))
            >>> round(float(goals.won_share), 2)
            0.49
        """
        if known_empty(over):
            return
        xp = namespace(self._won_share)
        count, wins = (xp.sum(xp.astype(x, xp.float64)) for x in (over, over & won))
        decay = (1.0 - 1.0 / LATEST) ** count
        self._won_share = self._won_share * decay + (1.0 - decay) * wins / xp.clip(count, 1.0, None)

    def _match_dtype(self, states: Array) -> None:
        """Switch to float64 with the first float64 state."""
        xp = namespace(self._states)
        if states.dtype == namespace(states).float64 and self._states.dtype == xp.float32:
            self._states = xp.astype(self._states, xp.float64)

    def ready(self, wins: int) -> bool:
        """Return whether there are goals to pursue: at least ``wins`` won states."""
        return len(self) >= wins

    def choose(self, select: GoalSelector, rng: Rng, count: int) -> Float[Array, "count dims"]:
        """Draw ``count`` goals ``[count, K]`` for episodes.

        Args:
            select: the goal selector.
            rng: random generator.
            count: number of goals.

        Raises:
            InvalidValueError: if the selector does not return ``count`` states.
        """
        goals = select(self, rng.uniform(count))
        if getattr(goals, "shape", None) != (count, self.state_size):
            description = f"{type(goals).__name__} {list(getattr(goals, 'shape', ()))}"
            raise InvalidValueError(
                f"a goal selector must return states [{count}, {self.state_size}], got {description}"
            )
        # Copy, since a view of the buffer's or the selector's memory could change in the middle of an episode.
        return goals.copy() if isinstance(goals, np.ndarray) else goals.clone()

    def sample(self, count: int) -> Float[Array, "count dims"]:
        """Draw ``count`` states uniformly, with replacement: ``[count, K]``.

        Raises:
            EmptyGoalBufferError: if the buffer is empty.
        """
        self.check_not_empty()
        return self.draw(self._rng.uniform(check_int("count", count, 0, 10**9)))

    def check_not_empty(self) -> None:
        """Check that there is a goal to draw.

        Raises:
            EmptyGoalBufferError: if the buffer is empty.
        """
        if len(self) == 0:
            raise EmptyGoalBufferError(
                "the goal buffer is empty: add won states with add(), or explore until an episode is won"
            )

    def draw(self, uniform: Float[Array, "*batch"]) -> Float[Array, "*batch dims"]:
        """Pick a stored state for each number in [0, 1) of ``uniform`` ``[...]``, without host synchronisation."""
        xp = namespace(self._states)
        size = xp.clip(self._added, 1, self.capacity)
        index = xp.astype(xp.floor(uniform * xp.astype(size, uniform.dtype)), xp.int64)
        return self._states[xp.minimum(index, size - 1)]

    def recent(self, age: Real[Array, "*batch"]) -> Float[Array, "*batch dims"]:
        """Pick the states won ``age`` ``[...]`` wins ago, 0 for the last one, without host synchronisation."""
        xp = namespace(self._states)
        size = xp.clip(self._added, 1, self.capacity)
        age = xp.minimum(xp.astype(age, xp.int64), size - 1)
        return self._states[(self._added - 1 - age) % self.capacity]

    def state_dict(self) -> dict[str, Array]:
        """Return the stored states and the state of the random generator."""
        xp = namespace(self._states)
        return {
            "states": xp.asarray(self._states, copy=True),
            "added": xp.asarray(xp.reshape(self._added, (1,)), copy=True),
            "won_share": xp.asarray(xp.reshape(self._won_share, (1,)), copy=True),
            "rng": self._rng.get_state(),
        }

    def load_state_dict(self, state: dict[str, Array]) -> None:
        """Restore what :meth:`state_dict` returned.

        Raises:
            ScopeMismatchError: if capacity or state size differ.
        """
        if tuple(state["states"].shape) != tuple(self._states.shape):
            raise ScopeMismatchError(
                f"saved goals of shape {list(state['states'].shape)} do not fit a buffer of {list(self._states.shape)}"
            )
        if not bool(np.isfinite(to_numpy(state["states"])).all()):
            raise NonFiniteError("saved goals must be finite, but contain NaN or infinity")
        if tuple(state["added"].shape) != (1,) or int(state["added"][0]) < 0:
            raise InvalidValueError(f"the number of saved goals must be an integer, got {shown(state['added'])}")
        xp = backend(self.device)
        self._states = xp.asarray(state["states"], device=self.device, copy=True)
        self._added = xp.asarray(state["added"], device=self.device)[0]
        if "won_share" in state:  # missing in buffers of earlier versions
            self._won_share = xp.asarray(state["won_share"], dtype=xp.float64, device=self.device)[0]
        self._rng.set_state(state["rng"])
