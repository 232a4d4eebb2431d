"""``isa config``: every configuration key of a run with its value, source, range and meaning."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from isa_wrappers.envs import family_of
from isa_wrappers.errors import InvalidValueError

from .completion import algorithms, tasks
from .given import configured
from .json_alone import print_json
from .options import Json, Override, Preset, need_training


def config(
    env: Annotated[str, typer.Argument(help="Task name.", metavar="[ENV]", autocompletion=tasks)] = "grid/shooting",
    preset: Preset = None,
    algo: Annotated[
        str | None,
        typer.Option(help="isa (the default), or another listed by isa algorithms.", autocompletion=algorithms),
    ] = None,
    file: Annotated[Path | None, typer.Option("--config", help="YAML file with configuration keys.")] = None,
    override: Override = None,
    key: Annotated[str | None, typer.Option("--key", help="Show only keys that contain this text.")] = None,
    as_json: Json = False,
) -> None:
    """Print every configuration key of a run on ENV, with its value, source, range and meaning."""
    need_training()
    family = family_of(env)
    if ":" not in env and family.missing() is None:  # the keys of a task can be shown where its package is missing
        family.check(env)
    from isa_learners.runs.config_page import explain

    given = {} if algo is None else {"algo": algo}
    rows = explain(env, *configured(env, preset, file, given, override or []))
    rows = [row for row in rows if key is None or key in row["key"]]
    if not rows:
        raise InvalidValueError(f"--key must be part of a configuration key, got {key!r}; leave it out to see all")
    if as_json:
        print_json({"keys": rows})
        return
    table = Table("key", "value", "from", "range", "meaning", box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(escape(str(row[name])) for name in ("key", "value", "source", "range", "meaning")))
    Console(width=None if Console().is_terminal else 200).print(table)
