"""Plans whose runs take seconds, and processes for them that have imported torch before they are started."""

import subprocess
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from cli_helpers import parent
from forked import ForkedModule

from isa_learners.experiments import local

TINY = {
    "tasks": {"grid/unlock": {"kwargs": {"num_agents": 1, "grid": 3, "targets": [[0, 1]], "horizon": 6}}},
    "variants": ["isa", "ippo"],
    "seeds": [0, 1],
    "steps": 200,
    "episodes": 8,
    "set": {
        "device": "cpu",
        "eval_interval": 40,
        "eval_episodes": 4,
        "checkpoint_interval": 40,
        "ppo": {"num_envs": 2, "rollout_steps": 5, "hidden": 4, "minibatches": 1, "anneal_to": 1.0},
    },
}
"""``scope`` and ``count`` are given per variant: IPPO has none."""
ISA = {"scope": {"transitions": 60, "copies": 6}, "count": {"table_bits": 8}}


def tiny_plan(**changes):
    """Return the plain data of a plan of four runs."""
    data = {**TINY, "variants": {"isa": {"like": "isa", "set": ISA}, "ippo": None}, **changes}
    return data


def without_areas(rows):
    """Areas are over what all runs of a task share, and not known of one run."""
    return [{**row, "area": None} for row in rows]


@contextmanager
def forked_runs():
    """Have a comparison's processes on this machine forked, which saves each of them the seconds of its imports."""

    def popen(line, *, env, stderr, **_):
        return ForkedModule(parent(), line, env, stderr)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(local, "subprocess", SimpleNamespace(**{**vars(subprocess), "Popen": popen}))
        yield
