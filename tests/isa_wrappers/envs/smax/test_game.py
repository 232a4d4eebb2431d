"""The rules of a battle: options, ends, rewards and figures, from battles made for them."""

from itertools import pairwise

import numpy as np
import pytest
from smax_play import ATTACK, COPIES, FAR, NEAR, started

pytest.importorskip("jaxmarl")

from isa_wrappers.envs.smax.game import MOVES, STOP, Battle, SMAXGame, smax_game
from isa_wrappers.errors import InvalidValueError

pytestmark = pytest.mark.slow


def begun(jax, game, **values):
    """Begin a battle and put values into SMAX's own state."""
    key = jax.random.PRNGKey(0)
    units = started(jax, game.env, key)[1]
    new = {name: np.asarray(value, getattr(units.state, name).dtype) for name, value in values.items()}
    return Battle(key, units.replace(state=units.state.replace(**new)))


def with_health(health, **others):
    return {"unit_health": health, "unit_alive": np.asarray(health) > 0, "unit_positions": NEAR, **others}


WOUNDED = {
    "win": with_health([45, 0, 45, 0, 9, 0]),
    "defeat": with_health([9, 0, 0, 45, 45, 0]),
    "draw": with_health([9, 0, 0, 0, 9, 0]),
    "going on": with_health([45, 45, 45, 9, 45, 45], unit_weapon_cooldowns=[0, 9, 0, 0, 0, 0]),
    "both lose one": with_health([45, 9, 45, 9, 45, 45]),
    "one step left": with_health([45, 45, 45, 45, 45, 45], unit_positions=FAR, step=58),
    "time is up": with_health([45, 45, 45, 45, 45, 45], unit_positions=FAR, step=59),
    "won in the last step": with_health([45, 0, 45, 0, 9, 0], step=59),
    "drawn in the last step": with_health([9, 0, 0, 0, 9, 0], step=59),
}
"""SMAX's own state before a step."""
SHOTS = {
    **dict.fromkeys(("defeat", "one step left", "time is up"), [STOP] * 3),
    **dict.fromkeys(("going on", "both lose one"), [ATTACK] * 3),
}
"""The allies' actions; elsewhere they shoot at enemy_1."""
ENDS = {
    # terminated, truncated, success, rewards in the order of REWARDS
    "win": (True, False, True, 9 / 45 / 3 + 1, (10 + 200) / 230, 1),
    "defeat": (True, False, False, 0, -5 / 230, -1),
    "draw": (True, False, False, 9 / 45 / 3, (10 - 5) / 230, 0),
    "going on": (False, False, False, 9 / 45 / 3, 10 / 230, 0),
    "both lose one": (False, False, False, 9 / 45 / 3, (10 - 5) / 230, 0),
    "one step left": (False, False, False, 0, 0, 0),
    "time is up": (False, True, False, 0, 0, 0),
    "won in the last step": (True, False, True, 9 / 45 / 3 + 1, (10 + 200) / 230, 1),
    "drawn in the last step": (True, False, False, 9 / 45 / 3, (10 - 5) / 230, 0),
}


def stepped(jax, game, battle, joint):
    """One battle as a batch of one."""
    found = game.step_all(jax.tree.map(lambda leaf: leaf[None], battle), joint[None])
    return jax.tree.map(lambda leaf: leaf[0], found)


