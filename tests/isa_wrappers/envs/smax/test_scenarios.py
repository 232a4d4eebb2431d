"""Armies, figures and step limits against jaxmarl's and SMAC's tables."""

import pytest

pytest.importorskip("jaxmarl")

from isa_wrappers.envs.smax.game import smax_game
from isa_wrappers.envs.smax.scenarios import SCENARIOS, UNIT_TYPES

# limit, of github.com/oxwhirl/smac, smac_maps.py; of github.com/oxwhirl/smacv2 for its own.
LIMITS = {
    "3m": 60, "8m": 120, "25m": 150, "5m_vs_6m": 70, "8m_vs_9m": 120, "10m_vs_11m": 150, "27m_vs_30m": 180,
    "2s3z": 120, "3s5z": 150, "3s5z_vs_3s6z": 170, "3s_vs_3z": 150, "3s_vs_4z": 200, "3s_vs_5z": 250,
    "2m_vs_1z": 150, "6h_vs_8z": 150, "2s_vs_1sc": 300,
    "smacv2_5_units": 200, "smacv2_10_units": 200, "smacv2_20_units": 200,
}  # fmt: skip
# Of the scenarios that jaxmarl does not have; a name says its armies.
ARMIES = {
    "8m_vs_9m": (["marine"] * 8, ["marine"] * 9),
    "3s_vs_3z": (["stalker"] * 3, ["zealot"] * 3),
    "3s_vs_4z": (["stalker"] * 3, ["zealot"] * 4),
    "2m_vs_1z": (["marine"] * 2, ["zealot"]),
    "2s_vs_1sc": (["stalker"] * 2, ["spine_crawler"]),
}


def test_armies_are_jaxmarl_s():
    from jaxmarl.environments.smax import smax_env

    defaults = smax_env.SMAX()
    assert tuple(defaults.unit_type_names) == UNIT_TYPES
    assert smax_env.MAP_NAME_TO_SCENARIO.keys() == SCENARIOS.keys() - ARMIES.keys()
    for name, theirs in smax_env.MAP_NAME_TO_SCENARIO.items():
        ours = SCENARIOS[name]
        assert ours.units == theirs.unit_types.tolist(), name
        assert (sum(ours.allies.values()), sum(ours.enemies.values())) == (theirs.num_allies, theirs.num_enemies)
        assert theirs.smacv2_position_generation == theirs.smacv2_unit_type_generation == ours.random_units
    for name, (allies, enemies) in ARMIES.items():
        assert [SCENARIOS[name].unit_types[kind] for kind in SCENARIOS[name].units] == allies + enemies


@pytest.mark.slow
def test_figures_are_jaxmarl_s():
    """All but the crawler's, and in its battle a stalker's shot and reload."""
    from jaxmarl.environments.smax import SMAX

    what = ("velocities", "attacks", "attack_ranges", "sight_ranges", "radiuses", "health", "weapon_cooldowns")
    theirs = SMAX()
    for name, scenario in SCENARIOS.items():
        changed = set()
        for table in what:
            figures = getattr(smax_game(name).env, f"unit_type_{table}").tolist()
            assert len(figures) == len(scenario.unit_types)
            rows = zip(UNIT_TYPES, figures[:6], getattr(theirs, f"unit_type_{table}").tolist(), strict=True)
            changed |= {(unit, table) for unit, ours, default in rows if ours != default}
        assert changed == ({("stalker", "attacks"), ("stalker", "weapon_cooldowns")} if name == "2s_vs_1sc" else set())


def test_step_limits_are_smac_s():
    assert {name: scenario.max_steps for name, scenario in SCENARIOS.items()} == LIMITS


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_game_can_be_made(name):
    game, scenario = smax_game(name), SCENARIOS[name]
    allies, enemies = sum(scenario.allies.values()), sum(scenario.enemies.values())
    env = game.env
    assert game.agents == tuple(f"ally_{i}" for i in range(allies))
    assert (env.num_allies, env.num_enemies) == (allies, enemies)
    assert game.horizon == LIMITS[name]
    assert game.num_actions == len(game.action_names) == env.action_spaces["ally_0"].n == 5 + enemies
    assert game.action_names[:5] == ("north", "east", "south", "west", "stop")
    assert game.action_names[5:] == tuple(f"attack_enemy_{i}" for i in range(enemies))
    assert game.obs_size == env.observation_spaces["ally_0"].shape[0]
    units = [f"ally_{i}" for i in range(allies)] + [f"enemy_{i}" for i in range(enemies)]
    assert game.state_names == tuple(f"{unit}.{what}" for unit in units for what in ("health", "x", "y", "cooldown"))
    assert len(game.radii()) == allies + enemies
    assert smax_game(name) is game
