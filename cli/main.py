"""``isa``: the entry point. Heavy imports happen inside ``main``, so that Ctrl-C is handled during them too."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TextIO

BY_SIGNAL = 128
"""Added to a signal's number to get the exit code of a command that it ended: 130 for Ctrl-C, 143 for SIGTERM."""


class Ended(BaseException):
    """SIGTERM or SIGHUP: ends a command as Ctrl-C does."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit.

    The exit code is 0 on success; 2 for an error that the user can fix, printed in one line; 130 on Ctrl-C, 143 on
    SIGTERM, 129 on SIGHUP; and 1 if the output is no longer read, or with a traceback for an internal failure or a
    failure of third-party code, which the last line names.
    """
    code = 0
    _open_closed_streams()
    with _signals_as_exceptions():
        try:
            from .app import run

            code = run(sys.argv[1:] if arguments is None else list(arguments))
            sys.stdout.flush()
        except Ended as ended:
            code = BY_SIGNAL + ended.number
        except KeyboardInterrupt:
            code = BY_SIGNAL + signal.SIGINT
        except BrokenPipeError:
            _discard_output(sys.stdout)
            code = 1  # as Click does
        except OSError as error:
            if error.errno == errno.ENOSPC:
                from .app import USER_MISTAKE

                _discard_output(sys.stdout)
                sys.stderr.write(f"isa: cannot write the output: {error.strerror}\n")
                code = USER_MISTAKE
            elif _report_foreign_failure(error):
                code = 1
            else:
                raise
        except Exception as error:
            number = _signal_behind(error)
            if number is None and not _report_foreign_failure(error):
                raise
            code = 1 if number is None else BY_SIGNAL + number
    sys.exit(code)


def _report_foreign_failure(error: Exception) -> bool:
    """Report an error of third-party code; return whether it was one."""
    from isa_wrappers.envs.foreign_errors import print_failure

    return print_failure(error)


def _open_closed_streams() -> None:
    """Replace a closed stdout or stderr by the null device, so that the command still runs."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            null = open(os.devnull, "w")  # noqa: SIM115 - until the process ends
            setattr(sys, name, null)
            setattr(sys, f"__{name}__", null)


def _discard_output(stream: TextIO) -> None:
    """Discard the rest of the output: Python flushes once more at exit."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _signal_behind(error: BaseException) -> int | None:
    """Return the signal that caused an exception: Python 3.11 wraps what is raised while a class is being created."""
    cause = error.__cause__
    while cause is not None:
        if isinstance(cause, Ended):
            return cause.number
        if isinstance(cause, KeyboardInterrupt):
            return signal.SIGINT
        cause = cause.__cause__
    return None


@contextmanager
def _signals_as_exceptions() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into an exception in the main thread; signals that ``nohup`` ignores stay ignored."""
    before = {}
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, _end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, frame: FrameType | None) -> None:
    raise Ended(number)
