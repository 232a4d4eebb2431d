"""SMAX battles against jaxmarl's own environment driven by hand: batched, single, saved, drawn, and their ends.

One batch size for all but the single environment, and one jaxmarl environment for all eager steps: compiling is what
takes the time here.
"""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("jaxmarl")

from isa_wrappers import InfluenceScope
from isa_wrappers.arrays import to_numpy
from isa_wrappers.batch.protocol import BatchEnv
from isa_wrappers.envs import available_tasks, estimate_task_scope, make_batch, make_parallel
from isa_wrappers.envs.smax.batch import SMAXBatch
from isa_wrappers.envs.smax.game import FEATURES, MOVES, REWARDS, STOP, Battle, Seen, SMAXGame, smax_game
from isa_wrappers.envs.smax.install import jax_sees, load_jax
from isa_wrappers.envs.smax.parallel import SMAXParallelEnv
from isa_wrappers.envs.smax.render import draw_battle
from isa_wrappers.envs.smax.scenarios import SCENARIOS, UNIT_TYPES
from isa_wrappers.errors import DeviceError, InvalidValueError, MissingDependencyError, UnknownTaskError

COPIES = 24  # as many as estimate_task_scope takes for three agents
STEPS = 75  # beyond 3m's horizon of 60: every copy ends an episode
CHECKED = (0, 7, 23)
ATTACK = len(MOVES)
SINGLE = {"reward": "sparse"}
NEAR = [[10, 15], [10, 16], [10, 17], [13, 15], [13, 16], [13, 17]]
"""Six marines in reach of each other."""
FAR = [[4, 8], [4, 16], [4, 24], [28, 8], [28, 16], [28, 24]]
"""Two sides out of sight."""

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


@pytest.fixture(scope="module")
def jax():
    return load_jax()[0]


@pytest.fixture(scope="module")
def game():
    return smax_game("3m")


@pytest.fixture(scope="module")
def games(game):
    """One game a reward, on one jaxmarl environment: what that has compiled is shared."""
    made = {reward: SMAXGame("3m", reward) for reward in REWARDS}
    for other in made.values():
        other.env = game.env
    return made


def numbers(step):
    assert step.discarded is None, "no battle is ever lost"
    return {name: to_numpy(getattr(step, name)) for name in Seen._fields}


def assert_same(one, other):
    for name, value in numbers(one).items():
        np.testing.assert_array_equal(value, numbers(other)[name], err_msg=name)


def fighting(available, rng):
    """Mostly shoot together at the first enemy in reach, or wait for one; at times anything, allowed or not."""
    joint = np.full(available.shape[:-1], STOP)
    for index in np.ndindex(joint.shape):
        shots = np.flatnonzero(available[index][ATTACK:])
        if len(shots) and rng.random() < 0.95:
            joint[index] = ATTACK + shots[0]
        elif rng.random() < 0.3:
            joint[index] = rng.integers(available.shape[-1])
    return joint


@pytest.fixture(scope="module")
def played(game):
    """What the NumPy batch says over whole episodes, each step with the joint actions before it."""
    batch, rng = SMAXBatch(game, COPIES), np.random.default_rng(0)
    told = [(None, batch.reset(seed=3))]
    for _ in range(STEPS):
        joint = fighting(told[-1][1].available, rng)
        told.append((joint, batch.step(joint)))
    return told


def started(jax, env, key):
    """Reset jaxmarl's environment; as NumPy, what it gives has the types of what a step gives: one step compiles."""
    return jax.tree.map(np.asarray, env.reset(key))


