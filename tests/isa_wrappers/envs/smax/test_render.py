"""Pictures of a battle: who is where, how healthy, and what a goal asks for."""

import math

import numpy as np
import pytest

from isa_wrappers.envs.drawing import PALETTE, agent_color, cross, disc
from isa_wrappers.envs.smax.render import ALLY, BAR, EMPTY, ENEMY, FALLEN, GOAL, GROUND, draw_battle
from isa_wrappers.errors import InvalidValueError

SIDE, RADII = 200, [0.05, 0.05, 0.05]
RADIUS = 0.05 * SIDE
BATTLE = np.array([[1.0, 0.25, 0.75, 0.0], [0.0, 0.5, 0.25, 0.0], [0.25, 0.75, 0.5, 1.0]])
"""An ally up on the left, a fallen ally below the middle, a wounded enemy on the right."""
NOTHING = np.full_like(BATTLE, np.nan)


def draw(units=BATTLE, goal=None, side=SIDE):
    return draw_battle(units, 2, RADII, goal, side)


def pixels(image, color):
    """Rows and columns of exactly this colour, ``[n, 2]``."""
    return np.argwhere((image == color).all(axis=2))


def wanted(unit, **values):
    goal = NOTHING.copy()
    for name, value in values.items():
        goal[unit, ["health", "x", "y"].index(name)] = value
    return goal


def test_units_stand_where_they_are_y_upwards():
    before = BATTLE.copy()
    image = draw()
    assert (image.shape, image.dtype) == ((SIDE, SIDE, 3), np.uint8)
    for color, row, column in ((ALLY, 50, 50), (FALLEN, 150, 100), (ENEMY, 100, 150)):
        assert tuple(image[row, column]) == color
        found = pixels(image, color)
        reach = RADIUS + BAR + 2  # its body and, above it, its bar
        assert np.abs(found - [row, column]).max() <= reach
    assert len(pixels(image, ALLY)) > math.pi * (RADIUS - 1) ** 2
    assert tuple(image[0, 0]) == GROUND
    assert not len(pixels(image, GOAL))
    np.testing.assert_array_equal(BATTLE, before)
    assert draw_battle(BATTLE, 2, RADII).shape == (360, 360, 3)


def test_colours_follow_the_sides():
    everyone = np.array([[1.0, 0.2, 0.5, 0.0], [1.0, 0.5, 0.5, 0.0], [1.0, 0.8, 0.5, 0.0]])
    for allies in range(4):
        image = draw_battle(everyone, allies, RADII, side=SIDE)
        found = [tuple(image[100, column]) for column in (40, 100, 160)]
        assert found == [ALLY] * allies + [ENEMY] * (3 - allies)


@pytest.mark.parametrize("health", [0.05, 0.25, 0.5, 1.0])
def test_a_bar_is_as_full_as_the_unit_is_healthy(health):
    units = BATTLE.copy()
    units[2, 0] = health
    row = draw(units)[int(100 - RADIUS - BAR)]
    full, empty = ((row == color).all(axis=1).sum() for color in (ENEMY, EMPTY))
    assert full + empty == 2 * RADIUS + 8
    assert full == pytest.approx(health * (2 * RADIUS + 8), abs=0.51)


def test_the_fallen_have_no_bar():
    image = draw(BATTLE * [0, 1, 1, 1])
    assert [len(pixels(image, color)) for color in (ALLY, ENEMY, EMPTY)] == [0, 0, 0]
    assert [tuple(image[place]) for place in ((50, 50), (150, 100), (100, 150))] == [FALLEN] * 3


def test_a_goal_of_nan_draws_nothing():
    np.testing.assert_array_equal(draw(goal=NOTHING), draw())
    for half in ({"x": 0.5}, {"y": 0.5}):  # half a place is no place
        np.testing.assert_array_equal(draw(goal=wanted(0, **half)), draw())


