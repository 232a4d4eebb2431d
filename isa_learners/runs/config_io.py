"""Conversion of configurations to and from plain data: defaults, presets, files and overrides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import msgspec

from isa_learners.algorithms import ALGORITHMS
from isa_learners.config import DEFAULT_ALGORITHM, DEFAULT_PRESET, RunConfig
from isa_learners.presets import check_learner, preset_layers
from isa_learners.runs.config_keys import CORE, check_sections, section_kinds
from isa_learners.runs.config_values import core_value, mapping_of, section_of, unknown_key
from isa_learners.runs.nesting import merge, nested
from isa_learners.runs.yaml_io import Plain, parse_overrides, read_config_file, write_yaml
from isa_wrappers.errors import InvalidValueError, check_kind, check_name, nearest, shown
from isa_wrappers.plain import plain

__all__ = ["config_from_dict", "config_to_dict", "make_config", "merge", "parse_overrides", "read_config_file"]

RUN_WIDE_SECTIONS = ("scope", "credit", "probes")
"""Sections that apply to all phases."""


def make_config(env: str, preset: str = DEFAULT_PRESET, *overrides: Mapping[str, Any]) -> RunConfig:
    """Build the configuration of a run from defaults, then a preset, then ``overrides``.

    The preset contributes the values of every pattern that matches the task, as far as the run's algorithm uses them.
    Keys of ``overrides`` are nested by section, or dotted as in ``--set``.

    Raises:
        InvalidValueError: for an unknown preset or key (the nearest is suggested), or a value out of range.

    Example:
        >>> config = make_config("grid/shooting", "paper", {"ppo": {"lr": 0.001}}, {"scope.window": 2})
        >>> config.ppo.lr, config.scope.window
        (0.001, 2)
    """
    return config_from_dict(resolve(env, preset, *overrides))


def resolve(env: str, preset: str, *overrides: Mapping[str, Any]) -> Plain:
    """Return the configuration of :func:`make_config` as plain data."""
    check_name("env", env)
    given: Plain = {}
    for layer in overrides:
        check_kind("overrides", layer, Mapping)
        given = merge(given, nested(layer))
    known = {*CORE, "phases", *kinds_of(given)}
    algorithm = ALGORITHMS[given.get("algo", DEFAULT_ALGORITHM)]
    check_learner(preset, given.get("learner", algorithm.learner))
    data: Plain = {"env": env, "preset": preset}
    for layer in [*preset_layers(env, preset), *preset_layers(env, preset, algorithm.presets)]:
        data = apply_layer(data, {key: value for key, value in layer.items() if key in known})
    if "phases" in data:  # a preset may hold phases of several algorithms
        data["phases"] = {
            name: {section: values for section, values in phase_sections.items() if section in known}
            for name, phase_sections in data["phases"].items()
            if name in algorithm.phase_names
        }
    return apply_layer(within_copies(data, given), given)


def within_copies(data: Plain, given: Mapping[str, Any]) -> Plain:
    """Return a preset's values with at most as many minibatches as the requested number of environments.

    Example:
        >>> within_copies({"ppo": {"num_envs": 32, "minibatches": 4}}, {"ppo": {"num_envs": 2}})
        {'ppo': {'num_envs': 32, 'minibatches': 2}}
    """
    ppo_values = given.get("ppo")
    copies = ppo_values.get("num_envs") if isinstance(ppo_values, Mapping) else None
    if not isinstance(copies, int) or copies < 1:  # invalid values are reported by the checks of the key
        return data

    def fitted(sections: Plain) -> Plain:
        own_section = sections.get("ppo", {})
        if own_section.get("minibatches", 1) <= copies:
            return sections
        return {**sections, "ppo": {**own_section, "minibatches": copies}}

    data = fitted(data)
    if "phases" in data:
        data = {**data, "phases": {name: fitted(own_section) for name, own_section in data["phases"].items()}}
    return data


def apply_layer(data: Plain, layer: Mapping[str, Any]) -> Plain:
    """Return ``data`` overridden by a layer; its values for the run also replace earlier values for single phases."""
    section_values = {section: values for section, values in layer.items() if isinstance(values, Mapping)}
    phases = {
        phase: {
            section: {key: value for key, value in values.items() if key not in section_values.get(section, {})}
            for section, values in phase_sections.items()
        }
        for phase, phase_sections in data.get("phases", {}).items()
    }
    return merge({**data, "phases": phases} if phases else data, layer)


def kinds_of(data: Mapping[str, Any]) -> dict[str, type]:
    """Return the sections of a configuration, given its algorithm, learner and intrinsic reward."""
    core = {key: core_value(key, data[key]) for key in ("algo", "learner", "intrinsic") if key in data}
    algo = core.get("algo", DEFAULT_ALGORITHM)
    learner = core.get("learner", ALGORITHMS[algo].learner)
    intrinsic = _intrinsic(algo, core.get("intrinsic"))
    check_sections(algo, learner, intrinsic)
    settings = data.get(str(intrinsic))
    return section_kinds(algo, learner, intrinsic, settings if isinstance(settings, Mapping) else None)


def _intrinsic(algo: str, given: str | None) -> str | None:
    """Return the intrinsic reward of a run: the given one, or the one that its algorithm fixes.

    Raises:
        InvalidValueError: if the two differ.
    """
    fixed_reward = ALGORITHMS[algo].intrinsic
    if fixed_reward is not None and given not in (None, fixed_reward):
        raise InvalidValueError(
            f"intrinsic is {fixed_reward!r} in algorithm {algo!r}, got {shown(given)}; choose another algorithm"
        )
    return fixed_reward or given


def config_from_dict(data: Mapping[str, Any]) -> RunConfig:
    """Build a configuration from plain data, nested by section or with dotted keys.

    Raises:
        InvalidValueError: for an unknown key (the nearest is suggested), a section that is not a mapping, or an
            invalid value.
    """
    data = nested(data)
    if "env" not in data:
        raise InvalidValueError("configuration key env is missing; name the task, such as grid/shooting")
    kinds = kinds_of(data)
    core: Plain = {}
    sections: Plain = {name: {} for name in kinds}
    for key, value in data.items():
        if key in kinds:
            sections[key] = mapping_of(key, value)
        elif key in CORE:
            core[key] = core_value(key, value)
        elif key != "phases":
            raise InvalidValueError(unknown_key(key, kinds, data))
    algo = core.get("algo", DEFAULT_ALGORITHM)
    core.setdefault("learner", ALGORITHMS[algo].learner)
    core["intrinsic"] = _intrinsic(algo, core.get("intrinsic"))
    sections = merge(sections, _fixed(algo, core["learner"], sections))
    built = {name: section_of(kinds[name], values, name) for name, values in sections.items()}
    names = ALGORITHMS[algo].phase_names
    phases: dict[str, Plain] = {}
    for phase, phase_values in mapping_of("phases", data.get("phases") or {}).items():
        if phase not in names:
            raise InvalidValueError(
                f"unknown phase {shown(phase)}{nearest(str(phase), names) or ';'} this algorithm has {', '.join(names)}"
            )
        phases[phase] = {}
        for name, values in mapping_of(f"phases.{phase}", phase_values).items():
            if name not in kinds:
                raise InvalidValueError(unknown_key(f"phases.{phase}.{name}", kinds, data))
            given = mapping_of(f"phases.{phase}.{name}", values)
            _refuse_for_a_phase(algo, phase, name, given)
            merged = merge(sections[name], given)
            _fixed(algo, core["learner"], {name: merged}, f"phases.{phase}.")
            phases[phase][name] = section_of(kinds[name], merged, f"phases.{phase}.{name}")
    return RunConfig(**core, sections=built, phases=phases)


def _refuse_for_a_phase(algo: str, phase: str, section: str, given: Mapping[str, Any]) -> None:
    """Refuse settings of a phase that apply only to the whole run.

    Raises:
        InvalidValueError: naming the key.
    """
    for key in given:
        if section in RUN_WIDE_SECTIONS or key in ALGORITHMS[algo].whole_run.get(section, ()):
            raise InvalidValueError(
                f"{section}.{key} applies to the whole run; set {section}.{key}, not phases.{phase}.{section}.{key}"
            )


def _fixed(algo: str, learner: str, sections: Mapping[str, Any], prefix: str = "") -> Plain:
    """Return the settings that an algorithm fixes.

    Raises:
        InvalidValueError: if the configuration asks for another learner or another value.
    """
    spec = ALGORITHMS[algo]
    if spec.fixed and learner != spec.learner:
        raise InvalidValueError(f"algorithm {algo!r} needs learner {spec.learner!r}, got {learner!r}; leave it out")
    for section, values in spec.fixed.items():
        for key, value in values.items():
            given = sections.get(section, {}).get(key, value)
            if given != value:
                raise InvalidValueError(
                    f"{prefix}{section}.{key} is {value!r} in algorithm {algo!r}, got {shown(given)}; choose another "
                    "algorithm"
                )
    return {section: dict(values) for section, values in spec.fixed.items()}


def config_to_dict(config: RunConfig) -> Plain:
    """Return the resolved configuration as plain data; phases hold only values that differ from the run's."""
    data = {key: getattr(config, key) for key in CORE}
    data |= {name: asdict(section) for name, section in config.sections.items()}
    data["phases"] = {
        phase: {
            name: {k: v for k, v in asdict(section).items() if v != asdict(config.sections[name])[k]}
            for name, section in phase_sections.items()
        }
        for phase, phase_sections in config.phases.items()
    }
    return plain("configuration", msgspec.to_builtins(data))  # type: ignore[no-any-return]


def write_config(config: RunConfig, path: Any) -> None:
    """Write the resolved configuration as YAML."""
    write_yaml(config_to_dict(config), path)
