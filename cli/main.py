"""``isa``: the Typer application and the one place where errors become exit codes."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from typing import Any

import typer

from isa_wrappers.errors import ISAError

from . import algorithms, config, envs, evaluate, plot, scope, train

INTERRUPTED = 130
USER_MISTAKE = 2
# Newer Typer brings its own copy of Click, older ones import it: take the class from Typer either way.
ClickException: Any = typer.BadParameter.__mro__[2]

app = typer.Typer(
    name="isa",
    help="Influence Scope of Agents: credit assignment and focused exploration for sparse multi-agent RL.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("envs")(envs.envs)
app.command("algorithms")(algorithms.algorithms)
app.command("config")(config.config)
app.command("scope")(scope.scope)
app.command("train")(train.train)
app.command("eval")(evaluate.evaluate)
app.command("plot")(plot.plot)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line: exit code 0; 2 for a user's mistake, in one line; 130 on Ctrl-C; else a traceback and 1."""
    warnings.formatwarning = lambda message, *_, **__: f"isa: warning: {message}\n"
    command = typer.main.get_command(app)
    given = sys.argv[1:] if arguments is None else list(arguments)
    if "" not in sys.path:
        sys.path.insert(0, "")  # package.module:factory is looked for in the current folder too
    try:
        code = command.main(args=given or ["--help"], prog_name="isa", standalone_mode=False)
    except ClickException as error:
        code = _mistake(_with_value(error))  # Typer's own box spans lines; a mistake gets one
    except ISAError as error:
        code = _mistake(str(error))
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    sys.exit(code or 0)


def _with_value(error: Any) -> str:
    """Return the parser's message with the offending value, which newer Typer keeps in the cause."""
    message: str = error.format_message()
    details = getattr(error.__cause__, "errors", None)
    value = repr(details()[0].get("input")) if details is not None else ""
    return message if value in message else f"{message}, got {value}"


def _mistake(message: str) -> int:
    sys.stderr.write(f"isa: {' '.join(message.split())}\n")
    return USER_MISTAKE
