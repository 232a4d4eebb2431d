"""The SMAC adapter over a stand-in of ``StarCraft2Env``: conformance, deaths, ends, seeds, crashes, processes."""

import gc
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from pettingzoo.test import parallel_api_test

from isa_wrappers import InfluenceScope, ScopeConfig, estimate_scope
from isa_wrappers.envs import make_parallel
from isa_wrappers.envs.smac.parallel import SMACParallelEnv
from isa_wrappers.errors import GameCrashError, InvalidValueError, UnknownTaskError
from isa_wrappers.rewards.goals import GoalBuffer
from isa_wrappers.wrappers import GoalRecording, GoalSampling, GoalSegmentReward, InfluenceCountBonus

pytestmark = pytest.mark.filterwarnings("ignore:the game of smac:RuntimeWarning")
STOP, NORTH, EAST = 1, 2, 4


def legal(observations, agents, rng=None):
    """An allowed action of every agent: attacks where one can, else east; random with ``rng``."""
    chosen = {}
    for agent in agents:
        allowed = np.flatnonzero(observations[agent]["action_mask"])
        attacks = allowed[allowed > 5]
        if rng is not None:
            chosen[agent] = int(rng.choice(allowed))
        elif len(attacks):
            chosen[agent] = int(attacks[0])
        else:
            chosen[agent] = EAST if EAST in allowed else STOP
    return chosen


def steps_of(env, observations):
    """Play until nobody is left: who acted, and what the step said."""
    while env.agents:
        agents = list(env.agents)
        observations, *rest = env.step(legal(observations, agents))
        yield agents, observations, *rest


def play(env, observations):
    """Play an episode; all its steps."""
    return list(steps_of(env, observations))


def survivors(tmp_path):
    """Stand-ins for the game's process that still run."""
    alive = []
    for pid in map(int, (tmp_path / "pids").read_text().split()):
        try:
            os.kill(pid, 0)
            alive.append(pid)
        except ProcessLookupError:
            pass
    return alive


# --- the contract ---


@pytest.mark.parametrize("name", ["3m", "2s3z", "MMM", "2s_vs_1sc"])
def test_conformance(stand_in, name):
    env = make_parallel(f"smac/{name}", seed=0)
    parallel_api_test(env, num_cycles=150)
    env.close()


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


def test_the_dead_keep_their_place_and_type(stand_in):
    """SMAC zeroes all that it says of them; a death would then move positions, and a goal ask for the map's middle."""
    env = SMACParallelEnv("2s3z")
    raw = env._game.env
    for seed in (0, 1):  # nothing of one episode is left in the next
        observations, _ = env.reset(seed=seed)
        raw, before, deaths = env._game.env, env.state(), 0
        np.testing.assert_array_equal(before, np.float32(raw.get_state()))
        for _ in steps_of(env, observations):
            after, told = env.state(), np.float32(raw.get_state())
            for unit in {name.partition(".")[0] for name in env.state_names}:
                of = {name: k for k, name in enumerate(env.state_names) if name.startswith(f"{unit}.")}
                dims = list(of.values())
                if after[of[f"{unit}.health"]] > 0:
                    np.testing.assert_array_equal(after[dims], told[dims])
                    continue
                assert not told[dims].any()
                deaths += before[of[f"{unit}.health"]] > 0
                stays = [k for name, k in of.items() if name.split(".")[1] in ("x", "y", "type_0", "type_1")]
                assert before[stays].any()
                np.testing.assert_array_equal(after[stays], before[stays])
                assert not after[sorted(set(dims) - set(stays))].any()
            before = after
        assert deaths >= 5


def test_observations_for_a_state_are_left_alone(stand_in):
    env = SMACParallelEnv("3m", obs_instead_of_state=True)
    for _ in steps_of(env, env.reset(seed=0)[0]):
        np.testing.assert_array_equal(env.state(), np.float32(env._game.env.get_state()))


def test_medivacs_heal_allies(stand_in):
    env = SMACParallelEnv("MMM")
    assert env.action_names[6:8] == ("attack_enemy_0_or_heal_ally_0", "attack_enemy_1_or_heal_ally_1")
    assert "ally_9.cooldown_or_energy" in env.state_names
    observations, _ = env.reset(seed=0)
    healable = np.flatnonzero(observations["ally_9"]["action_mask"]) - 6
    assert 0 < (healable >= 0).sum() < 10
    assert 9 not in healable
    assert SMACParallelEnv("3m").action_names[-1] == "attack_enemy_2"


