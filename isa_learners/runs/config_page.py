"""Every configuration key: its value and source, its range and its meaning; and the page of them in the docs.

``python -m isa_learners.runs.config_page docs/configuration.md`` generates the page.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, get_origin

from isa_learners.algorithms import ALGORITHMS
from isa_learners.config import RunConfig
from isa_learners.presets import BUILT_ON, PRESETS
from isa_learners.runs.config_io import config_from_dict, config_to_dict, resolve
from isa_learners.runs.config_keys import section_kinds
from isa_learners.runs.nesting import flattened, merge, nested
from isa_wrappers.fields import defaults, hints, meanings, ranges
from isa_wrappers.rewards import REWARDS

Row = dict[str, Any]


def explain(env: str, preset: str, layers: list[dict[str, Any]]) -> list[Row]:
    """Return a row per key of a run: ``key``, ``value``, ``source``, ``range`` and ``meaning``.

    Args:
        env: task name.
        preset: name of the preset.
        layers: given values; later layers override earlier ones.
    """
    config = config_from_dict(resolve(env, preset, *layers))
    given: dict[str, Any] = {}
    for layer in layers:
        given = merge(given, nested(layer))
    choices = ("algo", "learner", "intrinsic", str(config.intrinsic))
    preset_values = resolve(env, preset, {key: given[key] for key in choices if key in given})
    rows = []
    kinds = section_kinds(config.algo, config.learner, config.intrinsic, config.sections.get(str(config.intrinsic)))
    for section, kind in {"": RunConfig, **kinds}.items():
        values = config if not section else config.sections[section]
        for row in rows_of(kind, section):
            name = row["key"].rpartition(".")[2]
            given_values = given.get(section, {}) if section else given
            preset_section = preset_values.get(section, {}) if section else preset_values
            source = "given" if name in given_values else f"preset {preset}" if name in preset_section else "default"
            fixed_names = {"intrinsic"} if ALGORITHMS[config.algo].intrinsic is not None else set()
            if name in (ALGORITHMS[config.algo].fixed.get(section, {}) if section else fixed_names):
                source = f"algorithm {config.algo}"
            rows.append({**row, "value": getattr(values, name), "source": source})
    by_key = {row["key"]: row for row in rows}
    phases = config_to_dict(config)["phases"]
    given_phase_keys = flattened(given.get("phases") or {})
    for key, value in flattened(phases).items():
        source = "given" if key in given_phase_keys else f"preset {preset}"
        rows.append({**by_key[key.partition(".")[2]], "key": f"phases.{key}", "value": value, "source": source})
    return rows


def rows_of(kind: type, section: str = "") -> list[Row]:
    """Return a row per field of a section: ``key``, ``default``, ``range`` and ``meaning``."""
    descriptions, bounds, types = meanings(kind), ranges(kind), hints(kind)
    rows = []
    for name, default in defaults(kind).items():
        if kind is RunConfig and name in ("sections", "phases"):
            continue
        value_range = str(bounds[name]) if name in bounds else _type_name(types[name])
        value_range = f"list, each {value_range}" if get_origin(types[name]) is tuple else value_range
        key = f"{section}.{name}" if section else name
        rows.append({"key": key, "default": default, "range": value_range, "meaning": descriptions[name].rstrip(".")})
    return rows


def _type_name(kind: Any) -> str:
    words = {str: "text", bool: "true or false", int: "integer", float: "number"}
    if kind in words:
        return words[kind]
    if isinstance(kind, type) or getattr(kind, "__origin__", None) is dict:
        return "mapping"
    return " or ".join(words.get(part, "list" if get_origin(part) is tuple else "none") for part in kind.__args__)


def page() -> str:
    """Return the documentation page of every key, in Markdown."""
    lines = [
        "# Configuration",
        "",
        "This page lists all keys of a run, for `config.yaml` and `--set KEY=VALUE`.",
        "`isa config ENV --preset P --algo A` prints the values for a task and the source of each value.",
        "A run has only the sections of its algorithm, its learner and its intrinsic reward.",
        "A phase can override settings of the run: `--set phases.reach.ppo.gamma=0.8`.",
        "Values are read as YAML, both in files and after `--set`; `1e-3` is a number.",
        "In files and in Python, keys can be nested by section or dotted; a key that is given twice is refused.",
        "",
    ]
    lines += _table("The run", rows_of(RunConfig))
    sections: dict[str, tuple[type, list[str]]] = {}
    for algo in ALGORITHMS:
        for name, kind in section_kinds(algo, ALGORITHMS[algo].learner, None).items():
            sections.setdefault(name, (kind, []))[1].append(algo)
    for name, (kind, algorithms) in sections.items():
        lines += _table(f"`{name}`", rows_of(kind, name), f"Used by {', '.join(f'`{algo}`' for algo in algorithms)}.")
    lines += ["## Intrinsic rewards", "", "Settings of the reward that `intrinsic` names, under any algorithm.", ""]
    for name in REWARDS:
        settings = REWARDS[name].config
        if settings is not None and not REWARDS[name].needs_goal and name not in sections:
            lines += _table(f"`{name}`", rows_of(settings, name), f"With `intrinsic={name}`.")
    lines += ["## Presets", "", "Overrides of the defaults by pattern of task names; later patterns win.", ""]
    for preset, layers in PRESETS.items():
        base_text = f", based on `{BUILT_ON[preset]}`" if preset in BUILT_ON else ""
        lines += [f"**`{preset}`**{base_text}", ""]
        for pattern, values in layers.items():
            overrides = ", ".join(f"`{key}={value}`" for key, value in flattened(values).items()) or "the defaults"
            lines.append(f"- `{pattern}`: {overrides}")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _table(title: str, rows: list[Row], intro: str = "") -> list[str]:
    body = [
        f"| `{row['key']}` | {_shown(row['default'])} | {row['range']} | {row['meaning'].replace('``', '`')} |"
        for row in rows
    ]
    head = ["| key | default | range | meaning |", "|---|---|---|---|"]
    return [f"## {title}", "", *([intro, ""] if intro else []), *head, *body, ""]


def _shown(value: Any) -> str:
    if value in (None, "") or not isinstance(value, str | int | float | bool):
        return ""
    return f"`{value}`"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page())
