"""Scopes as files (JSON with safetensors), as a readable table, and as the paper's Fig. 3."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from isa_wrappers.errors import FileFormatError, ISAError, MissingDependencyError
from isa_wrappers.scope.influence import InfluenceScope

FORMAT = "isa-scope"
TENSOR = "mutual_information"


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
        "delta": scope.delta,
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
        information = load_file(path.parent / data[TENSOR]["file"])[data[TENSOR]["tensor"]]
        return InfluenceScope(
            agents=tuple(data["agents"]),
            mutual_information=information,
            delta=data["delta"],
            num_actions=tuple(data["num_actions"]),
            state_names=tuple(data["state_names"]),
            action_names=tuple(data["action_names"]),
            settings=data["settings"],
            chance=data.get("chance"),  # files of before it was known have none
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


def scope_table(scope: InfluenceScope) -> str:
    """Return a readable table: a line an agent and action with its dimensions, then D_i, D_c and D_(i-c)."""

    def names(dims: list[int]) -> str:
        return ", ".join(scope.dim_name(k) for k in dims) or "-"

    lines = [f"influence scope of {scope.num_agents} agents over {scope.state_size} dimensions, delta {scope.delta:g}"]
    for i, (agent, actions) in enumerate(scope.action_dims.items()):
        lines.append(f"{agent}: D_i = {names(scope.agent_dims[i])}; special = {names(scope.special_dims[i])}")
        for a, dims in enumerate(actions):
            label = scope.action_names[a] if a < len(scope.action_names) else str(a)
            top = f"  (largest {scope.mutual_information[i, a].max():.2f})" if scope.state_size else ""
            lines.append(f"  {label:<12} -> {names(dims)}{top}")
    lines.append(f"common D_c = {names(scope.common_dims)}")
    return "\n".join(lines)


def plot_scope(scope: InfluenceScope, path: str | Path) -> Path:
    """Draw Fig. 3: normalised mutual information, actions of every agent by state dimensions.

    Raises:
        MissingDependencyError: without matplotlib.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependencyError("plots need matplotlib: pip install 'isa-marl[plot]'") from error
    rows = [(i, a) for i in range(scope.num_agents) for a in range(scope.num_actions[i])]
    values = np.stack([scope.mutual_information[i, a] for i, a in rows])
    figure = Figure(figsize=(min(4 + 0.3 * scope.state_size, 24), min(2 + 0.22 * len(rows), 24)), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(values, vmin=0.0, vmax=1.0, cmap="viridis", aspect="auto", interpolation="nearest")
    figure.colorbar(image, label="normalised mutual information")
    if scope.state_size <= 80:
        axes.set_xticks(range(scope.state_size), [scope.dim_name(k) for k in range(scope.state_size)], rotation=90)
    if len(rows) <= 100:
        labels = [f"{scope.agents[i]} {scope.action_names[a] if a < len(scope.action_names) else a}" for i, a in rows]
        axes.set_yticks(range(len(rows)), labels)
    axes.set_title(f"influence of each action on each dimension (in the scope above {scope.delta:g})")
    axes.set_xlabel("state dimension")
    axes.set_ylabel("agent and action")
    path = Path(path)
    figure.savefig(path, dpi=110)
    return path
