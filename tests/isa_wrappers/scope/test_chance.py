"""What chance alone makes of actions without effect."""

import numpy as np
import pytest
from listening_toys import Toy, per_block

from isa_wrappers import estimate_scope
from isa_wrappers.scope import nmi


class Noise(Toy):
    """Every dimension takes one of three values, whatever anybody does."""

    num_actions = (4, 4)
    state_size = 30

    def dynamics(self, actions):
        self.now = self.random.integers(3, size=self.now.shape).astype(np.float32)


@pytest.mark.parametrize("estimator", ["nmi_block", "nmi_pooled"])
@pytest.mark.parametrize("transitions", [60, 300, 2000])
@pytest.mark.filterwarnings("ignore:chance alone")
def test_chance_is_what_actions_without_effect_make(transitions, estimator):
    scope = estimate_scope(Noise(), per_block(transitions=transitions, estimator=estimator))
    assert scope.chance == pytest.approx(scope.influence.max(), rel=0.35, abs=0.01)


def test_chance_near_delta_is_warned_of():
    with pytest.warns(UserWarning, match=r"up to 0\.\d\d, and delta is 0\.3: .* use estimator 'nmi_pooled', more"):
        scope = estimate_scope(Noise(), per_block(transitions=60))
    assert scope.chance > 0.15
    with pytest.warns(UserWarning, match="no agent moves; use more transitions or a larger bin_width"):
        estimate_scope(Noise(), per_block(transitions=20, estimator="nmi_pooled"))


class Walk(Noise):
    """Every dimension goes on by 0 or 1: two changes over one step, three over two, and chance makes more of more."""

    def dynamics(self, actions):
        self.now = self.now + self.random.integers(2, size=self.now.shape).astype(np.float32)


@pytest.mark.filterwarnings("ignore:chance alone")
def test_chance_is_that_of_all_windows():
    """What is compared with delta is the largest over 1 to W steps, and so is chance."""
    narrow, wide = (estimate_scope(Walk(), per_block(transitions=100, window=window)) for window in (1, 2))
    assert wide.chance > 1.2 * narrow.chance
    for scope in (narrow, wide):
        assert scope.chance == pytest.approx(scope.influence.max(), rel=0.25)


def test_shuffling_stays_within_blocks():
    rng = np.random.default_rng(0)
    actions, blocks, valid = rng.integers(5, size=400), rng.integers(7, size=400), rng.random(400) < 0.8
    shuffled = nmi.shuffled(actions, blocks, valid, rng)
    np.testing.assert_array_equal(shuffled[~valid], actions[~valid])
    assert (shuffled != actions).sum() > 150
    for block in range(7):
        rows = valid & (blocks == block)
        np.testing.assert_array_equal(np.sort(shuffled[rows]), np.sort(actions[rows]))
