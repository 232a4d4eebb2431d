"""What the command line says of a run's configuration: the preset, and layers of values above it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from isa_wrappers.errors import InvalidValueError

from .options import refuse_contradictions


def configured(
    env: str,
    preset: str | None,
    config: Path | None,
    given: dict[str, Any],
    pairs: list[str],
    num_envs: int | None = None,
) -> tuple[str, list[dict[str, Any]]]:
    """Return the preset and the layers of values above it: file, options, ``--set``, in this order.

    Raises:
        InvalidValueError: for contradictory values, or keys that ``--set`` cannot change.
    """
    from isa_learners.config import DEFAULT_PRESET
    from isa_learners.runs.config_io import make_config
    from isa_learners.runs.yaml_io import parse_overrides, read_config_file

    from_file = read_config_file(config) if config is not None else {}
    preset = preset or from_file.get("preset", DEFAULT_PRESET)
    overrides = parse_overrides(pairs)
    for key, instead in (("env", "the argument ENV"), ("preset", "--preset")):
        if key in overrides:
            raise InvalidValueError(f"--set cannot change {key}, got {overrides[key]!r}; use {instead}")
    refuse_contradictions(given, overrides)
    layers = [{**from_file, "env": env, "preset": preset}, given, overrides]
    if num_envs is not None:
        learner = make_config(env, preset, *layers).learner
        layers.insert(2, {learner: {"num_envs": num_envs}})
        refuse_contradictions(layers[2], overrides)
    return preset, layers


def refuse_unnamed(file: Path | None, imports: tuple[str, ...], pairs: list[str]) -> None:
    """Refuse to import code that only the configuration file names, as the file may come from anybody.

    Raises:
        InvalidValueError: naming the first import.
    """
    named = {pair.partition("=")[2].strip(" '\"") for pair in pairs}
    for name in imports:
        if file is not None and name not in named:
            raise InvalidValueError(
                f"{file} names custom code: {name!r} would be imported; if you trust it, name it again, as in "
                f"--set ppo.network={name}"
            )