class ByHand:
    """jaxmarl's environment driven by hand with one copy's keys."""

    def __init__(self, jax, game, key):
        self.jax, self.env, self.key = jax, game.env, jax.random.split(key)[0]
        self.begin(key)

    def begin(self, key):
        self.obs, self.units = started(self.jax, self.env, self.jax.random.split(key)[1])

    def shown(self, prefix=""):
        return {
            f"{prefix}obs": [self.obs[agent] for agent in self.env.agents],
            f"{prefix}state": state_by_hand(self.jax, self.env, self.units),
            f"{prefix}alive": self.units.state.unit_alive[: self.env.num_allies],
        }

    def step(self, joint):
        self.key, key_step, key_reset = self.jax.random.split(self.key, 3)
        masks = self.env.get_avail_actions(self.units)
        actions = {
            agent: int(action) if masks[agent][action] else STOP
            for agent, action in zip(self.env.agents, joint, strict=True)
        }
        self.obs, self.units, reward, done, _ = self.env.step_env(key_step, self.units, actions)
        alive = np.asarray(self.units.state.unit_alive)
        row = {
            "reward": [reward[agent] for agent in self.env.agents],
            "done": done["__all__"],
            "success": alive[: self.env.num_allies].any() and not alive[self.env.num_allies :].any(),
            **self.shown("final_"),
        }
        if done["__all__"]:
            self.begin(key_reset)
        masks = self.env.get_avail_actions(self.units)
        return {**row, **self.shown(), "available": [masks[agent] for agent in self.env.agents]}


def state_by_hand(jax, env, units):
    state = jax.tree.map(np.asarray, units.state)
    full = [np.asarray(table) for table in (env.unit_type_health, env.unit_type_weapon_cooldowns)]
    row = []
    for unit, kind in enumerate(state.unit_types):
        alive = bool(state.unit_alive[unit])
        row.append(float(state.unit_health[unit]) / full[0][kind] if alive else 0.0)
        row.append(float(state.unit_positions[unit][0]) / env.map_width)
        row.append(float(state.unit_positions[unit][1]) / env.map_height)
        row.append(min(max(float(state.unit_weapon_cooldowns[unit]) / full[1][kind], 0.0), 1.0) if alive else 0.0)
    return row


# The scenarios


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
    assert {name for name in available_tasks() if name.startswith("smax/")} == {f"smax/{name}" for name in LIMITS}


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


def test_options_reach_smax():
    game = SMAXGame("3m", walls_cause_death=False, attack_mode="random")
    assert (game.env.walls_cause_death, game.env.attack_mode) == (False, "random")


# The batch


def test_steps_are_jaxmarl_s_own(jax, game, played):
    keys = jax.random.split(jax.random.PRNGKey(3), COPIES)
    episodes = np.zeros(len(CHECKED))
    for number, copy in enumerate(CHECKED):
        hand = ByHand(jax, game, keys[copy])
        row = {**hand.shown(), **hand.shown("final_")}
        for time, (joint, step) in enumerate(played):
            row = hand.step(joint[copy]) if time else row
            for name, value in row.items():
                np.testing.assert_allclose(
                    getattr(step, name)[copy], value, rtol=1e-4, atol=1e-5, err_msg=f"{name} of {copy} at {time}"
                )
            episodes[number] += bool(row.get("done"))
    assert (episodes >= 1).all()


def test_play_has_all_ends_and_says_so(game, played):
    won = lost = deaths = 0
    for _, step in played[1:]:
        health = step.final_state.reshape(COPIES, 6, 4)[..., 0]
        allies, enemies = (health[:, :3] > 0).any(axis=1), (health[:, 3:] > 0).any(axis=1)
        np.testing.assert_array_equal(step.terminated, ~(allies & enemies))
        np.testing.assert_array_equal(step.success, allies & ~enemies)
        np.testing.assert_array_equal(step.final_alive, health[:, :3] > 0)
        assert not (step.terminated & step.truncated).any()
        for now, final in (("obs", "final_obs"), ("state", "final_state"), ("alive", "final_alive")):
            differs = (getattr(step, now) != getattr(step, final)).reshape(COPIES, -1).any(axis=1)
            assert not differs[~step.done].any()
        assert (step.state != step.final_state).any(axis=1)[step.done].all()
        assert step.alive[step.done].all()
        assert (step.state.reshape(COPIES, 6, 4)[step.done][..., [0, 3]] == [1, 0]).all()
        assert step.available[..., STOP].all()
        np.testing.assert_array_equal(step.available.sum(axis=2) == 1, ~step.alive)
        won, lost, deaths = won + step.success.sum(), lost + (~allies & enemies).sum(), deaths + (~step.alive).sum()
    assert min(won, lost, deaths) > 0, (won, lost, deaths)


