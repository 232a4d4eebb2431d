"""Check random episodes: how they end, whether they are won, which masks are set, which dimensions change."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from isa_wrappers.border.border import Border
from isa_wrappers.border.success import SuccessRule
from isa_wrappers.envs.check_maps import report_map_or_codes
from isa_wrappers.envs.random_play import LONGEST, Play
from isa_wrappers.envs.report import EnvReport


def report_ends(report: EnvReport, border: Border, plays: list[Play]) -> None:
    """Report the length of episodes, missing signals, and agents that stay after their end."""
    horizon = int(getattr(border.env, "horizon", 0) or 0)
    count, ended, longest = (
        len(plays),
        sum(play.ended for play in plays),
        max(len(play.states) - 1 for play in plays),
    )
    if ended < count and not horizon:
        report.add(
            "episodes", "warning", f"{count - ended} of {count} did not end within {LONGEST:,} steps",
            "end them, or set the attribute horizon; evaluations stop at eval_limit",
        )  # fmt: skip
    elif horizon and longest > horizon:
        report.add(
            "episodes", "warning", f"one took {longest} steps, but horizon is {horizon}",
            "correct horizon: evaluations stop there",
        )  # fmt: skip
    else:
        limit = f"horizon {horizon}" if horizon else "without the attribute horizon"
        report.add("episodes", "fine", f"at most {longest} steps, {limit}")
    missing = sorted(set().union(*(play.missing_signals for play in plays)))
    if missing:
        report.add(
            "signals", "warning", f"step() returned {', '.join(missing[:3])}{' and more' if len(missing) > 3 else ''}",
            "give every agent that acted a reward, and True or False in both terminations and truncations",
        )  # fmt: skip
    staying_agents = sorted(set().union(*(play.stayed for play in plays)))
    if staying_agents:
        report.add(
            "ends", "warning", f"{', '.join(staying_agents)} stay in env.agents when terminated or truncated",
            "remove them; ISA treats them as gone",
        )  # fmt: skip


def report_wins(report: EnvReport, plays: list[Play], rule: SuccessRule, episodes: int) -> None:
    """Report whether the environment signals wins, and how often random play wins."""
    if rule is None:
        return
    won = sum(play.won for play in plays)
    if not any(play.has_success_signal for play in plays):
        report.add(
            "success", "warning", f"no info contains the key {rule!r}, so no episode counts as won",
            "add it, or pass another key or a return threshold with --success (in Python: success=...)",
        )  # fmt: skip
    elif not won:
        report.add("success", "note", f"none of {episodes} random episodes was won: random play wins rarely or never")
    else:
        report.add("success", "fine", f"{won} of {episodes} random episodes were won")


def report_masks(report: EnvReport, border: Border, plays: list[Play]) -> None:
    """Report whether there are action masks."""
    masked = set().union(*(play.masked for play in plays))
    if masked:
        report.add("masks", "fine", f"given for {len(masked)} of {len(border.agents)} agents, never empty")
    else:
        report.add("masks", "note", "none given: every action counts as available")


def report_changes(
    report: EnvReport, plays: list[Play], names: tuple[str, ...], shape: tuple[int, ...], bin_width: float
) -> None:
    """Report dimensions that never change, and changes that are too small or too varied for the bin width."""
    all_states = np.concatenate([play.states for play in plays])
    changes = np.concatenate([np.diff(play.states, axis=0) for play in plays])
    is_constant = (all_states == all_states[0]).all(axis=0)
    if is_constant.all():
        report.add("dimensions", "warning", "the state never changed", "include what agents can influence")
        return
    if is_constant.any():
        report.add(
            "dimensions", "note", f"{_listed(is_constant, names)} never changed",
            "leave out constant dimensions",
        )  # fmt: skip
    report_map_or_codes(report, all_states, shape)
    steps = [np.abs(column[column != 0]) for column in changes.T]
    small = np.array([len(step) > 0 and float(np.median(step)) < bin_width / 2 for step in steps])
    if small.any():
        report.add(
            "units", "note", f"{_listed(small, names)} change by less than half of scope.bin_width, {bin_width:g}",
            "choose a smaller one for the estimators that use bins, nmi_block and nmi_pooled",
        )  # fmt: skip
    varied = np.array(
        [len(step) >= 50 and len(np.unique(np.round(step / bin_width))) > len(step) / 2 for step in steps]
    )
    if varied.any():
        report.add(
            "units", "note", f"most changes of {_listed(varied, names)} get a bin of their own at width {bin_width:g}",
            "choose a larger scope.bin_width for the estimators that use bins, nmi_block and nmi_pooled",
        )  # fmt: skip


def _listed(which: npt.NDArray[np.bool_], names: tuple[str, ...]) -> str:
    labels = [names[k] if names else f"dimension {k}" for k in np.flatnonzero(which)]
    return ", ".join(labels[:5]) + (f" and {len(labels) - 5} more" if len(labels) > 5 else "")
