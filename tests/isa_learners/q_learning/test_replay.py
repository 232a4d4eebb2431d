"""The replay holds what a loop over steps keeps: whole episodes, in pieces where long, none that was lost."""

from dataclasses import replace

import pytest
import torch
from devices import TORCH

from isa_learners.q_learning import Replay
from isa_learners.rollout import Rollout, Sizes

SIZES = Sizes(num_agents=2, num_actions=3, obs_size=1, state_size=1)
B, T, L = 3, 5, 6


def stream(seed, rollouts, ends=(0.15, 0.1, 0.1)):
    """Rollouts of one play; every observation is a number of its own, and but at ends that after a step is the next.

    Args:
        seed: of everything.
        rollouts: how many.
        ends: shares of steps that terminate, truncate, lose an episode.
    """
    generator = torch.Generator().manual_seed(seed)

    def uniform(*shape):
        return torch.rand(*shape, generator=generator)

    steps = rollouts * T
    kind = uniform(steps, B)
    terminated = kind < ends[0]
    lost = (kind >= ends[0] + ends[1]) & (kind < sum(ends))
    done = kind < sum(ends)
    number = torch.arange(steps)[:, None] + 1.0 + 1000 * torch.arange(B)
    obs = torch.stack([number, number + 0.25], -1)[..., None]
    following = torch.cat([obs[1:], obs[-1:] + 1])
    final = torch.where(done[..., None, None], -following, following)
    start = torch.cat([torch.ones(1, B, dtype=torch.bool), done[:-1]])
    whole = {
        "final_obs": final,
        "state": obs[..., 0, :],
        "final_state": final[..., 0, :],
        "available": uniform(steps, B, 2, 3) < 0.5,
        "alive": (uniform(steps, B, 2) < 0.7).float(),
        "next_alive": (uniform(steps, B, 2) < 0.7).float(),
        "action": (uniform(steps, B, 2) * 3).long(),
        "reward": uniform(steps, B, 2),
        "start": start,
        "terminated": terminated,
        "done": done,
        "cut": uniform(steps, B, 2) < 0.1,
        "probe": torch.zeros(steps, B, 2, dtype=torch.bool),
        "lost": lost,
    }
    going_on = ~done[:-1, :, None]
    whole["next_alive"][:-1] = torch.where(going_on, whole["alive"][1:], whole["next_alive"][:-1])
    for first in range(0, steps, T):
        rows = slice(first, first + T)
        yield Rollout(**{name: value[rows] for name, value in whole.items()}, record={"obs": obs[rows]}, memory={})


def kept(rollouts, places, longest=L):
    """What is to be held, per environment the latest places but the open one; an episode is a dict of its rows."""
    found = []
    for b in range(B):
        episodes, rows = [], []
        for rollout in rollouts:
            for t in range(T):
                rows.append((rollout, t))
                if rollout.done[t, b] or len(rows) == longest:
                    episodes.append(None if rollout.lost[t, b] else episode(rows, b))
                    rows = []
        open_one = 1 if rows else 0
        latest = episodes[len(episodes) - min(len(episodes), places - open_one) :]
        found += [one for one in latest if one is not None]
    return found


def episode(rows, b):
    last, t = rows[-1]
    steps = {name: torch.stack([getattr(r, name)[s, b] for r, s in rows])
             for name in ("action", "reward", "cut", "available", "alive", "state")}  # fmt: skip
    obs = torch.stack([r.record["obs"][s, b] for r, s in rows])
    after = {"available": last.available[t, b], "alive": last.next_alive[t, b], "state": last.final_state[t, b]}
    steps |= {name: torch.cat([steps[name], value[None]]) for name, value in after.items()}
    return {
        **steps,
        "obs": torch.cat([obs, last.final_obs[t, b][None]]),
        "length": len(rows),
        "terminated": bool(last.terminated[t, b]),
    }


def filled(rollouts, episodes=24, device="cpu", fixed_shapes=False):
    replay = Replay(SIZES, B, episodes, L, device, fixed_shapes)
    for rollout in rollouts:
        there = {name: value.to(device) for name, value in vars(rollout).items() if isinstance(value, torch.Tensor)}
        replay.add(replace(rollout, **there), rollout.record["obs"].to(device))
    return replay


