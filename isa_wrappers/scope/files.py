"""Scopes as files: JSON with safetensors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from isa_wrappers.errors import FileFormatError, ISAError
from isa_wrappers.scope.influence import InfluenceScope
from isa_wrappers.scope.plots import plot_scope as plot_scope  # was here before
from isa_wrappers.scope.tables import scope_table as scope_table

FORMAT = "isa-scope"
TENSOR = "information"
FORMER_TENSOR = "mutual_information"
"""What files of before there were other estimators call it."""


def scope_to_dict(scope: InfluenceScope) -> dict[str, Any]:
    """Return the scope as plain data: what ``scope.json`` and ``isa scope --json`` hold.

    Example:
        >>> scope = InfluenceScope.from_dimensions({"a": [[], [0, 1]], "b": [[], [1]]}, state_size=2)
        >>> scope_to_dict(scope)["D_c"], scope_to_dict(scope)["D_i_minus_c"]
        ([1], [[0], []])
    """
    return {
        "format": FORMAT,
        "agents": list(scope.agents),
        "num_actions": list(scope.num_actions),
        "state_size": scope.state_size,
        "delta": scope.delta if isinstance(scope.delta, float) else scope.delta.tolist(),
        "D_c": scope.common_dims,
        "D_i": scope.agent_dims,
        "D_i_minus_c": scope.special_dims,
        "D_a": {
            agent: {str(a): dims for a, dims in enumerate(actions)} for agent, actions in scope.action_dims.items()
        },
        "state_names": list(scope.state_names),
        "action_names": list(scope.action_names),
        "settings": dict(scope.settings),
        "chance": scope.chance,
        "figure": scope.figure,
    }


def save_scope(scope: InfluenceScope, folder: str | Path) -> Path:
    """Write ``scope.json`` and ``scope.safetensors`` into ``folder``; return the JSON's path."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    save_file({TENSOR: np.array(scope.mutual_information)}, folder / "scope.safetensors", {"format": FORMAT})
    data = scope_to_dict(scope)
    data[TENSOR] = {"file": "scope.safetensors", "tensor": TENSOR, "axes": ["agent", "action", "dimension"]}
    path = folder / "scope.json"
    path.write_text(json.dumps(data, indent=2) + "\n")
    return path


def load_scope(path: str | Path) -> InfluenceScope:
    """Read a scope from its folder or its ``scope.json``.

    Raises:
        FileFormatError: if the files are missing, truncated or foreign.
    """
    path = Path(path)
    path = path / "scope.json" if path.is_dir() else path
    try:
        data = json.loads(path.read_text())
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise FileFormatError(f"{path} is not a scope: 'format' must be {FORMAT!r}")
        where = data[TENSOR if TENSOR in data else FORMER_TENSOR]
        information = load_file(path.parent / where["file"])[where["tensor"]]
        return InfluenceScope(
            agents=tuple(data["agents"]),
            mutual_information=information,
            delta=data["delta"],
            num_actions=tuple(data["num_actions"]),
            state_names=tuple(data["state_names"]),
            action_names=tuple(data["action_names"]),
            settings=data["settings"],
            # Files of before these were known lack them.
            chance=data.get("chance"),
            figure=data.get("figure", InfluenceScope.figure),
        )
    except FileNotFoundError as error:
        missing = error.filename or f"its {TENSOR} file"
        raise FileFormatError(f"no scope at {path}: {missing} does not exist") from error
    except FileFormatError:
        raise
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        UnicodeDecodeError,
        SafetensorError,
        ISAError,
        OSError,
    ) as error:
        raise FileFormatError(f"{path} is not a readable scope ({type(error).__name__}: {error})") from error
