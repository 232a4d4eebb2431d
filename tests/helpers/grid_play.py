"""Playing batched grid tasks of two agents, on NumPy and torch."""

from dataclasses import fields

from isa_wrappers.arrays import backend, to_numpy
from isa_wrappers.batch.protocol import BatchStep


def play(env, *joints):
    """Take joint actions, each ``(action of agent 0, of agent 1)``, in every copy; return the last step."""
    for joint in joints:
        step = env.step(backend(env.device).asarray([list(joint)] * env.num_envs, device=env.device))
    return step


def numbers(step):
    told = {f.name: getattr(step, f.name) for f in fields(BatchStep)}
    return {name: to_numpy(value) for name, value in told.items() if value is not None}


def drawn(rng, available):
    """Draw among the available actions, and now and then one that is not."""
    return (rng.random(available.shape) + 0.5 * available).argmax(axis=-1)
