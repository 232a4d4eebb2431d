"""Estimating a scope by listening to one agent at a time (Algorithm 1, line 4)."""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from isa_wrappers.arrays import Array, Rng, backend, namespace, stream_seed, to_numpy
from isa_wrappers.batch import BatchEnv, BatchStep, check_finite
from isa_wrappers.config import ScopeConfig
from isa_wrappers.errors import InvalidValueError, UnsupportedEnvironmentError
from isa_wrappers.information import normalized_mutual_information
from isa_wrappers.parallel_batch import ParallelEnvBatch
from isa_wrappers.scope import InfluenceScope
from isa_wrappers.spaces import StateFallback

PATIENCE = 100
"""An agent that acts less than once in this many steps is taken for one that cannot be listened to."""

Shuffling = np.random.Generator | None

NEAR_DELTA = 0.5
"""Share of delta that chance may make without a warning."""


def estimate_scope(
    env: Any, config: ScopeConfig | None = None, seed: int = 0, state_fallback: StateFallback = None
) -> InfluenceScope:
    """Estimate what each agent can influence (Definitions 1 to 3) from N random transitions an agent.

    While agent i is listened to, its teammates hold one joint action, drawn each episode among the actions available
    at its start (a teammate whose held action is unavailable takes its first available one), and agent i acts
    uniformly among its available actions. Transitions in which agent i is dead never count, nor do changes across
    an episode's end.

    Actions shuffled within their blocks move nothing; the largest figure that they make is the scope's ``chance``.
    Where it comes near delta, a warning says that the scope may hold dimensions nobody moves.

    Args:
        env: a batched environment, or a PettingZoo ``ParallelEnv`` with discrete actions and a ``state()``.
        config: N, delta, bins, window and conditioning.
        seed: of the environment and the random actions.
        state_fallback: what stands for a ``ParallelEnv``'s missing ``state()``, see :class:`ParallelEnvBatch`.

    Returns:
        The scope, with its mutual information.

    Raises:
        UnsupportedEnvironmentError: for continuous actions or a missing ``state()``.
        InvalidValueError: if N is too small for one block.
        NonFiniteError: if a state holds NaN or infinity.

    Source: arXiv 2505.08630, Section 4 and Algorithm 1.

    Example:
        >>> from isa_wrappers.envs import make_batch
        >>> estimate_scope(make_batch("grid/shooting", num_envs=3), ScopeConfig(transitions=1000)).common_dims
        [6]
    """
    config = config or ScopeConfig()
    batch = as_batch(env, state_fallback)
    num_actions = max(batch.num_actions)
    smallest = 2 * num_actions
    if config.transitions < smallest:
        raise InvalidValueError(
            f"transitions must be at least {smallest} (twice the {num_actions} actions) to fill one block, "
            f"got {config.transitions}"
        )
    listened = _listen_to_all(batch, config, seed)
    information = _information(listened, config, num_actions)
    shuffling = np.random.default_rng(stream_seed(seed, "shuffling"))
    chance = float(_information(listened, config, num_actions, shuffling).max(initial=0.0))
    if chance > config.delta * NEAR_DELTA:
        pooled = "conditioning 'pooled', " if config.conditioning == "block" else ""
        warnings.warn(
            f"chance alone makes information of up to {chance:.2f} where delta is {config.delta:g}: the scope may hold "
            f"dimensions that nobody moves; take {pooled}more transitions or a larger bin_width",
            stacklevel=2,
        )
    return InfluenceScope(
        agents=batch.agents,
        mutual_information=information,
        delta=config.delta,
        num_actions=batch.num_actions,
        state_names=batch.state_names,
        action_names=batch.action_names,
        settings={**asdict(config), "seed": seed},
        chance=chance,
    )


def as_batch(env: Any, state_fallback: StateFallback = None) -> BatchEnv:
    """Return ``env`` itself if it is batched, else a batch of one around a PettingZoo ``ParallelEnv``."""
    if isinstance(env, BatchEnv):
        return env
    return ParallelEnvBatch([env], state_fallback=state_fallback, success=None)


