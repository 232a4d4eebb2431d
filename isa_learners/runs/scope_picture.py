"""The picture of a run's scope, drawn once for the folder and all trackers."""

from __future__ import annotations

from pathlib import Path

from isa_learners.runs.run_folder import RunFolder
from isa_wrappers.scope.files import load_scope
from isa_wrappers.scope.plots import plot_scope


def scope_picture(folder: RunFolder, anew: bool = False) -> Path | None:
    """Return ``scope.png`` of a run folder, drawn if it is missing or older than the current scope.

    Args:
        folder: run folder.
        anew: always redraw it.

    Returns:
        The file; ``None`` for a run without a scope.

    Raises:
        MissingDependencyError: if matplotlib is needed and missing.
        FileFormatError: if the scope cannot be read.
        CannotWriteError: if the file cannot be written.
    """
    scope, picture = folder.path / "scope.json", folder.path / "scope.png"
    if not scope.exists():
        return None
    if anew or not picture.exists() or picture.stat().st_mtime < scope.stat().st_mtime:
        plot_scope(load_scope(folder.path), picture)
    return picture
