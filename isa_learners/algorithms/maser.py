"""MASER: QMIX with subgoals from replayed episodes (Jeon et al., 2022, arXiv 2206.10607)."""

from __future__ import annotations

from isa_learners.algorithms.spec import AlgorithmSpec, PhaseSpec

MASER = AlgorithmSpec(
    description="QMIX with subgoals from replayed episodes, and rewards for approaching them",
    phases=(PhaseSpec("train"),),
    learner="q",
    fixed={"q": {"mixer": "qmix"}},
    parts=("maser",),
    # As published: a hypernetwork with one layer and one-step targets; the rest is as in QMIX.
    presets={"paper": {"*": {"q": {"hypernet_width": 0, "td_lambda": 0.0}}}},
)