@pytest.mark.parametrize("case", ENDS)
def test_ends_and_rewards(jax, games, case):
    *ends, dense, sparse, super_sparse = ENDS[case]
    joint = jax.numpy.array(SHOTS.get(case, [ATTACK + 1] * 3))
    for game, reward in zip(games.values(), (dense, sparse, super_sparse), strict=True):
        after, seen = stepped(jax, game, begun(jax, game, **WOUNDED[case]), joint)
        assert [bool(end) for end in (seen.terminated, seen.truncated, seen.success)] == ends
        np.testing.assert_allclose(seen.reward, [reward] * 3, rtol=1e-5, atol=1e-7)
        assert seen.reward.dtype == np.float32
    final = np.asarray(seen.final_state).reshape(6, 4)
    np.testing.assert_array_equal(seen.final_alive, final[:3, 0] > 0)
    dead = final[:, 0] == 0
    np.testing.assert_allclose(final[dead][:, 1:3] * 32, np.array(NEAR)[dead], rtol=1e-6)
    assert not final[dead][:, 3].any()
    state = np.asarray(seen.state).reshape(6, 4)
    if any(ends):
        assert (state[:, [0, 3]] == [1, 0]).all()
        np.testing.assert_allclose(state[:, 1:3] * 32, [[8, 16]] * 3 + [[24, 16]] * 3, atol=3)  # the starting places
        assert seen.alive.all()
        assert int(after.units.state.step) == 0
        assert seen.available.sum() >= 15
    else:
        np.testing.assert_array_equal(state, final)
        np.testing.assert_array_equal(seen.alive, seen.final_alive)
        assert int(after.units.state.step) == WOUNDED[case].get("step", 0) + 1


def test_who_is_not_ready_does_not_shoot(jax, games):
    """In "going on" one of three marines has a cooldown of 9 seconds: its share is clipped to 1."""
    game, joint = games["dense"], jax.numpy.array([ATTACK + 1] * 3)
    _, seen = stepped(jax, game, begun(jax, game, **WOUNDED["going on"]), joint)
    final = np.asarray(seen.final_state).reshape(6, 4)
    assert final[1, 3] == 1
    assert 0 < final[0, 3] < 1
    assert final[4, 0] == pytest.approx(1 - 2 * 9 / 45)
    np.testing.assert_allclose(seen.reward, 2 * 9 / 45 / 3, rtol=1e-5)


def test_dense_rewards_follow_from_healths(played):
    for (_, before), (_, after) in pairwise(played):
        lost = (before.state - after.final_state).reshape(COPIES, 6, 4)[:, 3:, 0].sum(axis=1) / 3
        np.testing.assert_allclose(after.reward, np.repeat((lost + after.success)[:, None], 3, axis=1), atol=1e-5)


def test_a_forbidden_attack_is_none(jax, game):
    """Bare SMAX shoots at an enemy that comes into reach within the step."""
    enemies = [[8 + 5.1, 16], [30, 2], [30, 4]]  # of a reach of 5; it walks up and shoots back
    battle = begun(jax, game, unit_positions=[[8, 16], [2, 2], [2, 4], *enemies])
    assert not game.env.get_avail_actions(battle.units)["ally_0"][ATTACK]
    shots = dict(zip(game.env.agents, [ATTACK, STOP, STOP], strict=True))
    bare = game.env.step_env(jax.random.PRNGKey(0), battle.units, shots)[1].state.unit_health
    assert bare[3] == 45 - 9
    ours = [stepped(jax, game, battle, jax.numpy.array([action, STOP, STOP]))[1] for action in (ATTACK, STOP)]
    assert np.asarray(ours[0].state).reshape(6, 4)[3, 0] == 1
    np.testing.assert_array_equal(ours[0].state, ours[1].state)


def test_a_spine_crawler_s_figures(jax):
    env = smax_game("2s_vs_1sc").env
    key, units = jax.random.PRNGKey(0), started(jax, env, jax.random.PRNGKey(0))[1]

    def put(positions):
        return units.replace(state=units.state.replace(unit_positions=np.array(positions, np.float32)))

    def step(units, joint):
        return env.step_env(key, units, dict(zip(env.agents, joint, strict=True)))[1]

    np.testing.assert_array_equal(units.state.unit_health, [160, 160, 300])
    both = step(put([[20, 15], [20, 17], [24, 16]]), [ATTACK, ATTACK])
    assert both.state.unit_health[2] == 300 - 2 * 16
    assert sorted(both.state.unit_health[:2].tolist()) == [130, 160]
    # Shot in the first of eight moments of 1/16 s; SMAX varies a cooldown by -1 to 2 of them.
    reload = np.array([1.34, 1.34, 1.32]) - 7 / 16
    assert (both.state.unit_weapon_cooldowns >= reload - 1.01 / 16).all()
    assert (both.state.unit_weapon_cooldowns <= reload + 2.01 / 16).all()
    one = step(put([[20, 15], [20, 17], [24, 16]]), [ATTACK, STOP])
    assert one.state.unit_health[2] == 300 - 16
    # In sight but out of reach of both sides: a unit with legs would come.
    far = put([[16.9, 16], [16.9, 18], [24, 16]])
    for _ in range(4):
        far = step(far, [ATTACK, STOP])
    np.testing.assert_array_equal(far.state.unit_positions[2], [24, 16])
    np.testing.assert_array_equal(far.state.unit_health, [160, 160, 300])
    near = step(put([[17.1, 16], [2, 2], [24, 16]]), [STOP, STOP])
    np.testing.assert_array_equal(near.state.unit_health, [130, 160, 300])


