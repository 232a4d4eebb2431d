"""A task family with other states: a wrapper is put around every copy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from isa_wrappers.border.start import close_env
from isa_wrappers.border.state_features import Features
from isa_wrappers.envs.family import EnvFamily, call_factory


class FeaturedFamily(EnvFamily):
    """A family whose environments are wrapped. Natively batched tasks are stepped copy by copy.

    Args:
        family: family of the tasks.
        features: function that wraps an environment.

    Example:
        >>> from isa_wrappers.border.map_features import MapState
        >>> from isa_wrappers.envs.grid.family import FAMILY
        >>> FeaturedFamily(FAMILY, MapState).batch("grid/unlock", 2)
        Traceback (most recent call last):
        ...
        isa_wrappers.errors.UnsupportedEnvironmentError: a map is a state [rows, columns] or \
[rows, columns, channels], got shape [28]
    """

    def __init__(self, family: EnvFamily, features: Features) -> None:
        self.prefix, self.patience = family.prefix, family.patience
        self._family = family
        self._features = features

    def tasks(self) -> Mapping[str, str]:
        """Return the tasks of the family."""
        return self._family.tasks()

    def own_workers(self, num_envs: int) -> int:
        """Return the default number of workers of the family."""
        return self._family.own_workers(num_envs)

    def parallel(self, name: str, **kwargs: Any) -> Any:
        """Create one environment and wrap it; close it if wrapping fails."""
        env = call_factory(name, self._family.parallel, (name,), kwargs)
        try:
            return self._features(env)
        except BaseException:
            close_env(env)
            raise
