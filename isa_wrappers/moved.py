"""Import paths and names of earlier versions, which still work but warn about the new name."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

MOVED = {
    "isa_wrappers.counts": "isa_wrappers.rewards.counts",
    "isa_wrappers.env_copy": "isa_wrappers.batch.env_copy",
    "isa_wrappers.estimation": "isa_wrappers.scope.estimation",
    "isa_wrappers.goals": "isa_wrappers.rewards",
    "isa_wrappers.information": "isa_wrappers.scope.information",
    "isa_wrappers.intrinsic": "isa_wrappers.rewards",
    "isa_wrappers.listening": "isa_wrappers.scope.transitions",
    "isa_wrappers.parallel_batch": "isa_wrappers.batch.parallel",
    "isa_wrappers.spaces": "isa_wrappers.border.spaces",
    "isa_wrappers.success": "isa_wrappers.border.success",
    "isa_wrappers.scope_io": "isa_wrappers.scope.files",
    "isa_wrappers.worker_process": "isa_wrappers.batch.worker_process",
    "isa_wrappers.workers": "isa_wrappers.batch.workers",
    "isa_wrappers.envs.grid_batch": "isa_wrappers.envs.grid.batch",
    "isa_wrappers.envs.grid_render": "isa_wrappers.envs.grid.render",
    "isa_wrappers.envs.grid_rules": "isa_wrappers.envs.grid.rules",
    "isa_wrappers.envs.smac_game": "isa_wrappers.envs.smac.game",
    "isa_wrappers.envs.smac_install": "isa_wrappers.envs.smac.install",
    "isa_wrappers.envs.smac_names": "isa_wrappers.envs.smac.names",
    "isa_wrappers.envs.smac_options": "isa_wrappers.envs.smac.options",
    "isa_wrappers.envs.smac_watch": "isa_wrappers.envs.smac.watch",
    "isa_wrappers.envs.smax_batch": "isa_wrappers.envs.smax.batch",
    "isa_wrappers.envs.smax_game": "isa_wrappers.envs.smax.game",
    "isa_wrappers.envs.smax_jax": "isa_wrappers.envs.smax.install",
    "isa_wrappers.envs.smax_parallel": "isa_wrappers.envs.smax.parallel",
    "isa_wrappers.envs.smax_render": "isa_wrappers.envs.smax.render",
    "isa_wrappers.envs.smax_scenarios": "isa_wrappers.envs.smax.scenarios",
    "isa_learners.algorithm": "isa_learners.runs.algorithm",
    "isa_learners.config_io": "isa_learners.runs.config_io",
    "isa_learners.evaluation": "isa_learners.runs.evaluation",
    "isa_learners.gru": "isa_learners.recurrent.gru",
    "isa_learners.losses": "isa_learners.ppo.losses",
    "isa_learners.metrics": "isa_learners.runs.metrics",
    "isa_learners.networks": "isa_learners.ppo.networks",
    "isa_learners.packing": "isa_learners.recurrent.packing",
    "isa_learners.ppo.gru": "isa_learners.recurrent.gru",
    "isa_learners.ppo.packing": "isa_learners.recurrent.packing",
    "isa_learners.ppo.returns": "isa_learners.returns",
    "isa_learners.plotting": "isa_learners.runs.plots",
    "isa_learners.rendering": "isa_learners.runs.rendering",
    "isa_learners.q_learning.returns": "isa_learners.returns",
    "isa_learners.run_folder": "isa_learners.runs.run_folder",
    "isa_learners.training": "isa_learners.runs.training",
}


ALSO = {
    "isa_learners.algorithm": {"scope_for": "isa_learners.runs.scopes"},
    "isa_wrappers.spaces": {"read_state": "isa_wrappers.border.state"},
    "isa_wrappers.workers": {"GRACE": "isa_wrappers.batch.worker"},
}
"""Names that moved to another module than the rest of their module."""


def former_names(module: str, now: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a ``__getattr__`` for a module that provides names of earlier versions with a warning.

    Args:
        module: name of the module.
        now: former name -> ``module:name``.

    Example:
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always")
        ...     root = former_names("house", {"root": "math:sqrt"})("root")
        >>> root(9.0), str(caught[0].message)
        (3.0, 'house.root is math.sqrt now')
    """

    def moved_name(name: str) -> Any:
        if name not in now:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        place, _, new = now[name].partition(":")
        warnings.warn(f"{module}.{name} is {place}.{new} now", DeprecationWarning, stacklevel=2)
        return getattr(import_module(place), new)

    return moved_name


class _MovedModules(MetaPathFinder, Loader):
    """Makes moved modules available under their former names."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, self) if fullname in MOVED else None

    def exec_module(self, module: ModuleType) -> None:
        new_module = import_module(MOVED[module.__name__])
        warnings.warn(f"{module.__name__} is {new_module.__name__} now", DeprecationWarning, stacklevel=2)
        module.__doc__ = new_module.__doc__
        also = ALSO.get(module.__name__, {})
        module.__getattr__ = lambda name: getattr(  # type: ignore[method-assign]
            import_module(also[name]) if name in also else new_module, name
        )


def keep_former_paths() -> None:
    """Enable imports of the former names; the package itself calls this once."""
    if not any(isinstance(finder, _MovedModules) for finder in sys.meta_path):
        sys.meta_path.append(_MovedModules())
