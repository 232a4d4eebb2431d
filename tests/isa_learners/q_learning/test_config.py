"""Ranges of Q-learning's settings, and epsilon's schedule."""

import pytest

from isa_learners.q_learning import QConfig
from isa_wrappers.errors import InvalidValueError


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch": 6_000}, "batch must be at most replay = 5000, got 6000"),
        ({"replay": 400}, r"replay must be at least num_envs \* \(rollout_steps \+ 2\) = 496, got 400"),
        ({"mixing_width": 8}, "mixing_width needs mixer 'qmix', this run has 'none'; got 8"),
        ({"mixer": "sum", "hypernet_width": 8}, "hypernet_width needs mixer 'qmix', this run has 'sum'"),
        ({"optimizer": "sgd"}, "optimizer must be one of rmsprop, adam; got 'sgd'"),
        ({"td_lambda": 1.5}, r"td_lambda must be a number in \[0, 1\]"),
        ({"epsilon_steps": 0}, "epsilon_steps must be an integer at least 1"),
    ],
)
def test_what_is_refused(settings, message):
    with pytest.raises(InvalidValueError, match=message):
        QConfig(**settings)


def test_widths_left_open_are_qmix_own():
    assert (QConfig(mixer="qmix").mixing_width, QConfig(mixer="qmix").hypernet_width) == (32, 64)
    assert (QConfig(mixer="sum").mixing_width, QConfig(mixer="sum").hypernet_width) == (None, None)


def test_epsilon_falls_in_a_line_and_stays():
    config = QConfig(epsilon_start=0.8, epsilon_end=0.2, epsilon_steps=1_000)
    assert [config.epsilon(steps) for steps in (0, 250, 500, 1_000, 5_000)] == pytest.approx([0.8, 0.65, 0.5, 0.2, 0.2])
