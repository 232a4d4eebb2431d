"""The PettingZoo form: conformance, determinism, episode ends, bad inputs, pictures."""

from __future__ import annotations

import copy
import pickle
import warnings

import numpy as np
import pytest
from gymnasium.utils.env_checker import data_equivalence
from pettingzoo.test import parallel_api_test, parallel_seed_test

from isa_wrappers.envs.grid.parallel import GridParallelEnv
from isa_wrappers.envs.grid.render import agent_color, draw_grid, grid_text
from isa_wrappers.envs.grid.rules import grid_task, start_state
from isa_wrappers.errors import InvalidValueError, ISAError

NAMES = ("navigation", "unlock", "shooting")
ONE_UP = {"name": "unlock", "num_agents": 1, "grid": 4, "targets": [(0, 2)]}


@pytest.fixture(params=[(name, targets) for name in NAMES for targets in ("listed", "random")], ids="-".join)
def make(request):
    name, targets = request.param
    return lambda **options: GridParallelEnv(name, targets=targets, **options)


def episode(env, actions_seed, **reset):
    """Play one episode at random; return all that was seen."""
    rng = np.random.default_rng(actions_seed)
    record = [env.reset(**reset), env.state()]
    while env.agents:
        actions = {agent: int(rng.integers(env.action_space(agent).n)) for agent in env.agents}
        record += [env.step(actions), env.state()]
    return record


