"""Options of the SMAC tasks: what the reward modes pay, and what is refused."""

import pytest
from smac_play import play

from isa_wrappers.envs.smac.parallel import SMACParallelEnv
from isa_wrappers.errors import InvalidValueError, UnknownTaskError


def ends(stand_in, reward, **options):
    """Rewards of the last steps of a win, a defeat and a time-out on 3m."""
    found = []
    for faults in ({"enemy_damage": 0.0}, {"ally_damage": 0.0}, {"ally_damage": 0.0, "enemy_damage": 0.0}):
        stand_in.FAULTS.clear()
        stand_in.FAULTS.update(faults)
        env = SMACParallelEnv("3m", reward=reward, **options)
        steps = play(env, env.reset(seed=0)[0])
        found.append(round(next(iter(steps[-1][2].values())), 4))
        assert reward == "dense" or not any(any(step[2].values()) for step in steps[:-1])
        env.close()
    return found


@pytest.mark.slow
def test_reward_modes(stand_in):
    scaled = 20 / (3 * 10 + 200 + 3 * 45)
    assert ends(stand_in, "super_sparse") == [1.0, -1.0, 0.0]
    assert ends(stand_in, "sparse") == [round(scaled, 4), -round(scaled, 4), 0.0]
    assert ends(stand_in, "sparse", reward_scale=False) == [1.0, -1.0, 0.0]
    won, lost, out = ends(stand_in, "dense")
    assert won > 200 * scaled
    assert (lost, out) == (0.0, 0.0)


@pytest.mark.parametrize(("options", "message"), [
    ({"name": "3n"}, "SMAC has no map '3n'; did you mean 'smac/3m'\\? it has 3m, 8m"),
    ({"reward": "spars"}, "reward must be one of dense, sparse, super_sparse; got 'spars'; did you mean"),
    ({"seed": -1}, "seed must be an integer from 0 to 4294967295, got -1"),
    ({"hang_timeout": 0.5}, "hang_timeout must be a number at least 1"),
    ({"difficulty": "11"}, "difficulty must be one of 1, 2"),
    ({"obs_last_actions": True}, "no option 'obs_last_actions'; did you mean 'obs_last_action'"),
    ({"reward_sparse": True}, "option reward_sparse is set by reward='sparse'"),
    ({"map_name": "8m"}, "option map_name is set by the task's name"),
    ({"reward": "super_sparse", "reward_scale": True}, "option reward_scale is set by another reward mode"),
])  # fmt: skip
def test_bad_options_are_named(stand_in, options, message):
    with pytest.raises((InvalidValueError, UnknownTaskError), match=message) as caught:
        SMACParallelEnv(**{"name": "3m", **options})
    assert "\n" not in str(caught.value)
