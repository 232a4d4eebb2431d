"""Check an environment against ISA's requirements in a few random episodes, and report what to fix."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from isa_wrappers.batch.copies import without_wrappers
from isa_wrappers.border.border import Border
from isa_wrappers.border.map_features import MapState
from isa_wrappers.border.spaces import StateFallback, as_parallel, flat_size
from isa_wrappers.border.start import close_env
from isa_wrappers.border.state import StateReader, env_state
from isa_wrappers.border.success import SuccessRule
from isa_wrappers.config import ScopeConfig
from isa_wrappers.envs.check_declared import check_state_names, report_bounds, report_names, report_state_space
from isa_wrappers.envs.check_maps import report_merged_cells
from isa_wrappers.envs.check_plays import report_changes, report_ends, report_masks, report_wins
from isa_wrappers.envs.foreign_errors import foreign_place
from isa_wrappers.envs.random_play import Play, random_episode
from isa_wrappers.envs.report import EnvReport
from isa_wrappers.errors import ISAError, check_int, one_line
from isa_wrappers.scope.estimation import estimate_scope
from isa_wrappers.scope.tables import dimensions_text

AGAIN = "fix this and run the check again: the remaining checks were skipped"
INFLUENCE_STEPS = 600
"""Number of steps of the quick influence estimate."""


def check_env(
    env: Any,
    episodes: int = 5,
    seed: int = 0,
    state_fallback: StateFallback = None,
    success: SuccessRule = "success",
    bin_width: float = ScopeConfig.bin_width,
) -> EnvReport:
    """Check a ``ParallelEnv`` against ISA's requirements in a few random episodes.

    Args:
        env: the environment, or a function that creates one; a function allows more checks.
        episodes: number of episodes to play.
        seed: seed of the environment and of the actions.
        state_fallback: replacement for a missing ``state()``.
        success: rule that identifies a won episode.
        bin_width: bin width that the changes of the state are compared with.

    Raises:
        InvalidValueError: if the bin width, the number of episodes or the seed is out of range.

    Example:
        >>> from isa_wrappers.envs import make_parallel
        >>> report = check_env(lambda: make_parallel("grid/unlock", num_agents=1, targets=[(0, 1)]))
        >>> report.refused, report.warned
        (False, False)
        >>> print(report.findings[0])
        fine     interface: 1 agents with 5 actions, observations of 4 numbers
    """
    bin_width = ScopeConfig(bin_width=bin_width).bin_width
    episodes, seed = check_int("episodes", episodes, 1), check_int("seed", seed, 0)
    report = EnvReport()
    make = env if _is_factory(env) else None
    checks = _Checks(make, env, episodes, seed, state_fallback, success, bin_width)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the report covers them
            for topic, check in checks:
                try:
                    check(report)
                except (Exception, SystemExit) as error:
                    report.add(topic, "refused", _error_text(error), AGAIN)
                    break
    finally:
        for created in checks.created:
            close_env(created)
    return report


def _error_text(error: BaseException) -> str:
    """Describe an error in one line, with its location if the environment's code raised it.

    Raises:
        Exception: the error itself, if neither ISA nor the environment's code raised it.
    """
    message, place = one_line(error), foreign_place(error)
    if isinstance(error, ISAError):
        return message
    if isinstance(error, NotImplementedError) and place is not None:
        return f"{place.split()[-1]}() is not implemented, but PettingZoo requires it"
    if place is None:
        raise error
    return f"{type(error).__name__} at {place}: {message}"


def _is_factory(env: Any) -> bool:
    return callable(env) and not (hasattr(env, "step") and not isinstance(env, type))


@dataclass
class _Checks:
    """The checks in order; see :func:`check_env` for the options.

    Attributes:
        created: environments created by ``make``.
        border, reader, plays: set by the first two checks.
    """

    make: Callable[[], Any] | None
    env: Any
    episodes: int
    seed: int
    fallback: StateFallback
    success: SuccessRule
    bin_width: float
    created: list[Any] = field(default_factory=list)
    border: Border = field(init=False)
    reader: StateReader = field(init=False)
    plays: list[Play] = field(default_factory=list)

    def __iter__(self) -> Iterator[tuple[str, Callable[[EnvReport], None]]]:
        yield "interface", self._check_interface
        yield "state", self._play_episodes
        border, plays, make = self.border, self.plays, self.make
        if make is not None:
            yield "factory", lambda report: _check_factory(report, make, self.created)
        yield "seeds", lambda report: _check_seeds(report, border, self.reader, self.seed)
        yield "episodes", lambda report: report_ends(report, border, plays)
        yield "success", lambda report: report_wins(report, plays, self.success, self.episodes)
        yield "masks", lambda report: report_masks(report, border, plays)
        names = self.reader.names
        yield "dimensions", lambda report: report_changes(report, plays, names, self._shape(), self.bin_width)
        yield "influence", lambda report: _check_influence(report, border.env, self.fallback, self.seed, plays)

    def _shape(self) -> tuple[int, ...]:
        return () if self.fallback is not None else np.shape(env_state(self.border.env))

    def _check_interface(self, report: EnvReport) -> None:
        env = self.env if self.make is None else self.make()
        if self.make is not None:
            self.created.append(env)
        border = Border(as_parallel(env))
        size = max(flat_size(space) for space in border.spaces.values())
        kinds = {code.kind for code in border.codes.values()}
        if kinds == {"Discrete"}:
            actions = f"{' or '.join(map(str, sorted(set(border.num_actions))))} actions"
        else:
            actions = " or ".join(sorted(set(map(str, border.codes.values()))))
        report.add("interface", "fine", f"{len(border.agents)} agents with {actions}, observations of {size} numbers")
        self.border = border

    def _play_episodes(self, report: EnvReport) -> None:
        border, plays = self.border, self.plays
        self.reader = reader = StateReader(border.env, self.fallback)
        for episode in range(self.episodes):
            plays.append(random_episode(border, reader, self.seed + episode, self.success))
        dims = plays[0].states.shape[1]
        check_state_names(reader.names, dims)
        report.add("state", "fine", f"{dims} dimensions in {self.episodes} episodes, all finite")
        report_bounds(
            report, {agent: description for play in reversed(plays) for agent, description in play.outside.items()}
        )
        report_names(report, border, reader.names)
        if self.fallback is None:
            report_state_space(report, border.env, np.concatenate([play.states for play in plays]), self._shape())


def _check_factory(report: EnvReport, make: Callable[[], Any], created: list[Any]) -> None:
    another = make()
    if another is created[0]:
        shared = True
    else:
        created.append(another)
        shared = without_wrappers(another) is without_wrappers(created[0])
    if shared:
        report.add(
            "factory", "refused", "it returns the same environment each time", "create a new one, also inside wrappers"
        )
    else:
        report.add("factory", "fine", "it creates a new environment at each call")


def _check_seeds(report: EnvReport, border: Border, read: StateReader, seed: int) -> None:
    episodes = [random_episode(border, read, seed, steps=20).states for _ in range(2)]
    same = episodes[0].shape == episodes[1].shape and np.array_equal(episodes[0], episodes[1])
    if same:
        report.add("seeds", "fine", "the same seed gives the same episode")
    else:
        report.add(
            "seeds", "warning", "the same seed and actions gave two different episodes",
            "seed every random generator of the environment in reset(seed=...); otherwise runs are not reproducible",
        )  # fmt: skip


def _check_influence(report: EnvReport, env: Any, fallback: StateFallback, seed: int, plays: list[Play]) -> None:
    config = ScopeConfig(transitions=INFLUENCE_STEPS)
    scope = estimate_scope(env, config, seed, fallback)
    idle = [agent for agent, dims in zip(scope.agents, scope.agent_dims, strict=True) if not dims]
    if idle:
        report.add(
            "influence", "warning", f"{', '.join(idle)} had no significant influence in {INFLUENCE_STEPS} steps",
            "make sure that the state contains what their actions change; rare effects need more transitions",
        )  # fmt: skip
    else:
        common = dimensions_text(scope, scope.common_dims)
        common_text = f"at least {common}" if common else f"none found in {INFLUENCE_STEPS} steps"
        report.add("influence", "fine", f"every agent influences something; common dimensions: {common_text}")
    if isinstance(env, MapState):
        report_merged_cells(report, env, scope, plays)
