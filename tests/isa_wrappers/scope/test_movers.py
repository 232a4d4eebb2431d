"""Which of two actions moves: each rule by itself."""

import numpy as np

from isa_wrappers.scope.movers import credit


def table(effects, stills=(), slowers=(), n=3):
    """Arrays from {(a, b): value}."""
    effect, still, slower = np.zeros((3, n, n, 1))
    for (a, b), value in dict(effects).items():
        effect[a, b] = effect[b, a] = value
    for array, values in ((still, stills), (slower, slowers)):
        for (a, b), value in dict(values).items():
            array[a, b], array[b, a] = value, -value
    return credit(effect, still, slower, 0.1)[..., 0].any(axis=1).tolist()


def test_what_leaves_things_as_they_are_does_not_move_them():
    """Wait, up, down: wait is still beside both."""
    differ = {(0, 1): 1.0, (0, 2): 1.0, (1, 2): 1.0}
    assert table(differ, {(0, 1): 1.0, (0, 2): 1.0}) == [False, True, True]


def test_the_odd_one_out_moves():
    """Under drift nothing is still: of three, the one that differs from two that are alike."""
    assert table({(0, 2): 0.8, (1, 2): 0.8}) == [False, False, True]


def test_a_tie_goes_to_both_unless_one_changes_less():
    assert table({(0, 1): 0.8}, n=2) == [True, True]
    assert table({(0, 1): 0.8}, slowers={(0, 1): 0.9}, n=2) == [False, True]
    assert table({(0, 1): 0.8}, slowers={(0, 1): 0.3}, n=2) == [True, True]


def test_one_pair_does_not_outvote_the_others():
    """Action 0 is still beside actions 1 and 2; that chance hides it beside action 3 makes it no mover."""
    differ = {(0, b): 0.9 for b in (1, 2, 3)}
    assert table(differ, {(0, 1): 1.0, (0, 2): 1.0, (0, 3): 0.4}, n=4)[:3] == [False, True, True]


def test_what_moves_beside_a_still_one_moves_though_another_moves_more_often():
    """Wait, up, down, and a floor that ``down`` meets in a third of its steps: it loses to ``up``, not to ``wait``."""
    differ = {(0, 1): 1.0, (0, 2): 0.65, (1, 2): 1.0}
    assert table(differ, {(0, 1): 1.0, (0, 2): 1.0, (2, 1): 1.0}) == [False, True, True]


def test_a_slight_difference_does_not_make_unlike():
    """Actions 0 and 1 differ surely and slightly; they still are alike beside what action 2 does."""
    assert table({(0, 1): 0.02, (0, 2): 0.9, (1, 2): 0.9})[2]
    assert table({(0, 1): 0.5, (0, 2): 0.9, (1, 2): 0.9}) == [True, True, True]
