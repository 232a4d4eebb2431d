"""Double the number of transitions until every action was taken often enough, or the scope no longer changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from isa_wrappers.arrays import ENV_SEEDS, stream_seed
from isa_wrappers.batch.protocol import BatchEnv
from isa_wrappers.config import SettledScope
from isa_wrappers.errors import InvalidValueError, check_choice
from isa_wrappers.scope.definitions import BoolArray
from isa_wrappers.scope.estimators import Estimator
from isa_wrappers.scope.evidence import Measured
from isa_wrappers.scope.thin import FEW, times_taken
from isa_wrappers.scope.thresholds import THRESHOLD_RULES
from isa_wrappers.scope.transitions import Transitions, collect_all_at_once, collect_one_at_a_time

FIRST, SAME = 1_250, 2
"""For estimates until certain: initial number of transitions, and number of doublings without any change."""
COLLECTORS = {"one_at_a_time": collect_one_at_a_time, "all_at_once": collect_all_at_once}
Collected = tuple[list[Transitions], SettledScope]


def doubled(
    batch: BatchEnv, config: SettledScope, seed: int, estimator: Estimator, first: int, most: int
) -> Iterator[Collected]:
    """Yield ``first`` transitions, then twice as many, and so on up to ``most``, each with a matching configuration.

    Each result contains the earlier transitions.
    """
    parts: list[Transitions] = []
    total = 0
    while total < most:
        num_new = min(total or first, most - total)
        own_seed = stream_seed(seed, f"part {len(parts)}") if parts else seed
        env_seed = own_seed % ENV_SEEDS if parts else seed
        collect = COLLECTORS[check_choice("collect", estimator.collect, COLLECTORS)]
        parts = [*parts, *collect(batch, replace(config, transitions=num_new), own_seed, env_seed)]
        total += num_new
        yield parts, replace(config, transitions=total)


def collect_enough(batch: BatchEnv, config: SettledScope, seed: int, estimator: Estimator, most: int) -> Collected:
    """Collect N transitions, and up to ``most`` if an action is rarely available.

    An action taken fewer than :data:`~isa_wrappers.scope.thin.FEW` times shows little of what it moves. An action that
    was never available is not waited for.
    """
    for collected in doubled(batch, config, seed, estimator, config.transitions, most):
        taken = times_taken(collected[0], max(batch.num_actions))
        if not np.any((taken > 0) & (taken < FEW)):
            break
    return collected


def measure_until_certain(
    batch: BatchEnv, config: SettledScope, seed: int, estimator: Estimator
) -> tuple[list[Transitions], SettledScope, Measured]:
    """Double the transitions until :data:`SAME` doublings do not change the scope, or N is reached.

    Returns:
        The transitions, the configuration with their number, and the measurement.

    Raises:
        InvalidValueError: if the estimator collects transitions of one agent at a time.
    """
    if estimator.collect != "all_at_once":
        raise InvalidValueError(
            f"until_certain needs an estimator in which all agents act at once, such as 'interval_effect', got "
            f"{config.estimator!r}"
        )
    rule, num_actions = THRESHOLD_RULES[config.threshold], max(batch.num_actions)
    scopes: list[BoolArray] = []
    first = max(FIRST, estimator.needed(num_actions, config))
    for collected in doubled(batch, config, seed, estimator, first, config.transitions):
        measured = estimator.measure(collected[0], config, num_actions)
        scopes.append(measured.figures > rule(measured.figures, config))
        if len(scopes) > SAME and all((scopes[-1] == scope).all() for scope in scopes[-1 - SAME : -1]):
            break
    return *collected, measured
