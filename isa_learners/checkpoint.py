"""Checkpoints: a safetensors file with tensors and a JSON header. Loading one executes no code."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from isa_wrappers.arrays import to_numpy, with_prefix, without_prefix
from isa_wrappers.errors import FileFormatError, shown
from isa_wrappers.files import check_digest, read_bytes, replacing, split_tensors
from isa_wrappers.plain import read_json

FORMAT = "isa-checkpoint"
LAYOUT = "2"
"""Version of the names of the tensors; other versions cannot be read."""

KEYS = ("format", "layout", "meta")
"""Maximum number of bytes of the header's metadata."""


def save_checkpoint(path: Path, tensors: Mapping[str, Any], meta: Mapping[str, Any]) -> None:
    """Write tensors and ``meta`` (plain data) to ``path``, replacing an earlier file atomically.

    Raises:
        CannotWriteError: if the disk is full, or the folder is read-only or gone.
    """
    saved = {name: torch.as_tensor(value).detach().cpu().contiguous().clone() for name, value in tensors.items()}
    header = {"format": FORMAT, "layout": LAYOUT, "meta": json.dumps(meta)}
    header["digest"] = split_tensors(save(saved, header))[1]
    with replacing(path) as file:
        file.write(save(saved, header))


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a file of :func:`save_checkpoint`. The tensors are copies in memory, not mapped from the file.

    Raises:
        FileFormatError: if the file is missing, truncated, modified or foreign.
    """
    if not os.path.isfile(path):
        raise FileFormatError(f"no checkpoint at {path}")
    try:
        data = read_bytes(path)
        header = check_digest(data, KEYS)
        if header.get("format") != FORMAT:
            raise FileFormatError(f"{path} is a safetensors file but not a checkpoint of isa")
        if header.get("layout") != LAYOUT:
            raise FileFormatError(
                f"{path} was written by a version with another checkpoint format: train again, "
                "or use the isa-marl version in the run's versions.json"
            )
        meta = read_json(header["meta"])
        if not isinstance(meta, dict):
            raise ValueError(f"its meta is not a mapping: {shown(meta)}")
        return load(data), meta
    except FileFormatError:
        raise
    except (SafetensorError, ArithmeticError, LookupError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise FileFormatError(f"{path} is truncated or not a checkpoint ({shown(error)})") from error


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return an optimiser's per-parameter state as ``"parameter.name"`` -> tensor."""
    state = optimizer.state_dict()["state"]
    return {f"{index}.{name}": value for index, entry in state.items() for name, value in entry.items()}


def load_optimizer_tensors(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Restore a state from :func:`optimizer_tensors`."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = value.clone()  # optimisers modify their tensors
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def state_of(owner: object, modules: Iterable[str], optimizers: Iterable[str]) -> dict[str, Tensor]:
    """Return the state of an owner's modules and optimisers, by attribute name."""
    state: dict[str, Tensor] = {}
    for name in modules:
        state |= with_prefix(name, getattr(owner, name).state_dict())
    for name in optimizers:
        state |= with_prefix(name, optimizer_tensors(getattr(owner, name)))
    return state


def load_modules(owner: object, names: Iterable[str], state: dict[str, Tensor]) -> None:
    """Restore modules from a state of :func:`state_of`."""
    for name in names:
        getattr(owner, name).load_state_dict(without_prefix(name, state))


def load_optimizers(owner: object, names: Iterable[str], state: dict[str, Tensor]) -> None:
    """Restore optimisers from a state of :func:`state_of`."""
    for name in names:
        load_optimizer_tensors(getattr(owner, name), without_prefix(name, state))


def global_generators() -> dict[str, Any]:
    """Return the states of the global random generators of torch, NumPy and Python, as plain data."""
    kind, keys, position, has_gauss, gauss = np.random.get_state(legacy=True)  # type: ignore[misc]
    version, internal, next_gauss = random.getstate()
    return {
        "torch": torch.get_rng_state().tolist(),
        "numpy": [kind, to_numpy(keys).tolist(), position, has_gauss, gauss],
        "python": [version, list(internal), next_gauss],
    }


def set_global_generators(states: Mapping[str, Any]) -> None:
    """Restore the states from :func:`global_generators`."""
    torch.set_rng_state(torch.tensor(states["torch"], dtype=torch.uint8))
    kind, keys, position, has_gauss, gauss = states["numpy"]
    np.random.set_state((kind, np.array(keys, dtype=np.uint32), position, has_gauss, gauss))
    version, internal, next_gauss = states["python"]
    random.setstate((version, tuple(internal), next_gauss))
