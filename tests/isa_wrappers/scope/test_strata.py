"""Marked draws within strata find what is moved where few steps lead; the policy's own steps invent influences."""

from dataclasses import replace

import numpy as np
import pytest
from walked_corridor import PUSH, walk

from isa_wrappers import ScopeConfig
from isa_wrappers.scope.interval_effect import INTERVAL_EFFECT
from isa_wrappers.scope.probes import Probes
from isa_wrappers.scope.strata import FEWEST, GROUPS, effects_in_strata, partitions
from isa_wrappers.scope.transitions import Transitions
from isa_wrappers.scope.windows import Window, gather

GATE, LAMP = 2, 3
OWN = [0, 1]


def window_of(steps):
    probes = Probes(10**6)
    probes.add(steps)
    return probes.window()


def as_random_play(steps):
    """The same steps, taken for random play."""
    return Transitions(
        free=np.ones_like(steps.marked),
        actions=steps.actions[None],
        available=steps.available[None],
        states=steps.states[None],
        next_states=steps.next_states[None],
        episode=np.zeros((1, len(steps)), dtype=np.int64),
        held=np.full((1, *steps.actions.shape), -1),
        valid=steps.acted[None],
    )


def test_the_policys_own_steps_say_that_it_moves_the_lamp():
    config = INTERVAL_EFFECT.settled(ScopeConfig(window=1))
    figures = INTERVAL_EFFECT.estimate([as_random_play(walk(12_000, share=0.1))], config, 4)
    assert figures[:, PUSH, LAMP].min() > 0.1, "a push is where the lamp flickers: this is what marks are for"


@pytest.mark.parametrize("seed", range(3))
def test_marked_draws_within_strata_find_the_gate_and_nothing_false(seed):
    steps = walk(12_000, share=0.1, seed=seed)
    assert 2_200 < steps.marked.sum() < 2_600
    found = effects_in_strata(window_of(steps))
    assert found[:, PUSH, GATE].min() > 0.9
    assert not found[:, :PUSH, GATE].any()
    assert not found[..., LAMP].any()
    for i in OWN:
        assert not found[i, :, 1 - i].any(), "the other's place"
        assert found[i, 2, i] > 0.9
        assert not found[i, [0, PUSH], i].any()


def test_the_average_over_all_marked_draws_is_less():
    """A room in which an agent is half of the time halves the effect; within the stratum it is whole."""
    window = window_of(walk(12_000, share=0.1))
    none = np.zeros((2, 4), dtype=bool)
    everywhere = effects_in_strata(window, none)
    assert 0.3 < everywhere[:, PUSH, GATE].max() < 0.7
    asked = none.copy()
    asked[1, GATE] = True
    found = effects_in_strata(window, asked)
    assert found[1, PUSH, GATE] > 0.9
    np.testing.assert_array_equal(found[0] > 0.1, everywhere[0] > 0.1)


def test_nothing_is_found_where_marks_are_few_or_none():
    steps = walk(4_000, share=0.1)
    few = replace(steps, marked=steps.marked & (np.cumsum(steps.marked, axis=0) <= 20))
    assert not effects_in_strata(window_of(few)).any()
    window = window_of(steps)
    assert not effects_in_strata(replace(window, counts=np.zeros_like(window.counts))).any()
    nothing = Window(*(column[:0] for column in (window.states, window.changes)), *list(vars(window).values())[2:])
    assert not effects_in_strata(nothing).any()


@pytest.mark.slow
def test_marks_that_moved_nothing_stay_without_an_influence():
    """Draws shuffled among the marked steps: false cells in at most one of twenty looks, here in none of ten."""
    rng, window = np.random.default_rng(1), window_of(walk(6_000, share=0.2))
    for _ in range(10):
        actions = window.actions.copy()
        for i in OWN:
            rows = np.flatnonzero(window.counts[:, i])
            actions[rows, i] = rng.permutation(actions[rows, i])
        assert not effects_in_strata(replace(window, actions=actions)).any()


def test_each_look_costs_certainty():
    """The j-th look has 0.05 / (j (j + 1)): what one look can just tell, a look after very many cannot."""
    window = window_of(walk(1_000, share=0.2, seed=3))
    first, late = effects_in_strata(window, looks=1), effects_in_strata(window, looks=10**12)
    assert (late > 0).sum() < (first > 0).sum()
    assert not (late > 0)[first == 0].any()


def sizes_of(states):
    return [np.bincount(group[group >= 0]).tolist() for group in partitions(states)]


def test_strata_are_values_or_eight_groups_and_large_enough():
    rng = np.random.default_rng(0)
    few, many = rng.integers(0, 24, 4_000), rng.integers(0, 25, 4_000)
    assert sizes_of(few[:, None]) == [np.bincount(few).tolist()]
    assert len(sizes_of(many[:, None])[0]) == GROUPS
    smooth = rng.standard_normal((4_000, 1))
    assert sizes_of(smooth) == [[500] * GROUPS]
    assert len(partitions(np.concatenate([smooth, 7 * smooth], axis=1))) == 1, "the same groups once"
    assert sizes_of(np.repeat([[0.0], [1.0]], [FEWEST, FEWEST - 1], axis=0)) == [[FEWEST]]
    assert partitions(np.zeros((500, 1))) == partitions(np.zeros((0, 2))) == []


def test_a_thousandth_of_anothers_move_is_no_part_of_it():
    """All are pushed a little by whoever moves: significant in every stratum, and negligible."""
    rng = np.random.default_rng(0)
    actions, marked = rng.integers(0, 2, (3_000, 2)), np.ones((3_000, 2), dtype=bool)
    states = rng.integers(0, 4, (3_000, 2)).astype(np.float64)
    steps = walk(40, 0.1)
    steps = replace(
        steps,
        states=states,
        next_states=states + actions + 1e-3 * actions[:, ::-1],
        actions=actions,
        available=np.ones((3_000, 2, 2), dtype=bool),
        acted=marked,
        marked=marked,
    )
    found = effects_in_strata(window_of(steps))
    assert (found[:, 1] > 0).tolist() == [[True, False], [False, True]]


def test_transitions_gathered_from_marks_count_for_the_marked_alone():
    steps = walk(400, share=0.1)
    window = window_of(steps)
    kept = steps.marked.any(axis=1)
    np.testing.assert_array_equal(window.counts, steps.marked[kept])
    np.testing.assert_array_equal(window.actions, steps.actions[kept])
    assert len(gather([as_random_play(steps)], 1).states) == 400


def test_what_two_dimensions_together_decide_is_found_within_both():
    """A door that opens for who stands before it (1 place of 12) and looks at it (1 of 12) is pushed in 1 of 144."""
    rng = np.random.default_rng(0)
    states = np.column_stack([rng.integers(12, size=(12_000, 2)), np.zeros(12_000)]).astype(np.float32)
    push = rng.integers(2, size=(12_000, 1))
    before = (states[:, 0] == 3) & (states[:, 1] == 7)
    every, always = np.ones((12_000, 1, 2), dtype=bool), np.ones((12_000, 1), dtype=bool)

    def found(chosen):
        opened = (push[:, 0] * before).astype(np.float64)[:, None]
        return effects_in_strata(Window(states, opened, np.array([2]), np.full((2, 1), 1e-6), chosen, every, always))

    moved = found(push)
    assert moved[0, 1, 2] > 0.9
    assert np.count_nonzero(moved) == 1
    assert not any(found(rng.permutation(push)).any() for _ in range(20)), "nothing is moved by redrawn actions"
