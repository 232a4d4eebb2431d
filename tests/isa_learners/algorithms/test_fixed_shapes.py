"""Every algorithm learns the same in CUDA's layout, in which shapes are fixed, as in that of a CPU."""

import pytest
import torch
from policy_helpers import DEATHS_AND_MASKS, drawn_algorithm

from isa_learners.algorithms import ALGORITHMS
from isa_learners.recurrent.packing import EveryStep, LivingSteps

ITERATIONS = 10
"""Of five steps in two environments."""
SHORT = DEATHS_AND_MASKS[0], {**DEATHS_AND_MASKS[1], "horizon": 7}
"""Agents die, and episodes end within rollouts."""


def trained(algo, fixed_shapes):
    """Train for a while; return the learner's layout, its metrics, and its tensors before and after."""
    section = ALGORITHMS[algo].learner
    algorithm = drawn_algorithm(algo, SHORT, **{section: {"fixed_shapes": fixed_shapes}})
    learner = algorithm.phase.learner
    before = {name: value.clone() for name, value in learner.state_dict().items()}
    metrics = [algorithm.iterate() for _ in range(ITERATIONS)]
    return getattr(learner, section).layout, metrics, before, learner.state_dict()


@pytest.mark.slow
@pytest.mark.parametrize("algo", [algo for algo in ALGORITHMS if algo != "isa_reach"])  # its phase is the last of isa's
def test_what_is_learned_is_the_same(algo):
    (living, said, before, after), (every, said_too, _, other) = trained(algo, "never"), trained(algo, "always")
    assert (living, every) == (LivingSteps, EveryStep)
    for metrics, metrics_too in zip(said, said_too, strict=True):
        assert metrics_too == pytest.approx(metrics, rel=1e-4, abs=1e-5)
    moved = [name for name, value in before.items() if name.endswith("weight") and not value.equal(after[name])]
    assert len(moved) > 1, "something is learned"
    assert set(after) == set(other)
    for name, value in after.items():
        if name.endswith("final_inputs"):  # of steps after which nothing ends nobody reads them
            continue
        if value.is_floating_point():
            torch.testing.assert_close(other[name], value, rtol=1e-5, atol=1e-6, msg=f"{name} differs")
        else:
            assert torch.equal(other[name], value), name
