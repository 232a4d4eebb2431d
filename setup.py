"""Build configuration. Packages are discovered automatically; the folder ``cli`` is installed as ``isa_cli``.

The compiled part for the CPU is built if GCC or Clang is available. It is skipped on Windows and with ISA_COMPILED=0,
which gives a pure Python wheel for every platform. The library does not depend on the Python version.

A package index shows the README without the repository. Set ISA_REPOSITORY, for example to
https://github.com/someone/isa, to point the README's relative links there; without it, these links are removed.
"""

import os
import re
import runpy
import sys
from pathlib import Path

from setuptools import Extension, find_packages, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

FOLDER = Path("isa_learners") / "compiled"
REPOSITORY = os.environ.get("ISA_REPOSITORY", "").rstrip("/")
LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|#)([^)]+)\)")


class BuildLibrary(build_ext):
    """Builds a shared library for ctypes instead of an extension module."""

    def get_ext_filename(self, fullname):
        """Return the library's path."""
        return str(Path(*fullname.split(".")).with_suffix(".shared"))


class WheelForAnyPython(bdist_wheel):
    """Tags a wheel with compiled code by platform only, not by Python version."""

    def get_tag(self):
        """Return the Python, ABI and platform tags."""
        tags = super().get_tag()
        return tags if self.root_is_pure else ("py3", "none", tags[2])


def libraries():
    """Return the extensions to compile."""
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


def link(found):
    """Return a README link, to an image or a page, in a form that works outside the repository."""
    image, text, target = found.groups()
    if REPOSITORY:
        return f"{image}[{text}]({REPOSITORY}/{'raw' if image else 'blob'}/HEAD/{target})"
    return "" if image else text


def urls():
    """Return the project's URLs."""
    pages = {
        "Source": "",
        "Issues": "/issues",
        "Changelog": "/blob/HEAD/CHANGELOG.md",
        "Documentation": "/tree/HEAD/docs",
    }
    known = {name: REPOSITORY + page for name, page in pages.items()} if REPOSITORY else {}
    return {"Paper": "https://arxiv.org/abs/2505.08630", **known}


setup(
    long_description=LINK.sub(link, Path("README.md").read_text(encoding="utf-8")),
    long_description_content_type="text/markdown",
    project_urls=urls(),
    packages=[*find_packages(include=["isa_wrappers*", "isa_learners*"]), "isa_cli"],
    ext_modules=libraries(),
    cmdclass={"build_ext": BuildLibrary, "bdist_wheel": WheelForAnyPython},
)