def test_the_dead_leave_in_the_step_they_die(stand_in):
    stand_in.FAULTS.update(ally_damage=0.0)
    env = SMACParallelEnv("3m")
    observations, _ = env.reset(seed=0)
    deaths = 0
    for agents, seen, rewards, terminations, truncations, infos in steps_of(env, observations):
        dead = [agent for agent in agents if terminations[agent]]
        deaths += len(dead)
        assert set(seen) == set(rewards) == set(truncations) == set(infos) == set(agents)
        for agent in agents:
            health = env._game.env.get_unit_by_id(int(agent[5:])).health
            assert (agent in dead) == (health == 0), "nobody who acts next is dead"
            assert seen[agent]["action_mask"][0] == (agent in dead)
        for agent in dead:
            assert not seen[agent]["observation"].any()
            assert infos[agent]["dead_allies"] == deaths
        assert not any(truncations.values())
    assert deaths == 3
    assert env.agents == []
    assert not any(info["success"] or info["battle_won"] for info in infos.values())
    assert all(info["battle_lost"] for info in infos.values())


def test_a_win_terminates_for_everybody(stand_in):
    stand_in.FAULTS.update(enemy_damage=0.0)
    env = SMACParallelEnv("3m", reward="super_sparse")
    observations, infos = env.reset(seed=0)
    begun = {"success": False, "battle_won": False, "battle_lost": False}
    assert infos["ally_0"] == {**begun, "dead_allies": 0, "dead_enemies": 0, "crashed": False}
    steps = play(env, observations)
    _, _, rewards, terminations, truncations, infos = steps[-1]
    assert rewards == dict.fromkeys(env.possible_agents, 1.0)
    assert all(terminations.values())
    assert not any(truncations.values())
    won = {"success": True, "battle_won": True, "battle_lost": False}
    assert infos["ally_1"] == {**won, "dead_allies": 0, "dead_enemies": 3, "crashed": False}
    assert not any(step[5]["ally_0"]["success"] for step in steps[:-1])
    with pytest.raises(InvalidValueError, match="no episode of smac/3m is running; call reset"):
        env.step({})


def test_a_time_out_truncates_but_a_battle_decided_in_that_step_does_not(stand_in):
    stand_in.FAULTS.update(ally_damage=0.0, enemy_damage=0.0)
    env = SMACParallelEnv("3m", reward="super_sparse")
    env.reset(seed=0)
    for count in range(1, 61):
        _, rewards, terminations, truncations, infos = env.step(dict.fromkeys(env.agents, STOP))
        assert all(truncations.values()) == (count == 60)
        assert not any(terminations.values())
    assert env.agents == []
    assert rewards == dict.fromkeys(env.possible_agents, 0.0)
    assert not infos["ally_0"]["success"]
    assert not infos["ally_0"]["battle_lost"], "nobody has lost when time runs out"
    env.reset()
    for _ in range(59):
        env.step(dict.fromkeys(env.agents, STOP))
    for unit in env._game.env.agents.values():  # the last shot falls in the last step
        unit.health = 0.5
        for enemy in env._game.env.enemies.values():
            enemy.pos.x, enemy.pos.y = unit.pos.x, unit.pos.y
    stand_in.FAULTS.update(enemy_damage=10.0)
    for unit, enemy in zip(env._game.env.agents.values(), env._game.env.enemies.values(), strict=True):
        enemy.pos.x, enemy.pos.y, enemy.weapon_cooldown = unit.pos.x, unit.pos.y, 0.0
    _, rewards, terminations, truncations, _ = env.step(dict.fromkeys(env.agents, STOP))
    assert all(terminations.values())
    assert not any(truncations.values())
    assert rewards["ally_0"] == -1.0


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


