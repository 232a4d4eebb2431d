"""Functions from recordings: what a recording may hold, when it is made anew, and that it does what the calls do."""

import random
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from devices import TORCH
from rerun import Rerun, recorded_where_tested  # noqa: F401 - a fixture

from isa_learners.graphs.captured import Captured, CUDAGraph, graphs_on


@dataclass(frozen=True)
class Seen:
    now: torch.Tensor
    last: torch.Tensor


class Walk:
    """Two numbers that change places, one that is added to where it lies, and one that Python knows."""

    def __init__(self, device="cpu"):
        self.seen = Seen(torch.tensor([1.0], device=device), torch.tensor([2.0], device=device))
        self.same = self.seen.now
        self.total = torch.zeros(1, device=device)
        self.step_size, self.calls, self.counts_calls = 1.0, 0, False
        self.asks = False

    def step(self, by):
        self.total += by * self.seen.now
        self.seen = replace(self.seen, now=self.seen.last + self.step_size, last=self.seen.now)
        self.same = self.seen.now
        if self.counts_calls:
            self.calls += 1
        if self.asks:
            float(self.total)
        return self.total + 0.0, self.seen.last

    def numbers(self):
        return [x.item() for x in (self.seen.now, self.seen.last, self.same, self.total)]


def captured(walk, device):
    return Captured(walk.step, [walk], make=Rerun if device == "cpu" else CUDAGraph)


def by(device, number=2.0):
    return torch.tensor([number], device=device)


@pytest.mark.parametrize("device", TORCH)
def test_a_recording_does_what_the_calls_do(device):
    plain, walk = Walk(device), Walk(device)
    recorded = captured(walk, device)
    for number in range(7):
        expected, found = plain.step(by(device, number)), recorded(by(device, number))
        assert [x.item() for x in found] == [x.item() for x in expected]
        assert walk.numbers() == plain.numbers()
    assert recorded.replays == 6
    assert recorded.refused is None


@pytest.mark.parametrize("device", TORCH)
def test_what_is_returned_stays(device):
    recorded = captured(Walk(device), device)
    found = [recorded(by(device)) for _ in range(4)]
    totals = [total.item() for total, _ in found]
    assert totals == sorted(set(totals))


@pytest.mark.parametrize("device", TORCH)
def test_repeating_is_calling_so_many_times(device):
    plain, walk = Walk(device), Walk(device)
    for _ in range(9):
        expected = plain.step(by(device))
    recorded = captured(walk, device)
    recorded.repeat(4, by(device))
    found = recorded.repeat(5, by(device))
    assert found[0].item() == expected[0].item()
    assert walk.numbers() == plain.numbers()


def reset(walk):
    walk.seen = Seen(walk.total * 0 + 5.0, walk.total * 0 + 6.0)


def other_number(walk):
    walk.step_size = 3.0


@pytest.mark.parametrize("device", TORCH)
@pytest.mark.parametrize(("change", "anew"), [(reset, False), (other_number, True)])
def test_what_others_change_counts(change, anew, device):
    plain, walk = Walk(device), Walk(device)
    recorded = captured(walk, device)
    for number in range(8):
        if number == 4:
            change(plain)
            change(walk)
        plain.step(by(device))
        recorded(by(device))
        assert walk.numbers() == plain.numbers(), number
    assert recorded.replays == (6 if anew else 7)


def test_other_shapes_are_recorded_anew():
    plain, walk = Walk(), Walk()
    recorded = captured(walk, "cpu")
    for shape in ([1], [1], [1], [2], [2], [1]):
        plain.total, walk.total = (torch.zeros(shape) for _ in range(2))
        given = torch.ones(shape)
        assert recorded(given)[0].tolist() == plain.step(given)[0].tolist()


def test_what_python_changes_in_each_call_is_never_recorded():
    walk, plain = Walk(), Walk()
    walk.counts_calls = True
    recorded = captured(walk, "cpu")
    for _ in range(12):
        recorded(by("cpu"))
        plain.step(by("cpu"))
    assert recorded.replays == 0
    assert "calls" in recorded.refused
    assert (walk.numbers(), walk.calls) == (plain.numbers(), 12)


@pytest.mark.parametrize(
    "draw",
    [
        random.random,
        np.random.rand,
        lambda: torch.rand(1),
        np.random.default_rng(0).random,
        random.Random(0).random,
    ],
    ids=["python", "numpy", "torch", "a generator of NumPy's", "one of Python's"],
)
def test_who_draws_on_the_host_is_never_recorded(draw):
    walk = Walk()
    walk.draw = draw
    walk.step = lambda by: [walk.draw(), Walk.step(walk, by)][1]
    recorded = Captured(walk.step, [walk], make=Rerun)
    for _ in range(10):
        recorded(by("cpu"))
    assert recorded.replays == 0


def test_what_cannot_be_recorded_is_called_as_it_is():
    walk, plain = Walk(), Walk()

    class Refuses:
        def record(self, work, generators):
            tensors = [walk.total, walk.same, walk.seen.now, walk.seen.last]
            held = [tensor.clone() for tensor in tensors]
            work()
            for tensor, value in zip(tensors, held, strict=True):  # CUDA would only have noted what is to be done
                tensor.copy_(value)
            raise RuntimeError("operation not permitted\nwhen stream is capturing")

    recorded = Captured(walk.step, [walk], make=Refuses)
    for _ in range(4):
        plain.step(by("cpu"))
        recorded(by("cpu"))
    assert recorded.refused == "operation not permitted"
    assert walk.numbers() == plain.numbers()


def test_an_error_of_the_function_s_own_is_raised_by_a_call_as_it_is():
    class Records:
        def record(self, work, generators):
            work()

    walk = Walk()
    walk.broken = False

    def step(by):
        if walk.broken:
            raise ValueError("an episode of no length")
        return Walk.step(walk, by)

    recorded = Captured(step, [Walk()], make=Records)
    recorded(by("cpu"))
    walk.broken = True
    with pytest.raises(ValueError, match="no length"):
        recorded(by("cpu"))
    assert recorded.refused == "an episode of no length"


@pytest.mark.cuda
def test_what_asks_the_host_is_called_as_it_is_on_cuda():
    plain, walk = Walk("cuda"), Walk("cuda")
    walk.asks = True
    recorded = captured(walk, "cuda")
    for _ in range(5):
        plain.step(by("cuda"))
        recorded(by("cuda"))
    assert recorded.refused is not None
    assert walk.numbers() == plain.numbers()


@pytest.mark.cuda
def test_random_numbers_go_on_as_in_calls():
    class Draws:
        def __init__(self):
            self.noise = torch.Generator("cuda").manual_seed(3)
            self.drawn = torch.zeros(4, device="cuda")

        def step(self):
            self.drawn = torch.rand(4, generator=self.noise, device="cuda")

    plain, draws = Draws(), Draws()
    recorded = Captured(draws.step, [draws])
    for _ in range(6):
        plain.step()
        recorded()
        assert torch.equal(plain.drawn, draws.drawn)
    assert recorded.replays == 5
    assert torch.equal(plain.noise.get_state(), draws.noise.get_state())


def test_the_switch(monkeypatch):
    assert graphs_on("cuda:1")
    assert not graphs_on("cpu")
    monkeypatch.setenv("ISA_GRAPHS", "0")
    assert not graphs_on("cuda")
