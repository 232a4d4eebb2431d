"""IPPO: the same learner on the environment's reward alone (de Witt et al., 2020, arXiv 2011.09533)."""

from __future__ import annotations

from isa_learners.algorithms.spec import AlgorithmSpec, PhaseSpec

IPPO = AlgorithmSpec(
    description="the same learner on the environment's reward alone",
    phases=(PhaseSpec("train"),),
)
