"""A stand-in for CUDA graphs where there is no CUDA: what was recorded is called again, on the recorded tensors."""

import pytest


class Rerun:
    made = 0

    def record(self, work, generators):
        Rerun.made += 1
        self._work = work

    def replay(self):
        self._work()


@pytest.fixture
def reruns(monkeypatch):
    """Record everything that can be, on CPU."""
    monkeypatch.setattr("isa_learners.graphs.captured.CUDAGraph", Rerun)
    monkeypatch.setattr("isa_learners.graphs.walk.RECORDED", "cpu")
    monkeypatch.setattr("isa_wrappers.arrays.HOST", None)
    for module in ("isa_learners.ppo.update", "isa_learners.rollout"):
        monkeypatch.setattr(module + ".graphs_on", lambda device: True)
    Rerun.made = 0
    return Rerun


@pytest.fixture(autouse=True)
def recorded_where_tested(request, monkeypatch):
    """Take tensors on CPU for those of the device, in tests that have none."""
    device = getattr(request.node, "callspec", None) and request.node.callspec.params.get("device")
    if not request.node.get_closest_marker("cuda") and device != "cuda":
        monkeypatch.setattr("isa_learners.graphs.walk.RECORDED", "cpu")
