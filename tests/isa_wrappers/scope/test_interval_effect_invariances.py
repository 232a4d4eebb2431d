"""The interval effect is the same under other measures, units, names, orders and copies."""

import numpy as np
import pytest
import scope_tasks
import scope_truth
from hypothesis import given, settings
from hypothesis import strategies as st
from interval_effect_reference import small

from isa_wrappers import ScopeConfig, estimate_scope
from isa_wrappers.scope.interval_effect import INTERVAL_EFFECT
from isa_wrappers.scope.transitions import Transitions, collect_all_at_once

pytestmark = pytest.mark.slow
SETTLED = INTERVAL_EFFECT.settled(ScopeConfig(1_000))


class Mapped(scope_tasks.Faint):
    """The same world through another measure of each dimension."""

    def __init__(self, through):
        super().__init__()
        self.through = through

    def _pack(self, last, done):
        before, self.now = self.now, self.through(self.now)
        step = super()._pack(self.through(last), done)
        self.now = before
        return step


@pytest.mark.parametrize(
    "through",
    [lambda s: s * 1e-4, lambda s: s * 1e4, lambda s: s - 3.0, np.cbrt, lambda s: np.exp(s / 4), lambda s: -s],
    ids=["1e-4", "1e4", "shifted", "cube root", "exponential", "mirrored"],
)
def test_a_dimensions_measure_does_not_matter(through):
    scope = estimate_scope(Mapped(through), ScopeConfig(3_000), 1)
    assert scope_truth.misses(scope, scope_tasks.Faint().truth)[2:] == (0, 0, 0, 0)
    plain = estimate_scope(Mapped(lambda s: s), ScopeConfig(3_000), 1)
    np.testing.assert_array_equal(scope.agent_mask, plain.agent_mask)


class Split(scope_tasks.Team):
    """The action that raises the counter, ten times."""

    actions = 15

    @property
    def truth(self):
        return [[*rows[:5], *[rows[5]] * 10] for rows in super().truth]

    def move(self, actions):
        super().move(np.minimum(actions, 5))


def figures_of(part):
    return INTERVAL_EFFECT.estimate([part], SETTLED, part.available.shape[-1])


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(-4, 4), min_size=5, max_size=5), st.integers(0, 3), st.booleans())
def test_units_do_not_matter(powers, seed, masked):
    (part,) = small(seed, masked)
    units = 10.0 ** np.array(powers)
    states, after = part.states.astype(np.float64) * units, part.next_states.astype(np.float64) * units
    scaled = Transitions(**{**vars(part), "states": states, "next_states": after})
    plain = {**vars(part), "states": part.states.astype(np.float64), "next_states": part.next_states.astype(np.float64)}
    np.testing.assert_allclose(figures_of(scaled), figures_of(Transitions(**plain)), atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(
    st.permutations(range(3)), st.permutations(range(2)), st.permutations(range(5)), st.integers(0, 3), st.booleans()
)
def test_names_do_not_matter(actions, agents, dims, seed, masked):
    """Whoever numbers actions, agents and dimensions otherwise finds the same."""
    (part,) = small(seed, masked)
    renamed = np.argsort(actions)[part.actions][:, :, agents]
    columns = {name: getattr(part, name)[:, :, agents] for name in ("held", "valid")}
    columns |= {name: getattr(part, name)[..., dims] for name in ("states", "next_states")}
    available = part.available[:, :, agents][..., actions]
    other = Transitions(**{**vars(part), **columns, "actions": renamed, "available": available})
    expected = figures_of(part)[np.ix_(agents, actions, dims)]
    np.testing.assert_allclose(figures_of(other), expected, atol=2e-2)
    np.testing.assert_array_equal(figures_of(other) > 0.1, expected > 0.1)


def test_an_action_in_ten_copies_moves_as_one_does():
    # Ten times as many actions: with 4,000 transitions, 80 of each, two seeds of five miss one cell.
    scope = estimate_scope(Split(), ScopeConfig(10_000), 0)
    assert scope_truth.misses(scope, Split().truth) == (0, 0, 0, 0, 0, 0)


def test_the_order_of_agents_does_not_matter():
    (part,) = collect_all_at_once(scope_tasks.Team(), SETTLED, 0)
    order = [2, 0, 1]
    columns = {name: getattr(part, name)[:, :, order] for name in ("actions", "available", "held", "valid")}
    other = Transitions(
        part.free[:, order], states=part.states, next_states=part.next_states, episode=part.episode, **columns
    )
    mine, theirs = (INTERVAL_EFFECT.estimate([given], SETTLED, 6) for given in (part, other))
    np.testing.assert_allclose(mine[order], theirs, atol=1e-6)
