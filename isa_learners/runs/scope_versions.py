"""All versions of a scope that is updated during training, in the run folder."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from isa_learners.runs.hooks import Hook
from isa_wrappers.files import convert_write_errors
from isa_wrappers.scope.files import save_scope
from isa_wrappers.scope.influence import InfluenceScope

if TYPE_CHECKING:
    from isa_learners.runs.training import Training


class ScopeVersions(Hook):
    """Writes ``scopes/0``, the scope of random play, then ``scopes/1``, ...; ``scope.json`` is the current version.

    A checkpoint resumes from the first version and the probe steps that the checkpoint itself holds.
    """

    def __init__(self) -> None:
        self._written = 0

    def on_start(self, training: Training) -> None:
        """Write missing versions; delete those later than the resumed checkpoint, as training creates them again."""
        following, folder = training.algorithm.following, training.folder
        if following is None:
            return
        if folder.first_scope() == folder.path:
            self._write(training, 0, following.base)
        self._written = len(following.came)
        for path in folder.scopes_folder.iterdir():
            if path.name.isdecimal() and int(path.name) > self._written:
                with convert_write_errors(path):
                    shutil.rmtree(path)
        if training.resumed:
            save_scope(following.scope, folder.path)

    def on_iteration(self, training: Training, values: Mapping[str, Any]) -> None:
        """Write the current version if it is new."""
        following = training.algorithm.following
        if following is not None and len(following.came) > self._written:
            self._written = len(following.came)
            self._write(training, self._written, following.scope)
            save_scope(following.scope, training.folder.path)

    def _write(self, training: Training, version: int, scope: InfluenceScope) -> None:
        path = training.folder.scopes_folder / str(version)
        with convert_write_errors(path):
            path.mkdir(parents=True, exist_ok=True)
        save_scope(scope, path)
