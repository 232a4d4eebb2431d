"""Finds the compiled part, makes sure that it suits this version and this processor, and loads it."""

from __future__ import annotations

import ctypes
import os
import platform
import warnings
import zlib
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
PATH = FOLDER / "kernels.shared"  # not .so: it is no Python module, and nobody is to import it as one
SOURCES = (
    "exported.h",
    "vectors.h",
    "network.h",
    "forward.cpp",
    "backward.cpp",
    "objective.cpp",
    "clipping.cpp",
    "support.cpp",
)
"""Compiled into one library, headers among them."""
SWITCH = "ISA_COMPILED"
"""Environment variable; 0 takes the plain path even where there is a compiled part."""


def stamp(folder: Path = FOLDER) -> int:
    """Return a checksum of the sources, which tells one version from another."""
    total = 0
    for name in SOURCES:
        total = zlib.crc32((folder / name).read_bytes().replace(b"\r\n", b"\n"), total)
    return total


def compiler_arguments(folder: Path = FOLDER, machine: str | None = None) -> list[str]:
    """Return the options that GCC and Clang compile the sources with."""
    x86 = (machine or platform.machine()).lower() in {"x86_64", "amd64"}
    processor = ["-mavx2", "-mfma"] if x86 else []
    return [
        *["-std=c++17", "-O3", "-fno-math-errno", "-fno-trapping-math", "-fvisibility=hidden", "-Wno-psabi"],
        *processor,
        f"-DISA_STAMP={stamp(folder)}u",
    ]


@cache
def library() -> ctypes.CDLL | None:
    """Return the compiled part, or None where there is none; one that does not suit is warned of, once."""
    return None if os.environ.get(SWITCH) == "0" else load(PATH)


def load(path: Path) -> ctypes.CDLL | None:
    """Load a library; with a warning None where it does not suit, and None where there is none."""
    if not path.exists():
        return None
    try:
        loaded = ctypes.CDLL(str(path))
        loaded.isa_stamp.restype = ctypes.c_uint32
        built_from = loaded.isa_stamp()
    except (OSError, AttributeError):
        reason = "it cannot be loaded on this machine"
    else:
        if built_from == stamp() and loaded.isa_supported():
            return loaded
        reason = "it was built from the sources of another version"
        if built_from == stamp():
            reason = "it was built for a processor with AVX2 and FMA, which this one lacks"
    warnings.warn(
        f"{path} is not used: {reason}; training takes the plain path, which is slower. "
        f"Build it again with `python setup.py build_ext --inplace`, or set {SWITCH}=0",
        RuntimeWarning,
        stacklevel=2,
    )
    return None
