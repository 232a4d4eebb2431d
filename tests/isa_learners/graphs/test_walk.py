"""Walking objects: tensors found, put elsewhere, restored; and what Python knows."""

import itertools
from collections import deque, namedtuple
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
import torch
from rerun import recorded_where_tested  # noqa: F401 - a fixture

from isa_learners.graphs.walk import walk


@dataclass(frozen=True)
class Seen:
    obs: torch.Tensor
    lost: torch.Tensor | None = None


Pair = namedtuple("Pair", "low high")


class Holder:
    def __init__(self):
        self.seen = Seen(torch.zeros(2))
        self.rows = [torch.zeros(1), 3]
        self.recent = deque([torch.zeros(1)], maxlen=2)
        self.named = {"a": torch.zeros(1), torch.float32: "kind"}
        self.pair = Pair(torch.zeros(1), torch.zeros(1))
        self.two = torch.zeros(1), torch.ones(1)
        self.itself = self
        self.bound = self.call

    def call(self):
        pass


class Slotted:
    __slots__ = ("count", "seen")

    def __init__(self):
        self.count, self.seen = 0, torch.zeros(1)


def counting():
    total = 0

    def count():
        nonlocal total
        total += 1

    return count


def unfinished():
    def count():
        return later

    if not count:
        later = 1
    return count


HIDDEN = {
    "a set": (set, lambda held: held.add(1)),
    "a slot": (Slotted, lambda held: setattr(held, "count", 1)),
    "bytes": (lambda: bytearray(b"ab"), lambda held: held.__setitem__(0, 0)),
    "what a function closes over": (counting, lambda held: held()),
    "what is given to a function": (lambda: partial(dict, [0]), lambda held: held.args[0].append(1)),
    "where an iterator stands": (lambda: itertools.count(), next),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_what_stands_in_no_mapping_is_seen_to_change(name):
    make, change = HIDDEN[name]
    holder = Holder()
    holder.held = make()
    before = walk([holder]).known
    assert (walk([holder]).known == before) is (name != "where an iterator stands"), "only a change is one"
    change(holder.held)
    assert walk([holder]).known != before


def test_a_closure_over_nothing_yet_is_walked():
    holder = Holder()
    holder.held = unfinished()
    assert walk([holder]).known == walk([holder]).known


def test_what_a_slot_and_a_set_hold_is_put_back():
    holder = Holder()
    holder.held, holder.names = Slotted(), {"a"}
    view = walk([holder])
    (path,) = [path for path in view.tensors if "slot" in path]
    view.put[path](torch.ones(1))
    assert holder.held.seen.item() == 1.0
    holder.names.add("b")
    view.restore()
    assert holder.names == {"a"}


def paths(view):
    return {".".join(map(str, path[1:])) for path in view.tensors}


def test_every_tensor_is_found_once_a_place():
    assert paths(walk([Holder()])) == {
        "seen.obs", "rows.0", "recent.0", "named.a", "pair.0", "pair.1", "two.0", "two.1"
    }  # fmt: skip


def test_tensors_are_put_where_they_stood():
    holder = Holder()
    view = walk([holder])
    for number, put in enumerate(view.put.values()):
        put(torch.tensor([float(number)]))
    held = [tensor.item() for tensor in walk([holder]).tensors.values()]
    assert held == list(range(8))
    assert isinstance(holder.pair, Pair)
    assert isinstance(holder.two, tuple)


def test_restoring_undoes_what_was_put_and_appended_and_added():
    holder = Holder()
    view, seen = walk([holder]), holder.seen
    holder.seen, holder.more = Seen(torch.ones(2)), 1
    holder.rows.append(2)
    holder.recent.append(5)
    holder.named["b"] = 1
    holder.two = ()
    view.restore()
    assert holder.seen is seen
    assert walk([holder]).known == view.known
    assert holder.recent.maxlen == 2


CHANGES = {
    "a number": lambda holder: holder.rows.__setitem__(1, 4),
    "a length": lambda holder: holder.rows.append(4),
    "a name": lambda holder: holder.named.update(b=1),
    "a shape": lambda holder: holder.rows.__setitem__(0, torch.zeros(2)),
    "a kind": lambda holder: holder.rows.__setitem__(0, torch.zeros(1, dtype=torch.int64)),
    "a tensor that comes": lambda holder: setattr(holder, "seen", Seen(torch.zeros(2), torch.zeros(1))),
    "an array": lambda holder: setattr(holder, "bound", np.ones(1)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_python_knows_differs_after(change):
    holder = Holder()
    before = walk([holder])
    CHANGES[change](holder)
    assert walk([holder]).known != before.known


def test_values_of_tensors_are_not_what_python_knows():
    holder = Holder()
    before = walk([holder])
    holder.seen = Seen(torch.ones(2))
    holder.rows[0] += 1
    assert walk([holder]).known == before.known


def test_values_on_the_host_are_known(monkeypatch):
    monkeypatch.setattr("isa_learners.graphs.walk.RECORDED", "cuda")
    holder = Holder()
    holder.rows[0] = torch.zeros((), dtype=torch.bfloat16)
    before = walk([holder])
    assert not before.tensors
    assert walk([holder]).known == before.known
    holder.rows[0] += 1
    assert walk([holder]).known != before.known


def test_draws_on_the_host_are_known(monkeypatch):
    monkeypatch.setattr("isa_learners.graphs.walk.RECORDED", "cuda")

    class Draws:
        noise = None

    draws = Draws()
    draws.noise = torch.Generator()
    before = walk([draws])
    torch.rand(1, generator=draws.noise)
    assert walk([draws]).known != before.known


def test_what_is_left_is_not_looked_into():
    holder = Holder()
    assert "seen.obs" not in paths(walk([holder], leave=(Seen,)))
    with pytest.raises(TypeError, match="itself a root"):
        next(iter(walk([torch.zeros(1)]).put.values()))(torch.ones(1))
