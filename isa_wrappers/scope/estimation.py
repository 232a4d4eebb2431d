"""Estimating a scope by listening to one agent at a time (Algorithm 1, line 4)."""

from __future__ import annotations

import warnings
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from isa_wrappers.arrays import stream_seed
from isa_wrappers.batch.parallel import ParallelEnvBatch
from isa_wrappers.batch.protocol import BatchEnv
from isa_wrappers.config import ScopeConfig
from isa_wrappers.errors import InvalidValueError
from isa_wrappers.scope.influence import InfluenceScope
from isa_wrappers.scope.information import normalized_mutual_information
from isa_wrappers.scope.transitions import Listened, listen_to_all
from isa_wrappers.spaces import StateFallback

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
    listened = listen_to_all(batch, config, seed)
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
