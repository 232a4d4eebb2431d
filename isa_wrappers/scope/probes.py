"""Marked transitions: those of steps in which some agent's action was drawn uniformly, whatever its policy wanted."""

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
    """N transitions of one step each, of A agents with up to n actions, over K state dimensions.

    Attributes:
        states: ``[N, K]`` before the step.
        next_states: ``[N, K]`` after it, before any automatic reset.
        actions: ``[N, A]`` what everyone did.
        available: ``[N, A, n]`` bool: the actions that were to be had.
        acted: ``[N, A]`` bool: the agent was alive, and the episode not lost with its game.
        marked: ``[N, A]`` bool: the agent's action was drawn uniformly among its available ones.
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
    """The last transitions in which anybody's action was a marked, uniform draw; the oldest go first.

    At most ``capacity`` of them are held, in ``capacity * (8 K + A (10 + n))`` bytes for states in float32. The others'
    actions are kept too: what they did is taken out of the change before it is compared.

    Args:
        capacity: transitions held.

    Attributes:
        number: draws added so far, of all agents, those no longer held included.

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
        """Keep the steps in which anybody's draw was marked and came to act."""
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
        """Return the changes over one step, each agent's counting where its draw was marked; ``None`` without any.

        Later changes would not do: what follows a draw are the policies' actions, which answer to it.
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
        """Return what is held."""
        held = {} if self.held is None else {f.name: getattr(self.held, f.name) for f in fields(Marked)}
        return {"number": np.array([self.number]), **held}

    def load_state_dict(self, state: dict[str, npt.NDArray[Any]]) -> None:
        """Restore what :meth:`state_dict` returned.

        Raises:
            InvalidValueError: if the numbers of transitions disagree, or exceed the capacity.
        """
        columns = {name: np.array(value) for name, value in state.items() if name != "number"}
        lengths = {len(column) for column in columns.values()}
        if len(lengths) > 1 or max(lengths, default=0) > self.capacity:
            raise InvalidValueError(
                f"saved probes must be columns of one length of at most {self.capacity}, got {shown(sorted(lengths))}"
            )
        self.number = int(state["number"][0])
        self.held = Marked(**columns) if columns else None
