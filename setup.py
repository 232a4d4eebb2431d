"""Packages are found, not listed: a new folder is in the wheel. The folder ``cli`` is installed as ``isa_cli``.

What is compiled for CPU is built where there is GCC or Clang, and left out where there is none, on Windows, and with
ISA_COMPILED=0, which makes a wheel for every machine. It asks nothing of Python's version.
"""

import os
import runpy
import sys
from pathlib import Path

from setuptools import Extension, find_packages, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

FOLDER = Path("isa_learners") / "compiled"


class BuildLibrary(build_ext):
    """Builds a library for ctypes, which is no extension module."""

    def get_ext_filename(self, fullname):
        """Return where it lies."""
        return str(Path(*fullname.split(".")).with_suffix(".shared"))


class WheelForAnyPython(bdist_wheel):
    """Names the platform alone."""

    def get_tag(self):
        """Return the tags of Python, its binary interface and the platform."""
        tags = super().get_tag()
        return tags if self.root_is_pure else ("py3", "none", tags[2])


def libraries():
    """Return what is to be compiled."""
    if sys.platform == "win32" or os.environ.get("ISA_COMPILED") == "0":
        return []
    library = runpy.run_path(str(FOLDER / "library.py"))
    sources = [str(FOLDER / name) for name in library["SOURCES"]]
    return [
        Extension(
            "isa_learners.compiled.kernels",
            [name for name in sources if name.endswith(".cpp")],
            depends=sources,
            extra_compile_args=library["compiler_arguments"](),
            language="c++",
            optional=True,
        )
    ]


setup(
    packages=[*find_packages(include=["isa_wrappers*", "isa_learners*"]), "isa_cli"],
    ext_modules=libraries(),
    cmdclass={"build_ext": BuildLibrary, "bdist_wheel": WheelForAnyPython},
)
