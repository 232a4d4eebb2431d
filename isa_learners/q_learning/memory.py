"""How much memory a replay takes, and how much there is."""

from __future__ import annotations

from pathlib import Path

import torch

from isa_wrappers.errors import InvalidValueError

_GROUPS = (
    ("/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
    ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
"""Where the two kinds of control groups say what a container may have, has, and could give back at once."""


SAVED = 2
"""Copies of a replay in the host's memory while a checkpoint, which holds it, is written: tensors, and their bytes."""


def free_bytes(device: str) -> int | None:
    """Return the memory that is free on a device, within what a container allows; ``None`` where nothing tells."""
    if device.startswith("cuda"):
        return int(torch.cuda.mem_get_info(device)[0])
    there = [value for value in (_machine(), _container()) if value is not None]
    return min(there) if there else None


def check_fits(needed: int, free: int | None, device: str) -> None:
    """Check that a replay has room.

    Args:
        needed: bytes.
        free: bytes; ``None`` where nothing tells.
        device: where.

    Raises:
        InvalidValueError: naming both.

    Example:
        >>> check_fits(3 * 2**30, 2**30, "cpu")
        Traceback (most recent call last):
        ...
        isa_wrappers.errors.InvalidValueError: the replay needs 3,072 MiB on 'cpu' and 6,144 MiB more while a \
checkpoint is written, where 1,024 MiB are free; lower replay or episode_steps
    """
    whole = needed if device.startswith("cuda") else (1 + SAVED) * needed
    if free is not None and whole > free:
        saving = (
            "" if whole == needed else f" and {(whole - needed) / 2**20:,.0f} MiB more while a checkpoint is written"
        )
        raise InvalidValueError(
            f"the replay needs {needed / 2**20:,.0f} MiB on {device!r}{saving}, where {free / 2**20:,.0f} MiB are "
            "free; lower replay or episode_steps"
        )


def _machine() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return None


def _container() -> int | None:
    for folder, most, used, cached in _GROUPS:
        try:
            bound, taken = (int((Path(folder) / name).read_text()) for name in (most, used))
            stat = dict(line.split() for line in (Path(folder) / "memory.stat").read_text().splitlines())
            return max(bound - taken + int(stat[cached]), 0)
        except (KeyError, OSError, ValueError):  # no container, or one without a bound ("max")
            continue
    return None