def held(replay, seed=0):
    """Every episode in the replay, by its first observation."""
    drawn = replay.sample(len(replay), torch.Generator(replay.device).manual_seed(seed))
    drawn, found = type(drawn)(**{name: value.cpu() for name, value in vars(drawn).items()}), {}
    for k in range(len(replay)):
        length = int(drawn.length[k])
        rows = {name: getattr(drawn, name)[:length, k] for name in ("action", "reward", "cut")}
        rows |= {name: getattr(drawn, name)[: length + 1, k] for name in ("obs", "state", "available", "alive")}
        rows |= {"length": length, "terminated": bool(drawn.terminated[k])}
        found[float(rows["obs"][0, 0, 0])] = rows
    assert len(found) == len(replay), "no episode twice"
    return found


@pytest.mark.parametrize("rollouts", [1, 3, 12])
@pytest.mark.parametrize("ends", [(0.15, 0.1, 0.1), (0.0, 0.03, 0.0), (0.5, 0.3, 0.2), (1.0, 0.0, 0.0)])
@pytest.mark.parametrize("device", TORCH)
@pytest.mark.parametrize("fixed_shapes", [False, True])
def test_it_holds_what_a_loop_keeps(fixed_shapes, device, rollouts, ends):
    made = list(stream(rollouts, rollouts, ends))
    replay = filled(made, device=device, fixed_shapes=fixed_shapes)
    expected = {float(one["obs"][0, 0, 0]): one for one in kept(made, places=8)}
    found = held(replay)
    assert set(found) == set(expected)
    for first, rows in expected.items():
        for name, value in rows.items():
            if isinstance(value, torch.Tensor):
                torch.testing.assert_close(found[first][name], value.to(found[first][name].dtype))
            else:
                assert found[first][name] == value, name


def test_the_open_place_and_what_was_overwritten_are_not_drawn():
    """Places are written over in turn; 12 rollouts of episodes of one step go round several times."""
    replay = filled(list(stream(0, 12, (1.0, 0.0, 0.0))))
    assert len(replay) == 24
    assert min(held(replay)) > 40, "the first episodes are gone"


def test_a_saved_replay_goes_on_as_it_was():
    made = list(stream(4, 8))
    whole, first = filled(made), filled(made[:3])
    second = Replay(SIZES, B, 24, L, "cpu")
    second.load_state_dict({name: value.clone() for name, value in first.state_dict().items()})
    for rollout in made[3:]:
        second.add(rollout, rollout.record["obs"])
    for name, value in whole.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name


def test_only_places_that_were_used_are_saved():
    replay = filled(list(stream(4, 1)), episodes=3_000)
    assert all(rows.shape[1] <= T + 1 for name, rows in replay.state_dict().items() if name.startswith("rows."))


def test_an_environment_that_starts_anew_leaves_its_episode_unfinished():
    made = list(stream(1, 2, (0.0, 0.0, 0.0)))
    replay = filled(made[:1])
    made[1].start[0] = True
    made[1].done[-1] = made[1].terminated[-1] = True
    replay.add(made[1], made[1].record["obs"])
    assert sorted(held(replay)) == [6.0, 1006.0, 2006.0], "the first five steps of each are no episode"


def test_a_draw_is_uniform_and_without_repetition():
    replay = filled(list(stream(3, 6)))
    generator = torch.Generator().manual_seed(0)
    counts = {}
    for _ in range(300):
        drawn = replay.sample(4, generator).obs[0, :, 0, 0].tolist()
        assert len(set(drawn)) == 4
        for first in drawn:
            counts[first] = counts.get(first, 0) + 1
    assert len(counts) == len(replay)
    mean = 1200 / len(replay)
    assert all(abs(count - mean) < 5 * mean**0.5 for count in counts.values())


def test_its_bytes_are_those_that_it_takes():
    replay = Replay(SIZES, B, 24, L, "cpu")
    assert sum(rows.nbytes for rows in replay.rows.values()) == Replay.bytes_needed(SIZES, 24, L)


def test_actions_of_any_number_are_kept_as_they_are():
    for count, dtype in ((2**15, torch.int16), (2**15 + 1, torch.int32)):
        rows = Replay(Sizes(num_agents=1, num_actions=count, obs_size=1, state_size=1), 1, 3, 1, "cpu").rows
        assert rows["action"].dtype == dtype
