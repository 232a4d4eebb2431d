"""An episode of random play of one ``ParallelEnv``, and what it showed."""

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
from isa_wrappers.envs.check_declared import outside
from isa_wrappers.errors import NonFiniteError, UnsupportedEnvironmentError

LONGEST = 1_000
"""Steps after which a random episode is given up."""


@dataclass
class Play:
    """What an episode showed.

    Attributes:
        states: ``[T + 1, K]``.
        ended: it came to an end.
        won: it was won.
        told: an info held what success is told by, or something else tells it.
        masked: agents that were told a mask.
        stayed: agents that stayed in ``env.agents`` after their end.
        untold: rewards and flags that agents which acted were not told, or that are neither true nor false.
        outside: agent -> where its observation first left the bounds of its space.
    """

    states: npt.NDArray[np.floating[Any]]
    ended: bool
    won: bool
    told: bool
    masked: set[str]
    stayed: set[str]
    untold: set[str]
    outside: dict[str, str]


def random_episode(
    border: Border, read: StateReader, seed: int, success: SuccessRule = None, steps: int = LONGEST
) -> Play:
    """Play an episode, each agent uniformly among its available actions.

    Raises:
        UnsupportedEnvironmentError: for what ISA cannot take, a state of changing length among it.
        NonFiniteError: if something is not finite.
    """
    rng, teller = np.random.default_rng(seed), SuccessCriterion(success, len(border.agents))
    observations, _ = border.reset(seed)
    teller.begin()
    states, won, told = [read(observations)], False, not isinstance(success, str)
    masked: set[str] = set()
    stayed: set[str] = set()
    untold: set[str] = set()
    beyond: dict[str, str] = {}
    _look_beyond(border, observations, beyond)
    while border.living and len(states) <= steps:
        acting = border.living
        masked |= set(border.masks)
        said = border.step(random_actions(border, rng))
        states.append(read(said[0], acting))
        _check(border, states[0], states[-1])
        told |= isinstance(success, str) and any(success in info for info in said[4].values())
        untold |= _untold(acting, said)
        _look_beyond(border, said[0], beyond)
        stayed |= set(getattr(border.env, "agents", ())) & (set(acting) - set(border.living))
        won |= teller.won(border.env, said[1], said[4], over=not border.living)
    return Play(np.stack(states), not border.living, won, told, masked, stayed, untold, beyond)


def _look_beyond(border: Border, observations: Mapping[str, Any], found: dict[str, str]) -> None:
    """Note who sees what is out of bounds, once each."""
    for agent, space in border.spaces.items():
        obs = observations.get(agent)
        if obs is not None and agent not in found:
            told = outside(space, inner_observation(obs))
            if told is not None:
                found[agent] = f"{told} ({'in step ' + str(border.steps) if border.steps else 'at the reset'})"


def _untold(acting: Iterable[str], said: Sequence[Any]) -> set[str]:
    """Return what a step did not tell of those that acted."""
    _, rewards, *flags, _ = said
    found = {f"no reward of {agent}" for agent in acting if agent not in rewards}
    for name, told in zip(("terminations", "truncations"), flags, strict=True):
        found |= {f"no {name} of {agent}" for agent in acting if agent not in told}
        odd = {agent: flag for agent, flag in told.items() if not isinstance(flag, bool | np.bool_ | int)}
        found |= {f"{name} of {agent} as {flag!r}" for agent, flag in odd.items()}
    return found


def random_actions(border: Border, rng: np.random.Generator) -> dict[str, Any]:
    """Draw an action of everyone who acts next."""
    acting = {agent: code for agent, code in border.codes.items() if agent in border.living}
    return {agent: code.native(code.draw(rng, border.masks.get(agent))) for agent, code in acting.items()}


def _check(border: Border, first: npt.NDArray[Any], state: npt.NDArray[Any]) -> None:
    if len(state) != len(first):
        raise UnsupportedEnvironmentError(
            f"state() of {border.env} has {len(state)} numbers in step {border.steps} where it had {len(first)}; its "
            "length must stay"
        )
    finite = np.isfinite(state)
    if not finite.all():
        bad = int(np.argmin(finite))
        raise NonFiniteError(f"state must be finite: dimension {bad} holds {state[bad]} in step {border.steps}")
