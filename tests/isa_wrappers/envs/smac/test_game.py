"""The game behind an environment: launches, seeds, crashes, and no process left behind."""

import gc
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from smac_play import STOP, legal, play, survivors

from isa_wrappers.envs.smac.parallel import SMACParallelEnv
from isa_wrappers.errors import GameCrashError, InvalidValueError

pytestmark = pytest.mark.filterwarnings("ignore:the game of smac:RuntimeWarning")


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


def test_a_crash_is_no_defeat(stand_in):
    stand_in.FAULTS.update(crash_at=4)
    env = SMACParallelEnv("3m", reward="super_sparse", seed=3)
    observations, _ = env.reset()
    for _ in range(3):
        observations, *_ = env.step(legal(observations, env.agents))
    state, agents = env.state(), list(env.agents)
    with pytest.warns(RuntimeWarning, match="the game of smac/3m crashed and is being restarted"):
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


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["pass", "raise SystemExit(3)", "1 / 0"])
def test_the_game_ends_with_the_interpreter(stand_in, tmp_path, ending):
    code = f"from isa_wrappers.envs import make_parallel\nenv = make_parallel('smac/3m')\nenv.reset()\n{ending}"
    path = os.pathsep.join(sys.path)
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, capture_output=True)
    assert len((tmp_path / "pids").read_text().split()) == 1
    assert survivors(tmp_path) == []


@pytest.mark.slow
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
