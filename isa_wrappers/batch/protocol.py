"""The protocol of a batched environment: B copies stepped together, with arrays as input and output.

Arrays belong to NumPy or torch, on any device. Finished copies reset themselves within the step that ends the episode,
and the step also contains the state and observation *before* this reset.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from isa_wrappers.arrays import Array
from isa_wrappers.axes import Bool, Real
from isa_wrappers.border.names import ActionNames
from isa_wrappers.border.team_actions import TeamCode
from isa_wrappers.errors import InvalidValueError, shown
from isa_wrappers.moved import former_names


@dataclass(frozen=True, kw_only=True)
class BatchStep:
    """The result of a reset or a step, with B environments, A agents, n actions and K state dimensions.

    Attributes:
        obs: observations, after an automatic reset if the episode ended, ``[B, A, O]`` float32.
        state: state, after an automatic reset if the episode ended, ``[B, K]`` float32 or float64.
        available: actions available next, ``[B, A, n]`` bool.
        alive: whether each agent acts next, ``[B, A]`` bool.
        reward: rewards of the step, ``[B, A]`` float32.
        terminated: whether the episode terminated, so that its value ends here, ``[B]`` bool.
        truncated: whether the episode was truncated, so that its value continues, ``[B]`` bool; never together with
            ``terminated``.
        success: whether the episode was won in this step, ``[B]`` bool.
        final_obs: ``obs`` before an automatic reset, else equal to ``obs``, ``[B, A, O]``.
        final_state: ``state`` before an automatic reset, else equal to ``state``, with the same dtype, ``[B, K]``.
        final_alive: ``alive`` before an automatic reset, else equal to ``alive``, ``[B, A]``. If an environment reports
            only the end of an episode, the agents that acted in its last step.
        discarded: whether the truncated episode was lost in a crash of its game or worker and does not count, ``[B]``
            bool; ``None`` if this cannot happen.
        cut: whether the agent was truncated individually in this step, ``[B, A]`` bool: it no longer acts, the episode
            continues without it, and its value (that of ``final_obs``) continues; ``None`` if this cannot happen.
        bonus: part of ``reward`` that is an intrinsic reward added by a wrapper, ``[B, A]``; ``None`` if there is none.
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
        """Whether the episode ended in this step, ``[B]`` bool."""
        return self.terminated | self.truncated

    @property
    def finished(self) -> Array:
        """Whether the episode ended in this step and was not discarded, ``[B]`` bool."""
        return self.done if self.discarded is None else self.done & ~self.discarded


@runtime_checkable
class BatchEnv(Protocol):
    """A batched environment. ``device`` is ``None`` for NumPy arrays.

    Callers keep the returned arrays, so every reset and step must return new arrays that are never modified later.

    An environment with structured actions also has an attribute ``action_code``, a
    :class:`~isa_wrappers.border.team_actions.TeamCode`; ``num_actions`` then counts elementary actions. An environment
    that pads observations, or shows dimensions of the state in them, may declare this with an attribute
    ``obs_columns``, see :func:`obs_columns_of`.
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
        """Start a new episode in every copy; with ``seed``, the result is reproducible."""
        ...

    def step(self, actions: Array) -> BatchStep:
        """Advance every copy by ``actions``: ``[B, A]`` integers, or ``[B, A, d]`` float32 with an action code."""
        ...

    def state_dict(self) -> dict[str, Array]:
        """Return the state for :meth:`load_state_dict`."""
        ...

    def load_state_dict(self, state: dict[str, Array]) -> BatchStep:
        """Restore a saved state; return the step that was current when it was saved."""
        ...


def missing_members(env: Any) -> list[str]:
    """Return the names of members of :class:`BatchEnv` that an object lacks.

    Example:
        >>> missing_members(None)[0], missing_members(None)[-1]
        ('num_envs', 'load_state_dict')
    """
    methods = [name for name, value in vars(BatchEnv).items() if callable(value) and not name.startswith("_")]
    return [name for name in (*BatchEnv.__annotations__, *methods) if not hasattr(env, name)]


def check_batch(env: Any) -> None:
    """Check that an object is a batched environment.

    Raises:
        InvalidValueError: if it is not; the message names what it lacks.
    """
    if missing := missing_members(env):
        raise InvalidValueError(f"env must be a BatchEnv, got {shown(env)}, which lacks {', '.join(missing)}")


def action_code_of(env: Any) -> TeamCode | None:
    """Return the encoding of the actions of a batched environment; ``None`` if each action is a number."""
    code: TeamCode | None = getattr(env, "action_code", None)
    return code


def check_copies(saved: Array, num_envs: int) -> None:
    """Check that a saved array has one row for each copy.

    Raises:
        InvalidValueError: if the numbers differ.
    """
    if len(saved) != num_envs:
        raise InvalidValueError(f"the saved state contains {len(saved)} environments, but num_envs is {num_envs}")


if not TYPE_CHECKING:
    __getattr__ = former_names(
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
