"""Processes of the command line whose imports are made once: forked by a process that has imported torch and ISA.

What runs in one of them is what runs in an interpreter started for it: ``main`` as the installed script calls it, or a
module as ``python -m`` does, with standard streams, environment, folder and signals of its own, up to Python's exit.
What was imported before differs.
"""

import json
import os
import re
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time

IMPORTS = (
    "isa_cli.app", "isa_learners.ppo.learner", "isa_learners.runs.plots", "isa_learners.runs.trackers.tensorboard",
    "isa_learners.runs.training",
)  # fmt: skip


class Forked:
    """A process, as :class:`subprocess.Popen` tells of it; stdout and stderr are pipes of text.

    Args:
        parent: what forks it.
        arguments: of the command.
        env: its environment.
        ignored: signals it ignores from its start.
        terminal: file descriptor of a terminal for its stderr, which it closes here.
    """

    def __init__(self, parent, arguments, env, ignored=(), terminal=None):
        out, their_out = os.pipe()
        err, their_err = os.pipe() if terminal is None else (os.open(os.devnull, os.O_RDONLY), terminal)
        order = {"arguments": arguments, "env": env, "folder": os.getcwd(), "ignored": [int(one) for one in ignored]}
        self._begin(parent, order, [their_out, their_err])
        self.stdout, self.stderr = open(out), open(err)  # noqa: SIM115

    def _begin(self, parent, order, files):
        self._parent = parent
        self.pid = parent.fork(order, files)
        for file in files:
            os.close(file)

    @property
    def returncode(self):
        return self._parent.codes.get(self.pid)

    def poll(self):
        self._parent.hear(0)
        return self.returncode

    def wait(self, timeout=60):
        until = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired("isa", timeout)
            self._parent.hear(0.2)
        return self.returncode

    def communicate(self, timeout=60):
        said = {}
        readers = [
            threading.Thread(target=lambda name=name, file=file: said.update({name: file.read()}), daemon=True)
            for name, file in (("out", self.stdout), ("err", self.stderr))
        ]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader in readers:
            reader.join(timeout)
        return said["out"], said["err"]

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)


class ForkedModule(Forked):
    """A module's ``main`` as ``python -c`` calls it: as :class:`subprocess.Popen` starts a run of a comparison.

    Args:
        parent: what forks it.
        line: what an interpreter would be started with.
        env: its environment.
        stderr: file that takes what it says.
    """

    def __init__(self, parent, line, env, stderr):
        _, flag, program, *arguments = line
        assert flag == "-c"
        module = re.search(r"from ([\w.]+) import main", program)[1]
        theirs, ours = os.pipe()
        order = {"module": module, "arguments": arguments, "env": env, "folder": os.getcwd(), "ignored": []}
        self._begin(parent, order, [os.open(os.devnull, os.O_WRONLY), os.dup(stderr.fileno()), theirs])
        self.stdin = open(ours, "wb")  # noqa: SIM115


class Parent:
    """The process that forks others.

    Args:
        path: its ``PYTHONPATH``, on which this module lies.
    """

    def __init__(self, path):
        self.codes = {}
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        line = [sys.executable, "-P", "-c", f"import forked; forked.serve({theirs.fileno()})"]
        env = {**os.environ, "PYTHONPATH": path}
        self.process = subprocess.Popen(line, env=env, pass_fds=[theirs.fileno()], start_new_session=True)
        theirs.close()
        self._socket, self._begun = ours, []

    def fork(self, order, files):
        socket.send_fds(self._socket, [json.dumps(order).encode()], files)
        while not self._begun:
            self.hear(60)
        return self._begun.pop()

    def hear(self, seconds):
        """Take what it has said, waiting for it at most so long."""
        self._socket.settimeout(seconds)
        try:
            said = self._socket.recv(65536)
        except (BlockingIOError, TimeoutError):
            return
        if not said:
            raise RuntimeError("the process that forks others has ended")
        pid, code = json.loads(said)
        if code is None:
            self._begun.append(pid)
        else:
            self.codes[pid] = code


def serve(number):
    """Fork a process for each order that comes, and tell of its beginning and end, until nobody is there to order."""
    for name in IMPORTS:
        __import__(name)
    orders = socket.socket(fileno=number)
    chosen = selectors.DefaultSelector()
    chosen.register(orders, selectors.EVENT_READ)
    while True:
        for key, _ in chosen.select():
            if key.fileobj is not orders:
                _, status = os.waitpid(key.data, 0)
                chosen.unregister(key.fd)
                os.close(key.fd)
                orders.send(json.dumps([key.data, os.waitstatus_to_exitcode(status)]).encode())
                continue
            said, files, _, _ = socket.recv_fds(orders, 2**20, 3)
            if not said:
                return
            pid = os.fork()
            if pid == 0:
                orders.close()
                chosen.close()
                become(json.loads(said), files)
                return  # to Python's own exit
            for file in files:
                os.close(file)
            chosen.register(os.pidfd_open(pid), selectors.EVENT_READ, pid)
            orders.send(json.dumps([pid, None]).encode())


def become(order, files):
    """Be the process that was ordered."""
    files = [*files, os.open(os.devnull, os.O_RDONLY)][:3]
    for target, file in zip((1, 2, 0), files, strict=True):
        os.dup2(file, target)
        os.close(file)
    os.environ.clear()
    os.environ.update(order["env"])
    os.chdir(order["folder"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for one in order["ignored"]:
        signal.signal(one, signal.SIG_IGN)
    sys.argv = ["isa", *order["arguments"]]
    if "module" in order:
        runpy.run_module(order["module"], run_name="__main__", alter_sys=True)
        return
    from isa_cli.main import main

    main()
