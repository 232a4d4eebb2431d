"""Read recorded episodes from arrays or a data set, check them, and combine them into transitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from isa_wrappers.checks import check_flags, check_floats, check_numbers
from isa_wrappers.errors import InvalidValueError, NonFiniteError, shown
from isa_wrappers.scope.fairness import strongly_associated
from isa_wrappers.scope.transitions import Transitions

MOST_ACTIONS = 2**16
"""Larger numbers are not accepted as actions."""


@dataclass(frozen=True, eq=False)
class Episode:
    """One recorded episode of T steps.

    Attributes:
        states: states before each step and after the last, ``[T + 1, K]``, float32 or float64 as recorded, since the
            dtype determines the rounding errors.
        actions: integers from 0, or -1 if an agent did not act, ``[T, A]``, or ``[T]`` for one agent.
        available: actions available to each agent, ``[T, A, n]``; by default all.
        terminated: whether the episode terminated instead of being truncated.

    Raises:
        InvalidValueError: if the lengths do not match, or an unavailable action was taken.

    Example:
        >>> Episode([[0.0], [1.0], [1.0]], [[1], [0]]).actions.shape
        (2, 1)
    """

    states: npt.NDArray[Any]
    actions: npt.NDArray[np.int64]
    available: npt.NDArray[np.bool_] | None = None
    terminated: bool = False

    def __post_init__(self) -> None:
        states, numbers = check_floats("states", self.states), check_numbers("actions", self.actions)
        actions = numbers.astype(np.int64)
        actions = actions[:, None] if actions.ndim == 1 else actions
        if states.ndim != 2 or actions.ndim != 2 or not len(actions) or not actions.shape[1]:
            raise InvalidValueError(
                f"an episode needs states [T + 1, K] and actions [T, A], got {list(states.shape)} and "
                f"{list(numbers.shape)}"
            )
        if (actions != numbers.reshape(actions.shape)).any() or (actions < -1).any():
            raise InvalidValueError("recorded actions must be integers from 0, or -1 for agents that did not act")
        if len(states) != len(actions) + 1:
            raise InvalidValueError(
                f"an episode of {len(actions)} steps must have {len(actions) + 1} states, including the one after the "
                f"last step, got {len(states)}; does the array contain several episodes?"
            )
        if not np.isfinite(states).all():
            raise NonFiniteError(f"recorded states contain NaN or infinity, first at step {_first_bad(states)}")
        object.__setattr__(self, "states", states)
        object.__setattr__(self, "actions", actions)
        if self.available is not None:
            object.__setattr__(self, "available", _masks(self.available, actions))


def _first_bad(states: npt.NDArray[np.floating[Any]]) -> int:
    return int(np.flatnonzero(~np.isfinite(states).all(axis=1))[0])


def _masks(available: Any, actions: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Return masks as booleans after checking that they fit the actions."""
    masks = check_flags("available", available)
    masks = masks[:, None] if masks.ndim == 2 and actions.shape[1] == 1 else masks
    if masks.shape[:2] != actions.shape or masks.ndim != 3 or actions.max(initial=0) >= masks.shape[2]:
        raise InvalidValueError(
            f"available must be [T, A, n] for actions {list(actions.shape)} up to {int(actions.max(initial=0))}, got "
            f"{list(masks.shape)}"
        )
    taken = np.take_along_axis(masks, np.maximum(actions, 0)[..., None], axis=-1)[..., 0] | (actions < 0)
    if not taken.all():
        step, agent = np.argwhere(~taken)[0].tolist()
        raise InvalidValueError(
            f"agent {agent} took action {int(actions[step, agent])} at step {step}, but it was not available"
        )
    return masks


