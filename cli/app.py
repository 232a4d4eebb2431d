"""The Typer application, which also turns errors into exit codes."""

from __future__ import annotations

import sys
import threading
import warnings
from typing import Annotated, Any

import typer

from isa_wrappers.errors import ISAError, one_line
from isa_wrappers.version import __version__

from . import (
    algorithms,
    check,
    compare,
    config,
    envs,
    evaluate,
    export,
    goals,
    plot,
    report,
    reproduce,
    scope,
    train,
    view,
)

USER_MISTAKE = 2
LONGEST_LINE = 2_000
# Newer Typer brings its own copy of Click, older ones import it: take the class from Typer either way.
ClickException: Any = typer.BadParameter.__mro__[2]

app = typer.Typer(
    name="isa",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"isa-marl {__version__}")
        raise typer.Exit


@app.callback()
def about(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Influence Scope of Agents: credit assignment and focused exploration for sparse multi-agent RL."""


app.command("envs")(envs.envs)
app.command("check")(check.check)
app.command("algorithms")(algorithms.algorithms)
app.command("config")(config.config)
app.command("scope")(scope.scope)
app.command("train")(train.train)
app.command("eval")(evaluate.evaluate)
app.command("export")(export.export)
app.command("goals")(goals.goals)
app.command("plot")(plot.plot)
app.command("report")(report.report)
app.command("view")(view.view)
app.command("compare")(compare.compare)
app.command("reproduce")(reproduce.reproduce)


def run(arguments: list[str]) -> int:
    """Run a command and return its exit code: 0, 2 for an error that the user can fix, or the code of a signal."""
    warnings.formatwarning = lambda message, *_, **__: f"isa: warning: {_one_line(str(message))}\n"
    for stream in (sys.stdout, sys.stderr):
        # Characters that the terminal's encoding lacks are printed as \\u.... instead of raising an error.
        if getattr(stream, "errors", None) == "strict" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    threading.excepthook = _hide_disk_errors
    command = typer.main.get_command(app)
    try:
        return command.main(args=arguments or ["--help"], prog_name="isa", standalone_mode=False) or 0
    except ClickException as error:
        return _user_error(_with_value(error))  # one line instead of Typer's box
    except ISAError as error:
        return _user_error(str(error))
    except (MemoryError, RuntimeError) as error:
        if not _out_of_memory(error):
            raise
        return _user_error(f"not enough memory; use fewer environment copies or a smaller buffer ({error})")
    except typer.Abort:
        raise KeyboardInterrupt from None


def _hide_disk_errors(failed: threading.ExceptHookArgs) -> None:
    """Hide the traceback of TensorBoard's thread on a full disk: the next value written to it raises the error."""
    if not issubclass(failed.exc_type, OSError) or "tensorboard" not in type(failed.thread).__module__:
        threading.__excepthook__(failed)


def _out_of_memory(error: Exception) -> bool:
    """Return whether memory ran out: NumPy raises a ``MemoryError``, torch on a CPU only says so in its message."""
    words = ("can't allocate memory", "out of memory")
    return isinstance(error, MemoryError) or any(word in str(error).lower() for word in words)


def _with_value(error: Any) -> str:
    """Return the parser's message with the invalid value, which newer Typer keeps in the cause."""
    message: str = error.format_message()
    details = getattr(error.__cause__, "errors", None)
    value = repr(details()[0].get("input")) if details is not None else ""
    return message if value in message else f"{message}, got {value}"


def _user_error(message: str) -> int:
    sys.stderr.write(f"isa: {_one_line(message)}\n")
    return USER_MISTAKE


def _one_line(message: str) -> str:
    line = one_line(message)
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}..."
