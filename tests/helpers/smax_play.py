"""SMAX battles for tests: jaxmarl's own environment driven by hand, and joint actions that fight.

One batch size for all but the single environment, and one jaxmarl environment for all eager steps: compiling is what
takes the time here.
"""

from __future__ import annotations

import numpy as np

from isa_wrappers.arrays import to_numpy
from isa_wrappers.envs.smax.game import MOVES, STOP, BattleStep
from isa_wrappers.envs.smax.render import draw_battle

COPIES = 24  # as many as estimate_task_scope takes for three agents
STEPS = 75  # beyond 3m's horizon of 60: every copy ends an episode
ATTACK = len(MOVES)
NEAR = [[10, 15], [10, 16], [10, 17], [13, 15], [13, 16], [13, 17]]
"""Six marines in reach of each other."""
FAR = [[4, 8], [4, 16], [4, 24], [28, 8], [28, 16], [28, 24]]
"""Two sides out of sight."""


def numbers(step):
    assert step.discarded is None, "no battle is ever lost"
    return {name: to_numpy(getattr(step, name)) for name in BattleStep._fields}


def assert_same(one, other):
    for name, value in numbers(one).items():
        np.testing.assert_array_equal(value, numbers(other)[name], err_msg=name)


def fighting(available, rng):
    """Mostly shoot together at the first enemy in reach, or wait for one; at times anything, allowed or not."""
    joint = np.full(available.shape[:-1], STOP)
    for index in np.ndindex(joint.shape):
        shots = np.flatnonzero(available[index][ATTACK:])
        if len(shots) and rng.random() < 0.95:
            joint[index] = ATTACK + shots[0]
        elif rng.random() < 0.3:
            joint[index] = rng.integers(available.shape[-1])
    return joint


def started(jax, env, key):
    """Reset jaxmarl's environment; as NumPy, what it gives has the types of what a step gives: one step compiles."""
    return jax.tree.map(np.asarray, env.reset(key))


class ByHand:
    """jaxmarl's environment driven by hand with one copy's keys."""

    def __init__(self, jax, game, key):
        self.jax, self.env, self.key = jax, game.env, jax.random.split(key)[0]
        self.begin(key)

    def begin(self, key):
        self.obs, self.units = started(self.jax, self.env, self.jax.random.split(key)[1])

    def shown(self, prefix=""):
        return {
            f"{prefix}obs": [self.obs[agent] for agent in self.env.agents],
            f"{prefix}state": state_by_hand(self.jax, self.env, self.units),
            f"{prefix}alive": self.units.state.unit_alive[: self.env.num_allies],
        }

    def step(self, joint):
        self.key, key_step, key_reset = self.jax.random.split(self.key, 3)
        masks = self.env.get_avail_actions(self.units)
        actions = {
            agent: int(action) if masks[agent][action] else STOP
            for agent, action in zip(self.env.agents, joint, strict=True)
        }
        self.obs, self.units, reward, done, _ = self.env.step_env(key_step, self.units, actions)
        alive = np.asarray(self.units.state.unit_alive)
        row = {
            "reward": [reward[agent] for agent in self.env.agents],
            "done": done["__all__"],
            "success": alive[: self.env.num_allies].any() and not alive[self.env.num_allies :].any(),
            **self.shown("final_"),
        }
        if done["__all__"]:
            self.begin(key_reset)
        masks = self.env.get_avail_actions(self.units)
        return {**row, **self.shown(), "available": [masks[agent] for agent in self.env.agents]}


def state_by_hand(jax, env, units):
    state = jax.tree.map(np.asarray, units.state)
    full = [np.asarray(table) for table in (env.unit_type_health, env.unit_type_weapon_cooldowns)]
    row = []
    for unit, kind in enumerate(state.unit_types):
        alive = bool(state.unit_alive[unit])
        row.append(float(state.unit_health[unit]) / full[0][kind] if alive else 0.0)
        row.append(float(state.unit_positions[unit][0]) / env.map_width)
        row.append(float(state.unit_positions[unit][1]) / env.map_height)
        row.append(min(max(float(state.unit_weapon_cooldowns[unit]) / full[1][kind], 0.0), 1.0) if alive else 0.0)
    return row


def picture(state, goal=None):
    return draw_battle(np.asarray(state).reshape(6, 4), 3, [0.375 / 32] * 6, goal)


def absent(kind):
    raise RuntimeError(f"Unknown backend {kind}")
