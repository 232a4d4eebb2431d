"""The interval effect: against loops written from its equations, and on tasks with known truth."""

import numpy as np
import pytest
import scope_breakers
import scope_tasks
import scope_truth
from interval_effect_reference import by_loops, small

from isa_wrappers import ESTIMATORS, ScopeConfig, estimate_scope
from isa_wrappers.envs import estimate_task_scope
from isa_wrappers.scope.interval_effect import INTERVAL_EFFECT
from isa_wrappers.scope.transitions import Transitions
from isa_wrappers.scope.windows import gather

pytestmark = pytest.mark.slow
SETTLED = INTERVAL_EFFECT.settled(ScopeConfig(120, window=1))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_against_loops_from_the_equations(seed, masked, monkeypatch):
    from isa_wrappers.scope import comparisons, ranks

    monkeypatch.setattr(ranks, "BINS", 128)  # as many as there are transitions
    from isa_wrappers.scope import differences, interval_effect

    monkeypatch.setattr(differences, "BINS", 128)
    monkeypatch.setattr(interval_effect, "BINS", 128)
    monkeypatch.setattr(comparisons, "SAMPLE", 3 * 128)
    transitions = small(seed, masked)
    found = INTERVAL_EFFECT.estimate(transitions, SETTLED, 3)
    expected = by_loops(transitions, 3)
    assert (expected > 0.1).sum() >= 4
    np.testing.assert_allclose(found, expected, atol=2e-3)


EXACT = [*scope_tasks.STRESS, "tether", "turns", "lamps", "storm", "weak", "combined", "floors"]
BUILT = {**scope_tasks.STRESS, **scope_breakers.BREAKERS, **scope_breakers.FURTHER}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", EXACT)
def test_exact_where_the_truth_is_known(name, seed):
    env = BUILT[name]()
    scope = estimate_scope(env, seed=seed)
    assert scope_truth.misses(scope, env.truth) == (0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    "name",
    [
        "grid/navigation",
        "grid/unlock",
        "grid/shooting",
        "examples.own_environment:Door",
        "mpe/simple_speaker_listener_v4",
        "mpe/simple_crypto_v3",
    ],
)
def test_exact_on_tasks_of_the_library(name):
    if name.startswith("mpe/"):
        pytest.importorskip("mpe2")
    scope = estimate_task_scope(name)
    assert scope_truth.misses(scope, scope_truth.named_truth(name, scope)) == (0, 0, 0, 0, 0, 0)


class Fire(scope_tasks.Rules):
    """Who steps forward is hit two steps later, one time in three: that follows from where it stands."""

    actions = 3
    size = 6

    @property
    def truth(self):
        return [[[], [b], [b]] for b in range(0, 6, 2)]

    def begin(self):
        self.past = [np.zeros((self.num_envs, self.team))] * 2
        return super().begin()

    def move(self, actions):
        self.past = [actions, self.past[0]]
        self.now[:, 0::2] += (actions == 1) * 1.0 - (actions == 2)
        self.now[:, 1::2] -= (self.past[1] == 1) & (self.rng.random(actions.shape) < 1 / 3)


def test_late_effects_count_where_they_are_sure():
    late = estimate_scope(scope_tasks.Later(), ScopeConfig(4_000))
    assert scope_truth.misses(late, scope_tasks.Later().truth) == (0, 0, 0, 0, 0, 0)
    soon = estimate_scope(scope_tasks.Later(), ScopeConfig(4_000, window=4))
    assert soon.agent_dims == [[0, 1], [3, 4], [6, 7]], "the third dimension is five steps late"
    hit = estimate_scope(Fire(), ScopeConfig(4_000))
    assert scope_truth.misses(hit, Fire().truth) == (0, 0, 0, 0, 0, 0)


def test_large_problems_look_at_a_part_of_the_longer_changes(monkeypatch):
    from isa_wrappers.scope import interval_effect, windows

    seen = []
    monkeypatch.setattr(interval_effect, "gather", lambda *given: seen.append(gather(*given)) or seen[-1])
    monkeypatch.setattr(windows, "LATER_CELLS", 3 * 9 * 2_000)
    scope = estimate_scope(scope_tasks.Later(), ScopeConfig(4_000))
    assert len(seen[0].changes) > 3_900
    assert all(1_000 < len(window.changes) < 2_000 for window in seen[1:])
    assert scope_truth.misses(scope, scope_tasks.Later().truth)[2:] == (0, 0, 0, 0)


def test_ties_do_not_touch_whose_a_dimension_is():
    """Of three speeds under inertia the middle one is taken for rest, a convention; D_i and D_c do not depend on it."""
    env = scope_breakers.Throttle()
    scope = estimate_scope(env)
    assert scope_truth.misses(scope, env.truth)[2:] == (0, 0, 0, 0)


def test_moves_relative_to_a_hidden_heading_are_not_found():
    """Known: no single action changes anything on average."""
    scope = estimate_scope(scope_breakers.Headings(), ScopeConfig(2_000), 0)
    assert scope_truth.misses(scope, scope_breakers.Headings.truth.fget(None))[3] > 0


@pytest.mark.parametrize("seed", range(5))
def test_where_nobody_moves_anything_nothing_is_found(seed):
    assert not estimate_scope(scope_breakers.Nothing(), ScopeConfig(1_000), seed).agent_mask.any()


@pytest.mark.parametrize("name", ["interval_effect", "interval_effect_in_turn"])
def test_what_it_costs(name):
    """At once the cost does not grow with the team; in turn 8 copies are 5 agents' and 3 more, W steps longer."""
    chosen = ScopeConfig(1_000, estimator=name)
    scope = estimate_scope(scope_tasks.Team(team=5), chosen, 0)
    expected = {"interval_effect": (1_000, 1_000), "interval_effect_in_turn": (5_000, 8 * 1_007)}[name]
    assert (ESTIMATORS[name].env_steps(chosen, 5), scope.settings["env_steps"]) == expected
    assert scope.delta == 0.1
    assert scope.chance is None
    assert scope_truth.misses(scope, scope_tasks.Team(team=5).truth)[2:] == (0, 0, 0, 0)


def test_an_action_taken_once_is_no_obstacle():
    """The last of all, too rare for any pair."""
    (part,) = small(0, masked=False)
    fewer = part.actions % 2
    fewer[5, 0, 1] = 2
    given = Transitions(**{**vars(part), "actions": fewer})
    assert not INTERVAL_EFFECT.estimate([given], SETTLED, 3)[:, 2].any()


def test_one_action_alone_moves_nothing():
    (part,) = small(0, masked=False)
    given = Transitions(**{**vars(part), "actions": np.zeros_like(part.actions)})
    assert not INTERVAL_EFFECT.estimate([given], SETTLED, 3).any()
