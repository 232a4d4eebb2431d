"""Checkpoints: one safetensors file, tensors and a JSON header. Loading one runs no code."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from isa_wrappers.arrays import to_numpy
from isa_wrappers.errors import FileFormatError

FORMAT = "isa-checkpoint"
LAYOUT = "2"
"""Which names the tensors bear; another layout cannot be read."""


def save_checkpoint(path: Path, tensors: Mapping[str, Any], meta: Mapping[str, Any]) -> None:
    """Write tensors and ``meta`` (plain data) to ``path``; an earlier file stays whole until the new one is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = {name: torch.as_tensor(value).detach().cpu().contiguous().clone() for name, value in tensors.items()}
    partial = path.with_suffix(".partial")
    save_file(whole, partial, {"format": FORMAT, "layout": LAYOUT, "meta": json.dumps(meta)})
    os.replace(partial, path)


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what :func:`save_checkpoint` wrote.

    Raises:
        FileFormatError: if the file is missing, truncated or foreign.
    """
    if not path.is_file():
        raise FileFormatError(f"no checkpoint at {path}")
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            if header.get("format") != FORMAT:
                raise FileFormatError(f"{path} is a safetensors file but not a checkpoint of isa")
            if header.get("layout") != LAYOUT:
                raise FileFormatError(
                    f"{path} was written by another version, whose checkpoints are laid out differently: train anew, "
                    "or use the isa-marl that the run's versions.json names"
                )
            return {name: file.get_tensor(name) for name in file.keys()}, json.loads(header["meta"])  # noqa: SIM118
    except (SafetensorError, ValueError, KeyError, OSError) as error:
        if isinstance(error, FileFormatError):
            raise
        raise FileFormatError(f"{path} is truncated or not a checkpoint ({error})") from error


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Flatten an optimiser's per-parameter state: ``"parameter.name"`` -> tensor."""
    state = optimizer.state_dict()["state"]
    return {f"{index}.{name}": value for index, entry in state.items() for name, value in entry.items()}


def load_optimizer_tensors(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Restore what :func:`optimizer_tensors` returned."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = value.clone()  # optimisers write into theirs
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def global_generators() -> dict[str, Any]:
    """Return the states of the global generators of torch, NumPy and Python, as plain data."""
    kind, keys, position, has_gauss, gauss = np.random.get_state(legacy=True)  # type: ignore[misc]
    version, internal, next_gauss = random.getstate()
    return {
        "torch": torch.get_rng_state().tolist(),
        "numpy": [kind, to_numpy(keys).tolist(), position, has_gauss, gauss],
        "python": [version, list(internal), next_gauss],
    }


def set_global_generators(states: Mapping[str, Any]) -> None:
    """Restore what :func:`global_generators` returned."""
    torch.set_rng_state(torch.tensor(states["torch"], dtype=torch.uint8))
    kind, keys, position, has_gauss, gauss = states["numpy"]
    np.random.set_state((kind, np.array(keys, dtype=np.uint32), position, has_gauss, gauss))
    version, internal, next_gauss = states["python"]
    random.setstate((version, tuple(internal), next_gauss))
