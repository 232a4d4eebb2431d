"""Files are replaced whole or not at all, and read without trust."""

import errno
import os

import numpy as np
import pytest
from safetensors.numpy import save

from isa_wrappers import files
from isa_wrappers.errors import CannotWriteError, FileFormatError
from isa_wrappers.files import check_digest, read_bytes, replacing, split_tensors, write_text


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "deep" / "a.txt"
    write_text(path, "one\n")
    with replacing(path) as file:
        file.write(b"two")
        assert path.read_text() == "one\n"
    assert path.read_bytes() == b"two"
    assert [p.name for p in path.parent.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("kind", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt, ValueError("x")])
def test_what_was_there_stays_when_writing_fails(tmp_path, kind):
    path = tmp_path / "a.txt"
    path.write_text("one")
    wanted = CannotWriteError if isinstance(kind, OSError) else kind if isinstance(kind, type) else type(kind)

    def fail():
        with replacing(path) as file:
            file.write(b"half")
            raise kind

    with pytest.raises(wanted) as caught:
        fail()
    assert path.read_text() == "one"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    if wanted is CannotWriteError:
        assert str(caught.value) == f"cannot write to {path}: No space left on device"


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_the_mode_is_that_of_any_new_file(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        write_text(tmp_path / "a", "")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == mode


def test_it_is_on_the_disk_before_it_takes_the_place(tmp_path, monkeypatch):
    done = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(files.os, name, lambda *a, name=name, real=real: (done.append(name), real(*a))[1])
    write_text(tmp_path / "a", "x")
    assert done == ["fsync", "replace", "fsync"], "the file, its name, and the folder that holds the name"


@pytest.mark.parametrize("place", ["file/a.txt", "x" * 300, "a\0b"])
def test_places_that_cannot_be(tmp_path, place):
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWriteError, match="cannot write to"):
        write_text(tmp_path / place, "")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_only_regular_files_are_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(FileFormatError, match="not a regular file"):
            read_bytes(path)
    with pytest.raises(OSError, match="No such file"):
        read_bytes(tmp_path / "none")


@pytest.fixture
def digested():
    arrays = {"a": np.arange(3.0), "b": np.ones((2, 2), dtype=np.int32)}
    digest = split_tensors(save(arrays, {"format": "x"}))[1]
    return save(arrays, {"format": "x", "digest": digest})


def test_a_digest_covers_every_byte(digested):
    assert check_digest(digested, ("format",))["format"] == "x"
    for place in range(len(digested)):
        changed = digested[:place] + bytes([digested[place] ^ 4]) + digested[place + 1 :]
        with pytest.raises(ValueError, match=r"."):
            check_digest(changed, ("format",))


def test_files_of_before_have_no_digest():
    assert check_digest(save({"a": np.ones(1)}, {"format": "x"}), ("format",)) == {"format": "x"}
    assert check_digest(save({"a": np.ones(1)}), ("format",)) == {}


@pytest.mark.parametrize("data", [b"", b"\0" * 8, b"\xff" * 40, (3).to_bytes(8, "little") + b"[1]"])
def test_what_is_no_safetensors_file(data):
    with pytest.raises(ValueError, match=r"."):
        split_tensors(data)
