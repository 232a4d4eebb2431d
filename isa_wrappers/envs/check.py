"""Everything that ISA asks of an environment, looked at in a few random episodes: a report with what to do."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from isa_wrappers.batch.copies import innermost
from isa_wrappers.border.border import Border
from isa_wrappers.border.map_features import MapState
from isa_wrappers.border.spaces import StateFallback, as_parallel, flat_size
from isa_wrappers.border.state import StateReader, own_state
from isa_wrappers.border.success import SuccessRule
from isa_wrappers.config import ScopeConfig
from isa_wrappers.envs.check_maps import merged_cells, told_by_cells
from isa_wrappers.envs.foreign_errors import foreign_place
from isa_wrappers.envs.random_play import LONGEST, Play, random_episode
from isa_wrappers.envs.report import EnvReport
from isa_wrappers.errors import ISAError
from isa_wrappers.scope.estimation import estimate_scope

AGAIN = "mend this and check again: what follows was not looked at"
LISTENED = 600
"""Steps for a first look at who moves anything."""


def check_env(
    env: Any,
    episodes: int = 5,
    seed: int = 0,
    state_fallback: StateFallback = None,
    success: SuccessRule = "success",
    bin_width: float = ScopeConfig.bin_width,
) -> EnvReport:
    """Look at everything that ISA asks of a ``ParallelEnv``, in a few random episodes.

    Args:
        env: the environment, or a function that makes one: with it, more can be looked at.
        episodes: how many are played.
        seed: of the environment and the actions.
        state_fallback: what stands for a missing ``state()``.
        success: how a won episode is told.
        bin_width: what the state's changes are compared with.

    Raises:
        InvalidValueError: for a width out of range.

    Example:
        >>> from isa_wrappers.envs import make_parallel
        >>> report = check_env(lambda: make_parallel("grid/unlock", num_agents=1, targets=[(0, 1)]))
        >>> report.refused, report.warned
        (False, False)
        >>> print(report.findings[0])
        fine     interface: 1 agents with 5 actions, observations of 4 numbers
    """
    bin_width = ScopeConfig(bin_width=bin_width).bin_width
    report = EnvReport()
    make = env if _is_factory(env) else None
    made: list[Any] = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what they would say is in the report
            for about, look in _looks(make, env, made, episodes, seed, state_fallback, success, bin_width):
                try:
                    look(report)
                except Exception as error:
                    report.add(about, "refused", _told(error), AGAIN)
                    break
    finally:
        for one in made:
            getattr(one, "close", lambda: None)()
    return report


def _told(error: Exception) -> str:
    """Return in a line what was raised; with the place where it was not ISA that refused.

    Raises:
        Exception: the error itself, where neither ISA refused something nor the environment's own code raised it.
    """
    what, place = " ".join(str(error).split()), foreign_place(error)
    if isinstance(error, ISAError):
        return what
    if place is None:
        raise error
    return f"{type(error).__name__} at {place}: {what}"


def _is_factory(env: Any) -> bool:
    return callable(env) and not (hasattr(env, "step") and not isinstance(env, type))


def _looks(
    make: Callable[[], Any] | None,
    env: Any,
    made: list[Any],
    episodes: int,
    seed: int,
    fallback: StateFallback,
    success: SuccessRule,
    bin_width: float,
) -> Iterator[tuple[str, Callable[[EnvReport], None]]]:
    """Give what is looked at, one after the other."""
    borders: list[Border] = []

    def interface(report: EnvReport) -> None:
        given = env if make is None else make()
        if make is not None:
            made.append(given)
        border = Border(as_parallel(given))
        borders.append(border)
        size = max(flat_size(space) for space in border.spaces.values())
        kinds = {code.kind for code in border.codes.values()}
        if kinds == {"Discrete"}:
            actions = f"{' or '.join(map(str, sorted(set(border.num_actions))))} actions"
        else:
            actions = " or ".join(sorted(set(map(str, border.codes.values()))))
        report.add("interface", "fine", f"{len(border.agents)} agents with {actions}, observations of {size} numbers")

    def shape() -> tuple[int, ...]:
        return () if fallback is not None else np.shape(own_state(border.env))

    yield "interface", interface
    border = borders[0]
    reader = StateReader(border.env, fallback)
    plays: list[Play] = []

    def playing(report: EnvReport) -> None:
        for episode in range(episodes):
            plays.append(random_episode(border, reader, seed + episode, success))
        report.add("state", "fine", f"{plays[0].states.shape[1]} dimensions in {episodes} episodes, all finite")

    yield "state", playing
    if make is not None:
        yield "factory", lambda report: _new_each_time(report, make, border.env, made)
    yield "seeds", lambda report: _seeds(report, border, reader, seed)
    yield "episodes", lambda report: _episodes(report, border, plays)
    yield "success", lambda report: _success(report, plays, success, episodes)
    yield "masks", lambda report: _masks(report, border, plays)
    yield "dimensions", lambda report: _dimensions(report, plays, reader.names, shape(), bin_width)
    yield "influence", lambda report: _influence(report, border.env, fallback, seed, plays)


def _new_each_time(report: EnvReport, make: Callable[[], Any], first: Any, made: list[Any]) -> None:
    other = make()
    if other is made[0]:
        shared = True
    else:
        made.append(other)
        shared = innermost(other) is innermost(made[0])
    if shared:
        report.add(
            "factory", "refused", "it returns the same environment each time", "make a new one, inside wrappers too"
        )
    else:
        report.add("factory", "fine", "a new environment at each call")


def _seeds(report: EnvReport, border: Border, read: StateReader, seed: int) -> None:
    played = [random_episode(border, read, seed, steps=20).states for _ in range(2)]
    same = played[0].shape == played[1].shape and np.array_equal(played[0], played[1])
    if same:
        report.add("seeds", "fine", "one seed gives one episode")
    else:
        report.add(
            "seeds", "warning", "the same seed and actions gave two unlike episodes",
            "let reset(seed=...) seed everything that the environment draws from; runs cannot be repeated otherwise",
        )  # fmt: skip


def _episodes(report: EnvReport, border: Border, plays: list[Play]) -> None:
    horizon = int(getattr(border.env, "horizon", 0) or 0)
    count, ended, longest = len(plays), sum(play.ended for play in plays), max(len(play.states) - 1 for play in plays)
    if ended < count and not horizon:
        report.add(
            "episodes", "warning", f"{count - ended} of {count} did not end within {LONGEST:,} steps",
            "end them, or set the attribute horizon; evaluations are cut off at eval_limit",
        )  # fmt: skip
    elif horizon and longest > horizon:
        report.add(
            "episodes", "warning", f"one took {longest} steps, and horizon says {horizon}",
            "correct horizon: evaluations stop there",
        )  # fmt: skip
    else:
        told = f"horizon {horizon}" if horizon else "without the attribute horizon"
        report.add("episodes", "fine", f"at most {longest} steps, {told}")
    stayed = sorted(set().union(*(play.stayed for play in plays)))
    if stayed:
        report.add(
            "ends", "warning", f"{', '.join(stayed)} stay in env.agents when terminated or truncated",
            "take them out; they count as gone",
        )  # fmt: skip


def _success(report: EnvReport, plays: list[Play], rule: SuccessRule, episodes: int) -> None:
    if rule is None:
        return
    won = sum(play.won for play in plays)
    if not any(play.told for play in plays):
        report.add(
            "success", "warning", f"no info held the key {rule!r}, so nothing ever counts as won",
            "tell it, or name another key or a return threshold with --success",
        )  # fmt: skip
    elif not won:
        report.add("success", "note", f"told, and none of {episodes} random episodes was won: rare, or never")
    else:
        report.add("success", "fine", f"{won} of {episodes} random episodes were won")


def _masks(report: EnvReport, border: Border, plays: list[Play]) -> None:
    masked = set().union(*(play.masked for play in plays))
    if masked:
        report.add("masks", "fine", f"told for {len(masked)} of {len(border.agents)} agents, never empty")
    else:
        report.add("masks", "note", "none are told: every action counts as available")


def _dimensions(
    report: EnvReport, plays: list[Play], names: tuple[str, ...], shape: tuple[int, ...], bin_width: float
) -> None:
    everything = np.concatenate([play.states for play in plays])
    changes = np.concatenate([np.diff(play.states, axis=0) for play in plays])
    still = (everything == everything[0]).all(axis=0)
    if still.all():
        report.add("dimensions", "warning", "nothing in the state ever changed", "put into it what agents can move")
        return
    if still.any():
        report.add(
            "dimensions", "note", f"{_listed(still, names)} never changed",
            "leave out what nothing moves",
        )  # fmt: skip
    told_by_cells(report, everything, shape)
    steps = [np.abs(column[column != 0]) for column in changes.T]
    small = np.array([len(step) > 0 and float(np.median(step)) < bin_width / 2 for step in steps])
    if small.any():
        report.add(
            "units", "note", f"{_listed(small, names)} change by less than half of scope.bin_width, {bin_width:g}",
            "choose a smaller one for estimators that take bins, nmi_block and nmi_pooled",
        )  # fmt: skip
    many = np.array([len(step) >= 50 and len(np.unique(np.round(step / bin_width))) > len(step) / 2 for step in steps])
    if many.any():
        report.add(
            "units", "note", f"changes of {_listed(many, names)} fall into a bin of {bin_width:g} each",
            "choose a larger scope.bin_width for estimators that take bins, nmi_block and nmi_pooled",
        )  # fmt: skip


def _listed(which: npt.NDArray[np.bool_], names: tuple[str, ...]) -> str:
    places = [names[k] if names else f"dimension {k}" for k in np.flatnonzero(which)]
    return ", ".join(places[:5]) + (f" and {len(places) - 5} more" if len(places) > 5 else "")


def _influence(report: EnvReport, env: Any, fallback: StateFallback, seed: int, plays: list[Play]) -> None:
    config = ScopeConfig(transitions=LISTENED)
    scope = estimate_scope(env, config, seed, fallback)
    idle = [agent for agent, dims in zip(scope.agents, scope.agent_dims, strict=True) if not dims]
    if idle:
        report.add(
            "influence", "warning", f"{', '.join(idle)} moved nothing that can be told from chance in {LISTENED} steps",
            "see that the state holds what their actions do; rare effects need more transitions",
        )  # fmt: skip
    else:
        common = ", ".join(scope.dim_name(k) for k in scope.common_dims) or "nothing"
        report.add("influence", "fine", f"every agent moves something; all of them: {common}")
    if isinstance(env, MapState):
        merged_cells(report, env, scope, plays)
