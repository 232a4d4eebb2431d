"""Grid tasks by name, and playing batched ones of two agents, on NumPy and torch."""

from dataclasses import fields

import numpy as np

from isa_wrappers.arrays import backend, to_numpy
from isa_wrappers.batch.protocol import BatchStep

NAMES = ("navigation", "unlock", "shooting")
ONE_UP = {"name": "unlock", "num_agents": 1, "grid": 4, "targets": [(0, 2)]}


def play(env, *joints):
    """Take joint actions, each ``(action of agent 0, of agent 1)``, in every copy; return the last step."""
    for joint in joints:
        step = env.step(backend(env.device).asarray([list(joint)] * env.num_envs, device=env.device))
    return step


def actions_on(env, actions):
    return backend(env.device).asarray(actions, device=env.device)


def numbers(step):
    """Return a step as NumPy, to compare."""
    assert step.discarded is None, "no episode is ever lost"
    assert step.cut is None, "nobody is truncated alone"
    told = {field.name: getattr(step, field.name) for field in fields(BatchStep)}
    return {name: to_numpy(value) for name, value in told.items() if value is not None}


def assert_same(one, other):
    for name, value in numbers(one).items():
        np.testing.assert_array_equal(value, numbers(other)[name], err_msg=name)


def drawn(rng, available):
    """Draw among the available actions, and now and then one that is not."""
    return (rng.random(available.shape) + 0.5 * available).argmax(axis=-1)