@dataclass
class Listened:
    """What was heard: E streams of T steps in which one agent was listened to.

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


def _listen_to_all(env: BatchEnv, config: ScopeConfig, seed: int) -> list[Listened]:
    """Listen to every agent until each has N transitions: all at once where there are copies enough."""
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


def _listen(env: BatchEnv, agent: npt.NDArray[np.int64], config: ScopeConfig, rng: Rng, seed: int) -> Listened:
    """Step ``env`` until every agent in ``agent`` ``[B]`` was alive in N transitions."""
    xp = backend(env.device)
    rows = xp.arange(env.num_envs, device=env.device)
    who = xp.asarray(agent, device=env.device)
    step = env.reset(seed)
    check_finite("state", step.state, 0, env.state_names)
    held = _hold(rng, step, rows, who)
    episode = xp.zeros(env.num_envs, dtype=xp.int64, device=env.device)
    heard: dict[str, list[Array]] = {
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
        valid, lost = before.alive[rows, who], step.done & ~step.finished
        valid = valid & ~lost
        counted = counted + xp.astype(valid, xp.int64)
        now = (own, before.state, step.final_state, episode + xp.astype(lost, xp.int64), held, valid)
        for column, value in zip(heard.values(), now, strict=True):
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
    arrays = {name: to_numpy(xp.stack(heard.pop(name))) for name in list(heard)}  # lists go as arrays come
    return Listened(agent=agent, **arrays)


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


def _information(
    listened: list[Listened], config: ScopeConfig, num_actions: int, shuffling: Shuffling = None
) -> npt.NDArray[np.float64]:
    """Return ``[A, n, K]``, the largest for changes over 1 to W steps, of the actions taken or of shuffled ones."""
    widths = range(1, config.window + 1)
    over = [_information_over(listened, config, width, num_actions, shuffling) for width in widths]
    return np.maximum.reduce(over)  # type: ignore[no-any-return]


def _information_over(
    listened: list[Listened], config: ScopeConfig, width: int, num_actions: int, shuffling: Shuffling
) -> npt.NDArray[np.float64]:
    """Return ``[A, n, K]`` for changes over ``width`` steps."""
    agents = sorted({int(i) for part in listened for i in part.agent})
    figures = []
    for i in agents:
        changes, actions, blocks, valid = _samples(listened, i, config, width)
        if shuffling is not None:
            actions = _shuffled(actions, blocks, valid, shuffling)
        figures.append(
            normalized_mutual_information(
                changes[None], actions[None], blocks[None], valid[None], num_actions, config.bin_width
            )
        )
    return np.concatenate(figures)


def _shuffled(
    actions: npt.NDArray[Any], blocks: npt.NDArray[Any], valid: npt.NDArray[np.bool_], rng: np.random.Generator
) -> npt.NDArray[Any]:
    """Shuffle the valid ones of ``actions`` ``[N]`` among those of the same block."""
    index = np.flatnonzero(valid)
    block = blocks[index]
    shuffled: npt.NDArray[Any] = actions.copy()
    shuffled[index[np.argsort(block, kind="stable")]] = actions[index[np.lexsort((rng.random(len(index)), block))]]
    return shuffled


def _samples(listened: list[Listened], i: int, config: ScopeConfig, width: int) -> tuple[Any, Any, Any, Any]:
    """Gather agent i's changes ``[N, K]``, actions, blocks and validity ``[N]``."""
    part = next(part for part in listened if i in part.agent)
    streams = np.flatnonzero(part.agent == i)
    steps = len(part.actions) - width + 1
    start, end = slice(0, steps), slice(width - 1, width - 1 + steps)
    changes = part.next_states[end, streams] - part.states[start, streams]
    valid = part.valid[start, streams] & (part.episode[end, streams] == part.episode[start, streams])
    held = part.held[start, streams].reshape(-1, part.held.shape[-1])
    blocks = np.zeros(len(held), dtype=np.int64)
    if config.conditioning == "block":
        blocks = np.unique(held, axis=0, return_inverse=True)[1].reshape(-1)
    valid = valid.reshape(-1)
    valid &= np.cumsum(valid) <= config.transitions
    return changes.reshape(len(valid), -1), part.actions[start, streams].reshape(-1), blocks, valid