def episodes_of(states: Any, actions: Any, ends: Any, available: Any = None, terminated: Any = None) -> list[Episode]:
    """Split arrays into episodes.

    Args:
        states: ``[N + E, K]``, including the state after the last step of each of the E episodes; or ``[N, K]``, only
            the state before each step, in which case the last step of each episode is dropped.
        actions: ``[N, A]``, or ``[N]`` for one agent.
        ends: whether each step ended its episode, ``[N]`` bool. Steps after the last end form an episode too.
        available: masks, ``[N, A, n]``.
        terminated: whether the episode terminated instead of being truncated, ``[N]`` bool; by default none did.

    Raises:
        InvalidValueError: if the lengths do not match.

    Example:
        >>> parts = episodes_of(np.zeros((5, 2)), np.zeros((3, 1)), [False, True, True])
        >>> [len(part.actions) for part in parts]
        [2, 1]
    """
    states, actions, over = check_floats("states", states), check_numbers("actions", actions), check_flags("ends", ends)
    masks = None if available is None else np.atleast_1d(check_flags("available", available))
    if states.ndim != 2 or actions.ndim not in (1, 2) or not len(actions):
        raise InvalidValueError(
            f"recorded steps need states [N + E, K] or [N, K] and actions [N, A], got {list(states.shape)} and "
            f"{list(actions.shape)}"
        )
    number = len(actions)
    own = np.zeros(number, dtype=bool) if terminated is None else np.atleast_1d(check_flags("terminated", terminated))
    over = over[:, 0] if over.shape == (number, 1) else over
    if over.ndim != 1:
        raise InvalidValueError(f"ends must be [N], one flag per step, got {list(over.shape)}")
    stops = np.unique([*(np.flatnonzero(over) + 1).tolist(), number]) if over.shape == (number,) else np.zeros(0, int)
    lengths = {"states": (number, number + len(stops)), **dict.fromkeys(("ends", "terminated", "available"), (number,))}
    for name, array in (("ends", over), ("terminated", own), ("states", states), ("available", masks)):
        if array is not None and len(array) not in lengths[name]:
            expected = " or ".join(map(str, dict.fromkeys(lengths[name])))
            raise InvalidValueError(f"{name} of {number} recorded steps must have {expected} rows, got {len(array)}")
    starts = [0, *stops[:-1].tolist()]
    bare = len(states) == number
    if bare:
        _check_last_steps(actions, stops)
    episodes = []
    for k, (start, stop) in enumerate(zip(starts, stops.tolist(), strict=True)):
        last = stop - 1 if bare else stop
        shift = 0 if bare else k
        if last > start:
            rows = slice(start, last)
            part = None if masks is None else masks[rows]
            episodes.append(Episode(states[start + shift : last + shift + 1], actions[rows], part, bool(own[stop - 1])))
    return episodes


def _check_last_steps(actions: npt.NDArray[Any], stops: npt.NDArray[np.int64]) -> None:
    """Refuse data in which the dropped last steps are associated with particular actions.

    Raises:
        InvalidValueError: if this is the case; the message names the agent.
    """
    last = np.zeros(len(actions), dtype=np.int64)
    last[stops - 1] = 1
    for i, taken in enumerate(actions.reshape(len(actions), -1).T):
        if strongly_associated(taken, last):
            raise InvalidValueError(
                f"episodes end more often with some actions of agent {i} than with others, and the outcome of the last "
                "steps is missing: pass the state after the last step of each episode too, [N + E, K]"
            )


