"""The main function of a worker process, which runs copies of an environment until the pipe closes."""

from __future__ import annotations

import os
import signal
import time
import traceback
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

import cloudpickle  # type: ignore[import-untyped]

from isa_wrappers.batch.copies import LocalCopies
from isa_wrappers.errors import WorkerError

GRACE = 5.0
"""Seconds that a process without a parent has to close its environment."""


def serve(descriptor: int, parent: int) -> None:
    """Answer requests until the pipe closes.

    Termination signals to the process group are ignored: the parent ends its workers once it has saved.

    Args:
        descriptor: file descriptor of the pipe for requests.
        parent: file descriptor of a pipe that closes with the parent.
    """
    _ignore_termination_signals()
    _kill_group_after_parent(parent, descriptor)
    pipe = Connection(descriptor)
    copies: LocalCopies | None = None
    try:
        while True:
            number, method, arguments = cloudpickle.loads(pipe.recv_bytes())
            error: Exception | None = None
            value: Any = None
            try:
                if method == "make":
                    factories, fallback, success = arguments
                    copies = LocalCopies([factory() for factory in factories], fallback, success)
                    value = copies.spec
                else:
                    value = getattr(copies, method)(*arguments)
            except Exception as caught:
                error, value = _portable(caught), traceback.format_exc()
            pipe.send_bytes(cloudpickle.dumps((number, error, value)))
    except (EOFError, OSError):
        pass  # the parent has closed the pipe
    finally:
        try:
            if copies is not None:
                copies.close()
        finally:
            os.killpg(os.getpgrp(), signal.SIGKILL)  # this process and its remaining child processes


def _portable(error: Exception) -> Exception:
    """Return the error itself if it can be pickled, else one with the same message."""
    with suppress(Exception):
        if str(cloudpickle.loads(cloudpickle.dumps(error))) == str(error):
            return error
    return WorkerError(f"an environment failed: {type(error).__name__}: {error}")


def _ignore_termination_signals() -> None:
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name)
        if signal.getsignal(number) is not signal.SIG_IGN:
            # Unlike SIG_IGN, an empty function is not inherited by games, which should obey the signals.
            signal.signal(number, lambda *_: None)


def _kill_group_after_parent(parent: int, descriptor: int) -> None:
    """Start a process that kills this group once the parent is gone, even if this process hangs.

    A thread cannot do this while other code holds the GIL. The kernel's parent-death signal would kill this process
    immediately but not its child processes, and is also sent when the thread that started the worker ends.
    """
    if os.fork():
        os.close(parent)
        return
    try:
        os.close(descriptor)  # else the parent would not notice the death of this worker
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        os.read(parent, 1)  # returns once the other end is closed
        time.sleep(GRACE)  # the closed pipe ends a worker that does not hang
        os.killpg(os.getpgrp(), signal.SIGKILL)
    finally:
        os._exit(1)