def test_pettingzoo_conformance(make, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parallel_api_test(make(), num_cycles=130)
        parallel_seed_test(make, num_cycles=130)


def test_whole_episodes_repeat_from_the_seed(make):
    one, other = make(), make()
    first = episode(one, actions_seed=1, seed=7)
    assert len(first) == 2 + 2 * 60
    assert data_equivalence(first, episode(other, actions_seed=1, seed=7))
    # Unseeded episodes go on from the same generator.
    second = episode(one, actions_seed=2)
    assert data_equivalence(second, episode(other, actions_seed=2))
    assert data_equivalence(first, episode(one, actions_seed=1, seed=7))


@pytest.mark.slow
def test_random_targets_come_from_the_seed():
    env = GridParallelEnv("navigation", 4, grid=5, targets="random")

    def drawn(**reset):
        env.reset(**reset)
        return [tuple(place) for place in env.grid_state.targets.tolist()]

    assert drawn(seed=1) == drawn(seed=1)
    assert drawn(seed=np.int64(2)) == drawn(seed=2)
    assert len({tuple(drawn()) for _ in range(20)}) > 15
    layouts = [drawn() for _ in range(1500)]
    counts = np.zeros((5, 5))
    for places in layouts:
        assert len(set(places)) == 4
        for place in places:
            counts[place] += 1
    assert counts[0, 0] == 0
    # 250 are expected of each other cell.
    assert counts.ravel()[1:].min() > 180
    assert counts.max() < 320


def test_spaces_are_the_same_objects_and_hold_what_is_seen(make):
    env = make(horizon=25)
    for agent in env.possible_agents:
        assert env.observation_space(agent) is env.observation_space(agent)
        assert env.action_space(agent) is env.action_space(agent)
        assert np.isfinite(env.observation_space(agent)["observation"].high).all()
    assert env.state_space is env.state_space
    rng = np.random.default_rng(0)
    observations, infos = env.reset(seed=0)
    assert infos == {agent: {"success": False} for agent in env.possible_agents}
    while True:
        for agent in env.possible_agents:
            assert env.observation_space(agent).contains(observations[agent])
            assert observations[agent]["observation"].dtype == np.float32
            assert observations[agent]["action_mask"].dtype == np.int8
        assert env.state_space.contains(env.state())
        assert env.state().dtype == np.float32
        if not env.agents:
            break
        observations = env.step({agent: int(rng.integers(env.action_space(agent).n)) for agent in env.agents})[0]


def test_bounds_are_cells_and_bullets():
    navigation, shooting = GridParallelEnv("navigation"), GridParallelEnv("shooting", horizon=20)
    assert set(navigation.state_space.high.tolist()) == {19}
    assert shooting.state_space.high.tolist() == [9] * 6 + [60]
    assert shooting.observation_space("agent_1")["observation"].high.tolist() == [9, 9, 60]
    assert not shooting.state_space.low.any()


def test_names_and_metadata():
    env = GridParallelEnv("shooting")
    assert str(env) == "grid/shooting"
    assert env.metadata["render_modes"] == ["rgb_array", "ansi"]
    assert env.metadata["is_parallelizable"]
    assert env.state_names[-1] == "bullets"
    assert env.action_names[-1] == "shoot"
    assert (env.max_num_agents, env.num_agents, env.horizon) == (3, 0, 60)
    env.reset()
    assert env.num_agents == 3
    assert GridParallelEnv.metadata["name"] == "grid"


def test_returned_arrays_are_the_callers():
    env = GridParallelEnv("shooting")
    observations, _ = env.reset()
    env.state()[:] = -1
    observations["agent_0"]["observation"][:] = -1
    observations["agent_0"]["action_mask"][:] = 0
    assert env.state().tolist() == [1, 1, 1, 1, 1, 1, 0]
    assert env.step(dict.fromkeys(env.agents, 0))[0]["agent_0"]["observation"].tolist() == [1, 1, 0]


def test_success_terminates_every_agent():
    env = GridParallelEnv("navigation", 2, grid=4, targets=[(0, 1), (1, 0)])
    env.reset()
    _, rewards, *_ = env.step({"agent_0": 2, "agent_1": 0})
    assert rewards == {"agent_0": 1.0, "agent_1": 1.0}
    observations, rewards, terminations, truncations, infos = env.step({"agent_0": 0, "agent_1": 4})
    assert rewards == {"agent_0": 1.0, "agent_1": 1.0}
    assert terminations == {"agent_0": True, "agent_1": True}
    assert truncations == {"agent_0": False, "agent_1": False}
    assert infos == {"agent_0": {"success": True}, "agent_1": {"success": True}}
    assert env.agents == []
    assert env.state().tolist() == [0, 1, 1, 0, 0, 1, 1, 0]
    assert observations["agent_1"]["action_mask"].tolist() == [1, 0, 0, 0, 0]


def test_horizon_truncates_and_a_win_on_it_does_not():
    for horizon, won in ((2, True), (1, False)):
        env = GridParallelEnv(**ONE_UP, horizon=horizon)
        env.reset()
        for _ in range(horizon):
            assert env.agents
            _, _, terminations, truncations, infos = env.step({"agent_0": 2})
        assert (terminations["agent_0"], truncations["agent_0"]) == (won, not won)
        assert infos["agent_0"]["success"] is won
        assert env.agents == []


def test_unavailable_action_counts_as_stay():
    env = GridParallelEnv("shooting")
    observations, _ = env.reset()
    assert observations["agent_0"]["action_mask"].tolist() == [1, 1, 1, 1, 1, 0]
    before = env.state()
    env.step(dict.fromkeys(env.agents, 5))
    np.testing.assert_array_equal(env.state(), before)


def test_whole_numbers_of_any_library_are_actions():
    torch = pytest.importorskip("torch")
    env = GridParallelEnv(**ONE_UP)
    for action in (2, np.int64(2), np.array(2), torch.tensor(2)):
        env.reset()
        env.step({"agent_0": action})
        assert env.state()[1] == 1


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        ({}, r"no action for 'agent_0'; give each agent one from 0 to 4 \(stay, down, up, left, right\)"),
        ({"agent_0": 0, "bob": 1}, "'bob' does not act now; agents: agent_0"),
        ({"agent_0": 5}, "action of 'agent_0' must be a whole number from 0 to 4, got 5"),
        ({"agent_0": -1}, "from 0 to 4, got -1"),
        ({"agent_0": 1.0}, "from 0 to 4, got 1.0"),
        ({"agent_0": True}, "from 0 to 4, got True"),
        ({"agent_0": "up"}, "from 0 to 4, got 'up'"),
        ({"agent_0": None}, "from 0 to 4, got None"),
        ([2], "actions must be a dict of agent to action, got list"),
        (None, "actions must be a dict of agent to action, got NoneType"),
    ],
)
def test_bad_actions_change_nothing(actions, message):
    env = GridParallelEnv(**ONE_UP)
    env.reset()
    with pytest.raises(InvalidValueError, match=message) as caught:
        env.step(actions)
    assert "\n" not in str(caught.value)
    assert env.state()[:2].tolist() == [0, 0]
    assert int(env.grid_state.time) == 0


