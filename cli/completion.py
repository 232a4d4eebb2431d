"""Shell completion: names of tasks, algorithms, presets, settings and more.

A completion that fails offers nothing; the command itself reports the error when it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress

import typer

Offer = Callable[[typer.Context, str], list[str]]
DEVICES = ("auto", "cpu", "cuda", "cuda:0", "cuda:1")


def offered(names: Callable[[typer.Context], Iterable[str]]) -> Offer:
    """Create a completion from a function that lists names.

    Example:
        >>> offered(lambda ctx: ["isa", "ippo", "vdn"])(None, "i")
        ['isa', 'ippo']
    """

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        with suppress(Exception):
            return [name for name in names(ctx) if name.startswith(incomplete)]
        return []

    complete.__doc__ = names.__doc__
    return complete


@offered
def tasks(ctx: typer.Context) -> Iterable[str]:
    """List the available tasks."""
    from isa_wrappers.envs import available_tasks

    return available_tasks()


@offered
def algorithms(ctx: typer.Context) -> Iterable[str]:
    """List the algorithms."""
    from isa_learners.algorithms import ALGORITHMS

    return ALGORITHMS


@offered
def presets(ctx: typer.Context) -> Iterable[str]:
    """List the presets."""
    from isa_learners.presets import PRESETS

    return PRESETS


@offered
def devices(ctx: typer.Context) -> Iterable[str]:
    """List common device names."""
    return DEVICES


@offered
def variants(ctx: typer.Context) -> Iterable[str]:
    """List the variants and algorithms that ``isa compare`` accepts."""
    from isa_learners.algorithms import ALGORITHMS
    from isa_learners.experiments.variants import VARIANTS

    return dict.fromkeys([*VARIANTS, *ALGORITHMS])


@offered
def figures(ctx: typer.Context) -> Iterable[str]:
    """List the figures that ``isa reproduce`` accepts."""
    from isa_learners.experiments.reproduce import figures as known

    return known()


@offered
def trackers(ctx: typer.Context) -> Iterable[str]:
    """List the trackers."""
    from isa_learners.runs.trackers import TRACKERS

    return TRACKERS


@offered
def settings(ctx: typer.Context) -> Iterable[str]:
    """List the keys of ``--set``: those of the chosen algorithm, or those that a resumed run may change."""
    from isa_learners.algorithms import ALGORITHMS
    from isa_learners.config import DEFAULT_ALGORITHM
    from isa_learners.runs.config_keys import all_keys, section_kinds

    if ctx.params.get("resume") is not None:
        from isa_learners.runs.changes import may_change
        from isa_learners.runs.run_folder import RunFolder

        return [f"{key}=" for key in may_change(RunFolder.open(ctx.params["resume"]).config())]
    algo = ctx.params.get("algo") or DEFAULT_ALGORITHM
    spec = ALGORITHMS[algo]
    return [f"{key}=" for key in all_keys(section_kinds(algo, spec.learner, spec.intrinsic))]
