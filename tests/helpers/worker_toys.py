"""Environments that fail in a worker, each in its own way, and which processes are left."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
from gymnasium import spaces
from pettingzoo import ParallelEnv

from isa_wrappers.errors import InvalidValueError


class TwoPartError(Exception):
    """Does not survive pickling: it is made from two arguments and keeps one."""

    def __init__(self, what, why):
        super().__init__(f"{what} because {why}")


class Counter(ParallelEnv):
    """One agent counts its steps to 6; ``fault`` happens in the step that reaches 3, or where it says."""

    metadata = {"name": "counter"}  # noqa: RUF012
    possible_agents = ["a"]  # noqa: RUF012
    state_names = ("count",)

    def __init__(self, fault=None, once=None, game=None):
        self.agents, self.fault, self.once = [], fault, once
        if game is not None:  # a process it has started, to be found in the file ``game``
            with Path(game).open("a") as file:
                file.write(f"{subprocess.Popen(['sleep', '1000']).pid} {os.getpid()}\n")
        self.fail("make")

    def observation_space(self, agent):
        return spaces.Box(0, 10, (1,), np.float32)

    def action_space(self, agent):
        return spaces.Discrete(2)

    def state(self):
        return np.array([self.count], dtype=np.float32)

    def fail(self, place):
        how, _, where = (self.fault or "").partition(" in ")
        if not how or (where or "step") != place or (self.once is not None and Path(self.once).exists()):
            return
        if self.once is not None:
            Path(self.once).touch()
        if how == "die":
            os._exit(9)
        if how == "hang":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(1000)
        if how == "spin":  # in C, so that no other thread gets to run
            sum(range(10**15))
        if how == "mistake":
            raise InvalidValueError("count must be even, got 3")
        if how == "bug":
            raise ZeroDivisionError("division by nothing")
        if how == "odd":
            raise TwoPartError("it broke", "it could")

    def reset(self, seed=None, options=None):
        self.count = 0
        self.fail("reset")
        self.agents = ["a"]
        return {"a": self.state()}, {"a": {}}

    def step(self, actions):
        self.count += 1
        if self.count == 3:
            self.fail("step")
        over = self.count == 6
        self.agents = [] if over else ["a"]
        infos = {"a": {"success": over}}
        return {"a": self.state()}, {"a": 1.0}, {"a": over}, {"a": False}, infos


_shared = []


def shared_counter():
    """Return the same environment at each call: a mistake."""
    _shared[:] = _shared or [Counter()]
    return _shared[0]


def gone(pid, patience=5.0):
    """Tell whether a process has ended; one that nobody has collected yet has."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout
        if state.strip() in ("", "Z"):
            return True
        time.sleep(0.05)
    return False


def pids(path):
    return [int(pid) for pid in path.read_text().split()] if path.exists() else []
