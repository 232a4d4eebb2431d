"""Algorithms: each is a list of phases in a file of its own; :data:`ALGORITHMS` names them."""

from isa_learners.algorithms.spec import ALGORITHMS, AlgorithmSpec, PhaseContext, PhaseSpec

__all__ = ["ALGORITHMS", "AlgorithmSpec", "PhaseContext", "PhaseSpec"]
