"""Normalised mutual information of all (agent, action, dimension) triples at once."""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from isa_wrappers.arrays import Array, array_device, bincount, namespace
from isa_wrappers.errors import InvalidValueError, NonFiniteError, check_float

CHUNK_ELEMENTS = 1_000_000
"""Samples (agents x dimensions x transitions) processed at once; each needs about 100 bytes."""
CHUNK_ELEMENTS_CUDA = 5_000_000
"""The same on CUDA, where the overhead per call dominates."""


def normalized_mutual_information(
    changes: Array, actions: Array, blocks: Array, valid: Array, num_actions: int, bin_width: float
) -> Array:
    r"""Estimate the influence that is compared with delta in Def. 1, for every agent, action and dimension.

    The change ``ds_k`` is put into bins of equal width, centred on multiples of ``bin_width`` (so "no change" lies in
    the middle of a bin); "agent i takes a" is a 0/1 variable. Within each block of transitions with the same joint
    action of the teammates, the value is ``2 I(ds_k; a) / (H(ds_k) + H(a))``, or 0 if ds_k never changes. The
    expectation over the teammates' actions (Def. 1) is the mean over blocks, weighted by their number of transitions.
    Blocks in which the action was always or never taken have no weight.

    One sort yields the counts of (dimension, block, bin, action); entropies are computed from them by scatter-add.

    Args:
        changes: changes of the state, ``[A, N, K]``.
        actions: action that agent i took, ``[A, N]`` integers.
        blocks: index of the teammates' joint action, ``[A, N]`` integers from 0; all zeros pool all transitions.
        valid: whether to include each transition, ``[A, N]`` bool.
        num_actions: number of actions, n.
        bin_width: width of a bin, above 0.

    Returns:
        ``[A, n, K]`` float64 in [0, 1].

    Raises:
        InvalidValueError: if ``bin_width`` is not above 0 or so small that bins cannot be numbered.
        NonFiniteError: if the change of a valid transition contains NaN or infinity.

    Example:
        >>> import numpy as np
        >>> action = np.array([[0, 1, 0, 1, 0, 0]])
        >>> moved = np.where(action == 1, 1.0, 0.0)[..., None]
        >>> zeros = np.zeros_like(action)
        >>> normalized_mutual_information(moved, action, zeros, zeros == 0, 2, 0.01)[0, :, 0].tolist()
        [1.0, 1.0]
    """
    check_float("bin_width", bin_width, 1e-12)
    xp = namespace(changes)
    num_agents, length, size = changes.shape
    if not length:
        return xp.zeros((num_agents, num_actions, size), dtype=xp.float64, device=array_device(changes))
    num_blocks = int(xp.max(blocks)) + 1
    counts = _action_counts(xp, actions, blocks, valid, num_actions, num_blocks)
    elements = CHUNK_ELEMENTS if str(array_device(changes)) == "cpu" else CHUNK_ELEMENTS_CUDA
    dims_at_once = max(1, min(size, elements // length))
    agents_at_once = max(1, elements // max(1, length * dims_at_once))
    chunks = [
        (slice(i, i + agents_at_once), slice(k, k + dims_at_once))
        for i in range(0, num_agents, agents_at_once)
        for k in range(0, size, dims_at_once)
    ]
    figure = xp.empty((num_agents, num_actions, size), dtype=xp.float64, device=array_device(changes))

    def estimate(chunk: tuple[slice, slice]) -> None:
        i, k = chunk
        figure[i, :, k] = _chunk(xp, changes[i, :, k], actions[i], blocks[i], valid[i], counts[i], bin_width)

    # NumPy releases the GIL while sorting and counting, so use one chunk per core; torch has its own threads.
    threads = (os.cpu_count() or 1) if isinstance(changes, np.ndarray) else 1
    with ThreadPoolExecutor(max(1, min(threads, len(chunks)))) as pool:
        list(pool.map(estimate, chunks))
    return figure


def _action_counts(xp: Any, actions: Array, blocks: Array, valid: Array, n: int, num_blocks: int) -> Array:
    """Count how often each agent took each action in each block: ``[A, M, n]`` float64."""
    num_agents = actions.shape[0]
    agent = xp.arange(num_agents, device=array_device(actions))[:, None]
    index = (agent * num_blocks + blocks) * n + actions
    return xp.reshape(bincount(index[valid], None, num_agents * num_blocks * n), (num_agents, num_blocks, n))


def _x_log_x(xp: Any, x: Array) -> Array:
    return x * xp.log(xp.where(x > 0, x, xp.ones_like(x)))


def _x_log_x_table(xp: Any, length: int, device: Any) -> Array:
    """Tabulate f(x) = x log x for the counts 0 to ``length``: a look-up is cheaper than a logarithm per cell."""
    return _x_log_x(xp, xp.astype(xp.arange(length + 1, device=device), xp.float64))


def _bins(xp: Any, changes: Array, valid: Array, bin_width: float) -> Array:
    """Number the bins of each row from 0: changes ``[A, N, k]`` -> ``[A, k, N]`` float64 integers, 0 if invalid."""
    bins = xp.round(xp.astype(xp.permute_dims(changes, (0, 2, 1)), xp.float64) / bin_width)
    if not bool(xp.all(valid)):
        bins = xp.where(valid[:, None, :], bins, xp.zeros_like(bins))
    return bins - xp.min(bins, axis=-1, keepdims=True)


def _chunk(xp: Any, changes: Array, actions: Array, blocks: Array, valid: Array, counts: Array, width: float) -> Array:
    """Return ``[a, n, k]`` for a few agents and dimensions."""
    num_agents, length, size = changes.shape
    _, num_blocks, n = counts.shape
    bins = _bins(xp, changes, valid, width)
    num_bins = float(xp.max(bins)) + 1
    if not math.isfinite(num_bins):
        raise NonFiniteError("changes must be finite where valid, got NaN or infinity")
    if (num_blocks + 1) * num_bins * n >= 2**62:
        raise InvalidValueError(f"bin_width {width!r} gives {num_bins:.3g} bins, too many to count; use a larger one")
    small = (num_blocks + 1) * num_bins * n < 2**31
    dtype = xp.int32 if small else xp.int64
    # Invalid transitions go into an extra block after the last one, which is dropped after the sort.
    block = xp.where(valid, blocks, xp.full_like(blocks, num_blocks))
    keys = (xp.astype(block[:, None, :], dtype) * int(num_bins) + xp.astype(bins, dtype)) * n
    keys = keys + xp.astype(actions[:, None, :], dtype)
    keys = xp.reshape(xp.sort(keys, axis=-1), (num_agents * size, length))
    cell_row, cell_key, cell_count = _runs(xp, keys)
    bin_key = xp.astype(cell_key // n, xp.int64)
    kept = bin_key // int(num_bins) < num_blocks
    cell_row, bin_key, cell_count = cell_row[kept], bin_key[kept], cell_count[kept]
    action = xp.astype(cell_key[kept] % n, xp.int64)
    table = _x_log_x_table(xp, length, array_device(changes))
    information = _from_cells(xp, size, cell_row, bin_key, bin_key // int(num_bins), action, cell_count, counts, table)
    return xp.permute_dims(information, (0, 2, 1))


def _runs(xp: Any, keys: Array) -> tuple[Array, Array, Array]:
    """Find runs of equal values in sorted rows ``[R, N]``: (row, value, length) of each."""
    rows, length = keys.shape
    first = xp.ones((rows, 1), dtype=xp.bool, device=array_device(keys))
    starts = xp.nonzero(xp.reshape(xp.concat([first, keys[:, 1:] != keys[:, :-1]], axis=1), (-1,)))[0]
    ends = xp.concat([starts[1:], xp.full((1,), rows * length, dtype=starts.dtype, device=array_device(keys))])
    return starts // length, xp.take(xp.reshape(keys, (-1,)), starts), ends - starts


def _from_cells(
    xp: Any,
    size: int,
    row: Array,
    bin_key: Array,
    block: Array,
    action: Array,
    count: Array,
    action_counts: Array,
    f: Array,
) -> Array:
    """Compute information ``[a, k, n]`` from the non-zero cells of the contingency tables.

    With f(x) = x log x, N samples in a block, n_b in bin b, n_a with the action, n_ab with both:
    ``N H(ds) = f(N) - sum_b f(n_b)``, ``N H(a) = f(N) - f(n_a) - f(N - n_a)`` and
    ``N H(ds, a) = f(N) - sum_b [f(n_ab) + f(n_b - n_ab)]``. Cells with n_ab = 0 add f(n_b), hence the difference.
    """
    num_agents, num_blocks, n = action_counts.shape
    rows = num_agents * size
    differs = (bin_key[1:] != bin_key[:-1]) | (row[1:] != row[:-1])
    group = xp.concat([xp.zeros_like(bin_key[:1]), xp.cumulative_sum(xp.astype(differs, xp.int64))])
    num_groups = int(group[-1]) + 1 if count.shape[0] else 0
    in_bin = xp.take(xp.astype(bincount(group, xp.astype(count, xp.float64), num_groups), xp.int64), group)
    f_bin = xp.take(f, in_bin)
    table = row * num_blocks + block
    # f(n_b) once per bin: each of its cells gets a fraction in proportion to its count.
    sum_bins = bincount(
        table, f_bin * (xp.astype(count, xp.float64) / xp.astype(in_bin, xp.float64)), rows * num_blocks
    )
    joint = xp.take(f, count) + xp.take(f, in_bin - count) - f_bin
    sum_joint = bincount(table * n + action, joint, rows * num_blocks * n)
    sum_bins = xp.reshape(sum_bins, (num_agents, size, num_blocks, 1))
    sum_joint = xp.reshape(sum_joint, (num_agents, size, num_blocks, n))

    taken = action_counts[:, None]
    total = xp.sum(taken, axis=-1, keepdims=True)
    f_total = _x_log_x(xp, total)
    h_change = f_total - sum_bins
    h_action = f_total - _x_log_x(xp, taken) - _x_log_x(xp, total - taken)
    mutual = h_change + h_action - (f_total - sum_bins - sum_joint)
    mutual = xp.where(mutual > 1e-9 * total, mutual, xp.zeros_like(mutual))
    both = h_change + h_action
    normal = xp.where(both > 0, 2.0 * mutual / xp.where(both > 0, both, xp.ones_like(both)), xp.zeros_like(both))
    weight = xp.where((taken > 0) & (taken < total), total, xp.zeros_like(total))
    weight_sum = xp.sum(weight, axis=2)
    figure = xp.sum(weight * normal, axis=2) / xp.where(weight_sum > 0, weight_sum, xp.ones_like(weight_sum))
    return xp.clip(figure, 0.0, 1.0)
