"""Checkpoints: round trips, damage, and what stays when writing fails."""

import errno
import json
import os
import pickle
import random

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from isa_learners import checkpoint
from isa_learners.checkpoint import (
    global_generators,
    load_checkpoint,
    load_optimizer_tensors,
    optimizer_tensors,
    save_checkpoint,
    set_global_generators,
)
from isa_wrappers import files
from isa_wrappers.errors import CannotWriteError, FileFormatError

TENSORS = {
    "floats": torch.tensor([[1.5, -0.0], [float("inf"), 1e-45]]),
    "doubles": torch.tensor(0.1, dtype=torch.float64),
    "flags": torch.tensor([True, False]),
    "bytes": torch.arange(256, dtype=torch.uint8),
    "empty": torch.zeros(0, 3),
    "transposed": torch.arange(6).view(2, 3).T,
    "numpy": np.arange(3, dtype=np.int32),
}


META = {"phase": "reach", "env_steps": 12, "nested": {"a": [1, None, 0.1]}}


def test_round_trip(tmp_path):
    path = tmp_path / "deep" / "latest.safetensors"
    save_checkpoint(path, TENSORS, META)
    tensors, meta = load_checkpoint(path)
    assert meta == META
    assert set(tensors) == set(TENSORS)
    for name, value in TENSORS.items():
        value = torch.as_tensor(value)
        assert tensors[name].dtype == value.dtype, name
        assert tensors[name].shape == value.shape, name
        assert tensors[name].contiguous().numpy().tobytes() == value.contiguous().numpy().tobytes(), name


def test_views_of_one_tensor_are_saved_whole(tmp_path):
    base = torch.arange(10.0)
    save_checkpoint(tmp_path / "a.safetensors", {"all": base, "part": base[2:4]}, {})
    tensors, _ = load_checkpoint(tmp_path / "a.safetensors")
    assert tensors["part"].tolist() == [2.0, 3.0]


def test_the_file_holds_no_code(tmp_path):
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, TENSORS, META)
    size = int.from_bytes(path.read_bytes()[:8], "little")
    header = json.loads(path.read_bytes()[8 : 8 + size])
    assert header["__metadata__"]["format"] == checkpoint.FORMAT


@pytest.mark.parametrize("keep", [0, 4, 60, -1])
def test_a_truncated_file_is_refused(tmp_path, keep):
    path = tmp_path / "latest.safetensors"
    save_checkpoint(path, TENSORS, META)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(FileFormatError, match=r"latest\.safetensors is truncated or not a checkpoint"):
        load_checkpoint(path)


def foreign_files():
    def text(path):
        path.write_text("hello " * 100)

    def pickled(path):
        path.write_bytes(pickle.dumps({"actor": 1}))

    def torch_file(path):
        torch.save({"a": torch.ones(2)}, path)

    def plain_safetensors(path):
        save_file({"a": torch.ones(2)}, path)

    def other_format(path):
        save_file({"a": torch.ones(2)}, path, {"format": "isa-scope"})

    def no_meta(path):
        save_file({"a": torch.ones(2)}, path, {"format": checkpoint.FORMAT})

    def bad_meta(path):
        save_file({"a": torch.ones(2)}, path, {"format": checkpoint.FORMAT, "meta": "{"})

    return [text, pickled, torch_file, plain_safetensors, other_format, no_meta, bad_meta]


