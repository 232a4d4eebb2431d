"""Tiny configurations, and algorithms of them, for the learner's tests."""

import pytest

from isa_learners.algorithms import ALGORITHMS
from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.config_io import make_config
from isa_learners.runs.scopes import scope_for

LEARNED = {
    "rnd": {"hidden": 4, "features": 3, "warmup": 2, "interval": 7},
    "noveld": {"hidden": 4, "features": 3, "warmup": 2, "interval": 7},
    "icm": {"hidden": 4, "features": 3, "warmup": 2, "interval": 7},
    "laies": {"external": [0], "hidden": 4, "interval": 7, "epochs": 2},
}
"""Settings of learned rewards; updates are out of step with rollouts."""


def tiny_config(env="grid/unlock", env_kwargs=None, **sections):
    """A run that takes seconds: one agent and one lock a step away, two environments, networks of four units.

    Its scope takes 60 steps, ten in each of 6 copies.
    """
    if env_kwargs is None:
        env_kwargs = {"num_agents": 1, "grid": 3, "targets": [[0, 1]], "horizon": 6}
    base = {
        "env_kwargs": env_kwargs,
        "device": "cpu",
        "steps": 200,
        "eval_interval": 40,
        "eval_episodes": 4,
        "checkpoint_interval": 100_000,
        "scope": {"transitions": 60, "copies": 6},
        "count": {"table_bits": 8},
        "ppo": {
            "num_envs": 2,
            "rollout_steps": 5,
            "buffer_rollouts": 1,
            "epochs": 2,
            "minibatches": 1,
            "hidden": 4,
            "anneal_to": 1.0,
            "lr": 1e-3,
        },
        "coma": {"num_envs": 2, "rollout_steps": 5, "hidden": 4, "critic_width": 4, "lr": 1e-3},
        "q": {"num_envs": 2, "rollout_steps": 5, "replay": 20, "batch": 3, "updates": 2, "hidden": 4, "lr": 1e-3},
    }
    algo = ALGORITHMS[sections.get("algo", "isa")]
    known = {"env_kwargs", "device", "steps", "eval_interval", "eval_episodes", "checkpoint_interval"}
    known.add(sections.get("learner", algo.learner))
    intrinsic = sections.get("intrinsic", algo.intrinsic)
    if intrinsic in LEARNED:
        base[intrinsic] = LEARNED[intrinsic]
        known.add(intrinsic)
    known |= set(algo.sections) | ({"scope"} if algo.needs_scope else set())
    return make_config(env, "fast", {key: value for key, value in base.items() if key in known}, sections)


def algorithm_of(**sections):
    config = tiny_config(**sections)
    return Algorithm(config, scope_for(config)[0])


def collected(algorithm, steps):
    """Collect, as PPO keeps it."""
    return algorithm.phase.learner.batch(algorithm.phase.collector.collect(steps))


def until_reach(algorithm, most=30):
    phases = [algorithm.phase]
    for _ in range(most):
        algorithm.iterate()
        if algorithm.phase is not phases[-1]:
            phases.append(algorithm.phase)
        if algorithm.phase.name == "reach":
            return phases
    pytest.fail(f"nothing won in {most} iterations")
