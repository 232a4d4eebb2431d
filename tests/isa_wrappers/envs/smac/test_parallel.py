"""The SMAC adapter over a stand-in of ``StarCraft2Env``: conformance, deaths, ends, bad actions, ISA on top."""

import numpy as np
import pytest
from pettingzoo.test import parallel_api_test
from smac_play import STOP, play, steps_of

from isa_wrappers import InfluenceScope, ScopeConfig, estimate_scope
from isa_wrappers.envs import make_parallel
from isa_wrappers.envs.smac.parallel import SMACParallelEnv
from isa_wrappers.errors import InvalidValueError
from isa_wrappers.rewards.goals import GoalBuffer
from isa_wrappers.wrappers import GoalRecording, GoalSampling, GoalSegmentReward, InfluenceCountBonus

pytestmark = pytest.mark.filterwarnings("ignore:the game of smac:RuntimeWarning")


@pytest.mark.parametrize("name", ["3m", "2s3z", "MMM", "2s_vs_1sc"])
def test_conformance(stand_in, name):
    env = make_parallel(f"smac/{name}", seed=0)
    parallel_api_test(env, num_cycles=150)
    env.close()


@pytest.mark.slow
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


def test_replays(stand_in, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    env = SMACParallelEnv("3m", replay_dir="mine")
    with pytest.raises(InvalidValueError, match="no game of smac/3m is running; call reset"):
        env.save_replay()
    env.reset()
    env.save_replay()
    assert [path.name[:3] for path in (tmp_path / "mine").iterdir()] == ["3m_"], "not below the game's folder"
    env.close()


def test_a_masked_action_is_named_with_its_unit(stand_in):
    env = SMACParallelEnv("3m")
    env.reset(seed=0)
    stopped = dict.fromkeys(env.agents, STOP)
    message = r"'ally_1' cannot take action 7 \(attack_enemy_1\) now; its action_mask allows 1 stop, 2 north"
    with pytest.raises(InvalidValueError, match=message):
        env.step({**stopped, "ally_1": 7})
    with pytest.raises(InvalidValueError, match=r"'ally_0' cannot take action 0 \(noop\)"):
        env.step({**stopped, "ally_0": 0})
    with pytest.raises(InvalidValueError, match="action of 'ally_2' must be an integer from 0 to 8, got 9"):
        env.step({**stopped, "ally_2": np.int64(9)})
    with pytest.raises(InvalidValueError, match="no action for 'ally_2'"):
        env.step({"ally_0": STOP, "ally_1": STOP})
    with pytest.raises(InvalidValueError, match="'enemy_0' is not an active agent; active: ally_0, ally_1, ally_2"):
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


def test_the_state_is_asked_for_too_early(stand_in):
    env = SMACParallelEnv("3m")
    with pytest.raises(InvalidValueError, match="no state before its first episode"):
        env.state()
    with pytest.raises(InvalidValueError, match="seed must be"):
        env.reset(seed=2**32)
    assert stand_in.COUNTS["launches"] == 0


@pytest.mark.slow
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
