"""Files: atomic replacement, safe reading, and safetensors with a digest of the complete content."""

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
"""Pattern of files that remain if a process is killed while writing."""
ENTRY = {"dtype", "shape", "data_offsets"}
"""Keys of a tensor in the header of a safetensors file."""
_numbers = count()


@contextmanager
def replacing(path: str | Path) -> Iterator[BinaryIO]:
    """Open a file for writing that replaces ``path`` once it is complete and on the disk.

    If writing fails, the old file does not change. The new file has the default mode, according to the umask.

    Raises:
        CannotWriteError: if the folder cannot be created or is not writable, or the disk is full.
    """
    path = Path(path)
    partial = path.with_name(f".{os.getpid()}-{next(_numbers)}.partial")
    with convert_write_errors(path):
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
    """Replace a text file atomically; see :func:`replacing`."""
    with replacing(path) as file:
        file.write(text.encode())


@contextmanager
def convert_write_errors(path: str | Path) -> Iterator[None]:
    """Convert a write error to a one-line error that names the path.

    Raises:
        CannotWriteError: if the system refuses to write.
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
    """Describe why the system refuses to create or write a file; name a file that blocks a folder.

    Example:
        >>> refusal(FileExistsError(17, "File exists", "notes.txt"))
        'notes.txt is not a folder'
    """
    if isinstance(error, FileExistsError | NotADirectoryError) and error.filename is not None:
        path = Path(error.filename)
        blocking_path = next(
            (parent for parent in (path, *path.parents) if parent.exists() and not parent.is_dir()), path
        )
        return f"{blocking_path} is not a folder"
    return error.strerror or str(error)


def _sync_folder(folder: Path) -> None:
    """Sync the folder's new entry to the disk, which some file systems do not support."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_bytes(path: str | Path) -> bytes:
    """Read a regular file; refuse pipes and devices, which may never end.

    Raises:
        FileFormatError: if it is not a regular file.
        OSError: if it cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):  # a folder already fails on open
        os.close(descriptor)
        raise FileFormatError(f"{path} is not a regular file")
    with open(descriptor, "rb") as file:
        return file.read()


def split_tensors(data: bytes) -> tuple[dict[str, str], str]:
    """Return the metadata of a safetensors file, and the digest of its contents.

    The digest covers names, dtypes, shapes, numbers and metadata, except its own entry.

    Raises:
        ValueError: if this is not a safetensors file.
    """
    size = int.from_bytes(data[:8], "little")
    header = read_json(data[8 : 8 + size])
    metadata = header.pop("__metadata__", {}) if isinstance(header, dict) else None
    if not isinstance(metadata, dict):
        raise ValueError("the header is not a mapping")
    if invalid := [name for name, entry in header.items() if not isinstance(entry, dict) or set(entry) != ENTRY]:
        raise ValueError(f"the header's entry {shown(invalid[0])} is not a tensor")
    other_metadata = {key: value for key, value in metadata.items() if key != "digest"}
    digested = json.dumps([header, other_metadata], sort_keys=True).encode()
    return metadata, f"{crc32(memoryview(data)[8 + size :], crc32(digested)):08x}"


def check_digest(data: bytes, known: Iterable[str]) -> dict[str, str]:
    """Check the digest of a safetensors file, if it has one, and return its metadata.

    Args:
        data: content of the file.
        known: keys that the metadata may have besides the digest, to detect damaged names.

    Raises:
        ValueError: if this is not a safetensors file, or it was modified.
    """
    metadata, digest = split_tensors(data)
    if unknown := [key for key in metadata if key not in (*known, "digest")]:
        raise ValueError(f"its metadata contain the unknown key {shown(unknown[0])}")
    if metadata.get("digest", digest) != digest:
        raise ValueError("its contents were modified: the digest differs")
    return metadata