def test_reward_modes(stand_in):
    scaled = 20 / (3 * 10 + 200 + 3 * 45)
    assert ends(stand_in, "super_sparse") == [1.0, -1.0, 0.0]
    assert ends(stand_in, "sparse") == [round(scaled, 4), -round(scaled, 4), 0.0]
    assert ends(stand_in, "sparse", reward_scale=False) == [1.0, -1.0, 0.0]
    won, lost, out = ends(stand_in, "dense")
    assert won > 200 * scaled
    assert (lost, out) == (0.0, 0.0)


# --- resets and seeds ---


def test_resets_before_a_step_do_not_touch_the_game(stand_in):
    env = SMACParallelEnv("3m")
    first, _ = env.reset(seed=0)
    for _ in range(3):
        again, _ = env.reset()
        np.testing.assert_array_equal(again["ally_1"]["observation"], first["ally_1"]["observation"])
    assert (stand_in.COUNTS["launches"], env._game.env.max_reward) == (1, 365)
    env.step(dict.fromkeys(env.agents, STOP))
    env.reset()  # in the first episode, before its end: here StarCraft2Env would launch a second game
    env.step(dict.fromkeys(env.agents, STOP))
    assert (stand_in.COUNTS["launches"], env._game.env.max_reward) == (1, 365)
    env.close()


def test_seeds_reproduce_at_the_price_of_a_launch(stand_in):
    def trace(env, seed):
        observations, _ = env.reset(seed=seed)
        rng, seen = np.random.default_rng(0), [env.state()]
        for _ in range(40):
            if not env.agents:
                observations, _ = env.reset()
            observations, *_ = env.step(legal(observations, env.agents, rng))
            seen.append(env.state())
        return np.array(seen)

    env = SMACParallelEnv("3m")
    first = trace(env, 7)
    np.testing.assert_array_equal(trace(env, 7), first)
    np.testing.assert_array_equal(trace(SMACParallelEnv("3m", seed=7), None), first)
    assert not np.array_equal(trace(env, 8), first)
    launches = stand_in.COUNTS["launches"]
    env.reset()
    assert stand_in.COUNTS["launches"] == launches
    assert env._game.env.max_reward == 365
    env.close()


# --- crashes ---


def test_a_crash_is_no_defeat(stand_in):
    stand_in.FAULTS.update(crash_at=4)
    env = SMACParallelEnv("3m", reward="super_sparse", seed=3)
    observations, _ = env.reset()
    for _ in range(3):
        observations, *_ = env.step(legal(observations, env.agents))
    state, agents = env.state(), list(env.agents)
    with pytest.warns(RuntimeWarning, match="the game of smac/3m crashed and is started again"):
        seen, rewards, terminations, truncations, infos = env.step(legal(observations, agents))
    assert (rewards, env.agents) == (dict.fromkeys(agents, 0.0), [])
    assert all(truncations.values())
    assert not any(terminations.values())
    assert infos["ally_0"]["crashed"]
    assert not infos["ally_0"]["success"]
    np.testing.assert_array_equal(seen["ally_0"]["observation"], observations["ally_0"]["observation"])
    np.testing.assert_array_equal(env.state(), state)
    with pytest.raises(InvalidValueError, match="no game of smac/3m is running"):
        env.save_replay()
    observations, infos = env.reset()
    assert env.agents == env.possible_agents
    assert not infos["ally_0"]["crashed"]
    assert env._game.env.max_reward == 365, "the reward's scale is what it was"
    assert stand_in.COUNTS["stale"] == 0, "no reset with the units of the lost game"
    assert play(env, observations)
    assert env.crashes == 1
    env.close()


def test_a_hang_and_a_launch_that_fails_are_crashes_too(stand_in, tmp_path):
    stand_in.FAULTS.update(hang_at=2, hang_s=0.01, launch_fails=0)
    env = SMACParallelEnv("3m")
    env.reset()
    env.step(dict.fromkeys(env.agents, STOP))
    stand_in.FAULTS.update(launch_fails=1)  # the one SMAC makes by itself
    *_, infos = env.step(dict.fromkeys(env.agents, STOP))
    assert infos["ally_0"]["crashed"]
    stand_in.FAULTS.update(launch_fails=1)
    env.reset()  # fails, then works
    env.step(dict.fromkeys(env.agents, STOP))
    stand_in.FAULTS.update(reset_crashes=1)
    env.reset()  # loses the game while the dead of the last battle are still there, then works
    assert not any(mask[0] for mask in env._game.env.get_avail_actions())
    assert env.crashes == 3
    env.close()
    assert survivors(tmp_path) == []


