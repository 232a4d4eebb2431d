"""Statistics of a small grid task, against bookkeeping by hand on the bare environment."""

from math import isnan

import numpy as np
import pytest
from devices import DEVICES
from parallel_toys import Lasting
from unlock_batch import AGENTS, B, Insisting, Uneven, as_numpy, assert_same_step, bare, plays, run, unlock

from isa_wrappers.arrays import to_backend
from isa_wrappers.batch.parallel import ParallelEnvBatch
from isa_wrappers.wrappers.batch import EpisodeStatistics


def test_the_random_team_wins_some_and_times_out_in_others():
    """What the tests below take for granted."""
    steps = bare()[1:]
    assert sum(step.success.sum() for step in steps) >= 10
    assert sum(step.truncated.sum() for step in steps) >= 10
    assert not any((step.success & step.truncated).any() for step in steps)


@pytest.mark.parametrize("device", DEVICES)
def test_it_changes_nothing_and_adds_up_by_hand(device):
    env = EpisodeStatistics(Uneven(unlock(device)))
    steps = run(env, device)
    expected = bare(env=Uneven(unlock(device)), device=device)
    episodes = []
    returns, lengths = np.zeros(B), np.zeros(B)
    for step, plain in zip(steps, expected, strict=True):
        assert_same_step(step, plain)
    for step in expected[1:]:
        for b in range(B):
            returns[b] += step.reward[b].mean()
            lengths[b] += 1
            if step.terminated[b] or step.truncated[b]:
                episodes.append((returns[b], lengths[b], bool(step.success[b])))
                returns[b] = lengths[b] = 0
    taken = env.take()
    assert taken["episodes"] == len(episodes)
    assert taken["success_rate"] == pytest.approx(np.mean([won for *_, won in episodes]), abs=1e-12)
    assert taken["return_mean"] == pytest.approx(np.mean([total for total, *_ in episodes]), rel=1e-6)
    assert taken["episode_length"] == pytest.approx(np.mean([length for _, length, _ in episodes]), rel=1e-9)
    # Taking starts the totals again, but not the episodes that are under way.
    again = env.take()
    assert again["episodes"] == 0
    assert all(isnan(again[name]) for name in ("success_rate", "return_mean", "episode_length"))
    while not (step := as_numpy(env.step(to_backend(np.zeros((B, AGENTS), dtype=np.int64), device)))).done.any():
        returns, lengths = returns + step.reward.mean(axis=1), lengths + 1
    returns, lengths = returns + step.reward.mean(axis=1), lengths + 1
    taken = env.take()
    assert taken["episodes"] == step.done.sum()
    assert taken["return_mean"] == pytest.approx(returns[step.done].mean(), rel=1e-6)
    assert taken["episode_length"] == lengths[step.done].mean()


def test_it_forgets_unfinished_episodes_at_a_reset():
    env = EpisodeStatistics(unlock())
    env.reset(0)
    for actions in plays(steps=5):
        env.step(actions)
    env.take()
    env.reset(0)
    for _ in range(8):
        env.step(np.zeros((B, AGENTS), dtype=np.int64))
    told = {"episodes": B, "success_rate": 0.0, "return_mean": 0.0, "episode_length": 8.0, "discarded": 0.0}
    assert env.take() == told


@pytest.mark.parametrize("device", DEVICES)
def test_an_episode_is_won_once_however_often_and_early_success_is_told(device):
    env = EpisodeStatistics(Insisting(unlock(device)))
    run(env, device)
    won, ends, ever = 0, 0, np.zeros(B, dtype=bool)
    for step in bare(device, env=Insisting(unlock(device)))[1:]:
        ever |= step.success
        won, ends = won + int((ever & step.done).sum()), ends + int(step.done.sum())
        ever &= ~step.done
    taken = env.take()
    assert taken["episodes"] == ends
    assert taken["success_rate"] == pytest.approx(won / ends)
    assert 0 < won < ends


@pytest.mark.parametrize("device", DEVICES)
def test_unfinished_episodes_are_forgotten_where_the_environment_starts_afresh(device):
    """PettingZoo environments cannot save their state: what was half finished is lost, what was finished is kept."""

    def make():
        if device is not None:
            pytest.importorskip("torch")
        return EpisodeStatistics(ParallelEnvBatch([Lasting(agents=1)], device))

    env, other = make(), make()
    env.reset()
    for _ in range(12):
        env.step(to_backend(np.array([[1]]), device))
    other.load_state_dict(env.state_dict())
    for _ in range(8):
        other.step(to_backend(np.array([[0]]), device))
    taken = other.take()
    assert taken["episodes"] == 2.0
    assert taken["success_rate"] == 0.5, "the win before the save belongs to an episode that is lost"
    assert taken["episode_length"] == 8.0
