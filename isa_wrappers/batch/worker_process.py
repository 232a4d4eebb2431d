"""What a worker process runs: copies of an environment that answer requests until nobody asks any more."""

from __future__ import annotations

import os
import signal
import threading
import time
import traceback
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

import cloudpickle  # type: ignore[import-untyped]

from isa_wrappers.batch.copies import LocalCopies
from isa_wrappers.errors import WorkerError

GRACE = 10.0
"""Seconds a process without a parent gets to close its environment."""


def serve(descriptor: int, parent: int) -> None:
    """Answer requests until the pipe closes: what a worker process runs."""
    threading.Thread(target=_die_with, args=(parent,), daemon=True).start()
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
        pass  # nobody asks any more
    finally:
        try:
            if copies is not None:
                copies.close()
        finally:
            os.killpg(os.getpgrp(), signal.SIGKILL)  # this process and whatever it has left running


def _portable(error: Exception) -> Exception:
    """Return the error itself if it survives the way to the parent, else one that says what it said."""
    with suppress(Exception):
        if str(cloudpickle.loads(cloudpickle.dumps(error))) == str(error):
            return error
    return WorkerError(f"an environment failed: {type(error).__name__}: {error}")


def _die_with(parent: int) -> None:
    """Kill this process group once the parent is gone, even if the environment hangs."""
    while os.getppid() == parent:
        time.sleep(1.0)
    time.sleep(GRACE)  # the closed pipe ends a worker that does not hang
    os.killpg(os.getpgrp(), signal.SIGKILL)
