"""Pictures of environments of others, against the library's own drawing of the same task."""

import numpy as np
import pytest
import torch
from drawn_toys import LOCK
from learner_helpers import tiny_config

from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.drawing import drawn
from isa_learners.runs.report.replay import replays
from isa_wrappers.envs import make_batch
from isa_wrappers.errors import UnsupportedEnvironmentError


def algorithm_of(factory):
    return Algorithm(tiny_config(f"drawn_toys:{factory}", {}, algo="ippo"), None)


@pytest.mark.parametrize("factory", ["drawing", "always_drawing", "optionless"])
def test_render_of_another_environment_is_the_last_state_not_the_next_start(factory):
    scene = drawn(algorithm_of(factory), copies=3, seed=0, copy=1)
    own = make_batch("grid/unlock", 3, **LOCK)
    scene.env.reset(0)
    own.reset(0)
    np.testing.assert_array_equal(scene.draw(None), own.render(1))
    ended = []
    for actions in ([2, 2, 0], [2, 2, 0], [2, 3, 0]):  # copies 0 and 1 are won in the second step, and start again
        step = scene.env.step(torch.tensor(actions)[:, None])
        own.step(np.array(actions)[:, None])
        ended.append(bool(step.done[1]))
        np.testing.assert_array_equal(scene.draw(None), own.render(1))
    assert ended == [False, True, False]
    scene.env.close()


def test_the_library_s_own_drawing_has_legend_and_goal():
    algorithm = Algorithm(tiny_config(algo="ippo"), None)
    scene = drawn(algorithm, 2, 0, 0)
    scene.env.reset(0)
    assert scene.shows_goal
    assert next(mark.meaning for mark in scene.legend) == "agent"
    assert (scene.draw(None) != scene.draw(torch.tensor([2.0, 2.0, 0.0, 1.0]))).any()


def test_one_that_takes_no_render_mode_is_refused():
    with pytest.raises(UnsupportedEnvironmentError, match=r"drawn_toys:blind draws no pictures: .* is None; let its"):
        drawn(algorithm_of("blind"), 2, 0, 0)


def test_one_that_draws_no_array_is_refused():
    with pytest.raises(UnsupportedEnvironmentError, match=r"of drawn_toys:writing must return a uint8 array"):
        drawn(algorithm_of("writing"), 2, 0, 0).env.reset(0)


def batched(factory):
    return Algorithm(tiny_config(f"batch_toys:{factory}", {}, algo="ippo"), None)


def test_a_batched_environment_of_ones_own_draws_its_copies():
    scene = drawn(batched("Pictured"), copies=3, seed=0, copy=2)
    assert scene.draw(None).max() == 2
    assert scene.draw(torch.zeros(2)).max() == 102


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        ("Floating", r"must return a uint8 array \[height, width, 3\], got float32 \[2, 3, 3\]"),
        ("Careless", "must take the index of a copy and a goal or None"),
        ("OnDevice", r"draws no pictures: a batched environment needs render\(copy, goal\)"),
    ],
)
def test_a_batched_one_that_draws_otherwise_is_refused(factory, message):
    with pytest.raises(UnsupportedEnvironmentError, match=message):
        drawn(batched(factory), 2, 0, 0).draw(None)


@pytest.mark.parametrize("factory", ["Floating", "Careless"])
def test_its_replay_is_refused_likewise(factory):
    with pytest.raises(
        UnsupportedEnvironmentError, match=f"render.. of batched environment|render.. of batch_toys:{factory}"
    ):
        replays(batched(factory))
