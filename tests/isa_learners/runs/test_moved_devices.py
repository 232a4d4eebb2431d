"""Runs that were begun on one kind of device and continue on the other."""

import math

import pytest
import torch
from learner_helpers import tiny_config
from resuming import rows_of, whole_run

from isa_learners.checkpoint import load_checkpoint, save_checkpoint
from isa_learners.runs.curves import changed_in_mid_run
from isa_learners.runs.training import Training
from isa_wrappers.arrays import STATE_ON_CUDA

pytestmark = pytest.mark.slow

NEAR = {"num_agents": 1, "grid": 3, "targets": [[0, 1]], "horizon": 6}
RANDOM = {"num_agents": 2, "grid": 3, "targets": "random", "horizon": 6}


def as_written_on_cuda(tensors):
    """Give each stream of the device a state of CUDA's kind; ``order`` is drawn on the host there too."""
    of_a_cpu = len(torch.default_generator.get_state())
    streams = [
        key
        for key, value in tensors.items()
        if value.dtype == torch.uint8 and value.numel() == of_a_cpu and not key.endswith(".order")
    ]
    return {key: torch.arange(STATE_ON_CUDA, dtype=torch.uint8) for key in streams}


@pytest.mark.parametrize("algo", ["isa", "happo", "coma", "qmix", "rnd"])
def test_a_run_begun_on_cuda_goes_on_here_and_says_so(tmp_path, algo):
    chosen = {"algo": "ippo", "intrinsic": "rnd"} if algo == "rnd" else {"algo": algo}
    folder = whole_run(tmp_path / "run", tiny_config("grid/navigation", RANDOM, steps=200, eval_interval=36, **chosen))
    tensors, meta = load_checkpoint(folder.latest_checkpoint)
    moved = as_written_on_cuda(tensors)
    assert len(moved) >= 3, "noise, the environment's and the learner's"
    save_checkpoint(folder.latest_checkpoint, tensors | moved, meta | {"device": "cuda:1"})
    with pytest.warns(UserWarning, match="was trained on 'cuda:1' until now and continues on 'cpu'"):
        training = Training(folder, resume=True, tensorboard=False, changes={"steps": 400})
    training.run()
    rows = rows_of(folder)
    assert int(rows[-1]["env_steps"]) >= 400
    assert all(math.isfinite(float(row["success_rate"])) for row in rows)


def test_a_run_takes_another_device_where_it_resumes(tmp_path):
    folder = whole_run(tmp_path / "run", tiny_config("grid/unlock", NEAR, algo="ippo", steps=100))
    training = Training(folder, resume=True, tensorboard=False, changes={"steps": 140, "device": "cpu"})
    training.run()
    assert folder.config().device == "cpu"
    assert changed_in_mid_run(folder) == {}, "it counts as the same run"
