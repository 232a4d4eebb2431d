"""Files: replaced whole or not at all, read without trust; safetensors with a digest over everything in them."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import BinaryIO
from zlib import crc32

from isa_wrappers.errors import CannotWriteError, FileFormatError, shown
from isa_wrappers.plain import read_json

LEFT_OVER = "*.partial"
"""What a kill while writing leaves behind."""
ENTRY = {"dtype", "shape", "data_offsets"}
"""What a safetensors file says of a tensor."""
_numbers = count()


@contextmanager
def replacing(path: str | Path) -> Iterator[BinaryIO]:
    """Give a file to write to, which takes the place of ``path`` once it is whole and on the disk.

    Where writing fails, what was there before stays as it was. The mode is that of any new file, as the umask has it.

    Raises:
        CannotWriteError: if the folder cannot be made or written to, or the disk is full.
    """
    path = Path(path)
    partial = path.with_name(f".{os.getpid()}-{next(_numbers)}.partial")
    with told(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, path)
        except BaseException:
            with suppress(OSError, ValueError):
                partial.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)


def write_text(path: str | Path, text: str) -> None:
    """Replace a text file whole; see :func:`replacing`."""
    with replacing(path) as file:
        file.write(text.encode())


@contextmanager
def told(path: str | Path) -> Iterator[None]:
    """Turn a failure to write into one line that names the path.

    Raises:
        CannotWriteError: for whatever the system refuses.
    """
    try:
        yield
    except CannotWriteError:
        raise
    except OSError as error:
        raise CannotWriteError(f"cannot write to {path}: {refusal(error)}") from error
    except ValueError as error:
        if "null" not in str(error):
            raise
        raise CannotWriteError(f"cannot write to {str(path)!r}: {error}") from error


def refusal(error: OSError) -> str:
    """Say why the system refuses to make or to write a file; a file in the place of a folder by its name.

    Example:
        >>> refusal(FileExistsError(17, "File exists", "notes.txt"))
        'notes.txt is not a folder'
    """
    if isinstance(error, FileExistsError | NotADirectoryError) and error.filename is not None:
        at = Path(error.filename)
        blocking = next((place for place in (at, *at.parents) if place.exists() and not place.is_dir()), at)
        return f"{blocking} is not a folder"
    return error.strerror or str(error)


def _sync_folder(folder: Path) -> None:
    """Put the folder's new entry on the disk; some file systems know no such thing."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_bytes(path: str | Path) -> bytes:
    """Read a regular file: a pipe or a device in its place would never end.

    Raises:
        FileFormatError: if it is no regular file.
        OSError: if it cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):  # a folder could not be opened for reading
        os.close(descriptor)
        raise FileFormatError(f"{path} is not a regular file")
    with open(descriptor, "rb") as file:
        return file.read()


def split_tensors(data: bytes) -> tuple[dict[str, str], str]:
    """Return the metadata of a safetensors file, and the digest that its contents make.

    The digest covers names, types, shapes, numbers and metadata, its own entry aside.

    Raises:
        ValueError: if the file is none.
    """
    size = int.from_bytes(data[:8], "little")
    header = read_json(data[8 : 8 + size])
    metadata = header.pop("__metadata__", {}) if isinstance(header, dict) else None
    if not isinstance(metadata, dict):
        raise ValueError("the header is not a mapping")
    if strange := [name for name, entry in header.items() if not isinstance(entry, dict) or set(entry) != ENTRY]:
        raise ValueError(f"the header's entry {shown(strange[0])} is no tensor")
    rest = {key: value for key, value in metadata.items() if key != "digest"}
    digested = json.dumps([header, rest], sort_keys=True).encode()
    return metadata, f"{crc32(memoryview(data)[8 + size :], crc32(digested)):08x}"


def check_digest(data: bytes, known: Iterable[str]) -> dict[str, str]:
    """Return the metadata of a safetensors file whose digest, where it has one, is that of its contents.

    Args:
        data: of the file.
        known: keys that the metadata may have, beside the digest: a damaged name is none of them.

    Raises:
        ValueError: if the file is none or was changed.
    """
    metadata, digest = split_tensors(data)
    if strange := [key for key in metadata if key not in (*known, "digest")]:
        raise ValueError(f"its metadata hold {shown(strange[0])}")
    if metadata.get("digest", digest) != digest:
        raise ValueError("its contents are not what was written: their digest differs")
    return metadata