def test_nothing_goes_without_a_reset():
    env = GridParallelEnv(**ONE_UP, render_mode="ansi")
    for call in (env.state, env.render, lambda: env.step({"agent_0": 0})):
        with pytest.raises(InvalidValueError, match=r"call reset\(\)"):
            call()
    env.reset()
    env.step({"agent_0": 2})
    env.step({"agent_0": 2})
    with pytest.raises(InvalidValueError, match=r"no episode of grid/unlock is running; call reset\(\)"):
        env.step({"agent_0": 2})
    env.reset()
    env.step({"agent_0": 2})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"render_mode": "human"}, "render_mode must be one of rgb_array, ansi; got 'human'"),
        ({"name": "unlok"}, "did you mean 'unlock'"),
        ({"horizon": -3}, "horizon must be a whole number at least 1, got -3"),
        ({"targets": [(9, 9)]}, "outside the grid"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(InvalidValueError, match=message):
        GridParallelEnv(**{**ONE_UP, **options})


@pytest.mark.parametrize("seed", [-1, 1.5, "x", True])
def test_bad_seed(seed):
    with pytest.raises(ISAError, match="seed must be a whole number at least 0"):
        GridParallelEnv(**ONE_UP).reset(seed=seed)


def test_copies_and_pickles_go_on_alike():
    env = GridParallelEnv("navigation", targets="random")
    env.reset(seed=3)
    twins = [copy.deepcopy(env), pickle.loads(pickle.dumps(env))]
    expected = episode(env, actions_seed=0)
    assert all(data_equivalence(expected, episode(twin, actions_seed=0)) for twin in twins)


@pytest.mark.parametrize("name", NAMES)
def test_image_shows_the_state(name):
    env = GridParallelEnv(name, render_mode="rgb_array")
    env.reset()
    first = env.render()
    assert first.dtype == np.uint8
    assert first.shape[1:] == (env.task.grid * 24 + 1, 3)
    assert first.shape[0] == first.shape[1] + (12 if name == "shooting" else 0)
    env.step(dict.fromkeys(env.agents, 2))
    assert not np.array_equal(env.render(), first)


def colors_in(image):
    return {tuple(color) for color in np.unique(image.reshape(-1, 3), axis=0).tolist()}


@pytest.mark.slow
def test_agents_that_share_a_cell_can_be_told_apart():
    task = grid_task("navigation", 12)
    state = start_state(task, np.array(task.targets, dtype=np.int32))
    image = draw_grid(task, state)
    colors = [agent_color(i) for i in range(12)]
    assert len(set(colors)) == 12
    # The start is the lower left cell: y points upwards.
    assert set(colors) <= colors_in(image[-25:, :25])
    assert not set(colors) & colors_in(image[:-25])


def test_held_targets_are_filled_and_goals_drawn():
    env = GridParallelEnv("navigation", 1, grid=4, targets=[(0, 1)])
    env.reset()
    empty = draw_grid(env.task, env.grid_state)
    goal = draw_grid(env.task, env.grid_state, goal=np.array([3, 3, 0, 1]))
    silent = draw_grid(env.task, env.grid_state, goal=np.array([np.nan, 3, 0, 1]))
    assert (silent == empty).all(), "a goal that says nothing of an agent's place draws nothing"
    assert agent_color(0) in colors_in(goal[:25, -25:])
    assert agent_color(0) not in colors_in(empty[:25, -25:])
    env.step({"agent_0": 2})
    held = draw_grid(env.task, env.grid_state)
    # Inside the square, off the disc.
    assert held[2 * 24 + 6, 6].sum() < empty[2 * 24 + 6, 6].sum()
    for bad in (np.zeros(3), np.zeros((1, 4))):
        with pytest.raises(InvalidValueError, match=r"goal must have shape \(4,\)"):
            draw_grid(env.task, env.grid_state, goal=bad)
    with pytest.raises(InvalidValueError, match="cell must be a whole number at least 8"):
        draw_grid(env.task, env.grid_state, cell=4)


def test_shooting_shades_its_zone_and_shows_bullets():
    env = GridParallelEnv("shooting", 1, targets=[(1, 9)], render_mode="rgb_array")
    env.reset()
    bar, middle = 12, 12 + 12
    image = env.render()
    # Rows of cells from the top: y = 9, 8, 7, 6 are shaded, y = 5 is not.
    shaded = [image[bar + middle // 2 + 24 * row, 24 * 5 + 12].tolist() for row in range(10)]
    assert shaded[0] == shaded[3] != shaded[4] == shaded[9]
    for _ in range(5):
        env.step({"agent_0": 2})
    lengths = []
    for _ in range(52):
        env.step({"agent_0": 5})
        row = env.render()[bar // 2].astype(int)
        lengths.append(int((abs(row - row[2]).sum(axis=-1) == 0).sum()))
    assert lengths[0] < lengths[24] < lengths[49] < lengths[50] == lengths[51]


def test_text_shows_the_state():
    env = GridParallelEnv("shooting", 2, grid=7, targets=[(0, 6), (1, 2)], render_mode="ansi")
    env.reset()
    env.step({"agent_0": 2, "agent_1": 4})
    lines = env.render().splitlines()
    assert lines[0].startswith("a.  .")
    assert lines[4] == " . B0  .  .  .  .  ."
    assert lines[5] == " .  .  1  .  .  .  ."
    assert lines[-2] == "shooting: step 1 of 60, held 1 of 2, bullets 0 (to win: more than 50)"
    assert lines[-1] == "agent_0 (1,2)  agent_1 (2,1)"
    assert grid_text(env.task, env.grid_state) == env.render()


def test_render_without_a_mode_warns():
    env = GridParallelEnv(**ONE_UP)
    env.reset()
    with pytest.warns(UserWarning, match="render_mode"):
        assert env.render() is None
