"""The report as one HTML page with Vega's code, our code and the data; its security policy forbids fetching."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from isa_learners.runs.loading import load_algorithm
from isa_learners.runs.report.contents import report_contents
from isa_learners.runs.report.replay import COPIES, MOST_BYTES, replays
from isa_learners.runs.run_folder import RunFolder
from isa_wrappers.errors import InvalidValueError, ISAError, MissingDependencyError
from isa_wrappers.files import write_text

LARGEST = 2_000_000
SCRIPTS = ("base.js", "curves.js", "scope.js", "goals.js", "visits.js", "replay.js", "run.js", "start.js")
"""Scripts of the page, in their order in it."""
Play = Callable[[RunFolder, int], list[dict[str, Any]] | None]
"""Returns episodes of a run with limited bytes of pictures each; ``None`` if they were not played yet."""


@dataclass(frozen=True)
class Report:
    """A written page.

    Attributes:
        path: path of the file.
        bytes: size of the file.
        notes: missing parts, with reasons.
    """

    path: str
    bytes: int
    notes: list[str]


def write_report(folders: Sequence[RunFolder], path: str | Path) -> Report:
    """Write a report of runs.

    Args:
        folders: folders of at least one run; runs of different tasks are shown side by side.
        path: file that ends in ``.html``.

    Raises:
        InvalidValueError: without a run, or for another file name extension.
        MissingDependencyError: if vl-convert-python is missing.
        FileFormatError: if something in a folder cannot be read.
        CannotWriteError: if the page cannot be written.
    """
    path = Path(path)
    if not folders or path.suffix.lower() != ".html":
        raise InvalidValueError(f"a report needs at least one run and a file that ends in .html, got {str(path)!r}")
    library = vega()
    contents = whole_contents(folders)
    text = page(contents, library)
    size, notes = len(text.encode()), list(contents["notes"])
    if size > LARGEST:
        notes.append(f"the page has {size / 1e6:.1f} MB; give fewer runs for a smaller one")
    write_text(path, text)
    return Report(str(path), size, notes)


def whole_contents(folders: Sequence[RunFolder], play: Play | None = None) -> dict[str, Any]:
    """Read runs, and play a won and a lost episode of the first run of each task.

    Args:
        folders: run folders.
        play: function that returns the episodes of a run, instead of :func:`played`.

    Raises:
        FileFormatError: if a file in a folder cannot be read; a run that cannot be played only adds a note.
    """
    contents = report_contents(folders)
    notes = []
    if len(contents["tasks"]) > 1:
        notes.append(f"runs of {len(contents['tasks'])} tasks are shown side by side, not compared")
    for task in dict.fromkeys(run["env"] for run in contents["runs"]):
        index = next(i for i, run in enumerate(contents["runs"]) if run["env"] == task)
        try:
            most_bytes = MOST_BYTES // len(contents["tasks"])
            contents["runs"][index]["replays"] = (play or played)(folders[index], most_bytes)
        except ISAError as error:  # such as a missing environment; the rest can be shown
            notes.append(f"no replay of {folders[index].path}: {error}")
    return {**contents, "notes": notes, "copies": COPIES}


def played(folder: RunFolder, most_bytes: int) -> list[dict[str, Any]]:
    """Play a won and a lost episode of a run.

    Raises:
        UntrustedRunError: if its environment is a custom one whose import was not allowed.
        FileFormatError: if its checkpoint cannot be read.
    """
    algorithm, _ = load_algorithm(folder, policy_only=True)
    try:
        return replays(algorithm, most_bytes=most_bytes)
    finally:
        algorithm.close()


def page(contents: dict[str, Any], library: str, live: bool = False) -> str:
    """Return the page.

    Args:
        contents: contents of the page.
        library: Vega's code.
        live: whether the page requests new contents from its server, the only connection that it may make.
    """
    package_files = files("isa_learners.runs.report")
    parts = {
        "connect": " connect-src 'self';" if live else "",
        "live": ' data-live="yes"' if live else "",
        "css": package_files.joinpath("page.css").read_text(),
        "data": json.dumps(contents, allow_nan=False).replace("<", "\\u003c"),
        "vega": library.replace("</script", "<\\/script"),
        "js": "".join(package_files.joinpath("scripts").joinpath(name).read_text() for name in SCRIPTS),
    }
    # In one pass, so that text of a run is not replaced again.
    return re.sub(r"\{\{(\w+)\}\}", lambda mark: parts[mark[1]], package_files.joinpath("page.html").read_text())


def vega() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script, from vl-convert-python.

    Raises:
        MissingDependencyError: if it is not installed.
    """
    try:
        import vl_convert
    except ImportError as error:
        raise MissingDependencyError("reports need vl-convert-python: pip install 'isa-marl[report]'") from error
    bundle: Any = vl_convert.javascript_bundle  # its stub lacks a default value
    return str(bundle())
