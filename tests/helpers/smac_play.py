"""SMAC battles for tests: legal joint actions, whole episodes, and which games still run."""

from __future__ import annotations

import os

import numpy as np

STOP, EAST = 1, 4


def legal(observations, agents, rng=None):
    """An allowed action of every agent: attacks where one can, else east; random with ``rng``."""
    chosen = {}
    for agent in agents:
        allowed = np.flatnonzero(observations[agent]["action_mask"])
        attacks = allowed[allowed > 5]
        if rng is not None:
            chosen[agent] = int(rng.choice(allowed))
        elif len(attacks):
            chosen[agent] = int(attacks[0])
        else:
            chosen[agent] = EAST if EAST in allowed else STOP
    return chosen


def steps_of(env, observations):
    """Play until nobody is left: who acted, and what the step said."""
    while env.agents:
        agents = list(env.agents)
        observations, *rest = env.step(legal(observations, agents))
        yield agents, observations, *rest


def play(env, observations):
    """Play an episode; all its steps."""
    return list(steps_of(env, observations))


def survivors(tmp_path):
    """Stand-ins for the game's process that still run."""
    alive = []
    for pid in map(int, (tmp_path / "pids").read_text().split()):
        try:
            os.kill(pid, 0)
            alive.append(pid)
        except ProcessLookupError:
            pass
    return alive
