"""Films of greedy episodes as files."""

import numpy as np
import pytest
import torch
from learner_helpers import tiny_config

from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.rendering import FRAME_MS, LAST_FRAME_MS, render_episode
from isa_learners.runs.scopes import scope_for
from isa_wrappers.errors import InvalidValueError, UnsupportedEnvironmentError

PIL = pytest.importorskip("PIL.Image")


def algorithm_of(**options):
    """An algorithm whose policy always goes up: it opens the lock, two cells above it, in two steps."""
    kwargs = {"num_agents": 1, "grid": 3, "targets": [[0, 2]], "horizon": 6}
    config = tiny_config(env_kwargs=kwargs, **options)
    algorithm = Algorithm(config, scope_for(config)[0] if config.algo == "isa" else None)
    up(algorithm)
    return algorithm


def up(algorithm):
    with torch.no_grad():
        algorithm.phase.learner.ppo.actor.head.weight.zero_()
        algorithm.phase.learner.ppo.actor.head.bias.copy_(torch.tensor([0.0, 0.0, 9.0, 0.0, 0.0]))


def frames_of(path):
    with PIL.open(path) as image:
        frames, durations = [], []
        for number in range(image.n_frames):
            image.seek(number)
            frames.append(np.asarray(image.convert("RGB")))
            durations.append(image.info["duration"])
    return frames, durations


def test_an_episode_is_written_from_its_start_to_its_last_state(tmp_path):
    algorithm = algorithm_of(algo="ippo")
    path = render_episode(algorithm, tmp_path / "deep" / "episode.GIF", 0)
    frames, durations = frames_of(path)
    assert durations == [FRAME_MS, FRAME_MS, LAST_FRAME_MS], "start, one cell up, lock opened: not the next start"
    assert (frames[0] != frames[1]).any()
    assert (frames[0] != frames[2]).any()
    assert min(frames[0].shape[:2]) >= 480


def test_the_goal_is_drawn_in(tmp_path):
    algorithm = algorithm_of()
    plain, _ = frames_of(render_episode(algorithm, tmp_path / "plain.gif", 0))
    state = torch.tensor([[2.0, 2.0, 0.0, 2.0]])
    algorithm.shared["goals"].add(state, torch.tensor([True]))
    algorithm.phase = algorithm.enter("reach")
    up(algorithm)
    goal, _ = frames_of(render_episode(algorithm, tmp_path / "goal.gif", 0))
    assert (plain[0] != goal[0])[:496, :496].any(), "in the picture, not beside it alone"


@pytest.mark.parametrize("episode", ["lost", "3", "-1", "first"])
def test_an_episode_that_is_not_there(tmp_path, episode):
    with pytest.raises(InvalidValueError, match=f"--episode.*{episode}"):
        render_episode(algorithm_of(algo="ippo"), tmp_path / "a.gif", 0, episodes=3, episode=episode)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["episode.avi", "episode", "gif"])
def test_only_gif_and_mp4(tmp_path, name):
    with pytest.raises(InvalidValueError, match=f"ends in .gif or .mp4, got .*{name}"):
        render_episode(algorithm_of(algo="ippo"), tmp_path / name, 0)
    assert not list(tmp_path.iterdir())


def test_an_environment_that_draws_nothing_is_refused(tmp_path, monkeypatch):
    algorithm = algorithm_of(algo="ippo")
    monkeypatch.delattr("isa_wrappers.envs.grid.board_batch.BoardBatch.render")
    with pytest.raises(UnsupportedEnvironmentError, match="grid/unlock draws no pictures"):
        render_episode(algorithm, tmp_path / "episode.gif", 0)
