"""Save and load scopes as JSON with safetensors."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import fields
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from isa_wrappers.errors import FileFormatError, InvalidValueError, ISAError, shown
from isa_wrappers.files import check_digest, read_bytes, replacing, split_tensors, write_text
from isa_wrappers.plain import plain, read_json
from isa_wrappers.scope.evidence import Evidence
from isa_wrappers.scope.influence import InfluenceScope
from isa_wrappers.scope.plots import plot_scope as plot_scope  # was here before
from isa_wrappers.scope.tables import scope_table as scope_table

FORMAT = "isa-scope"
TENSOR = "influence"
FORMER_TENSORS = ("information", "mutual_information")
"""Names of this tensor in files of earlier versions."""
EVIDENCE = tuple(field.name for field in fields(Evidence))
"""Further tensors in files of scopes with evidence."""


def scope_to_dict(scope: InfluenceScope) -> dict[str, Any]:
    """Return the scope as plain data, the content of ``scope.json`` and ``isa scope --json``.

    Raises:
        InvalidValueError: if an agent's name is neither text nor an integer, or a setting is not plain data.

    Example:
        >>> scope = InfluenceScope.from_dimensions({"a": [[], [0, 1]], "b": [[], [1]]}, state_size=2)
        >>> scope_to_dict(scope)["D_c"], scope_to_dict(scope)["D_i_minus_c"]
        ([1], [[0], []])
    """
    agents = storable_names(scope.agents)
    return {
        "format": FORMAT,
        "agents": agents,
        "num_actions": list(scope.num_actions),
        "state_size": scope.state_size,
        "delta": scope.delta if isinstance(scope.delta, float) else scope.delta.tolist(),
        "D_c": scope.common_dims,
        "D_i": scope.agent_dims,
        "D_i_minus_c": scope.special_dims,
        "D_a": {
            str(agent): {str(a): dims for a, dims in enumerate(actions)} for agent, actions in scope.action_dims.items()
        },
        "state_names": list(scope.state_names),
        "action_names": [name if isinstance(name, str) else list(name) for name in scope.action_names],
        "settings": plain("settings", scope.settings),
        "chance": scope.chance,
        "figure": scope.figure,
    }


def storable_names(agents: Sequence[Any]) -> list[str | int]:
    """Return the names of agents as stored in files.

    Raises:
        InvalidValueError: if a name is neither text nor an integer, or two names are the same text.
    """
    names = [storable_name(agent) for agent in agents]
    if twice := [name for name in names if isinstance(name, int) and str(name) in names]:
        raise InvalidValueError(
            f"agents {twice[0]} and {str(twice[0])!r} are indistinguishable in a file; rename one of them"
        )
    return names


def storable_name(agent: Any) -> str | int:
    """Return the name of an agent as stored in files; an integer stays an integer.

    Raises:
        InvalidValueError: if it is neither text nor an integer.
    """
    if isinstance(agent, str):
        return str(agent)
    if isinstance(agent, Integral) and not isinstance(agent, bool):
        return int(agent)
    raise InvalidValueError(f"agent names must be text or integers to be stored in a file, got {shown(agent)}")


def save_scope(scope: InfluenceScope, folder: str | Path) -> Path:
    """Write ``scope.json`` and ``scope.safetensors`` to ``folder``; return the path of the JSON file.

    Both are prepared before either is written, and each is replaced atomically.

    Raises:
        InvalidValueError: if an agent's name or a setting cannot be stored.
        CannotWriteError: if the disk is full, or the folder is read-only or does not exist.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> scope = InfluenceScope.from_dimensions({"a": [[], [0, 1]], "b": [[], [1]]}, state_size=2)
        >>> with TemporaryDirectory() as folder:
        ...     save_scope(scope, folder).name, load_scope(folder).common_dims
        ('scope.json', [1])
    """
    folder = Path(folder)
    arrays = {TENSOR: np.array(scope.influence)}
    if scope.evidence is not None:
        arrays |= {name: np.array(getattr(scope.evidence, name)) for name in EVIDENCE}
    digest = split_tensors(save(arrays, {"format": FORMAT}))[1]
    data = scope_to_dict(scope)
    data[TENSOR] = {
        "file": "scope.safetensors", "tensor": TENSOR, "axes": ["agent", "action", "dimension"], "digest": digest,
    }  # fmt: skip
    text = json.dumps(data, indent=2) + "\n"
    with replacing(folder / "scope.safetensors") as file:
        file.write(save(arrays, {"format": FORMAT, "digest": digest}))
    path = folder / "scope.json"
    write_text(path, text)
    return path


def load_scope(path: str | Path) -> InfluenceScope:
    """Load a scope from its folder or its ``scope.json``.

    Raises:
        FileFormatError: if the files are missing, truncated, modified or of another format.

    Example:
        >>> load_scope("nowhere")
        Traceback (most recent call last):
        ...
        isa_wrappers.errors.FileFormatError: no scope at nowhere: nowhere does not exist
    """
    path = Path(path)
    path = path / "scope.json" if os.path.isdir(path) else path
    try:
        data = read_json(read_bytes(path))
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise FileFormatError(f"{path} is not a scope: 'format' must be {FORMAT!r}")
        where = data[next((name for name in FORMER_TENSORS if name in data), TENSOR)]
        arrays = _arrays(path.parent, where)
        scope = InfluenceScope(
            agents=tuple(data["agents"]),
            influence=arrays[where["tensor"]],
            delta=data["delta"],
            num_actions=tuple(data["num_actions"]),
            state_names=tuple(data["state_names"]),
            action_names=tuple(data["action_names"]),
            settings=data["settings"],
            # Files of earlier versions lack these.
            chance=data.get("chance"),
            figure=data.get("figure", InfluenceScope.figure),
            evidence=Evidence(**{name: arrays[name] for name in EVIDENCE}) if EVIDENCE[0] in arrays else None,
        )
        _check_agrees(data, scope)
        return scope
    except FileNotFoundError as error:
        missing = error.filename or f"its {TENSOR} file"
        raise FileFormatError(f"no scope at {path}: {missing} does not exist") from error
    except FileFormatError:
        raise
    except (
        ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError, SafetensorError, ISAError,
        OSError,
    ) as error:  # fmt: skip
        raise FileFormatError(f"{path} is not a readable scope ({type(error).__name__}: {error})") from error


def _arrays(folder: Path, where: Any) -> dict[str, npt.NDArray[Any]]:
    """Read the arrays, which must be in the folder of the JSON file.

    Raises:
        ValueError: if the file is elsewhere or was modified.
    """
    if Path(where["file"]).name != where["file"]:
        raise ValueError(f"its file must be in the same folder, got {shown(where['file'])}")
    data = read_bytes(folder / where["file"])
    metadata = check_digest(data, ("format",))
    if "digest" in metadata and where.get("digest", metadata["digest"]) != metadata["digest"]:
        raise ValueError(f"{where['file']} belongs to another scope")
    arrays: dict[str, npt.NDArray[Any]] = load(data)
    return arrays


def _check_agrees(data: dict[str, Any], scope: InfluenceScope) -> None:
    """Check that the sets of dimensions in the file follow from its influence and delta.

    Raises:
        ValueError: if one does not; the message names the first.
    """
    derived = scope_to_dict(scope)
    for name in ("state_size", "D_c", "D_i", "D_i_minus_c", "D_a"):
        if data.get(name, derived[name]) != derived[name]:
            raise ValueError(f"{name} does not follow from its influence and delta: {shown(data[name])}")
