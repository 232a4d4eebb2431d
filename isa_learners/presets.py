"""Presets as data: ``paper`` as published, ``fast`` tuned for the time to solve, ``frugal`` for environment steps.

Keys are patterns of task names; all matching patterns apply, and later ones override earlier ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from isa_wrappers.errors import InvalidValueError, check_choice


def _count_scales(scale: float) -> dict[str, dict[str, Any]]:
    """Return the scale of the cells for visit counts, for every reward that counts visits."""
    return {section: {"count_scale": scale} for section in ("count", "count_state", "count_observation", "noveld")}


_PARTICLES: dict[str, dict[str, Any]] = {
    **_count_scales(10.0),
    "ppo": {"rollout_steps": 25, "gamma": 0.95, "obs_scale": 1.0},
    "q": {"rollout_steps": 25, "gamma": 0.95, "obs_scale": 1.0},
    "coma": {"rollout_steps": 25, "gamma": 0.95, "obs_scale": 1.0},
}

# arXiv 2505.08630, Table 2: exploration and rewards use only the common segment, the enemies' health in hundredths.
_BATTLES: dict[str, dict[str, Any]] = {
    **_count_scales(100.0),
    "count": {"count_scale": 100.0, "beta1": 0.0, "beta2": 0.0},
    "goal": {"hamming": 50.0, "alpha1": 0.0, "alpha2": 0.0},
}

# More gradient steps per rollout of fewer environments, to learn more from rare wins.
_NARROW: dict[str, Any] = {"num_envs": 32, "epochs": 4, "minibatches": 4}
_WIDE: dict[str, Any] = {"num_envs": 64, "epochs": 2, "minibatches": 2}

# The scope as published: one value per joint action of the teammates, bins, a threshold of 0.3.
_PUBLISHED_SCOPE = {"transitions": 2_000, "delta": 0.3, "bin_width": 0.01, "window": 1, "estimator": "nmi_block"}

PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    # All other settings are the defaults of the configuration, which are the papers' (ISA and PPO: arXiv 2505.08630,
    # Table 2; Q-learning: arXiv 1803.11485, Appendix C.2, one gradient step per episode; COMA: the settings published
    # for StarCraft II with its authors' later program). ISA's paper does not specify how observations are scaled;
    # docs/tuning-log.md compares raw and scaled cells.
    "paper": {
        "*": {"scope": _PUBLISHED_SCOPE},
        "grid/navigation": {"ppo": {"obs_scale": 0.1}},
        "grid/shooting": {"ppo": {"obs_scale": 0.1}},
        "grid/*": {"q": {"obs_scale": 0.1}, "coma": {"obs_scale": 0.1}},
        # A force changes the position late and little: its information is 0.05, that of unreachable dimensions 0.015.
        "mpe/*": {
            **_PARTICLES,
            "scope": {"transitions": 5_000, "bin_width": 0.05, "window": 3, "delta": 0.03, "estimator": "nmi_pooled"},
        },
        # Pooled, as in the authors' code: a battle of random play lasts some 20 steps, and with blocks that small, D_c
        # of eight marines includes the enemies' cooldowns, whose fluctuations lambda would then reward.
        "sma[cx]/*": {
            **_BATTLES,
            "scope": {"estimator": "nmi_pooled"},
            "ppo": {"hidden": 64, "gamma": 0.99, "buffer_rollouts": 8},
        },
        # Rollouts as long as the limit of the map.
        "sma[cx]/2s_vs_1sc": {
            "scope": {"bin_width": 0.05, "window": 2},
            "ppo": {"rollout_steps": 300},
            "q": {"rollout_steps": 300},
            "coma": {"rollout_steps": 300},
        },
        "sma[cx]/8m": {
            "scope": {"transitions": 10_000},
            "count": {"beta2": 10.0},
            "goal": {"hamming": 10.0, "alpha2": 10.0},
            "ppo": {"lr": 2e-4, "rollout_steps": 120},
            "q": {"rollout_steps": 120},
            "coma": {"rollout_steps": 120},
        },
    },
    "fast": {
        "*": {
            # In the paper, goals are only won states.
            "goal": {"stitched": True},
            "ppo": {
                **_WIDE,
                "rollout_steps": 30,
                "buffer_rollouts": 1,
                "hidden": 32,
                "lr": 2e-3,
                "entropy_factor": 0.01,
                "obs_scale": 0.1,
            },
            # As in JaxMARL's settings for SMAX, with networks small enough for a CPU; not tuned.
            "q": {
                "num_envs": 16,
                "replay": 1_000,
                "optimizer": "adam",
                "td_lambda": 0.6,
                "target_interval": 80,
                "obs_scale": 0.1,
            },
            # More environments and fewer steps of the critic, for two CPU cores.
            "coma": {
                "num_envs": 16,
                "rollout_steps": 30,
                "optimizer": "adam",
                "critic_lr": 1e-3,
                "critic_steps": 10,
                "target_interval": 50,
                "obs_scale": 0.1,
            },
            # A table of whole states fills up, whereas the segments of a scope are short.
            "count_state": {"table_bits": 22},
            "count_observation": {"table_bits": 22},
        },
        # Every step rewards progress towards a goal, so a short horizon suffices; exploration needs a longer one.
        # At full rates, a team that wins all greedy episodes may win none some ten thousand steps later.
        "grid/*": {
            "ppo": {**_NARROW, "anneal_to": 0.1},
            "phases": {
                "explore": {"ppo": {**_WIDE, "anneal_to": 1.0}},
                "reach": {"goal": {"alpha1": 1.0}, "ppo": {"gamma": 0.8}},
            },
            "q": {"lr": 1e-3, "gamma": 0.95},
            "coma": {"entropy_factor": 0.01},
        },
        # Environments that no other entry names. Chosen in docs/tuning-log.md, judged in docs/benchmarks.md.
        "*:*": {
            "goal": {"alpha1": 1.0},
            "ppo": _NARROW,
            "phases": {"explore": {"ppo": {"entropy_factor": 0.03}}, "reach": {"ppo": {"gamma": 0.8}}},
        },
        # Shooting moves the common bullets anyway; the special part is each agent's way to its target.
        # More epochs with smaller steps: fewer environment steps, and fewer updates that spoil a policy which wins.
        "grid/shooting": {
            "phases": {"reach": {"goal": {"alpha1": 20.0}, "ppo": {"epochs": 8, "max_grad_norm": 0.5}}},
        },
        "mpe/*": _PARTICLES,
        # With less entropy, or with the paper's alpha2 of 10 on 8m, teams discover late or never that withdrawing pays
        # off.
        "smax/*": {
            **_BATTLES,
            "ppo": {
                "rollout_steps": 60,
                "hidden": 128,
                "gamma": 0.99,
                "obs_scale": 1.0,
                "lr": 1e-3,
                "epochs": 4,
                "minibatches": 8,
                "entropy_factor": 0.03,
                "anneal_to": 0.1,
            },
            "q": {"epsilon_steps": 100_000, "obs_scale": 1.0, "reward_scale": 10.0},
            "coma": {"rollout_steps": 60, "obs_scale": 1.0},
        },
        # Each environment is a StarCraft II game.
        "smac/*": {
            **_BATTLES,
            "ppo": {"num_envs": 8, "rollout_steps": 60, "hidden": 64, "gamma": 0.99, "obs_scale": 1.0, "lr": 1e-3},
            "q": {"num_envs": 8, "epsilon_steps": 100_000, "obs_scale": 1.0, "reward_scale": 10.0},
            "coma": {"num_envs": 8, "rollout_steps": 60, "obs_scale": 1.0},
            "eval_episodes": 8,
        },
        "smax/2s_vs_1sc": {
            "ppo": {"rollout_steps": 30, "gamma": 0.98, "minibatches": 4, "entropy_factor": 0.005},
        },
        # A kill yields 10 and a win 100. Once more battles are won than lost, remaining entropy hides that greedy teams
        # wait until time runs out.
        "smax/3m": {"goal": {"hamming": 10.0, "alpha2_won": 100.0}, "ppo": {"anneal_to": 0.0}},
        # With rates and entropy that fall to 0, 8m did not discover that withdrawing pays off.
        "smax/8m*": {"count": {"beta2": 10.0}, "goal": {"hamming": 10.0, "alpha2_won": 100.0}},
    },
    # Over "fast".
    "frugal": {
        "*": {"scope": {"until_certain": True}},
    },
}
BUILT_ON = {"frugal": "fast"}
"""Presets that extend another preset."""
LEARNERS_OF = {"frugal": ("ppo",)}
"""Presets for certain learners only."""


def preset_layers(
    env: str, preset: str, presets: Mapping[str, Mapping[str, Mapping[str, Any]]] = PRESETS
) -> list[Mapping[str, Any]]:
    """Return a preset's values for every pattern that matches the task; later ones override earlier ones.

    Args:
        env: task name.
        preset: name of the preset.
        presets: presets of the library or of an algorithm.

    Raises:
        InvalidValueError: for an unknown preset.
    """
    check_choice("preset", preset, PRESETS)
    names = [BUILT_ON[preset], preset] if preset in BUILT_ON else [preset]
    return [layer for name in names for pattern, layer in presets.get(name, {}).items() if fnmatchcase(env, pattern)]


def check_learner(preset: str, learner: str) -> None:
    """Check that a preset supports a learner.

    Raises:
        InvalidValueError: if it is for other learners, or unknown.
    """
    names = LEARNERS_OF.get(check_choice("preset", preset, PRESETS), (learner,))
    if learner not in names:
        raise InvalidValueError(
            f"preset {preset!r} is for learner {', '.join(names)}, but this run has {learner!r}; use 'fast' or 'paper'"
        )
