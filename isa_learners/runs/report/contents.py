"""The contents of a report, read from run folders, as plain data."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from isa_learners.runs.changes import Change, read_changes
from isa_learners.runs.config_io import config_from_dict, config_to_dict, resolve
from isa_learners.runs.curves import INERT, changed_in_mid_run, grouped
from isa_learners.runs.goals import won_states
from isa_learners.runs.metrics import columns_of, read_metrics
from isa_learners.runs.nesting import flattened
from isa_learners.runs.report.cells import MOST_BYTES, visit_contents
from isa_learners.runs.report.charts import charts_of
from isa_learners.runs.run_folder import RunFolder
from isa_learners.runs.visits import visited
from isa_wrappers.errors import FileFormatError, InvalidValueError
from isa_wrappers.plain import finite, read_json
from isa_wrappers.scope.files import load_scope
from isa_wrappers.scope.influence import InfluenceScope

MOST_CSV = 300_000
"""Maximum number of characters of the metrics of all runs; beyond it they are left out of the page."""
MOST_FIGURES = 15_000
"""Maximum number of dimensions of a scope that is drawn."""
MOST_GOALS = 200
LONGEST_NAME = 40
"""Maximum number of characters of a name in a legend; longer ones become letters that a list explains."""


def report_contents(folders: Sequence[RunFolder]) -> dict[str, Any]:
    """Return the contents for several runs.

    Raises:
        FileFormatError: if a run's metrics, scope or checkpoint cannot be read.
    """
    groups, differing = grouped(folders), differences(folders)
    alike = alike_runs(differing, len(folders))
    long_names = {}
    if len(groups) > 1 and max(len(group.name) for group in groups) > LONGEST_NAME:
        long_names = {_letters(i): group.name for i, group in enumerate(groups)}
        groups = [replace(group, name=letters) for letters, group in zip(long_names, groups, strict=True)]
    tasks = list(dict.fromkeys(group.task for group in groups))
    names = [group.name for group in groups] if len(alike) == len(groups) else [""] * len(alike)
    return {
        "tasks": [{"name": task, "charts": charts_of([g for g in groups if g.task == task])} for task in tasks],
        "key": long_names,
        "runs": _runs(folders),
        "differences": differing,
        "alike": [{"name": name, "runs": runs} for name, runs in zip(names, alike, strict=True)],
    }


def alike_runs(differing: Sequence[Mapping[str, Any]], count: int) -> list[list[int]]:
    """Group runs that differ only in keys such as the seed.

    Args:
        differing: result of :func:`differences`.
        count: number of runs.

    Example:
        >>> rows = [{"key": "seed", "values": ["1", "2", "1"]}, {"key": "algo", "values": ["isa", "isa", "ippo"]}]
        >>> alike_runs(rows, 3)
        [[0, 1], [2]]
    """
    value_rows = [row["values"] for row in differing if row["key"] not in INERT]
    run_groups: dict[tuple[str, ...], list[int]] = {}
    for i in range(count):
        run_groups.setdefault(tuple(values[i] for values in value_rows), []).append(i)
    return list(run_groups.values())


def _letters(index: int) -> str:
    """Return A to Z, then AA, AB, ..."""
    rest, last = divmod(index, 26)
    return (_letters(rest - 1) if rest else "") + chr(ord("A") + last)


def _runs(folders: Sequence[RunFolder]) -> list[dict[str, Any]]:
    runs = [run_contents(folder, MOST_BYTES // len(folders)) for folder in folders]
    if sum(len(run["csv"]) for run in runs) > MOST_CSV:
        runs = [{**run, "csv": None} for run in runs]
    return runs


def run_contents(folder: RunFolder, visit_bytes: int = MOST_BYTES) -> dict[str, Any]:
    """Return the contents for one run: verdict, phases, scope, goals, visited states and configuration."""
    config = folder.config()
    scope = load_scope(folder.path) if os.path.exists(folder.path / "scope.json") else None
    return {
        "path": str(folder.path),
        "env": config.env,
        "algo": config.algo,
        "seed": config.seed,
        "preset": config.preset,
        "command": shlex.join(["isa", "train", config.env, "--config", str(folder.config_file), "--out", "runs/again"]),
        "changes": [_change_text(change) for change in read_changes(folder)],
        "summary": _json_file(folder.summary_file),
        "versions": _json_file(folder.versions_file),
        "phases": phase_spans(read_metrics(folder.metrics_file, columns_of(config)), _scope_steps(folder)),
        "configuration": _configuration(folder),
        "scope": None if scope is None else scope_contents(scope),
        "goals": _goals(folder),
        "visits": _visits(folder, scope, visit_bytes),
        "csv": folder.metrics_file.read_text(errors="replace"),
    }


def _change_text(change: Change) -> str:
    before, after = json.dumps(change.before), json.dumps(change.after)
    return f"{change.key} from step {change.env_steps:,} on: {after}, {before} before"


def _scope_steps(folder: RunFolder) -> int:
    """Return how many of a run's environment steps its scope took."""
    config, path = folder.config(), folder.first_scope()
    if config.scope_is_free or config.true_scope or not os.path.exists(path / "scope.json"):
        return 0
    return int(load_scope(path).settings.get("env_steps", 0))