def test_a_game_that_never_starts_is_given_up(stand_in, tmp_path):
    stand_in.FAULTS.update(launch_fails=3)
    env = SMACParallelEnv("3m")
    with pytest.raises(GameCrashError, match=r"smac/3m failed 3 times in a row; last: .*Is it up") as caught:
        env.reset()
    assert "\n" not in str(caught.value)
    assert survivors(tmp_path) == []
    env.reset()
    stand_in.FAULTS.update(crash_each=1)
    for _ in range(2):
        env.step(dict.fromkeys(env.agents, STOP))
        env.reset()
    with pytest.raises(GameCrashError, match="3 times in a row"):
        env.step(dict.fromkeys(env.agents, STOP))


# --- the process ---


def test_the_game_ends_with_the_environment(stand_in, tmp_path):
    env = SMACParallelEnv("3m")
    env.reset()
    env.reset(seed=1)
    assert len(survivors(tmp_path)) == 1
    env.close()
    env.close()
    assert survivors(tmp_path) == []
    env.reset()
    env.step(dict.fromkeys(env.agents, STOP))
    del env
    gc.collect()
    assert survivors(tmp_path) == []


def test_the_game_ends_after_ctrl_c(stand_in, tmp_path, monkeypatch):
    env = SMACParallelEnv("3m")
    env.reset()

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(stand_in.Game, "advance", interrupted)
    with pytest.raises(KeyboardInterrupt):
        env.step(dict.fromkeys(env.agents, STOP))
    assert survivors(tmp_path) == []


