"""The device of a run."""

from __future__ import annotations

from isa_wrappers.arrays import backend
from isa_wrappers.envs import family_of


def resolve_device(device: str, env: str = "") -> str:
    """Resolve ``auto`` to ``cuda`` if it is available and the task ``env`` supports it, else to ``cpu``.

    Raises:
        DeviceError: if ``cuda`` is requested but not available.
    """
    if env:
        return family_of(env).device(device)
    if device == "auto":
        import torch  # here, as reading and plotting runs works without torch

        return "cuda" if torch.cuda.is_available() else "cpu"
    backend(device)
    return device