def test_the_dead_keep_their_place(played):
    fallen = 0
    for (_, before), (_, after) in pairwise(played):
        was, now = before.state.reshape(-1, 4), after.final_state.reshape(-1, 4)
        dead = was[:, 0] == 0
        np.testing.assert_array_equal(now[dead], was[dead])
        assert not was[dead][:, 3].any()
        fallen += (was[dead][:, 1:3].min(axis=1) > 0).sum()  # not at a wall
    assert fallen


def test_the_state_is_within_its_bounds(played):
    states = np.stack([step.final_state for _, step in played])
    assert states.dtype == np.float32
    assert (states.min(), states.max()) == (0, 1)


def test_it_is_a_batch_env(game, played):
    batch = make_batch("smax/3m", 2)
    assert isinstance(batch, BatchEnv)
    assert batch.game is game
    assert (batch.agents, batch.num_actions, batch.horizon) == (game.agents, (8, 8, 8), 60)
    assert (batch.action_names, batch.state_names) == (game.action_names, game.state_names)
    step = played[-1][1]
    shapes = {name: value.shape[1:] for name, value in numbers(step).items()}
    assert shapes["obs"] == shapes["final_obs"] == (3, batch.obs_size)
    assert shapes["state"] == shapes["final_state"] == (batch.state_size,) == (24,)
    assert shapes["available"] == (3, 8)
    assert shapes["alive"] == shapes["final_alive"] == shapes["reward"] == (3,)
    assert shapes["terminated"] == shapes["truncated"] == shapes["success"] == ()
    kinds = {name: value.dtype for name, value in numbers(step).items()}
    floats = {"obs", "state", "reward", "final_obs", "final_state"}
    assert kinds == {name: np.float32 if name in floats else bool for name in kinds}


def test_torch_shares_memory_and_equals_numpy(game, played, monkeypatch):
    torch = pytest.importorskip("torch")
    seen, compiled = [], game.step_all
    monkeypatch.setattr(game, "step_all", lambda *args: seen.append(compiled(*args)) or seen[-1])
    batch = SMAXBatch(game, COPIES, "cpu")
    assert_same(batch.reset(seed=3), played[0][1])
    for joint, step in played[1:]:
        given = batch.step(torch.from_numpy(joint))
        assert_same(given, step)
        for theirs, name in zip(seen[-1][1], numbers(step), strict=True):
            mine = getattr(given, name)
            assert isinstance(mine, torch.Tensor)
            assert mine.data_ptr() == theirs.unsafe_buffer_pointer(), name
            assert str(mine.dtype) == f"torch.{getattr(step, name).dtype}"
    plain = SMAXBatch(game, COPIES)
    plain.reset(seed=3)
    step = plain.step(played[1][0])
    for theirs, name in zip(seen[-1][1], numbers(step), strict=True):
        assert getattr(step, name).__array_interface__["data"][0] == theirs.unsafe_buffer_pointer(), name


@pytest.mark.cuda
def test_a_batch_on_cuda(game):
    torch = pytest.importorskip("torch")
    if not (torch.cuda.is_available() and jax_sees("cuda")):
        pytest.skip("no CUDA device, or JAX sees none")
    here, there = SMAXBatch(game, COPIES, "cpu"), SMAXBatch(game, COPIES, "cuda")
    steps = [here.reset(seed=3), there.reset(seed=3)]
    for _ in range(5):
        for name in numbers(steps[1]):
            value = getattr(steps[1], name)
            assert value.device.type == "cuda"
            np.testing.assert_allclose(to_numpy(value), getattr(steps[0], name), rtol=1e-4, atol=1e-4, err_msg=name)
        joint = torch.from_numpy(np.full((COPIES, 3), STOP))
        steps = [here.step(joint), there.step(joint.cuda())]


