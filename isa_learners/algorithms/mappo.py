"""MAPPO: IPPO with a critic on the global state (Yu et al., 2022, arXiv 2103.01955)."""

from __future__ import annotations

from typing import Any

from isa_learners.algorithms.spec import AlgorithmSpec, PhaseSpec

# The settings published for SMAC; a rollout of 400 steps covers several battles.
_PUBLISHED: dict[str, Any] = {
    "num_envs": 8,
    "rollout_steps": 400,
    "buffer_rollouts": 1,
    "epochs": 15,
    "hidden": 64,
    "lr": 5e-4,
    "gamma": 0.99,
    "clip": 0.2,
    "entropy_factor": 0.01,
    "huber": 10.0,
}
_CAREFUL = {"ppo": {"clip": 0.05}}

MAPPO = AlgorithmSpec(
    description="IPPO with a critic on the global state",
    phases=(PhaseSpec("train"),),
    fixed={"ppo": {"critic": "state"}},
    presets={
        "paper": {
            "*": {"ppo": _PUBLISHED},
            "sma[cx]/8m_vs_9m": _CAREFUL,
            "sma[cx]/3s_vs_5z": _CAREFUL,
            "sma[cx]/5m_vs_6m": {"ppo": {"clip": 0.05, "epochs": 10}},
        }
    },
)
