"""``isa``: where a process begins and ends. Everything heavy is imported inside, so that no Ctrl-C meets an import."""

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
"""Added to a signal's number, it is the exit code of what the signal ended: 130 for Ctrl-C, 143 for SIGTERM."""


class Ended(BaseException):
    """SIGTERM or SIGHUP: ends a command as Ctrl-C does."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave.

    Exit code 0; 2 for what the user can mend, in one line; 130 on Ctrl-C, 143 on SIGTERM, 129 on SIGHUP; 1 if nobody
    reads the output any more, or with a traceback for our own failures and those of code of others, which a last line
    names.
    """
    code = 0
    _open_what_is_closed()
    with _told_to_end():
        try:
            from .app import run

            code = run(sys.argv[1:] if arguments is None else list(arguments))
            sys.stdout.flush()
        except Ended as ended:
            code = BY_SIGNAL + ended.number
        except KeyboardInterrupt:
            code = BY_SIGNAL + signal.SIGINT
        except BrokenPipeError:
            _leave_unwritten(sys.stdout)
            code = 1  # as Click does for what is printed before the end
        except OSError as error:
            if error.errno == errno.ENOSPC:
                from .app import USER_MISTAKE

                _leave_unwritten(sys.stdout)
                sys.stderr.write(f"isa: what was to be printed cannot be written: {error.strerror}\n")
                code = USER_MISTAKE
            elif _is_told(error):
                code = 1
            else:
                raise
        except Exception as error:
            told = _signal_behind(error)
            if told is None and not _is_told(error):
                raise
            code = 1 if told is None else BY_SIGNAL + told
    sys.exit(code)


def _is_told(error: Exception) -> bool:
    """Tell what code of others raised, if it was theirs."""
    from isa_wrappers.envs.foreign_errors import tell_failure

    return tell_failure(error)


def _open_what_is_closed() -> None:
    """Send nowhere what whoever started us has closed: the work is done all the same."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            nowhere = open(os.devnull, "w")  # noqa: SIM115 - until the process ends
            setattr(sys, name, nowhere)
            setattr(sys, f"__{name}__", nowhere)


def _leave_unwritten(stream: TextIO) -> None:
    """Send the rest nowhere: Python flushes once more at exit."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _signal_behind(error: BaseException) -> int | None:
    """Return the signal that an exception was made from: Python 3.11 wraps what ends a class while it is being made."""
    cause = error.__cause__
    while cause is not None:
        if isinstance(cause, Ended):
            return cause.number
        if isinstance(cause, KeyboardInterrupt):
            return signal.SIGINT
        cause = cause.__cause__
    return None


@contextmanager
def _told_to_end() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into an exception in the main thread; what ``nohup`` ignores stays ignored."""
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