@pytest.mark.parametrize("device", [None, "cpu"])
def test_steps_stay_as_they_were_returned(game, played, device):
    torch = pytest.importorskip("torch") if device else None
    batch, kept = SMAXBatch(game, COPIES, device), []
    batch.reset(seed=3)
    for joint, _ in played[1:30]:
        step = batch.step(torch.from_numpy(joint) if device else joint)
        kept.append((step, {name: value.copy() for name, value in numbers(step).items()}))
    for step, copies in kept:
        for name, value in numbers(step).items():
            np.testing.assert_array_equal(value, copies[name], err_msg=name)


def test_a_saved_state_goes_on_as_if_not_stopped(game, played):
    batch, half = SMAXBatch(game, COPIES), 20
    batch.reset(seed=3)
    for joint, _ in played[1 : half + 1]:
        batch.step(joint)
    saved = batch.state_dict()
    copies = {key: value.copy() for key, value in saved.items()}
    batch.step(played[1][0])  # goes on, and is put back
    for other in (batch, SMAXBatch(game, COPIES, seed=99)):
        resumed, last = other.load_state_dict(saved), played[half][1]
        for name in ("obs", "state", "available", "alive"):
            np.testing.assert_array_equal(getattr(resumed, name), getattr(last, name), err_msg=name)
        np.testing.assert_array_equal(resumed.final_state, resumed.state)
        assert not resumed.done.any()
        for joint, step in played[half + 1 :]:
            assert_same(other.step(joint), step)
    for key, value in saved.items():
        np.testing.assert_array_equal(value, copies[key], err_msg=key)


def test_seeds(game, played):
    batch = SMAXBatch(game, COPIES)
    first = batch.reset(seed=3)
    assert_same(first, played[0][1])
    assert len(np.unique(first.state, axis=0)) == COPIES
    following = batch.reset()
    assert not np.isin(following.state[:, 1], first.state[:, 1]).any()
    assert not np.isin(batch.reset(seed=4).state[:, 1], first.state[:, 1]).any()
    batch.reset(seed=3)
    assert_same(batch.reset(), following)
    assert_same(SMAXBatch(game, COPIES, seed=8).reset(), SMAXBatch(game, COPIES, seed=8).reset())


def test_a_step_is_compiled_once(game, played):
    """What goes on has the same types after a reset, a step and a load; JAX compiles for each anew."""
    batch, kinds = SMAXBatch(game, COPIES), []
    for advance in (batch.reset, lambda: batch.step(played[1][0]), lambda: batch.load_state_dict(batch.state_dict())):
        advance()
        kinds.append([(leaf.dtype, leaf.weak_type) for leaf in game.jax.tree.leaves(batch._battle)])
    assert kinds[0] == kinds[1] == kinds[2]


def test_a_batch_s_seed_is_of_its_first_episodes(game, played):
    assert_same(SMAXBatch(game, COPIES, seed=3).reset(), played[0][1])


@pytest.mark.parametrize("num_envs", [0, -1, 2.0, "3", True])
def test_bad_numbers_of_copies(game, num_envs):
    with pytest.raises(InvalidValueError, match="num_envs must be a whole number at least 1"):
        SMAXBatch(game, num_envs)


