"""Each bad value is refused by name."""

import math
from dataclasses import FrozenInstanceError, fields

import pytest

from isa_learners.config import RunConfig
from isa_learners.ppo import PPOConfig
from isa_learners.q_learning import QConfig
from isa_wrappers.config import CountConfig, GoalConfig, ScopeConfig
from isa_wrappers.errors import InvalidValueError

BAD = {
    PPOConfig: {
        "critic": ["both", None],
        "share_parameters": [1, "no", None],
        "bonus_head": [1, "no", None],
        "bonus_gamma": [-0.1, 1.1, math.nan, "1", None],
        "sequential": [1, "no", None],
        "huber": [-1.0, math.inf],
        **{
            name: [0, -1, 2.5, "8", None, True]
            for name in ("num_envs", "rollout_steps", "buffer_rollouts", "epochs", "minibatches", "hidden")
        },
        **{name: [0.0, -1e-3, math.nan, math.inf, "1e-3"] for name in ("lr", "adam_eps", "max_grad_norm", "clip")},
        "network": ["", 3, None],
        "layers": [64, "wide", None],
        "normalize_obs": [1, "yes", None],
        "bf16": [1, "yes", None],
        "fixed_shapes": ["on", None],
        "obs_scale": [0, -1, math.nan],
        "gamma": [-0.1, 1.1, math.nan],
        **{name: [-0.1, 1.1, math.nan] for name in ("gae_lambda", "dead_lambda")},
        "anneal_to": [-0.1, 1.1, math.nan],
        "critic_factor": [-0.1, math.inf],
        "entropy_factor": [-0.1, math.nan],
    },
    RunConfig: {
        **{
            name: [0, -5, 1.5, True]
            for name in ("steps", "threads", "eval_interval", "eval_episodes", "checkpoint_interval")
        },
        "seed": [-1, 2**31, 0.5],
        "device": ["gpu", "cuda:", "cuda:-1"],
        "env_kwargs": [
            {"num_envs": 3},
            {"device": "cpu"},
            {"name": "unlock"},
            {"state_fallback": 1},
            {"success_rule": "won"},
        ],
        "state_fallback": ["obs", ""],
    },
    QConfig: {
        "num_envs": [0],
        "rollout_steps": [0],
        "replay": [0, 2.5],
        "episode_steps": [0, "long"],
        "batch": [0],
        "updates": [0],
        "hidden": [0],
        "optimizer": ["sgd", None],
        "lr": [0.0, math.nan],
        "optimizer_eps": [0.0],
        "gamma": [-0.1, 1.1],
        "td_lambda": [1.5],
        "double_q": [1],
        "target_interval": [0],
        "epsilon_start": [1.1],
        "epsilon_end": [-0.1],
        "epsilon_steps": [0],
        "max_grad_norm": [0],
        "mixer": [3, None],
        "mixing_width": [0],
        "hypernet_width": [-1],
        "fixed_shapes": ["on", None],
        "obs_scale": [0],
        "reward_scale": [0],
    },
    ScopeConfig: {
        "transitions": [0, 2.0],
        "delta": [-0.1, 1.0, 1.5, math.nan],
        "bin_width": [0, -1.0],
        "window": [0],
        "estimator": ["", 3],
        "threshold": ["", None],
    },
    CountConfig: {"beta1": [-1], "beta2": [-1], "count_scale": [0], "table_bits": [3, 31]},
    GoalConfig: {"alpha1": [-1], "alpha2": [-1], "hamming": [-1], "capacity": [0], "first_goals": [0, 101]},
}
CASES = [(kind, name, value) for kind, names in BAD.items() for name, values in names.items() for value in values]


@pytest.mark.parametrize(("kind", "name", "value"), CASES)
def test_a_bad_value_is_refused_by_name_and_value(kind, name, value):
    needed = {"env": "grid/unlock"} if kind is RunConfig else {}
    with pytest.raises(InvalidValueError) as caught:
        kind(**needed, **{name: value})
    message = str(caught.value)
    assert "\n" not in message
    said = next(iter(value)) if isinstance(value, dict) else name
    assert said in message
    assert (repr(next(iter(value.values()))) if isinstance(value, dict) else repr(value)) in message


@pytest.mark.parametrize("kind", [PPOConfig, QConfig])
def test_every_number_of_the_learner_is_checked(kind):
    assert {field.name for field in fields(kind)} == set(BAD[kind])


def test_no_more_minibatches_than_environments():
    assert PPOConfig(num_envs=4, buffer_rollouts=2, minibatches=8).minibatches == 8
    with pytest.raises(InvalidValueError, match=r"minibatches must be at most.*8, got 9"):
        PPOConfig(num_envs=4, buffer_rollouts=2, minibatches=9)


def test_configurations_are_frozen():
    with pytest.raises(FrozenInstanceError):
        PPOConfig().lr = 1.0
