"""A small batched unlock task, what it does without wrappers, and scopes made up for it."""

from dataclasses import fields, replace

import numpy as np
import pytest

from isa_wrappers import BatchStep, BatchWrapper, GoalBuffer, InfluenceScope
from isa_wrappers.arrays import to_backend, to_numpy
from isa_wrappers.envs import make_batch

B, AGENTS, STEPS = 12, 2, 60
TARGETS = [(1, 0), (0, 2)]


def unlock(device=None, **options):
    """Two agents, two locks, three by three cells, eight steps: random play wins some and times out in others."""
    if device is not None:
        pytest.importorskip("torch")
    options = {"num_agents": AGENTS, "grid": 3, "targets": TARGETS, "horizon": 8, **options}
    return make_batch("grid/unlock", B, device=device, **options)


def apart():
    """The task's true scope: no common dimension."""
    moves = [[[], [2 * i + 1], [2 * i + 1], [2 * i], [2 * i]] for i in range(AGENTS)]
    return InfluenceScope.from_dimensions({f"agent_{i}": moves[i] for i in range(AGENTS)}, state_size=8)


def mixed():
    """A made-up scope with common dimensions {0, 3}, moved by some actions only, and special ones."""
    return InfluenceScope.from_dimensions(
        {"agent_0": [[], [1], [0], [3, 1], []], "agent_1": [[2], [0], [], [2, 3], [3]]}, state_size=8
    )


def plays(seed=0, steps=STEPS):
    """Joint actions of a random team: ``[steps, B, A]``."""
    return np.random.default_rng(seed).integers(0, 5, (steps, B, AGENTS))


def as_numpy(step):
    found = {field.name: getattr(step, field.name) for field in fields(step)}
    return BatchStep(**{name: value if value is None else to_numpy(value).copy() for name, value in found.items()})


def bare(device=None, env=None, seed=0):
    """Steps of the environment without wrappers: the one at the reset, then one a joint action."""
    env = env or unlock(device)
    return [as_numpy(env.reset(0)), *(as_numpy(env.step(to_backend(a, device))) for a in plays(seed))]


def run(env, device=None, seed=0):
    return [as_numpy(env.reset(0)), *(as_numpy(env.step(to_backend(a, device))) for a in plays(seed))]


def assert_same_step(step, other, but=()):
    for field in fields(BatchStep):
        if field.name not in but:
            np.testing.assert_array_equal(getattr(step, field.name), getattr(other, field.name), err_msg=field.name)


class Uneven(BatchWrapper):
    """Agents' rewards differ, so that a mean over them differs from any one of them."""

    def step(self, actions):
        step = self.env.step(actions)
        reward = step.reward * 1.0
        reward[:, 1] = reward[:, 1] * 3 + 0.5
        return replace(step, reward=reward)


class Dying(BatchWrapper):
    """Agent 1 is dead while agent 0 stands right of the leftmost column."""

    def _mark(self, step):
        marked = {}
        for alive, state in (("alive", step.state), ("final_alive", step.final_state)):
            marked[alive] = getattr(step, alive) & True
            marked[alive][:, 1] = state[:, 0] == 0
        return replace(step, **marked)

    def reset(self, seed=None):
        return self._mark(self.env.reset(seed))

    def step(self, actions):
        return self._mark(self.env.step(actions))


def goal_pool(device, count=40):
    """A buffer of many different goals, and the goals."""
    rng = np.random.default_rng(9)
    states = rng.integers(0, 50, (count, 8)).astype(np.float32)
    goals = GoalBuffer(8, count, device=device)
    goals.add(to_backend(states, device), to_backend(np.ones(count, dtype=bool), device))
    return goals, {tuple(row) for row in states.tolist()}


class Insisting(BatchWrapper):
    """Success is told in every step in which agent 0 stands right of the leftmost column."""

    def step(self, actions):
        step = self.env.step(actions)
        return replace(step, success=step.final_state[:, 0] > 0)
