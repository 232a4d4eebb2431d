"""Nothing waits for the device in a rollout, in keeping it and in gradient steps in CUDA's layout."""

import pytest
import torch
from devices import TORCH
from host_reads import no_host_reads
from learner_helpers import tiny_config

from isa_learners.runs.algorithm import Algorithm

SETTINGS = {"td_lambda": 0.5, "fixed_shapes": "always"}


@pytest.mark.parametrize("device", TORCH)
@pytest.mark.parametrize("algo", ["vdn", "qmix", "maser"])
def test_rollout_replay_and_gradient_steps_never_wait(algo, device):
    kwargs = {"num_agents": 2, "grid": 4, "targets": "random", "horizon": 6}
    algorithm = Algorithm(tiny_config("grid/navigation", kwargs, algo=algo, q=SETTINGS, device=device), None)
    collector, learner = algorithm.phase.collector, algorithm.phase.learner
    learner.learn(collector.collect(5))
    for _ in range(3):
        with no_host_reads(device):
            rollout = collector.collect(5)
            learner.replay.add(rollout, rollout.record["obs"])
            metrics = learner.q.gradient_step(learner.replay.sample(3, learner.generator))
    assert torch.isfinite(metrics).all()