@pytest.mark.parametrize("ending", ["pass", "raise SystemExit(3)", "1 / 0"])
def test_the_game_ends_with_the_interpreter(stand_in, tmp_path, ending):
    code = f"from isa_wrappers.envs import make_parallel\nenv = make_parallel('smac/3m')\nenv.reset()\n{ending}"
    path = os.pathsep.join(sys.path)
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, capture_output=True)
    assert len((tmp_path / "pids").read_text().split()) == 1
    assert survivors(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_game_ends_with_a_killed_process(stand_in, tmp_path, number):
    code = "from isa_wrappers.envs import make_parallel\nenv = make_parallel('smac/3m')\nenv.reset()\nprint()\ninput()"
    path = os.pathsep.join(sys.path)
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        process.stdout.readline()
        assert len(survivors(tmp_path)) == 1
        process.send_signal(number)
    until = time.monotonic() + 10
    while survivors(tmp_path) and time.monotonic() < until:
        time.sleep(0.05)
    assert survivors(tmp_path) == []


def test_replays(stand_in, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    env = SMACParallelEnv("3m", replay_dir="mine")
    with pytest.raises(InvalidValueError, match="no game of smac/3m is running; call reset"):
        env.save_replay()
    env.reset()
    env.save_replay()
    assert [path.name[:3] for path in (tmp_path / "mine").iterdir()] == ["3m_"], "not below the game's folder"
    env.close()


# --- bad input ---


def test_a_masked_action_is_named_with_its_unit(stand_in):
    env = SMACParallelEnv("3m")
    env.reset(seed=0)
    stopped = dict.fromkeys(env.agents, STOP)
    message = r"'ally_1' cannot take action 7 \(attack_enemy_1\) now; its action_mask allows 1 stop, 2 north"
    with pytest.raises(InvalidValueError, match=message):
        env.step({**stopped, "ally_1": 7})
    with pytest.raises(InvalidValueError, match=r"'ally_0' cannot take action 0 \(noop\)"):
        env.step({**stopped, "ally_0": 0})
    with pytest.raises(InvalidValueError, match="action of 'ally_2' must be a whole number from 0 to 8, got 9"):
        env.step({**stopped, "ally_2": np.int64(9)})
    with pytest.raises(InvalidValueError, match="no action for 'ally_2'"):
        env.step({"ally_0": STOP, "ally_1": STOP})
    with pytest.raises(InvalidValueError, match="'enemy_0' does not act now; agents: ally_0, ally_1, ally_2"):
        env.step({**stopped, "enemy_0": STOP})
    with pytest.raises(InvalidValueError, match="actions must be a dict"):
        env.step([STOP] * 3)
    env.step({agent: np.int64(STOP) for agent in env.agents})  # nothing was harmed
    monkey = env._game.env.get_avail_agent_actions
    env._game.env.get_avail_agent_actions = lambda i: [0] * 9
    with pytest.raises(InvalidValueError, match="smac/3m refuses these actions: Agent 0 cannot perform action 1"):
        env.step(stopped)
    env._game.env.get_avail_agent_actions = monkey
    env.close()


@pytest.mark.parametrize(("options", "message"), [
    ({"name": "3n"}, "SMAC has no map '3n'; did you mean 'smac/3m'\\?; it has 3m, 8m"),
    ({"reward": "spars"}, "reward must be one of dense, sparse, super_sparse; got 'spars'; did you mean"),
    ({"seed": -1}, "seed must be a whole number from 0 to 4294967295, got -1"),
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


def test_the_state_is_asked_for_too_early(stand_in):
    env = SMACParallelEnv("3m")
    with pytest.raises(InvalidValueError, match="no state before its first episode"):
        env.state()
    with pytest.raises(InvalidValueError, match="seed must be"):
        env.reset(seed=2**32)
    assert stand_in.COUNTS["launches"] == 0


def test_hang_timeout_reaches_pysc2s_flag(stand_in):
    flags = pytest.importorskip("absl.flags")
    if "sc2_timeout" not in flags.FLAGS:
        flags.DEFINE_integer("sc2_timeout", 360, "as pysc2 defines it")
    SMACParallelEnv("3m", hang_timeout=45)
    assert flags.FLAGS.sc2_timeout == 45


# --- ISA on top ---


def test_scope_of_3m_is_the_enemies_health(stand_in):
    """Attacks move the health of their target, moves the own position: what SMAX shows too."""
    stand_in.FAULTS.update(enemy_damage=0.1)
    env = SMACParallelEnv("3m")
    scope = estimate_scope(env, ScopeConfig(2_000, delta=0.3, estimator="nmi_pooled", bin_width=0.02), seed=0)
    assert [scope.dim_name(k) for k in scope.common_dims] == [f"enemy_{j}.health" for j in range(3)]
    own = [[scope.dim_name(k) for k in dims] for dims in scope.special_dims]
    assert own == [[f"ally_{i}.x", f"ally_{i}.y"] for i in range(3)]
    assert env.state_names == scope.state_names
    env.close()


def test_every_wrapper_over_a_whole_battle(stand_in):
    stand_in.FAULTS.update(enemy_damage=0.0)
    env, goals = SMACParallelEnv("3m"), GoalBuffer(30 - 9)
    reach = {f"ally_{i}": [[4 * i + 2, 4 * i + 3]] * 6 + [[12 + 3 * k] for k in range(3)] for i in range(3)}
    scope = InfluenceScope.from_dimensions(reach, state_size=21)
    recording = InfluenceCountBonus(GoalRecording(env, scope, goals), scope)
    assert play(recording, recording.reset(seed=0)[0])
    assert len(goals.states) == 1
    assert not goals.states[0][12::3].any(), "a won state: the enemies' health is 0"
    reaching = GoalSegmentReward(GoalSampling(SMACParallelEnv("3m"), scope, goals), scope)
    parallel_api_test(reaching, num_cycles=60)


def test_the_stand_in_is_as_odd_as_its_model(stand_in):
    env = stand_in.StarCraft2Env("3m")
    with pytest.raises(ZeroDivisionError):
        env.get_stats()
    env.reset()
    first = env._sc2_proc
    env.reset()
    assert env.max_reward == 365 + 3 * 45
    first.close()
    with pytest.raises(AssertionError, match="Agent 0 cannot perform action 0"):
        env.step([0, 1, 1])
    stand_in.FAULTS.update(crash_at=1)
    assert env.step([1, 1, 1]) == (0, True, {})
    assert env.force_restarts == 1
    env.close()
    long = stand_in.StarCraft2Env("3m", obs_timestep_number=True)
    long.reset()
    assert len(long.get_obs()[0]) == long.get_obs_size() + 1
    long.close()
    assert not Path("/proc").exists() or not Path(f"/proc/{first.process.pid}").exists()
