"""Random transitions to estimate a scope from: one agent at a time, its teammates holding a joint action."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isa_wrappers.arrays import Array, Rng, backend, namespace, to_numpy
from isa_wrappers.batch.protocol import BatchEnv, BatchStep, check_finite
from isa_wrappers.config import ScopeConfig
from isa_wrappers.errors import UnsupportedEnvironmentError

PATIENCE = 100
"""An agent that acts less than once in this many steps is taken for one that cannot be listened to."""


@dataclass(frozen=True)
class Transitions:
    """E streams of T steps in which one agent acted at random and its teammates held a joint action.

    Attributes:
        agent: ``[E]`` index of the agent listened to.
        actions: ``[T, E]`` its actions.
        states: ``[T, E, K]`` float32 before the step.
        next_states: ``[T, E, K]`` float32 after the step, before any automatic reset.
        episode: ``[T, E]`` number of the episode within its stream.
        held: ``[T, E, A]`` the joint action drawn for the episode, -1 for the agent listened to.
        valid: ``[T, E]`` bool: the agent was alive, and the episode not lost with its game in this step.
    """

    agent: npt.NDArray[np.int64]
    actions: npt.NDArray[np.int64]
    states: npt.NDArray[np.float32]
    next_states: npt.NDArray[np.float32]
    episode: npt.NDArray[np.int64]
    held: npt.NDArray[np.int64]
    valid: npt.NDArray[np.bool_]


def collect_one_at_a_time(env: BatchEnv, config: ScopeConfig, seed: int) -> list[Transitions]:
    """Collect N transitions per agent: of all agents in one go where there are copies enough for it."""
    rng = Rng(seed, env.device, "listening")
    num_agents = len(env.agents)
    if env.num_envs >= num_agents:
        listened_to = [np.arange(env.num_envs) % num_agents]
    else:
        listened_to = [np.full(env.num_envs, i) for i in range(num_agents)]
    return [_listen(env, agent, config, rng, seed) for agent in listened_to]


def random_actions(rng: Rng, available: Array) -> Array:
    """Draw uniformly among the available actions ``[..., n]``: ``[...]`` int64."""
    xp = namespace(available)
    return xp.argmax(xp.astype(available, xp.float32) * (rng.uniform(*available.shape) + 1e-6), axis=-1)


def _listen(env: BatchEnv, agent: npt.NDArray[np.int64], config: ScopeConfig, rng: Rng, seed: int) -> Transitions:
    """Step ``env`` until every agent in ``agent`` ``[B]`` was alive in N transitions."""
    xp = backend(env.device)
    rows = xp.arange(env.num_envs, device=env.device)
    who = xp.asarray(agent, device=env.device)
    step = env.reset(seed)
    check_finite("state", step.state, 0, env.state_names)
    held = _hold(rng, step, rows, who)
    episode = xp.zeros(env.num_envs, dtype=xp.int64, device=env.device)
    columns: dict[str, list[Array]] = {
        name: [] for name in ("actions", "states", "next_states", "episode", "held", "valid")
    }
    counted = xp.zeros(env.num_envs, dtype=xp.int64, device=env.device)
    per_stream = -(-config.transitions // int(np.bincount(agent)[agent].min()))
    shortest = per_stream + config.window - 1  # Changes over 1 to W steps start at per_stream times at least.
    for time in range(max(PATIENCE * per_stream, shortest)):
        own = random_actions(rng, step.available[rows, who])
        actions = _held_or_first(step.available, held)
        actions[rows, who] = own
        before = step
        step = env.step(actions)
        check_finite("state", step.final_state, time + 1, env.state_names)
        check_finite("state", step.state, time + 1, env.state_names)
        # An episode that is lost with its game tells nothing of its last step, nor of changes across it.
        lost = step.done & ~step.finished
        valid = before.alive[rows, who] & ~lost
        counted = counted + xp.astype(valid, xp.int64)
        now = (own, before.state, step.final_state, episode + xp.astype(lost, xp.int64), held, valid)
        for column, value in zip(columns.values(), now, strict=True):
            column.append(value)
        done = step.done
        held = xp.where(done[:, None], _hold(rng, step, rows, who), held)
        episode = episode + xp.astype(done, xp.int64)
        if time + 1 >= shortest and int(xp.min(counted)) >= per_stream:
            break
    else:
        stuck = env.agents[int(agent[int(xp.argmin(counted))])]
        acted = int(xp.min(counted))
        advice = f"ask for fewer transitions than {config.transitions}" if acted else "it never acts"
        raise UnsupportedEnvironmentError(
            f"agent {stuck!r} acted in {acted} of {time + 1} steps, too few to listen to; {advice}"
        )
    arrays = {name: to_numpy(xp.stack(columns.pop(name))) for name in list(columns)}  # lists go as arrays come
    return Transitions(agent=agent, **arrays)


def _hold(rng: Rng, step: BatchStep, rows: Array, who: Array) -> Array:
    """Draw the teammates' joint action for an episode that starts now; -1 marks the agent listened to."""
    held = random_actions(rng, step.available)
    held[rows, who] = -1
    return held


def _held_or_first(available: Array, held: Array) -> Array:
    """Return the held action where available, else the first available one."""
    xp = namespace(available)
    allowed = xp.take_along_axis(available, xp.clip(held, 0, None)[..., None], axis=-1)[..., 0]
    first = xp.argmax(xp.astype(available, xp.int8), axis=-1)
    return xp.where(allowed, held, first)
