"""Marked transitions: steps in which some agent's action was drawn uniformly instead of from its policy."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from isa_wrappers.errors import InvalidValueError, check_int, shown
from isa_wrappers.scope.transitions import Transitions
from isa_wrappers.scope.windows import Window, gather


@dataclass(frozen=True)
class Marked:
    """N one-step transitions of A agents with up to n actions and K state dimensions.

    Attributes:
        states: states before the step, ``[N, K]``.
        next_states: states after it, before any automatic reset, ``[N, K]``.
        actions: actions of all agents, ``[N, A]``.
        available: available actions, ``[N, A, n]`` bool.
        acted: whether the agent was alive and the step was not lost in a game crash, ``[N, A]`` bool.
        marked: whether the agent's action was drawn uniformly among its available ones, ``[N, A]`` bool.
    """

    states: npt.NDArray[Any]
    next_states: npt.NDArray[Any]
    actions: npt.NDArray[np.int64]
    available: npt.NDArray[np.bool_]
    acted: npt.NDArray[np.bool_]
    marked: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.states)


class Probes:
    """The last transitions in which some agent's action was a marked, uniform draw; first in, first out.

    At most ``capacity`` transitions are stored, in ``capacity * (8 K + A (10 + n))`` bytes for float32 states. The
    actions of the other agents are stored too, to remove their effects from the changes before the comparison.

    Args:
        capacity: maximum number of stored transitions.

    Attributes:
        number: total number of draws added so far, over all agents.

    Example:
        >>> yes, place = np.ones((3, 1), dtype=bool), np.arange(3.0).reshape(3, 1)
        >>> what = {"actions": np.zeros((3, 1), dtype=int), "available": np.ones((3, 1, 2), dtype=bool), "acted": yes}
        >>> probes = Probes(capacity=2)
        >>> probes.add(Marked(place, place + 1, marked=np.array([[True], [True], [False]]), **what))
        >>> probes.add(Marked(place, place + 1, marked=yes, **what))
        >>> probes.number, probes.held.states[:, 0].tolist()
        (5, [1.0, 2.0])
    """

    def __init__(self, capacity: int = 20_000) -> None:
        self.capacity = check_int("capacity", capacity, 1, 10**7)
        self.number = 0
        self.held: Marked | None = None

    def add(self, steps: Marked) -> None:
        """Store the steps in which an acting agent's draw was marked."""
        drawn = steps.marked & steps.acted
        rows = np.flatnonzero(drawn.any(axis=1))[-self.capacity :]
        self.number += int(drawn.sum())
        if not len(rows):
            return
        columns = {f.name: getattr(steps, f.name)[rows] for f in fields(Marked)}
        columns["marked"] = drawn[rows]
        if self.held is not None:
            keep = slice(max(0, len(self.held) + len(rows) - self.capacity), None)
            columns = {k: np.concatenate([getattr(self.held, k)[keep], column]) for k, column in columns.items()}
        self.held = Marked(**columns)

    def window(self) -> Window | None:
        """Return the changes over one step, which count for agents with a marked draw; ``None`` if there are none.

        Changes over more steps are not usable, since the policies' later actions depend on the result of the draw.
        """
        if self.held is None:
            return None
        held, number = self.held, len(self.held)
        streams = Transitions(
            free=held.marked,
            actions=held.actions[None],
            available=held.available[None],
            states=held.states[None],
            next_states=held.next_states[None],
            episode=np.zeros((1, number), dtype=np.int64),
            held=np.full((1, *held.actions.shape), -1),
            valid=held.acted[None],
        )
        return gather([streams], 1)

    def state_dict(self) -> dict[str, npt.NDArray[Any]]:
        """Return the stored transitions."""
        held = {} if self.held is None else {f.name: getattr(self.held, f.name) for f in fields(Marked)}
        return {"number": np.array([self.number]), **held}

    def load_state_dict(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Restore what :meth:`state_dict` returned.

        Raises:
            InvalidValueError: if the numbers of transitions differ or exceed the capacity.
        """
        columns = {name: np.array(value) for name, value in state.items() if name != "number"}
        lengths = {len(column) for column in columns.values()}
        if len(lengths) > 1 or max(lengths, default=0) > self.capacity:
            raise InvalidValueError(
                f"saved probes must be columns of equal length, at most {self.capacity}, got {shown(sorted(lengths))}"
            )
        self.number = int(state["number"][0])
        self.held = Marked(**columns) if columns else None