def episode_from(data: Any) -> Episode:
    """Read an episode of a Minari data set, or a mapping with the fields of an :class:`Episode`.

    The state of Minari's ``EpisodeData`` is ``infos["state"]`` if present, else the observations, or their entry
    ``"state"`` if they are a mapping. Masks are ``infos["action_mask"]``.

    Raises:
        InvalidValueError: if it is neither, or continues after an end.
    """
    if isinstance(data, Episode):
        return data
    if isinstance(data, Mapping):
        missing = [name for name in ("states", "actions") if name not in data]
        if missing:
            raise InvalidValueError(f"a recorded episode needs {missing[0]!r}, got {shown(sorted(map(str, data)))}")
        return Episode(data["states"], data["actions"], data.get("available"), _any(data.get("terminated", False)))
    if not all(hasattr(data, name) for name in ("observations", "actions", "terminations", "truncations")):
        raise InvalidValueError(
            f"recorded episodes must be Episode objects, mappings or Minari's EpisodeData, got {type(data).__name__}"
        )
    infos = getattr(data, "infos", None) or {}
    ends = [np.atleast_1d(check_flags(name, getattr(data, name))) for name in ("terminations", "truncations")]
    if ends[0].shape != ends[1].shape or not isinstance(infos, Mapping):
        shapes = f"{list(ends[0].shape)}, {list(ends[1].shape)} and {type(infos).__name__}"
        raise InvalidValueError(
            f"a recorded episode needs terminations and truncations of one shape and a mapping of infos, got {shapes}"
        )
    over = ends[0] | ends[1]
    if over[:-1].any():
        raise InvalidValueError(
            f"a recorded episode continues after its end at step {int(np.flatnonzero(over)[0])}: it contains several "
            "episodes; split them there"
        )
    states = infos.get("state", data.observations)
    if isinstance(states, Mapping):
        if "state" not in states:
            raise InvalidValueError(
                f"observations must be arrays or contain 'state', got {shown(sorted(map(str, states)))}"
            )
        states = states["state"]
    masks = infos.get("action_mask")
    known = None if masks is None else np.atleast_1d(check_flags("action_mask", masks))[: len(over)]
    return Episode(states, data.actions, known, terminated=_any(ends[0]))


def transitions_of(episodes: Sequence[Episode]) -> Transitions:
    """Combine episodes, in float32 if any of them was recorded in float32.

    Raises:
        InvalidValueError: if sizes differ, or only some of them have masks.
    """
    shapes = {(part.states.shape[1], part.actions.shape[1]) for part in episodes}
    masked = {None if part.available is None else part.available.shape[2] for part in episodes}
    if len(shapes) > 1 or len(masked) > 1:
        raise InvalidValueError(
            f"recorded episodes must have the same dimensions, agents and actions, got {shown(sorted(shapes))} and "
            f"masks of {shown(sorted(map(str, masked)))}"
        )
    actions = np.concatenate([part.actions for part in episodes])
    (number,) = masked
    number = int(actions.max(initial=0)) + 1 if number is None else number
    if number > MOST_ACTIONS:
        raise InvalidValueError(f"actions must be numbers from 0 to {MOST_ACTIONS - 1}, got {number - 1}")
    every = np.ones((*actions.shape, number), dtype=bool)
    available = every if None in masked else np.concatenate([_known(part) for part in episodes])
    lengths = [len(part.actions) for part in episodes]
    coarsest = min((part.states.dtype for part in episodes), key=lambda kind: kind.itemsize)
    over = np.zeros(len(actions), dtype=bool)
    over[np.cumsum(lengths) - 1] = [part.terminated for part in episodes]
    return Transitions(
        free=np.ones((1, actions.shape[1]), dtype=bool),
        actions=np.maximum(actions, 0)[:, None],
        available=available[:, None],
        states=np.concatenate([part.states[:-1] for part in episodes], dtype=coarsest)[:, None],
        next_states=np.concatenate([part.states[1:] for part in episodes], dtype=coarsest)[:, None],
        episode=np.repeat(np.arange(len(episodes)), lengths)[:, None],
        held=np.full((len(actions), 1, actions.shape[1]), -1),
        valid=(actions >= 0)[:, None],
        over=over[:, None],
    )


def _any(terminated: Any) -> bool:
    return bool(check_flags("terminated", terminated).any())


def _known(episode: Episode) -> npt.NDArray[np.bool_]:
    return np.zeros(0, dtype=bool) if episode.available is None else episode.available
