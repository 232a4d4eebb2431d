"""One battle as a ParallelEnv: the same as a batch of one, its ends, bad actions, conformance, pictures."""

import conformance
import numpy as np
import pytest
from smax_play import ATTACK, NEAR, fighting, picture

pytest.importorskip("jaxmarl")

from isa_wrappers import InfluenceScope
from isa_wrappers.envs.smax.batch import SMAXBatch
from isa_wrappers.envs.smax.game import MOVES, STOP, smax_game
from isa_wrappers.envs.smax.parallel import SMAXParallelEnv
from isa_wrappers.errors import InvalidValueError

pytestmark = pytest.mark.slow

SINGLE = {"reward": "sparse"}


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
        ({"ally_0": 0, "ally_2": 0}, "no action for 'ally_1'; each agent needs one from 0 to 7 (north, east"),
        ({"ally_1": 8}, "action of 'ally_1' must be an integer from 0 to 7, got 8"),
        ({"ally_1": -1}, "from 0 to 7, got -1"),
        ({"ally_1": 1.7}, "from 0 to 7, got 1.7"),
        ({"enemy_0": 0}, "'enemy_0' is not an active agent; active: ally_0, ally_1, ally_2"),
        ([0, 0, 0], "actions must be a dict from agent to action, got list"),
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


def own_place(env):
    """Say that every action moves its agent's own place, and an attack its target's health as well."""
    index = env.state_names.index
    dims = {}
    for agent in env.possible_agents:
        own = [index(f"{agent}.{axis}") for axis in "xy"]
        attacks = [[*own, index(f"{name.removeprefix('attack_')}.health")] for name in env.action_names[ATTACK:]]
        dims[agent] = [own] * len(MOVES) + attacks
    return InfluenceScope.from_dimensions(dims, state_size=len(env.state_names))


def test_conformance_bare_and_in_the_full_stack():
    bare = conformance.check_conformance(single, lambda env: env, cycles=65)
    assert sum(not step[0] for step in bare) == 2  # two episodes, played to their ends
    goals = conformance.visited_goals(single())

    def stack(env):
        return conformance.STACKS["full"](env, own_place(env), goals)

    conformance.check_conformance(single, stack, cycles=65, seed=1)


def test_the_single_environment_draws_where_asked():
    env = single(render_mode="rgb_array")
    env.reset(seed=0)
    np.testing.assert_array_equal(env.render(), picture(env.state()))
    env.step(dict.fromkeys(env.agents, 0))
    np.testing.assert_array_equal(env.render(), picture(env.state()))
    mute = single()
    mute.reset(seed=0)
    assert mute.render() is None
