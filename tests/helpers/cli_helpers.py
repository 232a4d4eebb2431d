"""Running the command line in this process and in one of its own, and runs of a second."""

import os
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import pytest
from forked import Forked, Parent

from isa_cli.main import main

NEAR = '{"num_agents": 1, "grid": 3, "targets": [[0, 1]], "horizon": 6}'
PPO = ["ppo.rollout_steps=5", "ppo.hidden=4", "ppo.epochs=1", "ppo.minibatches=1", "ppo.buffer_rollouts=1"]
RUN = ["eval_interval=50", "eval_episodes=4"]
ISA = ["scope.transitions=60", "scope.copies=6", "count.table_bits=8"]


def options(*pairs):
    return ["--device", "cpu", "--num-envs", 2, *(part for pair in pairs for part in ("--set", pair))]


SMALL = options(*PPO, *RUN, *ISA)
LATE = ["--set", "eval_interval=500"]
TINY = ["grid/unlock", "--kwargs", NEAR, "--steps", 200, *SMALL]
IPPO = ["--algo", "ippo", *options(*PPO, *RUN)]
TINY_FILE = ["grid/unlock", "--kwargs", NEAR, *options(*PPO, *RUN)]
TINY_IPPO = ["grid/unlock", "--kwargs", NEAR, "--steps", 200, *IPPO]


def isa(*arguments):
    """Run the command line; return its exit code."""
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    return caught.value.code


def one_line(text):
    assert text.endswith("\n")
    assert text.count("\n") == 1, text
    assert "Traceback" not in text
    return text.strip()


def of_task(env):
    """Arguments of a small run."""
    return [env, *(["--kwargs", NEAR] if env == "grid/unlock" else []), *SMALL]


def small_run(out, env, steps=200):
    """Train for a moment."""
    assert isa("train", *of_task(env), "--steps", steps, "--out", out) == 0
    return Path(out)


def contents(folder):
    """Every file below ``folder`` and what it holds."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def path_of_helpers():
    """``PYTHONPATH`` with this folder in front."""
    return os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)


def started(*arguments, **options):
    """Start ``isa`` in a process of its own, as its script does."""
    line = [sys.executable, "-P", "-c", "from isa_cli.main import main; main()", *map(str, arguments)]
    env = {**os.environ, "PYTHONPATH": path_of_helpers(), **options.pop("env", {})}
    default = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    # A shell's background jobs ignore Ctrl-C, and so would what they start.
    awake = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.default_int_handler)}
    return subprocess.Popen(line, env=env, **{**default, **awake, **options})


@cache
def parent():
    """The process that forks those of :func:`forked`: one while tests run, and it ends when they do."""
    return Parent(path_of_helpers())


def forked(*arguments, env=(), **options):
    """Start ``isa`` in a process of its own whose imports are made already: seconds less than :func:`started`."""
    whole = {**os.environ, "PYTHONPATH": path_of_helpers(), **dict(env)}
    return Forked(parent(), [str(argument) for argument in arguments], whole, **options)


def ended(process, timeout=60):
    """Wait for its end; return exit code, stdout and stderr."""
    try:
        out, err = process.communicate(timeout=timeout)
    finally:
        process.kill()
    return process.returncode, out, err


def wait_for(condition, process, seconds=60):
    """Wait until a condition holds while the process lives."""
    give_up = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < give_up, "it takes too long"
        time.sleep(0.02)
