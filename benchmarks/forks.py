"""Commands in forks of a process that has everything imported, with limits of time and memory; for ``chaos.py``."""

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
"""Seconds a command may take before it counts as hung."""
MEMORY = 6 * 2**30
"""Bytes of address space beyond what this process has."""
MARK = "ISA_CHAOS"
"""Environment variable by which what a case has started is found."""


class FailureError(Exception):
    """What must not happen."""


class Forks:
    """Runs commands in forks of this process, which has everything imported.

    Args:
        folder: for what they write.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self, work: Callable[[], Any], name: str) -> int:
        """Fork; the child works with its output in files and leaves with its exit code."""
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
        """Return the exit code, negative for a signal."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            done, status = os.waitpid(process, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.005)
        os.killpg(process, signal.SIGKILL)
        os.waitpid(process, 0)
        raise FailureError("it hangs")

    def pause(self, process: int, seconds: float) -> None:
        """Wait so long, or until the process has ended."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            time.sleep(0.005)

    def said(self) -> str:
        return (self.folder / "err.txt").read_text(errors="replace")

    def command(self, arguments: list[str], name: str) -> int:
        """Run a command to its end: 0, or 2 with one line."""
        code = self.wait(self.start(lambda: isa(arguments), name))
        self.check_said(code, (0, 2))
        return code

    def check_said(self, code: int, allowed: tuple[int, ...]) -> None:
        err = self.said()
        if code not in allowed or "Traceback" in err or "Error" in err.split(":")[0]:
            raise FailureError(f"exit code {code}: {err[-1500:]}")
        lines = [line for line in err.splitlines() if not line.startswith("isa: warning: ")]
        if code == 2 and (len(lines) != 1 or not lines[0].startswith("isa: ")):
            raise FailureError(f"not one line: {err[-1500:]}")

    def check_gone(self, name: str) -> None:
        """Check that nothing which a case started is left."""
        end = time.monotonic() + 20
        while left := [pid for pid in Path("/proc").iterdir() if pid.name.isdigit() and _has(pid, name)]:
            if time.monotonic() > end:
                raise FailureError(f"left behind: {[(p / 'cmdline').read_text()[:80] for p in left]}")
            time.sleep(0.05)


def _has(pid: Path, name: str) -> bool:
    try:
        return f"{MARK}={name}\0".encode() in (pid / "environ").read_bytes()
    except OSError:
        return False
