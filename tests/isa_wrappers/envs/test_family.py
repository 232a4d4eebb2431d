"""What a family does where it says nothing itself."""

import sys

import numpy as np
import pytest
from toy_envs import Walk

from isa_wrappers.envs.family import EnvFamily, call_factory
from isa_wrappers.errors import DeviceError, InvalidValueError, MissingDependencyError, UnknownTaskError


class Lines(EnvFamily):
    prefix = "lines"

    def tasks(self):
        return {"lines/walk": "two agents walk", "lines/run": "the same"}

    def parallel(self, name, length=3):
        return Walk(length)


def test_a_family_that_makes_nothing_is_none():
    class Nothing(EnvFamily):
        prefix = "nothing"

        def tasks(self):
            return {}

    with pytest.raises(TypeError, match="parallel"):
        Nothing()


def test_the_defaults():
    family = Lines()
    assert family.missing() is None
    assert family.listeners(3) == 24
    assert family.short("lines/walk") == "walk"
    batch = family.batch("lines/walk", 2, length=1)
    assert (batch.num_envs, batch.device) == (2, None)
    batch.reset()
    step = batch.step(np.full((2, 2), 2))
    assert step.success.all(), "a line of length 1 is walked in one step"


def test_a_task_that_is_batched_by_itself_takes_its_options_and_no_workers():
    class Native(Lines):
        def native_batch(self, name):
            return (lambda num_envs, device, length=3: (num_envs, device, length)) if name == "lines/run" else None

    assert Native().batch("lines/run", 4, "cpu", None, None, length=2) == (4, "cpu", 2)
    assert Native().batch("lines/run", 4, state_fallback="observations", workers=0).num_envs == 4, "one by one"
    assert Native().batch("lines/walk", 2).num_envs == 2
    with pytest.raises(InvalidValueError, match="workers must be 0 for lines/run, got 2"):
        Native().batch("lines/run", 4, workers=2)


def test_the_rules_for_states_and_successes_reach_the_copies():
    class Stateless(Lines):
        def parallel(self, name):
            env = Walk(1)
            env.state = None
            return env

    batch = Stateless().batch("lines/walk", 1, None, "observations", None)
    assert batch.reset().state.tolist() == [[0.0, 0.0, 0.0, 0.0]]
    assert not batch.step(np.full((1, 2), 2)).success.any(), "nothing counts as won"


def test_check():
    Lines().check("lines/walk")
    with pytest.raises(UnknownTaskError) as caught:
        Lines().check("lines/wlak")
    assert str(caught.value) == "unknown task 'lines/wlak'; did you mean 'lines/walk'? known: lines/walk, lines/run"

    class Away(Lines):
        def missing(self):
            return "needs lanes: pip install lanes"

    with pytest.raises(MissingDependencyError, match=r"^lines/walk needs lanes: pip install lanes$"):
        Away().check("lines/walk")


def test_devices(monkeypatch):
    torch = pytest.importorskip("torch")
    for there, device in ((True, "cuda"), (False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        assert Lines().device("auto") == device
    assert Lines().device("cpu") == "cpu"
    with pytest.raises(DeviceError, match="'cuda' was requested, but torch has no CUDA device"):
        Lines().device("cuda")


def test_auto_needs_no_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert Lines().device("auto") == "cpu"


def test_called():
    assert call_factory("lines/walk", Walk, (2,), {}).length == 2
    with pytest.raises(InvalidValueError, match=r"'lines/walk' does not accept these options: .*'width'"):
        call_factory("lines/walk", Walk, (), {"width": 2})
    assert call_factory("own", dict, (), {"a": 1}) == {"a": 1}, "a built-in class does not tell its signature"
    with pytest.raises(TypeError, match="inside"):  # not a matter of options
        call_factory("own", fails, (), {})


def fails():
    raise TypeError("inside")
