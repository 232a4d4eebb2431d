"""A team that has learned to walk a corridor and to push in the room behind it, where a lamp flickers by itself."""

import numpy as np

from isa_wrappers.scope.probes import Marked

STAY, LEFT, RIGHT, PUSH = range(4)
ROOM = 12
NAMES = ("x_0", "x_1", "gate", "lamp")


def walk(steps, share, seed=0, copies=20, horizon=40):
    """Play; every action is the policy's, or, with probability ``share``, a marked uniform draw.

    Pushing in the room turns the gate by one. The lamp flickers from the 14th step of an episode on, when the team has
    come to the room: who looks at the policy's own steps finds that pushes make it flicker.
    """
    rng = np.random.default_rng(seed)
    x, gate, lamp = np.zeros((copies, 2), dtype=int), np.zeros(copies), np.zeros(copies)
    columns = [[], [], [], []]
    for time in range(steps // copies):
        since = time % horizon
        if since == 0:
            x[:], gate[:], lamp[:] = 0, 0.0, 0.0
        wanted = np.where(x >= ROOM, PUSH, RIGHT)
        policy = np.where(rng.random(x.shape) < 0.7, wanted, rng.integers(0, 4, x.shape))
        marked = rng.random(x.shape) < share
        action = np.where(marked, rng.integers(0, 4, x.shape), policy)
        before = np.column_stack([x, gate, lamp]).astype(np.float32)
        gate += ((action == PUSH) & (x >= ROOM)).sum(axis=1)
        x += 1 * ((action == RIGHT) & (x <= ROOM)) - 1 * ((action == LEFT) & (x > 0))
        lamp = np.where((since >= 14) & (rng.random(copies) < 0.5), 1.0 - lamp, lamp)
        after = np.column_stack([x, gate, lamp]).astype(np.float32)
        for column, value in zip(columns, (before, after, action, marked), strict=True):
            column.append(value)
    states, after, actions, marked = (np.concatenate(column) for column in columns)
    every = np.ones((*actions.shape, 4), dtype=bool)
    return Marked(states, after, actions, every, np.ones_like(marked), marked)
