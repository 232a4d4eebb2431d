"""Checks whether a replay fits into memory."""

from __future__ import annotations

from pathlib import Path

import torch

from isa_wrappers.errors import InvalidValueError

_CONTROL_GROUPS = (
    ("/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
    ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
"""Files of both versions of control groups: folder, limit, usage, and the key of cached memory."""
SAVED = 2
"""Copies of a replay in the host's memory while a checkpoint is written: its tensors and their bytes."""


def free_bytes(device: str) -> int | None:
    """Return the free memory of a device in bytes, within a container's limit; ``None`` if unknown."""
    if device.startswith("cuda"):
        return int(torch.cuda.mem_get_info(device)[0])
    figures = [value for value in (_available_on_machine(), _available_in_container()) if value is not None]
    return min(figures) if figures else None


def check_fits(needed: int, free: int | None, device: str) -> None:
    """Check that a replay fits into memory.

    Args:
        needed: required bytes.
        free: free bytes; ``None`` if unknown.
        device: device of the replay.

    Raises:
        InvalidValueError: naming required and free memory.

    Example:
        >>> check_fits(3 * 2**30, 2**30, "cpu")
        Traceback (most recent call last):
        ...
        isa_wrappers.errors.InvalidValueError: the replay needs 3,072 MiB on 'cpu' and 6,144 MiB more while a \
checkpoint is written, where 1,024 MiB are free; lower replay or episode_steps
    """
    total = needed if device.startswith("cuda") else (1 + SAVED) * needed
    if free is not None and total > free:
        saving = (
            "" if total == needed else f" and {(total - needed) / 2**20:,.0f} MiB more while a checkpoint is written"
        )
        raise InvalidValueError(
            f"the replay needs {needed / 2**20:,.0f} MiB on {device!r}{saving}, where {free / 2**20:,.0f} MiB are "
            "free; lower replay or episode_steps"
        )


def _available_on_machine() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return None


def _available_in_container() -> int | None:
    for folder, limit_file, usage_file, cached_key in _CONTROL_GROUPS:
        try:
            limit, usage = (int((Path(folder) / name).read_text()) for name in (limit_file, usage_file))
            stat = dict(line.split() for line in (Path(folder) / "memory.stat").read_text().splitlines())
            return max(limit - usage + int(stat[cached_key]), 0)
        except (KeyError, OSError, ValueError):  # no container, or one without a limit ("max")
            continue
    return None