def test_a_wanted_place_is_a_cross():
    image = draw(goal=wanted(0, x=0.6, y=0.9))
    found = pixels(image, GOAL)
    assert np.abs(found - [20, 120]).max() <= 0.6 * RADIUS
    assert tuple(image[20, 120]) == GOAL
    changed = np.argwhere((image != draw()).any(axis=2))
    assert np.abs(changed - [20, 120]).max() <= 0.6 * RADIUS + 1


@pytest.mark.parametrize("unit", [0, 1, 2])
@pytest.mark.parametrize("health", [0.0, 0.5, 1.0])
def test_a_wanted_health_is_a_mark_on_the_bar(unit, health):
    row, column = (1 - BATTLE[unit, 2]) * SIDE - RADIUS - BAR, BATTLE[unit, 1] * SIDE
    mark = np.array([row, column + (health - 0.5) * (2 * RADIUS + 8)])
    found = pixels(draw(goal=wanted(unit, health=health)), GOAL)
    assert len(found)
    np.testing.assert_allclose(found.mean(axis=0), mark, atol=0.5)
    assert np.abs(found - mark).max() <= 2.5


def test_units_at_the_walls_stay_in_the_picture():
    corners = np.array([[1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 0.0], [0.0, 0.0, 1.0, 0.0]])
    image = draw(corners, goal=corners)
    assert image.shape == (SIDE, SIDE, 3)
    assert len(pixels(image, ALLY)) > 0.4 * math.pi * RADIUS**2  # two quarters of a disc, less the goal's crosses
    assert np.array_equal(image[60:140, 60:140], np.broadcast_to(GROUND, (80, 80, 3)))


@pytest.mark.parametrize(
    ("units", "goal"),
    [(BATTLE[0], None), (BATTLE[:, :3], None), (BATTLE, NOTHING[:2]), (BATTLE, NOTHING.reshape(-1))],
)
def test_shapes_must_agree(units, goal):
    with pytest.raises(InvalidValueError, match="units and goal must have shape") as caught:
        draw(units, goal)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("side", [63, 0, -5, 100.0, "100", True])
def test_bad_sides(side):
    with pytest.raises(InvalidValueError, match="side must be an integer at least 64"):
        draw(side=side)


def black(side=41):
    return np.zeros((side, side, 3), dtype=np.uint8)


def test_a_disc_has_a_disc_s_area():
    for row, column, radius in ((20, 20, 5.0), (20.3, 17.8, 9.4), (12, 25, 2.5)):
        image = black()
        disc(image, row, column, radius, (255, 255, 255))
        assert image[..., 0].sum() / 255 == pytest.approx(math.pi * radius**2, rel=0.06)
        rows, columns = np.indices(image.shape[:2])
        assert [(rows * image[..., 0]).sum(), (columns * image[..., 0]).sum()] == pytest.approx(
            [row * image[..., 0].sum(), column * image[..., 0].sum()], rel=0.01
        )


def test_a_cross_is_the_two_diagonals():
    image = black()
    cross(image, 20, 20, 10, (255, 255, 255))
    lit = image[..., 0] > 127
    assert lit[range(10, 31), range(10, 31)].all()
    np.testing.assert_array_equal(image, image[::-1])
    np.testing.assert_array_equal(image, image[:, ::-1])
    assert not lit[20, [10, 13, 27, 30]].any()
    assert not image[:9].any()


def test_shapes_outside_the_picture_leave_it_alone():
    for row, column in ((-30, 20), (20, -30), (80, 20), (20, 80), (-30, -30)):
        for paint in (disc, cross):
            image = black()
            paint(image, row, column, 6.0, (255, 255, 255))
            assert not image.any(), (row, column)


def test_agents_beyond_the_palette_differ():
    colors = [agent_color(i) for i in range(30)]
    assert tuple(colors[: len(PALETTE)]) == PALETTE
    assert len(set(colors)) == 30
    assert all(0 <= channel <= 255 for color in colors for channel in color)
