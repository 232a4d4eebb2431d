"""IPPO: independent PPO on the environment's reward (de Witt et al., 2020, arXiv 2011.09533)."""

from __future__ import annotations

from isa_learners.algorithms.spec import AlgorithmSpec, PhaseSpec

IPPO = AlgorithmSpec(
    description="PPO on the environment's own reward",
    phases=(PhaseSpec("train"),),
)
