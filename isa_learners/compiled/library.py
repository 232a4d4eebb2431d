"""Finds, checks and loads the compiled library for this version and this processor."""

from __future__ import annotations

import ctypes
import os
import platform
import warnings
import zlib
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
PATH = FOLDER / "kernels.shared"  # not .so, as it is not an importable Python module
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
"""Source files of the library, including headers."""
SWITCH = "ISA_COMPILED"
"""Environment variable; 0 uses the plain code even if the compiled library is available."""


def stamp(folder: Path = FOLDER) -> int:
    """Return a checksum of the sources, which identifies their version."""
    total = 0
    for name in SOURCES:
        total = zlib.crc32((folder / name).read_bytes().replace(b"\r\n", b"\n"), total)
    return total


def compiler_arguments(folder: Path = FOLDER, machine: str | None = None) -> list[str]:
    """Return the options for compiling the sources with GCC or Clang."""
    x86 = (machine or platform.machine()).lower() in {"x86_64", "amd64"}
    processor = ["-mavx2", "-mfma"] if x86 else []
    return [
        *["-std=c++17", "-O3", "-fno-math-errno", "-fno-trapping-math", "-fvisibility=hidden", "-Wno-psabi"],
        *processor,
        f"-DISA_STAMP={stamp(folder)}u",
    ]


@cache
def library() -> ctypes.CDLL | None:
    """Return the compiled library, or ``None`` if it is missing; an unsuitable one causes a single warning."""
    return None if os.environ.get(SWITCH) == "0" else load(PATH)


def load(path: Path) -> ctypes.CDLL | None:
    """Load a library; return ``None`` if it is missing, or with a warning if it is unsuitable."""
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
        f"{path} is not used: {reason}; training uses the plain code, which is slower. "
        f"Build it again with `python setup.py build_ext --inplace`, or set {SWITCH}=0",
        RuntimeWarning,
        stacklevel=2,
    )
    return None
