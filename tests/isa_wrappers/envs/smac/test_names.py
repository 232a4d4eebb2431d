"""Names and sizes of what SMAC gives as bare vectors, under every option."""

import numpy as np
import pytest
from smac_play import legal

from isa_wrappers.envs.smac.parallel import SMACParallelEnv


@pytest.mark.parametrize("options", [
    {}, {"obs_last_action": True, "obs_pathing_grid": True, "obs_terrain_height": True},
    {"obs_all_health": False, "obs_own_health": False}, {"obs_timestep_number": True, "state_timestep_number": True},
    {"state_last_action": True}, {"obs_instead_of_state": True, "obs_timestep_number": True},
])  # fmt: skip
@pytest.mark.parametrize("name", ["3m", "2s3z", "MMM"])
def test_sizes_names_and_ranges_under_every_option(stand_in, name, options):
    env = SMACParallelEnv(name, **options)
    observations, _ = env.reset(seed=1)
    for _ in range(5):
        assert env.state().dtype == np.float32
        assert env.state().shape == (len(env.state_names),) == env.state_space.shape
        assert len(set(env.state_names)) == len(env.state_names)
        assert all(env.observation_space(agent).contains(observations[agent]) for agent in env.agents)
        observations, *_ = env.step(legal(observations, env.agents))
    assert len(env.action_names) == env.action_space("ally_0").n


def test_the_state_names_say_what_is_where(stand_in):
    env = SMACParallelEnv("2s3z")
    observations, _ = env.reset(seed=2)
    game = env._game.env
    for _ in range(12):
        observations, *_ = env.step(legal(observations, env.agents))
    state = dict(zip(env.state_names, env.state(), strict=True))
    for i, unit in game.agents.items():
        assert state[f"ally_{i}.health"] == pytest.approx(unit.health / unit.health_max)
        lives = unit.health > 0
        assert state[f"ally_{i}.shield"] == pytest.approx(lives * unit.shield / unit.shield_max)
        assert not lives or state[f"ally_{i}.x"] == pytest.approx((unit.pos.x - 16) / 32)
        assert state[f"ally_{i}.cooldown"] == pytest.approx(lives * unit.weapon_cooldown / 15)
        assert state[f"ally_{i}.type_0"] == (unit.kind == "stalker")
    for i, unit in game.enemies.items():
        assert not unit.health or state[f"enemy_{i}.y"] == pytest.approx((unit.pos.y - 16) / 32)
        assert state[f"enemy_{i}.type_0"] == (unit.kind == "zealot")
    assert "enemy_0.cooldown" not in state
    assert not [name for name in env.state_names if "last" in name], "actions would enter the scope"
    timed = SMACParallelEnv("3m", state_last_action=True, state_timestep_number=True)
    assert timed.state_names[-2:] == ("ally_2.last_attack_enemy_2", "timestep")


def test_medivacs_heal_allies(stand_in):
    env = SMACParallelEnv("MMM")
    assert env.action_names[6:8] == ("attack_enemy_0_or_heal_ally_0", "attack_enemy_1_or_heal_ally_1")
    assert "ally_9.cooldown_or_energy" in env.state_names
    observations, _ = env.reset(seed=0)
    healable = np.flatnonzero(observations["ally_9"]["action_mask"]) - 6
    assert 0 < (healable >= 0).sum() < 10
    assert 9 not in healable
    assert SMACParallelEnv("3m").action_names[-1] == "attack_enemy_2"
