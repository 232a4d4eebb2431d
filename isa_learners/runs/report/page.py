"""The report as one HTML page: Vega's own code, the data and ours in one file, under a policy that fetches nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from isa_learners.runs.report.contents import report_contents
from isa_learners.runs.report.replay import COPIES, MOST_BYTES, replays
from isa_learners.runs.run_folder import RunFolder
from isa_learners.runs.training import load_algorithm
from isa_wrappers.errors import FileFormatError, InvalidValueError, MissingDependencyError, UntrustedRunError
from isa_wrappers.files import write_text

LARGEST = 2_000_000


@dataclass(frozen=True)
class Report:
    """A page that was written.

    Attributes:
        path: of the file.
        bytes: of it.
        notes: what it lacks, and why.
    """

    path: str
    bytes: int
    notes: list[str]


def write_report(folders: Sequence[RunFolder], path: str | Path) -> Report:
    """Write a page of runs.

    Args:
        folders: of at least one run; those of different tasks stand side by side.
        path: ends in ``.html``.

    Raises:
        InvalidValueError: without a run, or for another ending.
        MissingDependencyError: without vl-convert-python.
        FileFormatError: if something in a folder cannot be read.
        CannotWriteError: if the page cannot be written.
    """
    path = Path(path)
    if not folders or path.suffix.lower() != ".html":
        raise InvalidValueError(f"a report is of at least one run, to a file that ends in .html, got {str(path)!r}")
    library = vega()
    contents = report_contents(folders)
    notes = []
    if len(contents["tasks"]) > 1:
        notes.append(f"runs of {len(contents['tasks'])} tasks: they stand side by side and are not compared")
    for task in dict.fromkeys(run["env"] for run in contents["runs"]):
        index = next(i for i, run in enumerate(contents["runs"]) if run["env"] == task)
        try:
            algorithm, _ = load_algorithm(folders[index], policy_only=True)
            try:
                contents["runs"][index]["replays"] = replays(algorithm, most_bytes=MOST_BYTES // len(contents["tasks"]))
            finally:
                algorithm.close()
        except (UntrustedRunError, FileFormatError) as error:
            notes.append(f"no replay of {folders[index].path}: {error}")
    contents |= {"notes": notes, "copies": COPIES}
    text = page(contents, library)
    size = len(text.encode())
    if size > LARGEST:
        notes.append(f"the page has {size / 1e6:.1f} MB: give fewer runs for a smaller one")
    write_text(path, text)
    return Report(str(path), size, notes)


def page(contents: dict[str, Any], library: str) -> str:
    """Return the page."""
    own = files("isa_learners.runs.report")
    parts = {
        "css": own.joinpath("page.css").read_text(),
        "data": json.dumps(contents, allow_nan=False).replace("<", "\\u003c"),
        "vega": library.replace("</script", "<\\/script"),
        "js": own.joinpath("page.js").read_text(),
    }
    # In one pass: what a run names is not looked at again.
    return re.sub(r"\{\{(\w+)\}\}", lambda mark: parts[mark[1]], own.joinpath("page.html").read_text())


def vega() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script, from the package that ships them.

    Raises:
        MissingDependencyError: if it is not installed.
    """
    try:
        import vl_convert
    except ImportError as error:
        raise MissingDependencyError("reports need vl-convert-python: pip install 'isa-marl[report]'") from error
    bundle: Any = vl_convert.javascript_bundle  # its stub lacks the default that the documentation has
    return str(bundle())
