"""Rollouts and updates from recordings are those of calls, number for number."""

import pytest
from devices import TORCH
from learner_helpers import tiny_config
from rerun import reruns  # noqa: F401 - a fixture

from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.scopes import scope_for

TASKS = {
    "grid/unlock": None,
    "grid/navigation": {"num_agents": 2, "grid": 4, "targets": "random", "horizon": 6},
    "grid/shooting": {"num_agents": 1, "targets": [[1, 7]], "horizon": 8},
}
KINDS = {
    "plain": {},
    "buffer": {"buffer_rollouts": 3, "minibatches": 2},
    "normalised lstm": {"network": "lstm", "normalize_obs": True},
    "mlp": {"network": "mlp", "critic": "state"},
}
ON_CUDA = KINDS | {"annealed": {"anneal_to": 0.1}}  # whose rates lie on the device there
SETS = [*((task, "plain") for task in TASKS), *(("grid/unlock", kind) for kind in ON_CUDA)]


def told(task, kind, device, iterations=7):
    config = tiny_config(task, TASKS[task], device=device, ppo={"fixed_shapes": "always", **ON_CUDA[kind]})
    algorithm = Algorithm(config, scope_for(config)[0])
    found = [(algorithm.phase.name, algorithm.iterate()) for _ in range(iterations)]
    return found, algorithm


def replays(algorithm):
    collector, ppo = algorithm.phase.collector, algorithm.phase.learner.ppo
    assert (collector._captured.refused, ppo._learn.refused) == (None, None)
    return collector._captured.replays, ppo._learn.replays


@pytest.mark.slow
@pytest.mark.parametrize(("task", "kind"), [(task, kind) for task, kind in SETS if kind in KINDS])
def test_recorded_training_equals_calls(task, kind, request):
    expected, _ = told(task, kind, "cpu")
    request.getfixturevalue("reruns")
    found, algorithm = told(task, kind, "cpu")
    assert found == expected
    steps, updates = replays(algorithm)
    assert steps > 0
    assert updates > 0


@pytest.mark.cuda
@pytest.mark.parametrize(("task", "kind"), SETS)
def test_recorded_training_equals_calls_on_cuda(task, kind, monkeypatch):
    monkeypatch.setenv("ISA_GRAPHS", "0")
    expected, _ = told(task, kind, "cuda")
    monkeypatch.setenv("ISA_GRAPHS", "1")
    found, algorithm = told(task, kind, "cuda")
    assert [name for name, _ in found] == [name for name, _ in expected]
    for (_, one), (_, other) in zip(found, expected, strict=True):
        assert one == pytest.approx(other, rel=1e-3, abs=1e-5)
    steps, updates = replays(algorithm)
    assert steps > 0
    assert updates > 0


@pytest.mark.parametrize("device", TORCH)
def test_two_runs_with_one_seed_agree(device):
    assert told("grid/unlock", "plain", device, 4)[0] == told("grid/unlock", "plain", device, 4)[0]