def test_a_spine_crawler_is_rooted(jax):
    """A stalker that walks into it does not push it off."""
    env = smax_game("2s_vs_1sc").env
    units = started(jax, env, jax.random.PRNGKey(0))[1]
    units = units.replace(state=units.state.replace(unit_positions=np.array([[22, 16], [2, 2], [24, 16]], np.float32)))
    east = MOVES.index("east")
    units = env.step_env(jax.random.PRNGKey(0), units, {"ally_0": east, "ally_1": STOP})[1]
    np.testing.assert_array_equal(units.state.unit_positions[2], [24, 16])


@pytest.fixture(scope="module")
def walled():
    return SMAXGame("3m", border="closed")


REACH = 3.15 * 0.5
"""Cells that a marine walks in a step."""


@pytest.mark.parametrize(
    ("place", "closed"),
    [
        ((16, 16), ()),
        ((16, 32 - REACH + 0.01), ("north",)),
        ((16, 32 - REACH - 0.01), ()),
        ((32 - REACH + 0.01, 16), ("east",)),
        ((16, REACH - 0.01), ("south",)),
        ((REACH - 0.01, 16), ("west",)),
        ((0, 0), ("south", "west")),
        ((32, 40), ("north", "east")),
    ],
)
def test_a_closed_border_takes_the_moves_that_lead_over_it(jax, walled, place, closed):
    battle = begun(jax, walled, unit_positions=[place, [12, 12], [20, 12], [24, 15], [24, 16], [24, 17]])
    available = np.asarray(walled.observe(battle).available)
    moves = {name for name, allowed in zip(MOVES, available[0], strict=False) if not allowed}
    assert moves == set(closed)
    open_ = np.asarray(smax_game("3m").observe(battle).available)
    assert available[1:].tolist() == open_[1:].tolist()
    assert available[0, STOP:].tolist() == open_[0, STOP:].tolist()


def test_who_walks_north_to_a_closed_border_stays_alive_and_on_the_map(jax, walled):
    away = [[24, 3], [25, 3], [26, 3]]
    north = MOVES.index("north")
    healths = {}
    for game in (walled, smax_game("3m")):
        battle = begun(jax, game, unit_positions=[[4, 29], [6, 29], [8, 29], *away])
        for _ in range(2):
            battle, seen = stepped(jax, game, battle, jax.numpy.array([north] * 3))
        final = np.asarray(seen.final_state).reshape(6, 4)[:3]
        healths[game.border] = final[:, 0]
        assert (final[:, 2] <= 1).all()
    assert (healths["closed"] == 1).all()
    assert (healths["kills"] == 0).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"border": "wall"}, "border must be one of kills, closed; got 'wall'"),
        ({"border": "closed", "walls_cause_death": True}, "a closed border does not kill"),
        ({"boarder": "closed"}, "did you mean 'border'"),
    ],
)
def test_what_is_wrong_with_a_border_is_said(options, message):
    with pytest.raises(InvalidValueError, match=message):
        SMAXGame("3m", **options)


def test_options_reach_smax():
    game = SMAXGame("3m", walls_cause_death=False, attack_mode="random")
    assert (game.env.walls_cause_death, game.env.attack_mode) == (False, "random")


def test_the_horizon_is_smax_s():
    """SMAX's own name for it is not a second one."""
    with pytest.raises(InvalidValueError, match="horizon"):
        SMAXGame("3m", max_steps=10)
