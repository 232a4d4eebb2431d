"""HAPPO: agents without shared parameters, updated one after the other (Kuba et al., 2022, arXiv 2109.11251)."""

from __future__ import annotations

from typing import Any

from isa_learners.algorithms.spec import AlgorithmSpec, PhaseSpec

# The defaults of the authors' code (HARL; Zhong et al., 2024, arXiv 2304.09870).
_PUBLISHED: dict[str, Any] = {
    "num_envs": 20,
    "rollout_steps": 200,
    "buffer_rollouts": 1,
    "epochs": 5,
    "hidden": 128,
    "lr": 5e-4,
    "gamma": 0.99,
    "clip": 0.2,
    "critic_factor": 1.0,
    "entropy_factor": 0.01,
    "huber": 10.0,
}

HAPPO = AlgorithmSpec(
    description="PPO with a policy for each agent, updated one after the other, and a critic on the global state",
    phases=(PhaseSpec("train"),),
    fixed={"ppo": {"critic": "state", "share_parameters": False, "sequential": True}},
    presets={"paper": {"*": {"ppo": _PUBLISHED}}},
)
