"""MASER: QMIX with subgoals out of replayed episodes (Jeon et al., 2022, arXiv 2206.10607)."""

from __future__ import annotations

from isa_learners.algorithms.spec import AlgorithmSpec, PhaseSpec

MASER = AlgorithmSpec(
    description="QMIX with subgoals out of replayed episodes, and rewards for being near them",
    phases=(PhaseSpec("train"),),
    learner="q",
    fixed={"q": {"mixer": "qmix"}},
    parts=("maser",),
    # Published: a hypernetwork of one layer, one-step targets; else QMIX's.
    presets={"paper": {"*": {"q": {"hypernet_width": 0, "td_lambda": 0.0}}}},
)
