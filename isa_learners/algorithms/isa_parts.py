"""The two halves of ISA for ablations: exploration without goals, and goals from another run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from isa_learners.algorithms.isa import ISA, explore, goal_buffer, reach, record, show_goals
from isa_learners.algorithms.spec import PhaseContext, PhaseSpec
from isa_wrappers.arrays import without_prefix
from isa_wrappers.errors import FileFormatError, InvalidValueError, ScopeMismatchError, check_name
from isa_wrappers.rewards.goals import GoalBuffer

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class GivenGoals:
    """The source of goals for a run that does not explore.

    Attributes:
        run: folder of the run whose goal buffer is used.
    """

    run: str = ""

    def __post_init__(self) -> None:
        if self.run:
            check_name("run", self.run)


def saved_goals(checkpoint: Path, oldest_first: bool = False) -> Tensor | None:
    """Return the won states ``[M, K]`` in a run's checkpoint, in the order of its buffer; ``None`` if it has no buffer.

    An algorithm may choose the name of its buffer; of several, this reads ``goals``, else the first by name.

    Args:
        checkpoint: checkpoint file.
        oldest_first: return the states in the order in which they were won.

    Raises:
        FileFormatError: if it cannot be read.
    """
    from isa_learners.checkpoint import load_checkpoint

    tensors, _ = load_checkpoint(checkpoint)
    shared = without_prefix("shared", tensors)
    buffers = sorted(name[: -len(".added")] for name in shared if name.endswith(".added"))
    buffers = [name for name in buffers if f"{name}.states" in shared]
    if not buffers:
        return None
    saved = without_prefix("goals" if "goals" in buffers else buffers[0], shared)
    try:
        added, capacity = int(saved["added"][0]), len(saved["states"]) - 1
        won: Tensor = saved["states"][: min(added, capacity)]
        won = won.roll(-(added % capacity), 0) if oldest_first and added > capacity else won
    except (LookupError, RuntimeError, ValueError) as error:
        raise FileFormatError(f"{checkpoint} holds goals that cannot be read ({error})") from error
    return won


def given_goals(context: PhaseContext) -> GoalBuffer:
    """Fill the buffer B with the goals of another run; once checkpointed, that run is no longer needed.

    Raises:
        InvalidValueError: if no run is named, or the run has no goals.
        FileFormatError: if its checkpoint cannot be read.
        ScopeMismatchError: if its states have another size.
    """
    if context.restored:
        return goal_buffer(context)
    run = context.config.settings_of("given").run
    if not run:
        raise InvalidValueError("algo 'isa_reach' needs the goals of another run; set its folder: given.run=RUN")
    won = saved_goals(Path(run) / "checkpoints" / "latest.safetensors", oldest_first=True)
    if won is None or not len(won):
        raise InvalidValueError(f"the run in {run} has won no episode, so it has no goals")
    states = won.to(context.device)
    goals = goal_buffer(context)
    if states.shape[-1] != goals.state_size:
        raise ScopeMismatchError(
            f"goals in {run} have {states.shape[-1]} dimensions, states here {goals.state_size}; use a run of this task"
        )
    goals.add(states, states.new_ones(len(states)).bool())
    return goals


ISA_EXPLORE = replace(
    ISA,
    description="only the exploration of ISA (Eq. 10), without goals",
    phases=(PhaseSpec("explore", explore, probes=True, watch=record),),
)
ISA_REACH = replace(
    ISA,
    description="only the goals of ISA (Eq. 7), from another run: given.run=RUN",
    phases=(PhaseSpec("reach", reach, wrap_evaluation=show_goals, watch=record),),
    sections={**ISA.sections, "given": GivenGoals},
    whole_run={**ISA.whole_run, "given": ("run",)},
    shared={"goals": given_goals},
)
