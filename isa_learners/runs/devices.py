"""Which device a run takes."""

from __future__ import annotations

from isa_wrappers.arrays import backend
from isa_wrappers.envs import family_of


def resolve_device(device: str, env: str = "") -> str:
    """Turn ``auto`` into ``cuda`` where there is one and the task ``env`` can run there, else ``cpu``.

    Raises:
        DeviceError: if ``cuda`` is asked for and absent.
    """
    if env:
        return family_of(env).device(device)
    if device == "auto":
        import torch  # here: what reads and draws runs needs none

        return "cuda" if torch.cuda.is_available() else "cpu"
    backend(device)
    return device
