"""Which device a run takes."""

import pytest
import torch
from learner_helpers import tiny_config

from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.devices import resolve_device
from isa_wrappers.errors import DeviceError

EXPLORE, REACH, TRAIN = "explore", "reach", "train"
FAR = {"num_agents": 2, "grid": 5, "targets": [[4, 4], [4, 3]], "horizon": 12}


def test_devices():
    assert resolve_device("cpu") == "cpu"
    assert resolve_device("auto") == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_absent_is_refused():
    with pytest.raises(DeviceError, match="'cuda' was asked for but torch sees no CUDA device"):
        Algorithm(tiny_config(device="cuda", algo="ippo"), None)
