"""Games whose answers are known: what each mixer can represent, and what it finds where it cannot."""

import pytest
import torch
from episode_toys import game, greedy, solved

from isa_learners.q_learning.maser_config import MaserConfig

TWO_STEPS = [[[7.0, 7.0], [7.0, 7.0]], [[0.0, 1.0], [1.0, 8.0]]]
"""The first agent chooses the table of the second step (Rashid et al., 2018, Section 5)."""
MONOTONE = TWO_STEPS[1]
CLIMBING = [[11.0, -30.0, 0.0], [-30.0, 7.0, 6.0], [0.0, 0.0, 5.0]]
"""Claus and Boutilier, 1998: the best joint action lies between the worst."""

FAST = {"lr": 2e-2, "target_interval": 15}


@pytest.mark.slow
@pytest.mark.parametrize(("mixer", "table", "earned"), [("sum", 0, 7.0), ("qmix", 1, 8.0)])
def test_in_the_two_step_game_qmix_finds_8_and_vdn_7(mixer, table, earned):
    """The sum values the second table at 6.5 at best, and takes the sure 7."""
    plays = game(TWO_STEPS)
    q, values = solved(plays, mixer, 250, **FAST)
    best = greedy(q, plays)
    assert best[0, :, 0].unique().tolist() == [table]
    after = [k for k in range(len(plays.length)) if int(plays.action[0, k, 0]) == table]
    i, j = best[1, after[0]].tolist()
    assert TWO_STEPS[table][i][j] == earned
    held = {k: float(values[1, [p for p in range(16) if int(plays.action[0, p, 0]) == k]].max()) for k in (0, 1)}
    assert held[0] == pytest.approx(7.0, abs=0.4)
    assert held[1] == pytest.approx(8.0 if mixer == "qmix" else 6.5, abs=0.4)


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["as_written", "as_released"])
def test_in_the_two_step_game_maser_finds_8(variant):
    """With the published factors, its rewards for being near what has the largest value leave QMIX's answer alone."""
    plays = game(TWO_STEPS)
    q, _ = solved(plays, "qmix", 250, MaserConfig(variant=variant), **FAST)
    best = greedy(q, plays)
    assert best[0, :, 0].unique().tolist() == [1]
    after = [k for k in range(len(plays.length)) if int(plays.action[0, k, 0]) == 1]
    assert best[1, after[0]].tolist() == [1, 1]


@pytest.mark.slow
def test_a_monotone_game_is_represented_by_qmix_and_not_by_a_sum():
    plays = game(MONOTONE)
    for mixer, expected in (("qmix", MONOTONE), ("sum", [[-1.5, 2.5], [2.5, 6.5]])):
        q, values = solved(plays, mixer, 100, **FAST)
        torch.testing.assert_close(values.view(2, 2), torch.tensor(expected), atol=0.2, rtol=0)
        assert greedy(q, plays)[0, 0].tolist() == [1, 1]


@pytest.mark.slow
def test_in_the_climbing_game_both_settle_for_5():
    """A monotone function cannot hold 11 between two times -30: the best row on average is the third, worth 5."""
    plays = game(CLIMBING)
    for mixer in ("sum", "qmix"):
        q, values = solved(plays, mixer, 100, lr=2e-2)
        i, j = greedy(q, plays)[0, 0].tolist()
        assert CLIMBING[i][j] == 5.0
        assert float(values.view(3, 3)[0, 0]) < 0.0, "the best joint action is held to be bad"
