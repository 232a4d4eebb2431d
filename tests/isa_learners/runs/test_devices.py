"""Which device a run takes."""

import pytest
import torch
from learner_helpers import tiny_config

from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.devices import resolve_device
from isa_wrappers.errors import DeviceError, InvalidValueError

EXPLORE, REACH, TRAIN = "explore", "reach", "train"
FAR = {"num_agents": 2, "grid": 5, "targets": [[4, 4], [4, 3]], "horizon": 12}


def test_devices():
    assert resolve_device("cpu") == "cpu"
    assert resolve_device("auto") == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_absent_is_refused():
    with pytest.raises(DeviceError, match="'cuda' was requested, but torch has no CUDA device"):
        Algorithm(tiny_config(device="cuda", algo="ippo"), None)


def test_one_of_several_devices(monkeypatch):
    """As on a machine with two."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert resolve_device("cuda:1") == "cuda:1"
    assert resolve_device("cuda:0", "grid/unlock") == "cuda:0"
    assert tiny_config(device="cuda:1").device == "cuda:1"
    with pytest.raises(DeviceError, match="'cuda:2' was requested, but torch has 2, the last of them 'cuda:1'"):
        resolve_device("cuda:2", "grid/unlock")


@pytest.mark.parametrize(
    ("given", "offer"),
    [("gpu", "; did you mean 'cuda'?"), ("GPU:0", "; did you mean 'cuda'?"), ("cuda1", "; did you mean 'cuda'?"),
     ("cup", "; did you mean 'cpu'?"), ("tpu:x", "")],
)  # fmt: skip
def test_other_names_get_the_nearest(given, offer):
    with pytest.raises(InvalidValueError) as caught:
        tiny_config(device=given)
    assert str(caught.value).endswith(f"device must be one of auto, cpu, cuda, cuda:N; got {given!r}{offer}")


@pytest.mark.parametrize("given", ["mps", "mps:0", "Metal"])
def test_what_knows_no_float64_is_refused_with_the_reason(given):
    with pytest.raises(InvalidValueError, match=f"device cannot be '{given}': torch has no float64 there"):
        tiny_config(device=given)
