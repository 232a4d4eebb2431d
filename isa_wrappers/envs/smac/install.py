"""Check the requirements of SMAC: oxwhirl's package, a compatible protobuf, the game, and its maps."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from isa_wrappers.errors import MissingDependencyError, UnknownTaskError, check_float, nearest

SMAC_SOURCE = "git+https://github.com/oxwhirl/smac.git"
GAME_SOURCE = "https://github.com/Blizzard/s2client-proto#downloads"
MAPS_SOURCE = "https://github.com/oxwhirl/smac/releases/download/v0.1-beta1/SMAC_Maps.zip"
MAPS_FOLDER = Path("Maps", "SMAC_Maps")
PURE_PYTHON = "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION"


def load_smac(name: str) -> tuple[Callable[..., Any], Mapping[str, Mapping[str, Any]]]:
    """Return the class ``StarCraft2Env`` and SMAC's table of maps, after checking all requirements of map ``name``.

    Raises:
        MissingDependencyError: if something is missing; the message says what to install and where.
        UnknownTaskError: if SMAC has no such map.
    """
    task = f"smac/{name}"
    _check_package(task)
    _let_protobuf_read_old_messages()
    try:
        environment = import_module("smac.env").StarCraft2Env
        maps = import_module("smac.env.starcraft2.maps.smac_maps").get_smac_map_registry()
    except TypeError as error:
        if "Descriptors cannot" not in str(error):
            raise
        # Measured: pysc2 4.0.0 imports s2clientprotocol, whose messages protobuf 4 and newer refuse in their fast form.
        raise MissingDependencyError(
            f"{task} cannot load pysc2's messages with protobuf {_version('protobuf')}; set the environment variable "
            f"{PURE_PYTHON}=python before Python starts, or pip install 'protobuf<3.21'"
        ) from error
    except ImportError as error:
        raise MissingDependencyError(
            f"{task} needs {error.name or error}, which smac imports but which is not installed; "
            f"pip install {(error.name or 'pysc2').partition('.')[0]}"
        ) from error
    if name not in maps:
        offer = nearest(task, [f"smac/{known}" for known in maps])  # full names: bare ones are too short to match
        raise UnknownTaskError(f"SMAC has no map {name!r}{offer or ';'} it has {', '.join(maps)}")
    _check_game(task, name)
    return environment, maps


def smac_missing() -> str | None:
    """Return in one line what you need to install before SMAC can run, or ``None``; imports nothing."""
    try:
        _check_package("smac/NAME")
        _check_game("smac/NAME", None)
    except MissingDependencyError as missing:
        return str(missing)
    return None


def smac_names() -> list[str]:
    """List the SMAC maps in the game's folder; empty if SMAC cannot run."""
    folder = game_folder()
    if folder is None or smac_missing() is not None:
        return []
    return sorted(path.stem for path in (folder / MAPS_FOLDER).glob("*.SC2Map"))


def game_folder() -> Path | None:
    """Return the game's folder, as pysc2 does: ``SC2PATH``, else the default on Linux or macOS."""
    if os.environ.get("SC2PATH"):
        return Path(os.environ["SC2PATH"]).expanduser()
    default = {"linux": "~/StarCraftII", "darwin": "/Applications/StarCraft II"}.get(sys.platform)
    return None if default is None else Path(default).expanduser()


def prepare_pysc2(hang_timeout: float | None) -> None:
    """Parse pysc2's command-line flags, and set the seconds after which a silent game counts as crashed.

    Raises:
        InvalidValueError: if the time-out is below one second.
    """
    if hang_timeout is not None:
        check_float("hang_timeout", hang_timeout, 1.0)
    try:
        from absl import flags
    except ImportError:  # then pysc2, which needs absl, is missing too
        return
    if not flags.FLAGS.is_parsed():  # nothing else parses them: https://github.com/oxwhirl/smac/issues/126
        flags.FLAGS(["smac"])
    if hang_timeout is not None and "sc2_timeout" in flags.FLAGS:
        flags.FLAGS["sc2_timeout"].value = int(hang_timeout)


def _check_package(task: str) -> None:
    """Check that ``smac`` is oxwhirl's, without importing it: importing PyPI's takes seconds and may print."""
    if "smac.env" in sys.modules:
        return
    loaded = sys.modules.get("smac")
    if loaded is not None:
        places = list(getattr(loaded, "__path__", []))
    else:
        spec = find_spec("smac")
        places = list(spec.submodule_search_locations or []) if spec is not None else []
    if any(Path(place, "env").is_dir() for place in places):
        return
    if any(Path(place, "facade").is_dir() for place in places):
        raise MissingDependencyError(
            f"{task} needs oxwhirl's smac, but the installed smac {_version('smac')} is PyPI's, a hyper-parameter "
            f"optimiser of the same name; pip uninstall smac, then pip install {SMAC_SOURCE}"
        )
    raise MissingDependencyError(f"{task} needs oxwhirl's smac, which is not installed; pip install {SMAC_SOURCE}")


def _check_game(task: str, name: str | None) -> None:
    """Check the game's folder, its binaries, and map ``name`` or, without a name, that there are maps."""
    folder = game_folder()
    if folder is None:  # on other systems, pysc2 finds the game
        return
    hint = "the value of SC2PATH" if os.environ.get("SC2PATH") else "and SC2PATH is not set"
    if not (folder / "Versions").is_dir():
        problem = "does not contain StarCraft II" if folder.is_dir() else "is not a folder"
        raise MissingDependencyError(
            f"{task} needs StarCraft II: {folder} {problem}, {hint}; install the game from {GAME_SOURCE} and set "
            "SC2PATH to its folder"
        )
    maps = folder / MAPS_FOLDER
    has_maps = (maps / f"{name}.SC2Map").is_file() if name is not None else any(maps.glob("*.SC2Map"))
    if not has_maps:
        missing = maps / f"{name}.SC2Map" if name is not None else maps
        raise MissingDependencyError(f"{task} needs SMAC's maps: no {missing}; unpack {MAPS_SOURCE} into {maps.parent}")


def _let_protobuf_read_old_messages() -> None:
    """Select pure-Python protobuf for version 4 and newer, unless loaded: the fast one refuses pysc2's messages."""
    major = _version("protobuf").partition(".")[0]
    if "google.protobuf" not in sys.modules and major.isdigit() and int(major) >= 4:
        os.environ.setdefault(PURE_PYTHON, "python")


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "(unknown version)"
