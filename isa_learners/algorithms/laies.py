"""LAIES: PPO with rewards for effects on the external state (Liu et al., ICML 2023)."""

from __future__ import annotations

from typing import Any

from isa_learners.algorithms.spec import AlgorithmSpec, PhaseSpec

_ENEMIES = {"external": ["enemy_*.health", "enemy_*.x", "enemy_*.y"]}


def _weights(beta1: float, beta2: float, **more: float) -> dict[str, Any]:
    return {"laies": {"beta1": beta1, "beta2": beta2, **more}}


_LONG = {"anneal_steps": 4_000_000}

# The weights of the paper's code: its PPO version for 3m, 3s_vs_3z, 1c3s5z and MMM, its QMIX version for other maps.
_MAPS: dict[str, Any] = {
    "sma[cx]/*": {"laies": {**_ENEMIES, "idi_clip": 0.006}},
    "sma[cx]/3m": _weights(90.0, 0.0),
    "sma[cx]/3s_vs_3z": _weights(100.0, 0.0, **_LONG),
    "sma[cx]/1c3s5z": _weights(200.0, 2.0, clip=0.7),
    "sma[cx]/MMM": _weights(30.0, 0.0, **_LONG),
    "sma[cx]/2m_vs_1z": _weights(600.0, 2.0, clip=0.4, idi_clip=0.002, **_LONG),
    "sma[cx]/5m_vs_6m": _weights(200.0, 2.0, idi_clip=0.002, **_LONG),
    "sma[cx]/8m_vs_9m": _weights(10.0, 20.0, clip=0.7, idi_clip=0.002),
    "sma[cx]/MMM2": _weights(100.0, 2.0, idi_clip=0.002, **_LONG),
    "sma[cx]/6h_vs_8z": _weights(100.0, 2.0, idi_clip=0.002, **_LONG),
}
_PPO: dict[str, Any] = {
    "num_envs": 8,
    "epochs": 8,
    "hidden": 64,
    "lr": 5e-4,
    "gamma": 0.99,
    "gae_lambda": 0.95,
    "clip": 0.2,
    "entropy_factor": 0.001,
}

# A bullet counts about as much as the health that a shot takes from a marine.
_BULLETS = {"external": ["bullets"], "scale": 0.125, "idi_clip": 0.006, **_weights(90.0, 0.0)["laies"]}

LAIES = AlgorithmSpec(
    description="PPO with rewards for effects on the external state, defined by hand or by ISA's scope",
    phases=(PhaseSpec("train"),),
    intrinsic="laies",
    presets={
        "paper": {"*": {"ppo": _PPO}, **_MAPS},
        "fast": {"*": {"laies": {"epochs": 10, "interval": 16}}, **_MAPS, "grid/shooting": {"laies": _BULLETS}},
    },
)
