"""Nothing waits for the device in a rollout and in an update in CUDA's layout."""

import pytest
import torch
from devices import TORCH
from host_reads import NoHostReads, no_host_reads
from policy_helpers import DEATHS_AND_MASKS, tiny_config

from isa_learners.runs.algorithm import Algorithm

RANDOM = {"num_agents": 2, "grid": 4, "targets": "random", "horizon": 6}


@pytest.mark.parametrize("device", TORCH)
def test_rollout_and_update_never_wait(device):
    config = tiny_config("grid/navigation", RANDOM, algo="coma", coma={"fixed_shapes": "always"}, device=device)
    algorithm = Algorithm(config, None)
    collector, learner = algorithm.phase.collector, algorithm.phase.learner
    collector.collect(5)  # the first one, in which decisions are looked at
    for _ in range(3):
        with no_host_reads(device):
            metrics = learner.coma.update(learner.batch(collector.collect(5)))
    assert torch.isfinite(metrics).all()


def test_the_layout_of_a_cpu_does():
    algorithm = Algorithm(tiny_config(*DEATHS_AND_MASKS, algo="coma"), None)
    batch = algorithm.phase.learner.batch(algorithm.phase.collector.collect(5))
    with pytest.raises(AssertionError, match="makes the host wait"), NoHostReads():
        algorithm.phase.learner.coma.update(batch)
