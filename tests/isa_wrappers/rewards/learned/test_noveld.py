"""NovelD against loops: sets for first visits, dictionaries for counts."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from learned_rewards import random_steps

torch = pytest.importorskip("torch")

from isa_wrappers.errors import InvalidValueError  # noqa: E402
from isa_wrappers.rewards import RewardContext, Transition  # noqa: E402
from isa_wrappers.rewards.learned.noveld import EpisodeVisits, NovelD  # noqa: E402
from isa_wrappers.rewards.learned.settings import NovelDConfig  # noqa: E402

CONTEXT = RewardContext(("a", "b"), (3, 3), obs_size=2, state_size=2)


def subjects(step, of):
    """What was there before and after, and what of it counts: ``[N, R, D]``, ``[N, R]``."""
    if of == "observation":
        return step.obs_t, step.obs_tp1, step.alive
    return step.s_t[:, None], step.s_tp1[:, None], step.alive.any(-1, keepdims=True)


class FirstVisits:
    """Which visits are the first of their episode; where a step begins is a visit."""

    def __init__(self):
        self.been = {}

    def __call__(self, step, of):
        before, after, acted = subjects(step, of)
        first = np.zeros(acted.shape, dtype=bool)
        for place in np.ndindex(*acted.shape):
            been = self.been.setdefault(place, set())
            if step.start[place[0]]:
                been.clear()
            here, there = tuple(before[place]), tuple(after[place])
            first[place] = acted[place] and there not in been | {here}
            if acted[place]:
                been.add(here)
        return first


@pytest.mark.parametrize("of", ["observation", "state"])
def test_by_counts_against_dictionaries(of):
    noveld = NovelD(CONTEXT, NovelDConfig(novelty="counts", of=of, alpha=0.6))
    visits, counts, paid_for, again = FirstVisits(), Counter(), 0, 0
    for step in random_steps(60):
        before, after, acted = subjects(step, of)
        for place in np.ndindex(*acted.shape):
            counts[tuple(before[place])] += int(acted[place] and step.start[place[0]])
            counts[tuple(after[place])] += int(acted[place])
        first = visits(step, of)
        bonus = np.zeros(acted.shape)
        for place in np.ndindex(*acted.shape):
            new, known = (max(counts[tuple(one[place])], 1) ** -0.5 for one in (after, before))
            bonus[place] = max(new - 0.6 * known, 0.0) * first[place]
        found = noveld(step).intrinsic
        np.testing.assert_allclose(found, np.broadcast_to(bonus, step.alive.shape) * step.alive, rtol=1e-5)
        paid_for += (found > 0).sum()
        again += (~first & acted).sum()
    assert paid_for > 30
    assert again > 30


def test_by_rnd_against_loops():
    config = NovelDConfig(hidden=8, features=4, warmup=0, interval=1000)
    noveld = NovelD(CONTEXT, config)
    visits, returns, all_returns = FirstVisits(), 0.0, []
    for step in random_steps(30):
        first = visits(step, "observation")
        found = noveld(step).intrinsic
        with torch.no_grad():
            means = (noveld.distillation.error(torch.tensor(obs)).numpy() for obs in (step.obs_tp1, step.obs_t))
            new, known = (np.sqrt(config.features * mean) for mean in means)  # distances of the mean squares
        bonus = np.maximum(new - 0.5 * known, 0) * first * step.alive
        returns = np.where(step.alive, 0.99 * returns + bonus, returns)
        all_returns.append(returns[step.alive])
        deviation = np.std(np.concatenate(all_returns)) or 1.0
        np.testing.assert_allclose(found, bonus / deviation, rtol=1e-4, atol=1e-6)


def test_looking_up_a_visit_does_not_make_it():
    visits, acted = EpisodeVisits(1, 1.0, 4, "cpu"), torch.ones(1, 1, dtype=torch.bool)
    here, there, away = (torch.full((1, 1, 1), place) for place in (0.0, 1.0, 2.0))
    starts, goes_on = torch.tensor([True]), torch.tensor([False])
    assert visits(here, there, acted, starts, False)
    assert visits(here, there, acted, starts, True)
    assert not visits(there, here, acted, goes_on, False), "it began there"
    assert not visits(there, there, acted, goes_on, True), "to stay is no first visit"
    assert visits(there, away, acted, goes_on, True)
    assert visits(away, here, acted, starts, True), "another episode"


def test_only_so_many_steps_are_remembered():
    visits, acted = EpisodeVisits(1, 1.0, 3, "cpu"), torch.ones(1, 1, dtype=torch.bool)
    walk = [torch.full((1, 1, 1), float(place)) for place in (0, 1, 2, 3, 4, 0, 3)]
    told = [bool(visits(walk[t], walk[t + 1], acted, torch.tensor([t == 0]), True)) for t in range(6)]
    assert told == [True, True, True, True, True, False], "the first place is forgotten, the fourth is not"
    assert visits.keys.shape == (1, 1, 3)


def test_it_must_know_where_episodes_start():
    step = next(iter(random_steps(1)))._replace(start=None)
    with pytest.raises(InvalidValueError, match=r"'noveld' needs transition\.start, got None"):
        NovelD(CONTEXT)(step)


def test_a_look_at_other_environments_leaves_what_is_remembered():
    visits, acted = EpisodeVisits(1, 1.0, 4, "cpu"), torch.ones(1, 1, dtype=torch.bool)
    here, there, goes_on = torch.zeros(1, 1, 1), torch.ones(1, 1, 1), torch.tensor([False])
    visits(here, there, acted, torch.tensor([True]), True)
    two = torch.zeros(2, 1, 1)
    assert visits(two, two + 1, torch.ones(2, 1, dtype=torch.bool), torch.tensor([True, True]), False).all()
    assert not visits(there, here, acted, goes_on, False), "it began there"


def test_an_episode_that_is_only_looked_at_is_followed_too():
    noveld = NovelD(RewardContext(("a",), (2,), 1, 1), NovelDConfig(novelty="counts"))
    acted, none = np.array([True]), np.zeros(1, dtype=np.float32)

    def walk(places, update):
        seen = np.array(places, dtype=np.float32).reshape(-1, 1, 1)
        steps = [
            Transition(None, None, after, np.array([0]), none, acted, obs_t=before, start=np.array(t == 0))
            for t, (before, after) in enumerate(pairwise(seen))
        ]
        return [bool(noveld(step, update=update).total[0] > 0) for step in steps]

    assert walk([0, 1, 0, 1, 2, 0], False) == [True, False, False, True, False]
    assert walk([0, 1, 2], True) == [True, True]
    saved = noveld.state_dict()
    assert walk([2, 1, 0, 2], False) == [True, True, False], "an episode of its own"
    after = noveld.state_dict()
    assert all(np.array_equal(saved[name], after[name]) for name in saved)
