"""Each half of ISA alone, for ablations: exploration without goals, and goals that another run has won."""

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
    """Return the won states ``[M, K]`` in a run's checkpoint, in the order of its buffer; ``None`` if it keeps none.

    An algorithm calls its buffer as it likes; of several it is the one called ``goals``, else the first by name.

    Args:
        checkpoint: the file.
        oldest_first: in the order in which they were won.

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
    """Fill B with what another run has won; a checkpoint holds it, and needs that run no more.

    Raises:
        InvalidValueError: if no run is named, or it has won nothing.
        FileFormatError: if its checkpoint cannot be read.
        ScopeMismatchError: if its states are of another size.
    """
    if context.restored:
        return goal_buffer(context)
    run = context.config.settings_of("given").run
    if not run:
        raise InvalidValueError("algo 'isa_reach' needs goals that a run has won; name its folder: given.run=RUN")
    won = saved_goals(Path(run) / "checkpoints" / "latest.safetensors", oldest_first=True)
    if won is None or not len(won):
        raise InvalidValueError(f"the run in {run} has won nothing, so that there are no goals to take")
    states = won.to(context.device)
    goals = goal_buffer(context)
    if states.shape[-1] != goals.state_size:
        raise ScopeMismatchError(
            f"goals in {run} are states of {states.shape[-1]} dimensions, here {goals.state_size}; "
            "take a run of this task"
        )
    goals.add(states, states.new_ones(len(states)).bool())
    return goals


ISA_EXPLORE = replace(
    ISA,
    description="ISA's exploration alone (Eq. 10): no goals are ever given",
    phases=(PhaseSpec("explore", explore, probes=True, watch=record),),
)
ISA_REACH = replace(
    ISA,
    description="ISA's goals alone (Eq. 7), won by another run: given.run=RUN",
    phases=(PhaseSpec("reach", reach, wrap_evaluation=show_goals, watch=record),),
    sections={**ISA.sections, "given": GivenGoals},
    whole_run={**ISA.whole_run, "given": ("run",)},
    shared={"goals": given_goals},
)