@pytest.mark.parametrize("make", foreign_files(), ids=lambda make: make.__name__)
def test_a_foreign_file_is_refused(tmp_path, make):
    path = tmp_path / "foreign.safetensors"
    make(path)
    with pytest.raises(FileFormatError, match=r"foreign\.safetensors") as caught:
        load_checkpoint(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(FileFormatError, match=r"no checkpoint at .*none\.safetensors"):
        load_checkpoint(tmp_path / "none.safetensors")
    with pytest.raises(FileFormatError, match="no checkpoint at"):
        load_checkpoint(tmp_path)


def test_the_old_checkpoint_stays_when_writing_fails(tmp_path, monkeypatch):
    path = tmp_path / "latest.safetensors"
    save_checkpoint(path, TENSORS, META)
    before = path.read_bytes()

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(CannotWriteError, match=r"cannot write to .*latest\.safetensors: No space left on device"):
        save_checkpoint(path, {}, {})
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["latest.safetensors"]


def test_the_new_checkpoint_is_whole_before_it_takes_the_olds_place(tmp_path, monkeypatch):
    path = tmp_path / "latest.safetensors"
    save_checkpoint(path, TENSORS, META)
    seen = []
    replace = os.replace

    def watched(source, target):
        seen.append((load_checkpoint(source)[1], load_checkpoint(target)[1]))
        replace(source, target)

    monkeypatch.setattr(files.os, "replace", watched)
    save_checkpoint(path, TENSORS, {"new": 1})
    assert seen == [({"new": 1}, META)]
    assert load_checkpoint(path)[1] == {"new": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["latest.safetensors"]


@pytest.mark.slow
def test_a_changed_byte_anywhere_is_noticed(tmp_path):
    """Network weights have no wrong values of their own: only the digest can tell."""
    path = tmp_path / "latest.safetensors"
    save_checkpoint(path, TENSORS, META)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(FileFormatError, match=r"latest\.safetensors"):
            load_checkpoint(path)


@pytest.mark.parametrize("meta", ["[]", "3", "[" * 100_000, '{"a":' * 500 + "1" + "}" * 500, "9" * 5_000])
def test_meta_is_a_mapping_of_bounded_depth(tmp_path, meta):
    path = tmp_path / "odd.safetensors"
    save_file({"a": torch.ones(2)}, path, {"format": checkpoint.FORMAT, "layout": checkpoint.LAYOUT, "meta": meta})
    with pytest.raises(FileFormatError, match=r"odd\.safetensors") as caught:
        load_checkpoint(path)
    assert len(str(caught.value)) < 600


def test_a_pipe_in_a_checkpoints_place_is_refused(tmp_path):
    path = tmp_path / "latest.safetensors"
    os.mkfifo(path)
    with pytest.raises(FileFormatError, match=r"no checkpoint at .*latest\.safetensors"):
        load_checkpoint(path)


def test_the_mode_is_that_of_any_file(tmp_path):
    path = tmp_path / "latest.safetensors"
    before = os.umask(0o027)
    try:
        save_checkpoint(path, TENSORS, META)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o640


def test_optimizer_goes_on_from_its_tensors():
    def make():
        torch.manual_seed(0)
        weight = torch.nn.Parameter(torch.randn(3))
        return weight, torch.optim.Adam([weight], lr=0.1)

    def descend(weight, optimizer, times):
        for _ in range(times):
            optimizer.zero_grad()
            (weight**2).sum().backward()
            optimizer.step()

    weight, optimizer = make()
    descend(weight, optimizer, 3)
    copy, other = make()
    copy.data.copy_(weight.data)
    load_optimizer_tensors(other, optimizer_tensors(optimizer))
    descend(weight, optimizer, 2)
    descend(copy, other, 2)
    assert torch.equal(weight, copy)


def test_an_unused_optimizer_has_no_tensors():
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.Adam([weight])
    assert optimizer_tensors(optimizer) == {}
    load_optimizer_tensors(optimizer, {})


def test_global_generators_travel_through_json():
    before = global_generators()
    try:
        random.seed(1)
        np.random.seed(1)
        torch.manual_seed(1)
        np.random.standard_normal()
        states = json.loads(json.dumps(global_generators()))

        def draw():
            numbers = np.random.standard_normal(3).tolist()
            return [random.random(), random.gauss(0, 1), *numbers, *torch.rand(2).tolist()]

        first = draw()
        assert draw() != first
        set_global_generators(states)
        assert draw() == first
    finally:
        set_global_generators(before)
