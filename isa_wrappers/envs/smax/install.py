"""Import JAX and jaxmarl quietly and lazily, and create jaxmarl's environment of a scenario."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from isa_wrappers.envs.smax.scenarios import SMAXScenario
from isa_wrappers.errors import InvalidValueError, MissingDependencyError


def has_jaxmarl() -> bool:
    """Return whether ``jaxmarl`` is installed, without importing it."""
    return find_spec("jaxmarl") is not None


def load_jax() -> tuple[Any, Any]:
    """Import JAX and SMAX, with JAX's memory preallocation disabled and compiled code cached between runs.

    Raises:
        MissingDependencyError: if ``jaxmarl`` is not installed.
    """
    # Torch uses the same device. JAX reads this once, so it has no effect if JAX is already imported.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    try:
        with _silent_import():
            import jax
            from jaxmarl.environments import smax
    except ImportError as error:
        raise MissingDependencyError(
            "smax/ tasks need jaxmarl, which is not installed; pip install 'isa-marl[smax]' (Python 3.11 or newer)"
        ) from error
    config: Any = jax.config
    if config.jax_compilation_cache_dir is None:
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        config.update("jax_compilation_cache_dir", str(Path(home) / "isa-marl" / "jax"))
    return jax, smax


def jax_sees(kind: str) -> bool:
    """Return whether JAX has devices of a ``kind`` such as ``cuda``."""
    try:
        return bool(load_jax()[0].devices(kind))
    except RuntimeError:
        return False


@contextmanager
def _silent_import() -> Iterator[None]:
    """Suppress what jaxmarl prints on import (``--json`` must print a single object)."""
    saved = sys.stdout, sys.stderr, sys.__stdout__
    # One of its modules resets sys.stdout and sys.stderr to sys.__stdout__.
    sys.stdout = sys.__stdout__ = io.StringIO()  # type: ignore[assignment, misc]
    try:
        yield
    finally:
        sys.stdout, sys.stderr, sys.__stdout__ = saved  # type: ignore[misc]


def make_jaxmarl(smax: Any, jnp: Any, scenario: SMAXScenario, options: dict[str, Any]) -> Any:
    """Create jaxmarl's environment of a scenario, and add the unit types that it lacks.

    Raises:
        InvalidValueError: if it does not accept an option.
    """
    defaults = smax.SMAX()
    tables = {
        "unit_type_velocities": "velocity", "unit_type_attacks": "attack", "unit_type_attack_ranges": "attack_range",
        "unit_type_sight_ranges": "sight_range", "unit_type_radiuses": "radius", "unit_type_health": "health",
        "unit_type_weapon_cooldowns": "weapon_cooldown",
    }  # fmt: skip
    stats_by_type = {**scenario.changes, **scenario.extra_units}
    units: dict[str, Any] = {}
    for table, stat in tables.items():
        values = dict(zip(scenario.unit_types, getattr(defaults, table).tolist(), strict=False))
        values |= {name: getattr(stats, stat) for name, stats in stats_by_type.items()}
        units[table] = jnp.array([values[name] for name in scenario.unit_types], dtype=jnp.float32)
    units["unit_type_names"] = list(scenario.unit_types)
    units["unit_type_shorthands"] = [*defaults.unit_type_shorthands, *(name[0] for name in scenario.extra_units)]
    armies = smax.Scenario(
        jnp.array(scenario.units, dtype=jnp.uint8),
        sum(scenario.allies.values()),
        sum(scenario.enemies.values()),
        scenario.random_units,
        scenario.random_units,
    )
    try:
        env = smax.HeuristicEnemySMAX(**{"scenario": armies, **units, **options})
    except (TypeError, ValueError) as error:
        raise InvalidValueError(f"SMAX does not accept these options: {error}") from error
    if scenario.extra_units:
        _fix_immobile_units(env, jnp)
    return env


def _fix_immobile_units(env: Any, jnp: Any) -> None:
    """Keep units without velocity in place when others push them."""
    push_units = env._env._push_units_away

    def push_mobile_units(state: Any, firmness: float = 1.0) -> Any:
        immobile = env.unit_type_velocities[state.unit_types] == 0.0
        pushed = push_units(state, firmness)
        positions = jnp.where(immobile[:, None], state.unit_positions, pushed.unit_positions)
        return pushed.replace(unit_positions=positions)

    env._env._push_units_away = push_mobile_units
