"""One episode of random play in a ``ParallelEnv``, and the observations made in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from isa_wrappers.border.border import Border
from isa_wrappers.border.spaces import inner_observation
from isa_wrappers.border.state import StateReader
from isa_wrappers.border.success import SuccessCriterion, SuccessRule
from isa_wrappers.envs.check_declared import describe_out_of_bounds
from isa_wrappers.errors import NonFiniteError, UnsupportedEnvironmentError

LONGEST = 1_000
"""Steps after which a random episode is aborted."""


@dataclass
class Play:
    """Record of an episode.

    Attributes:
        states: states of the episode, ``[T + 1, K]``.
        ended: whether the episode ended.
        won: whether it was won.
        has_success_signal: whether an info contained the success key, or the success rule uses no key.
        masked: agents with a mask.
        stayed: agents that stayed in ``env.agents`` after their end.
        missing_signals: rewards and flags missing for acting agents, and flags that are neither true nor false.
        outside: agent -> where its observation first left the bounds of its space.
    """

    states: npt.NDArray[np.floating[Any]]
    ended: bool
    won: bool
    has_success_signal: bool
    masked: set[str]
    stayed: set[str]
    missing_signals: set[str]
    outside: dict[str, str]


def random_episode(
    border: Border, read: StateReader, seed: int, success: SuccessRule = None, steps: int = LONGEST
) -> Play:
    """Play an episode in which each agent chooses uniformly among its available actions.

    Raises:
        UnsupportedEnvironmentError: if ISA does not support the environment, or the length of its state changes.
        NonFiniteError: if a value is not finite.
    """
    rng = np.random.default_rng(seed)
    criterion = SuccessCriterion(success, len(border.agents))
    observations, _ = border.reset(seed)
    criterion.begin()
    states = [read(observations)]
    won = False
    has_success_signal = not isinstance(success, str)
    masked: set[str] = set()
    stayed: set[str] = set()
    missing_signals: set[str] = set()
    out_of_bounds: dict[str, str] = {}
    _note_out_of_bounds(border, observations, out_of_bounds)
    while border.living and len(states) <= steps:
        acting = border.living
        masked |= set(border.masks)
        step = border.step(random_actions(border, rng))
        observations, rewards, _, _, infos = step
        states.append(read(observations, acting))
        _check_state(border, states[0], states[-1])
        has_success_signal |= isinstance(success, str) and any(success in info for info in infos.values())
        missing_signals |= _missing_entries(acting, step)
        _note_out_of_bounds(border, observations, out_of_bounds)
        stayed |= set(getattr(border.env, "agents", ())) & (set(acting) - set(border.living))
        won |= criterion.won(border.env, rewards, infos, over=not border.living)
    return Play(
        states=np.stack(states),
        ended=not border.living,
        won=won,
        has_success_signal=has_success_signal,
        masked=masked,
        stayed=stayed,
        missing_signals=missing_signals,
        outside=out_of_bounds,
    )


def _note_out_of_bounds(border: Border, observations: Mapping[str, Any], out_of_bounds: dict[str, str]) -> None:
    """Record each agent's first observation that is out of bounds."""
    for agent, space in border.spaces.items():
        obs = observations.get(agent)
        if obs is not None and agent not in out_of_bounds:
            place = describe_out_of_bounds(space, inner_observation(obs))
            if place is not None:
                out_of_bounds[agent] = f"{place} ({'in step ' + str(border.steps) if border.steps else 'at the reset'})"


def _missing_entries(acting: Iterable[str], step: Sequence[Any]) -> set[str]:
    """Return the rewards and flags that a step lacks for the acting agents, and flags of the wrong type."""
    _, rewards, *flags, _ = step
    entries = {f"no reward of {agent}" for agent in acting if agent not in rewards}
    for name, flags_by_agent in zip(("terminations", "truncations"), flags, strict=True):
        entries |= {f"no {name} of {agent}" for agent in acting if agent not in flags_by_agent}
        odd = {agent: flag for agent, flag in flags_by_agent.items() if not isinstance(flag, bool | np.bool_ | int)}
        entries |= {f"{name} of {agent} as {flag!r}" for agent, flag in odd.items()}
    return entries


def random_actions(border: Border, rng: np.random.Generator) -> dict[str, Any]:
    """Draw an action for every agent that acts next."""
    acting = {agent: code for agent, code in border.codes.items() if agent in border.living}
    return {agent: code.native(code.draw(rng, border.masks.get(agent))) for agent, code in acting.items()}


def _check_state(border: Border, first: npt.NDArray[Any], state: npt.NDArray[Any]) -> None:
    if len(state) != len(first):
        raise UnsupportedEnvironmentError(
            f"state() of {border.env} has {len(state)} numbers in step {border.steps} but had {len(first)} before; its "
            "length must not change"
        )
    finite = np.isfinite(state)
    if not finite.all():
        k = int(np.argmin(finite))
        raise NonFiniteError(f"state must be finite: dimension {k} is {state[k]} in step {border.steps}")
