"""Frames: large enough, even, with the picture, the numbers and the legend in them."""

import numpy as np
import pytest

from isa_learners.runs.filming import Film, Shot
from isa_learners.runs.frames import MARGIN, frames, layout_of
from isa_wrappers.envs.drawing import Mark

pytest.importorskip("PIL")
GREEN, RED = (30, 130, 70), (190, 50, 45)


def film_of(width=40, height=30, agents=2, won=True, **more):
    """Two shots, the second half grey."""
    first = np.zeros((height, width, 3), dtype=np.uint8)
    parts = {"r_c": np.arange(agents) / 3, "env": np.ones(agents)}
    shots = [Shot(0, first), Shot(1, first + 128, parts, np.ones(agents), 1.0)]
    return Film("grid/unlock", "isa", tuple(f"agent_{i}" for i in range(agents)), 0, shots, won=won, **more)


def arrays(film):
    return [np.asarray(frame) for frame in frames(film)]


@pytest.mark.parametrize(("width", "height"), [(40, 30), (361, 361), (1920, 1080), (701, 33)])
def test_every_frame_has_one_even_size_of_480_pixels_or_more(width, height):
    film = film_of(width, height)
    found = arrays(film)
    assert len(found) == 2
    assert {frame.shape for frame in found} == {(*layout_of(film).size[::-1], 3)}
    assert all(side % 2 == 0 for side in found[0].shape[:2])
    shown = layout_of(film).picture
    assert max(shown) <= 960
    assert min(shown) >= 480 or max(shown) == 960
    assert (found[0][MARGIN + 5, MARGIN + 5] == 0).all()
    assert (found[1][MARGIN + 5, MARGIN + 5] == 128).all()


def has(frame, color):
    return (np.abs(frame.astype(int) - color).sum(axis=2) < 12).any()


@pytest.mark.parametrize(("won", "color", "other"), [(True, GREEN, RED), (False, RED, GREEN)])
def test_the_last_frame_says_how_it_ended(won, color, other):
    first, last = arrays(film_of(won=won))
    assert not has(first, color)
    assert has(last, color)
    assert not has(last, other)


def test_the_legend_is_drawn_and_goals_where_there_is_one():
    blue, pink = (10, 20, 250), (250, 20, 200)
    legend = (Mark("square", blue, "a wall"), Mark("cross", pink, "goal", of_goal=True))
    plain = arrays(film_of(legend=legend))[0]
    assert has(plain, blue)
    assert not has(plain, pink)
    assert has(arrays(film_of(legend=legend, has_goal=True, shows_goal=True))[0], pink)


def test_rewards_of_another_step_look_different():
    film = film_of()
    before = arrays(film)[1]
    film.shots[1].parts["r_c"][1] = -7.0
    assert (before != arrays(film)[1]).any()


def test_many_agents_share_the_last_row():
    few, many = (layout_of(film_of(agents=count)).size[1] for count in (11, 60))
    assert few == many
    assert len(arrays(film_of(agents=60))) == 2
