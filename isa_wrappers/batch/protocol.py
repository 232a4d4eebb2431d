"""The protocol of a batched environment: B copies stepped together, arrays in, arrays out.

NumPy or torch, on any device. Finished copies reset themselves within the step that ends them, and the state and
observation *before* that reset come along, so that nothing is lost at an episode's end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from isa_wrappers.arrays import Array
from isa_wrappers.axes import Bool, Real
from isa_wrappers.border.names import ActionNames
from isa_wrappers.border.team_actions import TeamCode
from isa_wrappers.errors import InvalidValueError, shown
from isa_wrappers.moved import former


@dataclass(frozen=True, kw_only=True)
class BatchStep:
    """What a batched environment says after a reset or a step; B environments, A agents, n actions, K dimensions.

    Attributes:
        obs: ``[B, A, O]`` float32, after an automatic reset where the episode ended.
        state: ``[B, K]`` float32 or float64, after an automatic reset where the episode ended.
        available: ``[B, A, n]`` bool, actions allowed next.
        alive: ``[B, A]`` bool, agents that act next.
        reward: ``[B, A]`` float32 of the step just taken.
        terminated: ``[B]`` bool, the episode ended by itself: its value ends here.
        truncated: ``[B]`` bool, the episode was cut off (never where ``terminated``): its value continues.
        success: ``[B]`` bool, the episode was won in this step.
        final_obs: ``[B, A, O]``, ``obs`` before an automatic reset; the same as ``obs`` elsewhere.
        final_state: ``[B, K]``, ``state`` before an automatic reset; the same as ``state`` elsewhere, and of its type.
        final_alive: ``[B, A]``, ``alive`` before an automatic reset (where an environment says no more than that the
            episode is over: who took its last step); the same as ``alive`` elsewhere.
        discarded: ``[B]`` bool, the truncated episode was lost with its game or worker and counts for nothing;
            ``None`` where that cannot happen.
        cut: ``[B, A]`` bool, agents that were truncated by themselves in this step: they act no more, the episode goes
            on without them, and so does their value (that of ``final_obs``); ``None`` where that cannot happen.
        bonus: ``[B, A]``, what of ``reward`` is an intrinsic reward that a wrapper added; ``None`` where none did.
    """

    obs: Real[Array, "envs agents obs"]
    state: Real[Array, "envs dims"]
    available: Bool[Array, "envs agents actions"]
    alive: Bool[Array, "envs agents"]
    reward: Real[Array, "envs agents"]
    terminated: Bool[Array, " envs"]
    truncated: Bool[Array, " envs"]
    success: Bool[Array, " envs"]
    final_obs: Real[Array, "envs agents obs"]
    final_state: Real[Array, "envs dims"]
    final_alive: Bool[Array, "envs agents"]
    discarded: Bool[Array, " envs"] | None = None
    cut: Bool[Array, "envs agents"] | None = None
    bonus: Real[Array, "envs agents"] | None = None

    @property
    def done(self) -> Array:
        """``[B]`` bool, the episode ended in this step."""
        return self.terminated | self.truncated

    @property
    def finished(self) -> Array:
        """``[B]`` bool, the episode ended in this step and was not discarded."""
        return self.done if self.discarded is None else self.done & ~self.discarded


@runtime_checkable
class BatchEnv(Protocol):
    """A batched environment. ``device`` is ``None`` where arrays are NumPy's.

    Whoever steps it keeps what it hands over: every reset and step returns arrays of its own, which are never written
    into again.

    One whose actions are more than a number each has an attribute ``action_code`` too, a
    :class:`~isa_wrappers.border.team_actions.TeamCode`; ``num_actions`` then counts elementary actions. One that pads
    observations, or shows dimensions of the state in them, may say so by an attribute ``obs_columns``, see
    :func:`obs_columns_of`.
    """

    num_envs: int
    agents: tuple[str, ...]
    obs_size: int
    state_size: int
    num_actions: tuple[int, ...]
    horizon: int
    state_names: tuple[str, ...]
    action_names: ActionNames
    device: str | None

    def reset(self, seed: int | None = None) -> BatchStep:
        """Start every copy afresh; with ``seed``, reproducibly."""
        ...

    def step(self, actions: Array) -> BatchStep:
        """Advance every copy by ``actions``: ``[B, A]`` integers, ``[B, A, d]`` float32 with an action code."""
        ...

    def state_dict(self) -> dict[str, Array]:
        """Return everything that a later :meth:`load_state_dict` needs to continue from here."""
        ...

    def load_state_dict(self, state: dict[str, Array]) -> BatchStep:
        """Restore a saved state; return the step that was current then."""
        ...


def lacking(env: Any) -> list[str]:
    """Return the names of what an object lacks of a :class:`BatchEnv`.

    Example:
        >>> lacking(None)[0], lacking(None)[-1]
        ('num_envs', 'load_state_dict')
    """
    methods = [name for name, value in vars(BatchEnv).items() if callable(value) and not name.startswith("_")]
    return [name for name in (*BatchEnv.__annotations__, *methods) if not hasattr(env, name)]


def check_batch(env: Any) -> None:
    """Check that an object is a batched environment.

    Raises:
        InvalidValueError: naming what it lacks.
    """
    if missing := lacking(env):
        raise InvalidValueError(f"env must be a BatchEnv, got {shown(env)}, which lacks {', '.join(missing)}")


def action_code_of(env: Any) -> TeamCode | None:
    """Return how the actions of a batched environment are read; ``None`` where each is a number."""
    code: TeamCode | None = getattr(env, "action_code", None)
    return code


def check_copies(saved: Array, num_envs: int) -> None:
    """Check that a saved array, a row for each copy, is of as many copies as are stepped.

    Raises:
        InvalidValueError: naming both numbers.
    """
    if len(saved) != num_envs:
        raise InvalidValueError(f"the saved state is of {len(saved)} environments, num_envs is {num_envs}")


if not TYPE_CHECKING:
    __getattr__ = former(
        __name__,
        {
            "BatchWrapper": "isa_wrappers.batch.wrapper:BatchWrapper",
            "close_batch": "isa_wrappers.border.start:close_env",
            "check_finite": "isa_wrappers.checks:check_finite",
            "obs_columns_of": "isa_wrappers.batch.columns:obs_columns_of",
            "starts_afresh": "isa_wrappers.batch.wrapper:starts_afresh",
            "tells_bonus": "isa_wrappers.batch.wrapper:tells_bonus",
        },
    )
