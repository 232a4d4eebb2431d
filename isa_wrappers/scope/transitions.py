"""Collect random transitions for estimating a scope, from one agent at a time or all agents at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from isa_wrappers.arrays import Array, Rng, backend, namespace, to_numpy
from isa_wrappers.batch.protocol import BatchEnv, BatchStep, action_code_of
from isa_wrappers.border.team_actions import TeamCode, draw_choices
from isa_wrappers.checks import check_finite
from isa_wrappers.config import SettledScope
from isa_wrappers.errors import UnsupportedEnvironmentError
from isa_wrappers.moved import former_names

PATIENCE = 100
"""Limit for waiting with one agent at a time: an agent must act at least once in this many steps on average."""


@dataclass(frozen=True)
class Transitions:
    """E streams of T steps in which free agents acted at random and the others held a joint action.

    Attributes:
        free: whether the agent acts uniformly among its available actions throughout the stream, ``[E, A]`` bool.
        actions: actions of all agents, ``[T, E, A]``; with a code, ``[T, E, A, d]`` float32.
        available: available (elementary) actions, ``[T, E, A, n]`` bool.
        states: states before the step, ``[T, E, K]`` float32 or float64.
        next_states: states after the step, before any automatic reset, ``[T, E, K]``.
        episode: number of the episode within its stream, ``[T, E]``.
        held: joint action drawn for the episode, in the shape of actions; -1 for free agents.
        valid: whether the agent was alive and the step was not lost in a game crash, ``[T, E, A]`` bool.
        code: encoding of structured actions; ``None`` if each action is a number.
        over: whether the episode terminated in this step, instead of being truncated, ``[T, E]`` bool; ``None`` if none
            did.
    """

    free: npt.NDArray[np.bool_]
    actions: npt.NDArray[Any]
    available: npt.NDArray[np.bool_]
    states: npt.NDArray[np.floating[Any]]
    next_states: npt.NDArray[np.floating[Any]]
    episode: npt.NDArray[np.int64]
    held: npt.NDArray[Any]
    valid: npt.NDArray[np.bool_]
    code: TeamCode | None = None
    over: npt.NDArray[np.bool_] | None = None

    @property
    def env_steps(self) -> int:
        """Number of environment steps, ``T * E``, whether they count or not."""
        return self.episode.size


def collect_one_at_a_time(
    env: BatchEnv, config: SettledScope, seed: int, env_seed: int | None = None
) -> list[Transitions]:
    """Collect N transitions per agent, each free in its own streams, until it was alive in N of them.

    If there are enough copies, the streams of all agents run at the same time.

    Args:
        env: a batched environment.
        config: N and window.
        seed: seed of the actions.
        env_seed: seed of the environment; by default the same.
    """
    rng, env_seed = Rng(seed, env.device, "listening"), seed if env_seed is None else env_seed
    num_agents = len(env.agents)
    if env.num_envs >= num_agents:
        observed_agents = [np.arange(env.num_envs) % num_agents]
    else:
        observed_agents = [np.full(env.num_envs, i) for i in range(num_agents)]
    parts = []
    for agent in observed_agents:
        free = agent[:, None] == np.arange(num_agents)
        per_stream = -(-config.transitions // int(np.bincount(agent)[agent].min()))
        parts.append(_collect(env, free, per_stream, PATIENCE * per_stream, config.window, rng, env_seed))
    return parts


def collect_all_at_once(
    env: BatchEnv, config: SettledScope, seed: int, env_seed: int | None = None
) -> list[Transitions]:
    """Collect N transitions in total, in which every agent is free, so that they serve all agents.

    There are slightly fewer changes over several steps, since these must begin and end within a stream. The arguments
    are those of :func:`collect_one_at_a_time`.
    """
    rng, env_seed = Rng(seed, env.device, "listening"), seed if env_seed is None else env_seed
    free = np.ones((env.num_envs, len(env.agents)), dtype=bool)
    per_stream = -(-config.transitions // env.num_envs)
    return [_collect(env, free, per_stream, per_stream, 1, rng, env_seed)]


def _collect(
    env: BatchEnv, free: npt.NDArray[np.bool_], per_stream: int, patience: int, window: int, rng: Rng, seed: int
) -> Transitions:
    """Step ``env`` until every free agent was alive in ``per_stream`` steps of each stream, or for ``patience`` steps.

    Raises:
        UnsupportedEnvironmentError: if an agent acted too seldom or never.
    """
    xp, all_free = backend(env.device), bool(free.all())
    is_free, code = xp.asarray(free, device=env.device), action_code_of(env)
    step = env.reset(seed)
    check_finite("state", step.state, 0, env.state_names)
    held = _draw_held(rng, step, is_free, code)
    episode = xp.zeros(env.num_envs, dtype=xp.int64, device=env.device)
    columns: dict[str, list[Array]] = {
        name: [] for name in ("actions", "available", "states", "next_states", "episode", "held", "valid", "over")
    }
    acted = xp.zeros(free.shape, dtype=xp.int64, device=env.device)
    shortest = per_stream + window - 1  # ensures per_stream changes over 1 to W steps
    for time in range(max(patience, shortest)):
        if all_free and code is None:
            actions = draw_choices(rng, step.available)
        else:
            actions = _joint_actions(rng, step.available, held, is_free, code)
        before = step
        step = env.step(actions)
        check_finite("state", step.final_state, time + 1, env.state_names)
        check_finite("state", step.state, time + 1, env.state_names)
        # The last step of an episode lost in a game crash is void, and so are changes across it.
        lost = step.done & ~step.finished
        valid = before.alive & ~lost[:, None]
        acted = acted + xp.astype(valid, xp.int64)
        changed = episode + xp.astype(lost, xp.int64)
        values = (actions, before.available, before.state, step.final_state, changed, held, valid, step.terminated)
        for column, value in zip(columns.values(), values, strict=True):
            column.append(value)
        done = step.done
        if not all_free:
            over = done[:, None] if code is None else done[:, None, None]
            held = xp.where(over, _draw_held(rng, step, is_free, code), held)
        episode = episode + xp.astype(done, xp.int64)
        if time + 1 >= shortest and int(xp.min(acted[is_free])) >= per_stream:
            break
    _check_acted(env, free, to_numpy(acted), per_stream, patience, time + 1)
    arrays = {name: to_numpy(xp.stack(columns.pop(name))) for name in list(columns)}  # pop frees each list once stacked
    return Transitions(free=free, code=code, **arrays)


def _check_acted(
    env: BatchEnv, free: npt.NDArray[np.bool_], acted: npt.NDArray[np.int64], required: int, patience: int, steps: int
) -> None:
    """Refuse agents that acted too seldom: in each stream if they were waited for, else in all streams together."""
    if patience > required:
        counts, enough = np.where(free, acted, np.iinfo(np.int64).max).min(axis=0), required
    else:
        counts, enough = acted.sum(axis=0), 1
    if counts.min() >= enough:
        return
    idlest = int(counts.argmin())
    advice = f"use fewer transitions than {required * len(free)}" if counts[idlest] else "it never acts"
    raise UnsupportedEnvironmentError(
        f"agent {env.agents[idlest]!r} acted in {counts[idlest]} of {steps} steps, too few for an estimate; {advice}"
    )


def _draw_held(rng: Rng, step: BatchStep, free: Array, code: TeamCode | None) -> Array:
    """Draw a joint action for a new episode; -1 marks free agents."""
    xp = namespace(free)
    if bool(xp.all(free)):
        shape, kind = (free.shape, xp.int64) if code is None else ((*free.shape, code.size), xp.float32)
        return xp.full(shape, -1, dtype=kind, device=step.available.device)
    held = draw_choices(rng, step.available) if code is None else code.draw(rng, step.available)
    held[free] = -1
    return held


def _joint_actions(rng: Rng, available: Array, held: Array, free: Array, code: TeamCode | None) -> Array:
    """Return all actions: random ones of free agents, and held or else the first available ones of the others."""
    if code is None:
        actions = _held_or_first(available, held)
        actions[free] = draw_choices(rng, available[free])
        return actions
    return namespace(free).where(free[..., None], code.draw(rng, available), code.allowed(held, available))


def _held_or_first(available: Array, held: Array) -> Array:
    """Return the held action if it is available, else the first available one."""
    xp = namespace(available)
    allowed = xp.take_along_axis(available, xp.clip(held, 0, None)[..., None], axis=-1)[..., 0]
    first = xp.argmax(xp.astype(available, xp.int8), axis=-1)
    return xp.where(allowed, held, first)


if not TYPE_CHECKING:
    __getattr__ = former_names(__name__, {"random_actions": "isa_wrappers.border.team_actions:draw_choices"})
