"""Runs commands in forks of a process with all imports done, with time and memory limits; used by ``chaos.py``."""

from __future__ import annotations

import os
import random
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch

from isa_cli.main import main as isa

PATIENCE = 60.0
"""Seconds after which a command counts as hung."""
MEMORY = 6 * 2**30
"""Bytes of address space that a fork may use in addition to this process's own."""
MARK = "ISA_CHAOS"
"""Environment variable that identifies the processes started by a case."""


class FailureError(Exception):
    """A violated requirement."""


class Forks:
    """Runs commands in forks of this process, in which all imports are done.

    Args:
        folder: where the commands' output is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self, work: Callable[[], Any], name: str) -> int:
        """Run ``work`` in a fork with its output redirected to files; return the process id."""
        process = os.fork()
        if process:
            return process
        code = 1
        try:
            os.environ[MARK] = name
            os.setsid()
            for descriptor, file in ((1, "out"), (2, "err")):
                os.dup2(os.open(self.folder / f"{file}.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
            sys.stdout, sys.stderr = (open(d, "w", closefd=False) for d in (1, 2))  # noqa: SIM115
            signal.signal(signal.SIGINT, signal.default_int_handler)
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
            random.seed(0)
            np.random.seed(0)
            torch.manual_seed(0)
            work()
            code = 0
        except SystemExit as left:
            code = int(left.code or 0)
        except BaseException:
            traceback.print_exc()
        finally:
            with suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def wait(self, process: int, seconds: float = PATIENCE) -> int:
        """Wait for a process and return its exit code, negative for a signal."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            done, status = os.waitpid(process, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.005)
        os.killpg(process, signal.SIGKILL)
        os.waitpid(process, 0)
        raise FailureError(f"no exit within {seconds:g} s")

    def pause(self, process: int, seconds: float) -> None:
        """Wait for ``seconds``, or until the process has ended."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            time.sleep(0.005)

    def said(self) -> str:
        return (self.folder / "err.txt").read_text(errors="replace")

    def command(self, arguments: list[str], name: str) -> int:
        """Run a command; check that it exits with 0, or with 2 and a one-line message."""
        code = self.wait(self.start(lambda: isa(arguments), name))
        self.check_said(code, (0, 2))
        return code

    def check_said(self, code: int, allowed: tuple[int, ...]) -> None:
        err = self.said()
        if code not in allowed or "Traceback" in err or "Error" in err.split(":")[0]:
            raise FailureError(f"exit code {code}: {err[-1500:]}")
        lines = [line for line in err.splitlines() if not line.startswith("isa: warning: ")]
        if code == 2 and (len(lines) != 1 or not lines[0].startswith("isa: ")):
            raise FailureError(f"not a one-line message: {err[-1500:]}")

    def check_gone(self, name: str) -> None:
        """Check that no process started by a case is left."""
        end = time.monotonic() + 20
        while left := [pid for pid in Path("/proc").iterdir() if pid.name.isdigit() and _has(pid, name)]:
            if time.monotonic() > end:
                raise FailureError(f"processes left behind: {[(p / 'cmdline').read_text()[:80] for p in left]}")
            time.sleep(0.05)


def _has(pid: Path, name: str) -> bool:
    try:
        return f"{MARK}={name}\0".encode() in (pid / "environ").read_bytes()
    except OSError:
        return False
