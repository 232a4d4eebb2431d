"""Algorithms, each defined as a list of phases in its own file; :data:`ALGORITHMS` lists them."""

from isa_learners.algorithms.spec import ALGORITHMS, AlgorithmSpec, PhaseContext, PhaseSpec

__all__ = ["ALGORITHMS", "AlgorithmSpec", "PhaseContext", "PhaseSpec"]