def test_absent_devices(game, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match="'cuda'"):
        SMAXBatch(game, 1, "cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    for without in (absent, lambda kind: [object()]):
        monkeypatch.setattr(game.jax, "devices", without)
        with pytest.raises(DeviceError, match="'cuda:1' was asked for but JAX sees none"):
            SMAXBatch(game, 1, "cuda:1")


def test_auto_goes_where_jax_can_go(game, monkeypatch):
    """A machine with a GPU that torch sees and a JAX made for CPUs, as ``isa-marl[smax]`` installs it."""
    torch = pytest.importorskip("torch")
    from isa_learners.runs.algorithm import resolve_device

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(game.jax, "devices", absent)
    with pytest.warns(UserWarning, match=r"torch sees a GPU and JAX none.*pip install 'jax\[cuda12\]'"):
        assert resolve_device("auto", "smax/3m") == "cpu"
    assert resolve_device("auto", "grid/unlock") == resolve_device("auto") == "cuda"
    monkeypatch.setattr(game.jax, "devices", lambda kind: [object()])
    assert resolve_device("auto", "smax/3m") == "cuda"


def absent(kind):
    raise RuntimeError(f"Unknown backend {kind}")


# Rewards and ends, from battles made for them


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


# One battle as a ParallelEnv


def single(**options):
    return SMAXParallelEnv("3m", **{**SINGLE, **options})


def chosen(env, observations, rng):
    masks = np.stack([observations[agent]["action_mask"] for agent in env.agents])
    return dict(zip(env.agents, fighting(masks, rng).tolist(), strict=True))


def test_the_single_environment_is_a_batch_of_one():
    env, batch, rng = single(), SMAXBatch(smax_game("3m", **SINGLE), 1), np.random.default_rng(0)
    team, deaths_on_the_way = env.possible_agents, 0
    step = batch.reset(seed=5)
    for episode in range(3):
        observations, infos = env.reset(seed=None if episode else 5)
        assert env.agents == team
        assert infos.keys() == observations.keys() == set(team)
        for i, agent in enumerate(team):
            np.testing.assert_array_equal(observations[agent]["observation"], step.obs[0, i])
            np.testing.assert_array_equal(observations[agent]["action_mask"], step.available[0, i])
        np.testing.assert_array_equal(env.state(), step.state[0])
        while env.agents:
            acted, before, actions = list(env.agents), env.state(), chosen(env, observations, rng)
            observations, rewards, terminated, truncated, infos = env.step(actions)
            step = batch.step(np.array([[actions.get(agent, STOP) for agent in team]]))
            over, cut = bool(step.terminated[0]), bool(step.truncated[0])
            alive = dict(zip(team, step.final_alive[0].tolist(), strict=True))
            for told in (observations, rewards, terminated, truncated, infos):
                assert list(told) == acted
            np.testing.assert_array_equal(env.state(), step.final_state[0])
            dead = (env.state().reshape(6, 4)[:, 0] == 0).reshape(2, 3).sum(axis=1)
            died = dead - (before.reshape(6, 4)[:, 0] == 0).reshape(2, 3).sum(axis=1)
            won = dead[1] == 3 and dead[0] < 3
            for agent in acted:
                i = team.index(agent)
                mask = np.eye(8, dtype=np.int8)[STOP] if over or cut else step.available[0, i]
                np.testing.assert_array_equal(observations[agent]["observation"], step.final_obs[0, i])
                np.testing.assert_array_equal(observations[agent]["action_mask"], mask)
                assert env.observation_space(agent).contains(observations[agent])
                assert rewards[agent] == pytest.approx((10 * died[1] - 5 * died[0] + 200 * won) / 230)
                assert terminated[agent] == (over or not alive[agent])
                assert truncated[agent] == (cut and alive[agent])
                ends = {"success": won, "battle_won": won, "battle_lost": over and dead[0] == 3 and dead[1] < 3}
                assert infos[agent] == {**ends, "dead_allies": dead[0], "dead_enemies": dead[1]}
                if not alive[agent]:
                    assert observations[agent]["action_mask"].tolist() == np.eye(8)[STOP].tolist()
                    deaths_on_the_way += not over and not cut
            assert env.agents == ([] if over or cut else [agent for agent in acted if alive[agent]])
    assert deaths_on_the_way


def test_seedless_resets_continue_the_stream():
    def starts(env, seed):
        rng, found = np.random.default_rng(0), []
        for number in range(4):
            observations, _ = env.reset(seed=None if number else seed)
            found.append(env.state())
            for _ in range(3):  # leaves the battle unfinished
                observations = env.step(chosen(env, observations, rng))[0]
        return np.stack(found)

    env = single()
    first = starts(env, 1)
    assert len(np.unique(first, axis=0)) == 4
    np.testing.assert_array_equal(starts(env, 1), first)
    np.testing.assert_array_equal(starts(single(), 1), first)
    assert not (starts(env, 2)[0] == first[0]).all()


def test_seeds_do_not_share_their_episodes():
    """The second episode of one seed is not the first of the next: copies are seeded in a row."""
    env = single()
    env.reset(seed=1)
    env.reset()
    second = env.state()
    env.reset(seed=2)
    assert (env.state() != second).any()


def swap(batch, **values):
    """Put values into SMAX's own state under a batch, keeping types and devices: nothing is compiled anew."""
    jax, battle = batch.game.jax, batch._battle
    state = battle.units.state
    new = {"step": state.step * 0 + values.pop("step", 1)}
    for name, value in values.items():
        leaf = getattr(state, name)
        new[name] = jax.device_put(np.broadcast_to(np.asarray(value, leaf.dtype), leaf.shape), leaf.device)
    batch._battle = battle._replace(units=battle.units.replace(state=state.replace(**new)))


@pytest.fixture
def begun_env():
    """A single environment after a first step."""
    env = single(render_mode="rgb_array")
    env.reset(seed=0)
    env.step(dict.fromkeys(env.agents, STOP))
    return env


@pytest.fixture
def won_env(begun_env):
    """A single environment right after a won battle, and what the last step said."""
    env = begun_env
    swap(env._batch, unit_health=[45, 45, 45, 0, 9, 0], unit_alive=[1, 1, 1, 0, 1, 0], unit_positions=NEAR)
    return env, env.step(dict.fromkeys(env.agents, ATTACK + 1))


def test_a_won_battle(won_env):
    env, (observations, rewards, terminated, truncated, infos) = won_env
    assert env.agents == []
    assert set(terminated.values()) == {True}
    assert set(truncated.values()) == {False}
    ends = {"success": True, "battle_won": True, "battle_lost": False}
    assert all(info == {**ends, "dead_allies": 0, "dead_enemies": 3} for info in infos.values())
    assert list(rewards.values()) == pytest.approx([210 / 230] * 3)
    assert all(obs["action_mask"].tolist() == np.eye(8)[STOP].tolist() for obs in observations.values())
    with pytest.raises(InvalidValueError, match=r"no episode of smax/3m is running; call reset\(\)"):
        env.step({})


def test_a_reset_does_not_tell_of_the_battle_before(won_env):
    _, infos = won_env[0].reset()
    ends = {"success": False, "battle_won": False, "battle_lost": False}
    assert list(infos.values()) == [{**ends, "dead_allies": 0, "dead_enemies": 0}] * 3


def test_a_reset_draws_the_new_battle(won_env):
    env, _ = won_env
    env.reset()
    np.testing.assert_array_equal(env.state().reshape(6, 4)[:, 0], np.ones(6))
    np.testing.assert_array_equal(env.render(), picture(env.state()))


def test_time_runs_out_for_the_living(begun_env):
    env, acted = begun_env, list(begun_env.agents)
    swap(env._batch, unit_health=[45, 9, 45, 45, 45, 45], unit_positions=NEAR, step=59)
    _, _, terminated, truncated, infos = env.step(dict.fromkeys(acted, STOP))
    assert list(terminated.values()) == [False, True, False]
    assert list(truncated.values()) == [True, False, True]
    assert env.agents == []
    ends = {"success": False, "battle_won": False, "battle_lost": False}
    assert infos["ally_0"] == {**ends, "dead_allies": 1, "dead_enemies": 0}


def lost_and_drawn(env):
    """The infos of a lost battle and of one in which both sides die at once."""
    for health in ([9, 0, 0, 0, 45, 45], [9, 0, 0, 0, 9, 0]):
        env.reset(seed=0)
        swap(env._batch, unit_health=health, unit_alive=np.array(health) > 0, unit_positions=NEAR)
        yield env.step(dict.fromkeys(env.agents, ATTACK + 1))[4]["ally_0"]


def test_defeat_and_draw_are_told_apart(begun_env):
    lost, drawn = lost_and_drawn(begun_env)
    ends = {"success": False, "battle_won": False, "dead_allies": 3}
    assert lost == {**ends, "battle_lost": True, "dead_enemies": 1}
    assert drawn == {**ends, "battle_lost": False, "dead_enemies": 3}


def test_before_the_first_reset():
    env = single(render_mode="rgb_array")
    for ask in (lambda: env.step({}), env.state, env.render):
        with pytest.raises(InvalidValueError, match=r"call reset\(\)"):
            ask()


@pytest.mark.parametrize(
    ("actions", "says"),
    [
        ({"ally_0": 0, "ally_2": 0}, "no action for 'ally_1'; give each agent one from 0 to 7 (north, east"),
        ({"ally_1": 8}, "action of 'ally_1' must be a whole number from 0 to 7, got 8"),
        ({"ally_1": -1}, "from 0 to 7, got -1"),
        ({"ally_1": 1.7}, "from 0 to 7, got 1.7"),
        ({"enemy_0": 0}, "'enemy_0' does not act now; agents: ally_0, ally_1, ally_2"),
        ([0, 0, 0], "actions must be a dict of agent to action, got list"),
    ],
)
def test_bad_actions(begun_env, actions, says):
    env = begun_env
    whole = actions if isinstance(actions, list) or len(actions) == 2 else dict.fromkeys(env.agents, STOP) | actions
    before = env.state()
    with pytest.raises(InvalidValueError) as caught:
        env.step(whole)
    assert says in str(caught.value)
    np.testing.assert_array_equal(env.state(), before)


def test_first_battles_without_a_seed_differ():
    first = [single(), single()]
    for env in first:
        env.reset()
    assert (first[0].state() != first[1].state()).any()


@pytest.fixture
def conformance(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "wrappers")
    import conformance

    return conformance


def own_place(env):
    """Say that every action moves its agent's own place, and an attack its target's health as well."""
    index = env.state_names.index
    dims = {}
    for agent in env.possible_agents:
        own = [index(f"{agent}.{axis}") for axis in "xy"]
        attacks = [[*own, index(f"{name.removeprefix('attack_')}.health")] for name in env.action_names[ATTACK:]]
        dims[agent] = [own] * len(MOVES) + attacks
    return InfluenceScope.from_dimensions(dims, state_size=len(env.state_names))


def test_conformance_bare_and_in_the_full_stack(conformance):
    bare = conformance.check_conformance(single, lambda env: env, cycles=65)
    assert sum(not step[0] for step in bare) == 2  # two episodes, played to their ends
    goals = conformance.visited_goals(single())

    def stack(env):
        return conformance.STACKS["full"](env, own_place(env), goals)

    conformance.check_conformance(single, stack, cycles=65, seed=1)


# Pictures


def picture(state, goal=None):
    return draw_battle(np.asarray(state).reshape(6, 4), 3, [0.375 / 32] * 6, goal)


def test_the_batch_draws_each_copy_before_its_reset(game, played):
    batch = SMAXBatch(game, COPIES)
    batch.reset(seed=3)
    ended = next(time for time, (_, step) in enumerate(played) if step.done.any())
    for joint, _ in played[1 : ended + 1]:
        batch.step(joint)
    step = played[ended][1]
    for copy in (0, int(step.done.argmax())):
        np.testing.assert_array_equal(batch.render(copy), picture(step.final_state[copy]))
    goal = np.full((6, len(FEATURES)), np.nan)
    goal[0, :3] = 0.5
    drawn = batch.render(1, goal.reshape(-1))
    np.testing.assert_array_equal(drawn, picture(step.final_state[1], goal))
    assert (drawn != batch.render(1)).any()


def test_the_single_environment_draws_where_asked():
    env = single(render_mode="rgb_array")
    env.reset(seed=0)
    np.testing.assert_array_equal(env.render(), picture(env.state()))
    env.step(dict.fromkeys(env.agents, 0))
    np.testing.assert_array_equal(env.render(), picture(env.state()))
    mute = single()
    mute.reset(seed=0)
    assert mute.render() is None


# Errors and imports


def make_two(name, **options):
    return make_batch(name, 2, **options)


@pytest.mark.parametrize("make", [make_parallel, make_two])
@pytest.mark.parametrize(
    ("name", "options", "error", "says"),
    [
        ("5m_vs_7m", {}, UnknownTaskError, ["'smax/5m_vs_7m'", "did you mean 'smax/5m_vs_6m'", "2s_vs_1sc"]),
        ("3n", {}, UnknownTaskError, ["'smax/3n'; did you mean 'smax/3m'?"]),
        ("3m", {"reward": "dence"}, InvalidValueError, ["'dence'", "dense, sparse, super_sparse"]),
        ("3m", {"horizon": 0}, InvalidValueError, ["horizon must be a whole number at least 1, got 0"]),
        ("3m", {"walls": True}, InvalidValueError, ["smax/3m has no option 'walls'", "it has reward, horizon, "]),
        ("3m", {"world_steps_per_env_stop": 4}, InvalidValueError, ["did you mean 'world_steps_per_env_step'?"]),
        ("3m", {"num_allies": 5}, InvalidValueError, ["does not take num_allies=5: the task's name sets it"]),
        ("3m", {"observation_type": "round"}, InvalidValueError, ["round"]),
    ],
)
def test_what_is_not_known_is_said_in_a_line(make, name, options, error, says):
    with pytest.raises(error) as caught:
        make(f"smax/{name}", **options)
    assert all(part in str(caught.value) for part in says)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("make", [make_parallel, make_two])
def test_lists_among_the_options(make):
    with pytest.raises(InvalidValueError, match="does not take these options"):
        make("smax/3m", attack_mode=["closest"])


def test_unknown_render_modes():
    with pytest.raises(InvalidValueError, match="render_mode must be one of rgb_array; got 'human'"):
        make_parallel("smax/3m", render_mode="human")


def test_the_horizon_is_smax_s():
    """SMAX's own name for it is not a second one."""
    with pytest.raises(InvalidValueError, match="horizon"):
        SMAXGame("3m", max_steps=10)


def test_without_jaxmarl(monkeypatch):
    monkeypatch.setitem(sys.modules, "jaxmarl.environments", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'isa-marl\[smax\]'") as caught:
        SMAXGame("3m")
    assert "\n" not in str(caught.value)


def test_importing_is_silent_and_leaves_the_streams():
    code = """
import os, sys
before = sys.stdout, sys.stderr, sys.__stdout__
from isa_wrappers.envs.smax.install import load_jax
load_jax()
assert all(one is other for one, other in zip(before, (sys.stdout, sys.stderr, sys.__stdout__)))
print(os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "false\n"


# The scope


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("name", "enemies", "own"),
    [("3m", 3, "xy"), ("8m", 8, "xy"), ("2s3z", 5, "xy"), ("2s_vs_1sc", 1, ("x", "y", "cooldown"))],
)
def test_the_scope(name, enemies, own, seed):
    """D_c is what all can shoot at, the enemies' health; an ally's own is its place, with one target its cooldown."""
    pytest.importorskip("torch")  # the presets are the learner's
    from isa_learners.runs.config_io import make_config

    task = f"smax/{name}"
    scope = estimate_task_scope(task, make_config(task, "fast").scope, seed=seed)
    assert [scope.dim_name(dim) for dim in scope.common_dims] == [f"enemy_{i}.health" for i in range(enemies)]
    for agent, dims in zip(scope.agents, scope.special_dims, strict=True):
        assert {scope.dim_name(dim) for dim in dims} == {f"{agent}.{feature}" for feature in own}
