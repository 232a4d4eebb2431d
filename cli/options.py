"""Options shared by several commands, and the functions that parse them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from math import inf
from pathlib import Path
from typing import Annotated, Any

import typer

from isa_learners.config import DEFAULT_PRESET, check_env_kwargs
from isa_learners.presets import PRESETS
from isa_wrappers.errors import CannotWriteError, InvalidValueError, MissingDependencyError, shown
from isa_wrappers.files import refusal
from isa_wrappers.plain import read_json

from .completion import presets, settings, tasks
from .json_alone import json_alone

Env = Annotated[
    str,
    typer.Argument(
        help="Task name such as grid/shooting, or package.module:factory.", metavar="ENV", autocompletion=tasks
    ),
]
Kwargs = Annotated[str, typer.Option("--kwargs", help="Options of the task as JSON, such as '{\"num_agents\": 2}'.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.", callback=json_alone)]
PRESET_NAMES = ", ".join([f"{DEFAULT_PRESET} (the default)", *(name for name in PRESETS if name != DEFAULT_PRESET)])
Preset = Annotated[
    str | None, typer.Option("--preset", help=f"{PRESET_NAMES}.", show_default=False, autocompletion=presets)
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]
Seed = Annotated[int, typer.Option("--seed", help="Random seed.", min=0)]
StateFallback = Annotated[
    str | None, typer.Option(help="'observations' uses the concatenated observations as the state.", show_default=False)
]
StateFeatures = Annotated[
    str | None,
    typer.Option(help="'map' computes counts and centres from a state that is a map of cells.", show_default=False),
]
FeaturesKwargs = Annotated[
    str,
    typer.Option(
        "--state-features-kwargs", help="Options of --state-features as JSON, such as '{\"values\": [1, 2]}'."
    ),
]
Override = Annotated[
    list[str] | None,
    typer.Option("--set", help="Set a configuration key, such as ppo.lr=1e-3.", autocompletion=settings),
]
RunEnv = Annotated[
    str | None,
    typer.Option("--env", help="Custom environment of RUN as package.module:factory; allows its import."),
]
RunEnvs = Annotated[
    list[str] | None,
    typer.Option("--env", help="Custom environment of RUN as package.module:factory; allows its import."),
]
Trust = Annotated[bool, typer.Option("--trust", help="Import any environment and network that the run folder names.")]


def parse_kwargs(text: str) -> dict[str, Any]:
    """Read ``--kwargs``.

    Raises:
        InvalidValueError: if it is not a JSON object or sets an argument that the commands set themselves.
    """
    kwargs = _object("--kwargs", text)
    check_env_kwargs(kwargs)
    return kwargs


def parse_features(text: str) -> dict[str, Any]:
    """Read ``--state-features-kwargs``.

    Raises:
        InvalidValueError: if it is not a JSON object.
    """
    return _object("--state-features-kwargs", text)


def parse_resources(text: str) -> dict[str, Any]:
    """Read ``--resources``.

    Raises:
        InvalidValueError: if it is not a JSON object of non-negative numbers, or names CPU or GPU instead of num_cpus
            or
            num_gpus.
    """
    resources = _object("--resources", text)
    for name, value in resources.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < inf:
            raise InvalidValueError(f"--resources must be a JSON object of non-negative numbers, got {shown(text)}")
        if name in ("CPU", "GPU"):
            raise InvalidValueError(f"--resources takes num_{name.lower()}s, got {name}")
    return resources


def _object(option: str, text: str) -> dict[str, Any]:
    try:
        data = read_json(text)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        quotes = ", with double quotes" if "'" in text else ""
        raise InvalidValueError(f"{option} must be a JSON object{quotes}, got {shown(text)}")
    return data


OPTION_OF_KEY = {
    "env_kwargs": "--kwargs",
    "state_features_kwargs": "--state-features-kwargs",
    "scope_folder": "--scope",
}
"""Configuration keys whose option has another name."""


def given_options(**values: Any) -> dict[str, Any]:
    """Return the options that were given: those that are not ``None``.

    Example:
        >>> given_options(steps=10, seed=None)
        {'steps': 10}
    """
    return {key: value for key, value in values.items() if value is not None}


def refuse_contradictions(given: Mapping[str, Any], overrides: Mapping[str, Any]) -> None:
    """Refuse a key that an option and ``--set`` set to different values.

    Args:
        given: values from options, by section.
        overrides: values from ``--set``, by section.

    Raises:
        InvalidValueError: naming both values.
    """
    from isa_learners.runs.nesting import flattened

    overridden = flattened(overrides)
    for key, value in flattened(given).items():
        if key in overridden and overridden[key] != value and str(overridden[key]) != str(value):
            option = OPTION_OF_KEY.get(key.partition(".")[0], f"--{key.rpartition('.')[2].replace('_', '-')}")
            raise InvalidValueError(
                f"{key} is given twice, {shown(value)} by {option} and {shown(overridden[key])} by --set; leave one out"
            )


@contextmanager
def writing_to(path: Path) -> Iterator[None]:
    """Report a failure to write to the user's path as a user error, before anything is computed where possible.

    Raises:
        InvalidValueError: naming the path.
    """
    check_place(path.parent)
    try:
        yield
    except CannotWriteError:
        raise  # already one line
    except OSError as error:
        raise InvalidValueError(f"cannot write to {path}: {refusal(error)}") from error


def check_place(folder: Path) -> None:
    """Check that a folder exists or can be created.

    Raises:
        InvalidValueError: naming the file in its place, or the folder that is not writable.
    """
    try:
        existing = next((place for place in (folder, *folder.parents) if place.exists()), folder)
    except OSError as error:
        raise InvalidValueError(f"cannot write to {folder}: {error.strerror}") from error
    if not existing.is_dir():
        raise InvalidValueError(f"cannot write to {folder}: {existing} is not a folder")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise InvalidValueError(f"cannot write to {folder}: {existing} is not writable")


def need_training(extra: str = "train") -> None:
    """Check that the learner's dependencies are installed.

    Args:
        extra: the extra that installs everything that the command needs.

    Raises:
        MissingDependencyError: naming the extra to install.
    """
    _need(extra, "torch", "yaml", "msgspec")


def need_plots(extra: str = "plot") -> None:
    """Check that the packages that read and plot runs are installed; torch is not needed.

    Args:
        extra: the extra that installs everything that the command needs.

    Raises:
        MissingDependencyError: naming the extra to install.
    """
    _need(extra, "yaml", "msgspec", "matplotlib", "scipy")


def _need(extra: str, *packages: str) -> None:
    for package in packages:
        try:
            import_module(package)
        except ImportError as error:
            raise MissingDependencyError(
                f"this command needs {error.name}, which is not installed; pip install 'isa-marl[{extra}]'"
            ) from error
