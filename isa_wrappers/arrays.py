"""Array functions that the array API standard lacks, for NumPy and torch: scatter-add, bincount, random numbers.

``device=None`` means NumPy everywhere in this package; a torch device name (``"cpu"``, ``"cuda"``) means torch.
Torch is imported only when a torch device or tensor is passed.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any
from zlib import crc32

import array_api_compat
import numpy as np

from isa_wrappers.errors import DeviceError, InvalidValueError, MissingDependencyError, check_int, shown

Array = Any
"""A NumPy array or a torch tensor."""
HOST: str | None = "cpu"
"""Device on which a mask can be read without waiting; ``None`` if the CPU emulates another device."""
STATE_ON_CUDA = 16
"""Size in bytes of the state of a CUDA generator: seed and offset."""
ENV_SEEDS = 2**31
"""Upper limit of environment seeds, since many environments pass them to a generator with 32-bit seeds."""


def _numpy_namespace() -> Any:
    """Return NumPy itself if it supports the array API (2.1 or newer), to avoid overhead for small arrays."""
    if hasattr(np, "cumulative_sum"):
        return np
    import array_api_compat.numpy as xp

    return xp


_NUMPY = _numpy_namespace()
_NUMPY_TYPES = (np.ndarray, np.generic)


def namespace(*arrays: Array) -> Any:
    """Return the array API namespace (NumPy's or torch's) of ``arrays``."""
    if isinstance(arrays[0], _NUMPY_TYPES):
        return _NUMPY
    return array_api_compat.array_namespace(*arrays)


def backend(device: str | None) -> Any:
    """Return the array API namespace for ``device``: NumPy for ``None``, else torch.

    Raises:
        MissingDependencyError: if torch is needed and not installed.
        DeviceError: if torch does not know the device, or CUDA is requested but not available.
    """
    if device is None:
        return _NUMPY
    try:
        import array_api_compat.torch as xp
        import torch
    except ImportError as error:
        raise MissingDependencyError(
            f"device {device!r} needs torch, which is not installed; pip install 'isa-marl[train]'"
        ) from error
    try:
        torch.device(device)
    except (RuntimeError, TypeError, ValueError) as error:
        raise DeviceError(f"device {shown(device)} is not known to torch; use 'cpu', 'cuda' or 'auto'") from error
    if str(device).startswith("cuda") and not torch.cuda.is_available():
        raise DeviceError(f"device {device!r} was requested, but torch has no CUDA device; use 'cpu' or 'auto'")
    if str(device).startswith("cuda:") and int(str(device)[5:]) >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        raise DeviceError(
            f"device {device!r} was requested, but torch has {count}, the last of them 'cuda:{count - 1}'"
        )
    return xp


def to_backend(array: Array, device: str | None) -> Array:
    """Return ``array`` as NumPy (``device=None``) or as a torch tensor on ``device``."""
    if device is None:
        return to_numpy(array)
    xp = backend(device)
    return xp.asarray(array, device=device)


def to_numpy(array: Array) -> Any:
    """Return ``array`` as a NumPy array on the host."""
    if hasattr(array, "detach"):
        return array.detach().cpu().numpy()
    return np.asarray(array)


def scatter_add(target: Array, index: Array, values: Array) -> None:
    """Compute ``target[index] += values`` in place on a flat ``target``; repeated indices accumulate."""
    if isinstance(target, np.ndarray):
        np.add.at(target, index, values)
    else:
        target.index_add_(0, index, values)


def scatter_max(target: Array, index: Array, values: Array) -> None:
    """Compute ``target[index] = maximum(target[index], values)`` in place on a flat ``target``."""
    if isinstance(target, np.ndarray):
        np.maximum.at(target, index, values)
    else:
        target.scatter_reduce_(0, index, values, "amax")


def bincount(index: Array, weights: Array | None, size: int) -> Array:
    """Sum ``weights`` (or ones) by ``index`` into ``size`` float64 bins."""
    if isinstance(index, np.ndarray):
        return np.bincount(index, weights=weights, minlength=size).astype(np.float64, copy=False)
    counts = index.bincount(weights=weights, minlength=size)
    return counts.double()


def known_empty(mask: Array) -> bool:
    """Return whether a mask is known to be all False without waiting for a device; always False on CUDA.

    Updates under such a mask can then be skipped.

    Example:
        >>> known_empty(np.array([False, False])), known_empty(np.array([True]))
        (True, False)
    """
    return on_host(mask) and not bool(mask.any())


def on_host(array: Array) -> bool:
    """Return whether an array can be read without waiting for a device.

    Example:
        >>> on_host(np.zeros(1))
        True
    """
    return str(array_device(array)) == HOST


def array_device(array: Array) -> Any:
    """Return the device of ``array``, for creating further arrays."""
    return "cpu" if isinstance(array, _NUMPY_TYPES) else array_api_compat.device(array)


def with_prefix(prefix: str, state: dict[str, Array]) -> dict[str, Array]:
    """Prepend ``prefix.`` to every key."""
    return {f"{prefix}.{key}": value for key, value in state.items()}


def without_prefix(prefix: str, state: dict[str, Array]) -> dict[str, Array]:
    """Select the keys that begin with ``prefix.`` and remove the prefix."""
    return {key[len(prefix) + 1 :]: value for key, value in state.items() if key.startswith(prefix + ".")}


def stream_seed(seed: int, stream: str) -> int:
    """Combine ``seed`` with the name of a random stream, so that no two uses share their random numbers.

    The result has 63 bits; take it modulo :data:`ENV_SEEDS` to seed an environment.

    Raises:
        InvalidValueError: if the seed is negative or not an integer.
    """
    seed = check_int("seed", seed, 0)
    return int(np.random.SeedSequence([seed, crc32(stream.encode())]).generate_state(1, np.uint64)[0] >> 1)


def restore_generator(generator: Any, state: Array) -> None:
    """Restore a saved state of a torch generator.

    A state saved on the other type of device, CPU or CUDA, cannot be restored; it then seeds the generator, so that a
    run continues with other random numbers.

    Args:
        generator: a ``torch.Generator``.
        state: bytes from ``torch.Generator.get_state``.

    Raises:
        RuntimeError: raised by torch if this is not a state of a generator.

    Example:
        >>> import torch
        >>> one, other = torch.Generator(), torch.Generator()
        >>> restore_generator(other, one.get_state())
        >>> bool(torch.rand(1, generator=one) == torch.rand(1, generator=other))
        True
    """
    import torch

    saved = to_numpy(state).tobytes()
    elsewhere = STATE_ON_CUDA if generator.device.type == "cpu" else len(torch.default_generator.get_state())
    if len(saved) == elsewhere:
        generator.manual_seed(int.from_bytes(sha256(saved).digest()[:8], "little") >> 1)
    else:
        generator.set_state(torch.frombuffer(bytearray(saved), dtype=torch.uint8))


class Rng:
    """A seeded stream of uniform numbers on one backend, with a state that can be saved as an array.

    Example:
        >>> Rng(seed=1).uniform(2).round(3).tolist()
        [0.506, 0.871]
    """

    def __init__(self, seed: int, device: str | None = None, stream: str = "") -> None:
        self.device = device
        seed = stream_seed(seed, stream)
        if device is None:
            self._numpy = np.random.Generator(np.random.PCG64(seed))
        else:
            backend(device)
            import torch

            self._torch = torch.Generator(device=device)
            self._torch.manual_seed(seed)

    def uniform(self, *shape: int) -> Array:
        """Draw uniform numbers in [0, 1): float64 for NumPy, float32 for torch."""
        if self.device is None:
            return self._numpy.random(shape)
        import torch

        return torch.rand(shape, generator=self._torch, device=self.device)

    def get_state(self) -> Array:
        """Return the state of the generator as an array of bytes."""
        if self.device is not None:
            return self._torch.get_state()
        inner = self._numpy.bit_generator.state["state"]
        return np.frombuffer(inner["state"].to_bytes(16, "little") + inner["inc"].to_bytes(16, "little"), np.uint8)

    def set_state(self, state: Array) -> None:
        """Restore what :meth:`get_state` returned.

        Raises:
            InvalidValueError: if it has the wrong length.
        """
        if self.device is not None:
            restore_generator(self._torch, state)
            return
        raw = to_numpy(state).tobytes()
        if len(raw) != 32:
            raise InvalidValueError(f"a generator's state must be 32 bytes, got {len(raw)}")
        inner = {"state": int.from_bytes(raw[:16], "little"), "inc": int.from_bytes(raw[16:], "little")}
        self._numpy.bit_generator.state = {
            "bit_generator": "PCG64", "state": inner, "has_uint32": 0, "uinteger": 0,
        }  # fmt: skip
