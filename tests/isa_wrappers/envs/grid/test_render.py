"""Pictures and text of the paper's grid tasks."""

from __future__ import annotations

import numpy as np
import pytest
from grid_play import NAMES, ONE_UP

from isa_wrappers.envs.grid.parallel import GridParallelEnv
from isa_wrappers.envs.grid.render import agent_color, draw_grid, grid_text
from isa_wrappers.envs.grid.rules import grid_task, start_state
from isa_wrappers.errors import InvalidValueError


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
    with pytest.raises(InvalidValueError, match="cell must be an integer at least 8"):
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