def phase_spans(rows: Sequence[Mapping[str, str]], scope_steps: int = 0) -> list[dict[str, Any]]:
    """Return the first and last environment step of each phase according to the evaluations, the scope first.

    Example:
        >>> rows = [{"env_steps": steps, "phase": name} for steps, name in (("5", "a"), ("9", "b"), ("12", "b"))]
        >>> phase_spans(rows)
        [{'name': 'a', 'from': 0, 'to': 9}, {'name': 'b', 'from': 9, 'to': 12}]
    """
    spans = [{"name": "scope", "from": 0, "to": scope_steps}] if scope_steps else []
    begins = scope_steps
    for i, row in enumerate(rows):
        steps, name = int(row["env_steps"]), row.get("phase", "")
        if i == 0 or rows[i - 1].get("phase", "") != name:
            begins = steps if i else begins
            if i:
                spans[-1]["to"] = begins
            spans.append({"name": name, "from": begins, "to": steps})
        spans[-1]["to"] = steps
    return spans


def scope_contents(scope: InfluenceScope) -> dict[str, Any]:
    """Return a scope for the page, with exact figures, so that the threshold separates them as in Python."""
    contents = {
        "agents": [str(agent) for agent in scope.agents],
        "dims": [scope.dim_name(k) for k in range(scope.state_size)],
        "actions": [[scope.action_name(i, a) for a in range(count)] for i, count in enumerate(scope.num_actions)],
        "figure": scope.figure,
        "delta": np.asarray(scope.delta).tolist(),
        "influence": None,
        "log_p": None,
    }
    if scope.influence.size <= MOST_FIGURES:
        contents["influence"] = scope.influence.tolist()
        if scope.evidence is not None:
            contents["log_p"] = np.maximum(scope.evidence.log_p, -1e300).round(2).tolist()
    return contents


def differences(folders: Sequence[RunFolder]) -> list[dict[str, Any]]:
    """Return the keys in which runs differ, with the value of each run or ``null``.

    These are configuration keys, and changes made by a resume.
    """
    configs = [flattened(config_to_dict(folder.config())) | changed_in_mid_run(folder) for folder in folders]
    keys = dict.fromkeys(key for config in configs for key in config)
    rows = [{"key": key, "values": [json.dumps(config.get(key)) for config in configs]} for key in keys]
    return [row for row in rows if len(set(row["values"])) > 1]


def _json_file(path: Any) -> Any:
    """Read a JSON file; ``None`` if it does not exist yet.

    Raises:
        FileFormatError: if it is damaged.
    """
    if not os.path.isfile(path):
        return None
    try:
        return finite(read_json(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise FileFormatError(f"{path} cannot be read ({error})") from error


def _configuration(folder: RunFolder) -> list[dict[str, Any]]:
    """Return a row per key: ``key``, ``value`` and the value of the preset if it differs."""
    config = folder.config()
    core_values = {"algo": config.algo, "learner": config.learner, "intrinsic": config.intrinsic}
    preset = flattened(config_to_dict(config_from_dict(resolve(config.env, config.preset, core_values))))
    rows = []
    for key, value in flattened(config_to_dict(config)).items():
        own_text, preset_text = json.dumps(value), json.dumps(preset.get(key))
        rows.append({"key": key, "value": own_text, "preset": None if own_text == preset_text else preset_text})
    return rows


def _goals(folder: RunFolder) -> dict[str, Any] | None:
    if folder.newest_checkpoint() is None:  # the run has just begun
        return None
    try:
        won = won_states(folder)
    except InvalidValueError:  # the algorithm has no goals
        return None
    return {
        "names": list(won.names),
        "pursued": list(won.pursued),
        "count": len(won.states),
        "different": won.different()[:MOST_GOALS],
        "states": won.states[:MOST_GOALS].tolist(),
    }


def _visits(folder: RunFolder, scope: InfluenceScope | None, most_bytes: int) -> dict[str, Any] | None:
    visits = visited(folder)
    size = visits[0].states.shape[1] if visits else 0
    if scope is None or scope.state_size != size:
        return visit_contents(visits, [f"s[{k}]" for k in range(size)], [], most_bytes)
    moved = np.flatnonzero(scope.agent_mask.any(axis=0)).tolist()
    return visit_contents(visits, [scope.dim_name(k) for k in range(size)], moved, most_bytes)
