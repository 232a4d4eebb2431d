"""Ranges of COMA's settings, and epsilon's schedule."""

import pytest

from isa_learners.coma import ComaConfig
from isa_learners.runs.config_io import make_config
from isa_wrappers.errors import InvalidValueError


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"critic_steps": 0}, r"critic_steps must be an integer from 1 to 100000, got 0"),
        ({"epsilon_start": 1.5}, r"epsilon_start must be a number in \[0, 1\], got 1.5"),
        ({"reward": "mine"}, "reward must be one of team, own"),
        ({"fixed_shapes": "on"}, "fixed_shapes must be one of auto, always, never"),
        ({"optimizer": "sgd"}, "optimizer must be one of rmsprop, adam"),
    ],
)
def test_settings_out_of_range(settings, message):
    with pytest.raises(InvalidValueError, match=message):
        ComaConfig(**settings)


def test_epsilon_falls_linearly_and_stays():
    config = ComaConfig(epsilon_start=0.5, epsilon_end=0.1, epsilon_steps=200)
    assert [config.epsilon(steps) for steps in (0, 100, 200, 300)] == pytest.approx([0.5, 0.3, 0.1, 0.1])


def test_the_papers_preset_is_the_published_table():
    coma = make_config("smax/3m", "paper", {"algo": "coma"}).coma
    assert (coma.num_envs, coma.hidden, coma.critic_width, coma.gamma, coma.td_lambda) == (8, 64, 128, 0.99, 0.8)
    assert (coma.optimizer, coma.lr, coma.critic_lr, coma.target_interval) == ("rmsprop", 5e-4, 5e-4, 200)
    assert (coma.epsilon_start, coma.epsilon_end, coma.epsilon_steps, coma.critic_steps) == (0.5, 0.01, 100_000, None)
