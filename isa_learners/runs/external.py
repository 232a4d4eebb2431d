"""Environments that the caller steps, presented to a learner like its own environments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from typing import Any

import numpy as np
import torch
from torch import Tensor

from isa_learners.config import RunConfig
from isa_wrappers.arrays import Array
from isa_wrappers.batch import BatchEnv, BatchStep, check_finite
from isa_wrappers.batch.env_copy import complete_row
from isa_wrappers.batch.packing import CopySpec, Packer, Row
from isa_wrappers.batch.protocol import action_code_of
from isa_wrappers.border import Border
from isa_wrappers.border.spaces import as_parallel, flat_size
from isa_wrappers.checks import check_array
from isa_wrappers.envs import make_parallel
from isa_wrappers.errors import InvalidValueError, NonFiniteError, UnsupportedEnvironmentError, check_kind, shown

ARRAY_INFOS = ("action_mask", "alive", "done")


class ExternalBatch:
    """A batched environment that is stepped elsewhere; satisfies :class:`~isa_wrappers.batch.BatchEnv`.

    Args:
        like: an environment of the same task, for sizes and names.
        num_envs: B.
        device: torch device.

    Attributes:
        now: step that the next reset or step returns.
    """

    def __init__(self, like: BatchEnv, num_envs: int, device: str) -> None:
        self.num_envs = num_envs
        self.device: str | None = device
        self.agents, self.num_actions, self.action_names = like.agents, like.num_actions, like.action_names
        self.obs_size, self.state_size, self.state_names = like.obs_size, like.state_size, like.state_names
        self.horizon, self.action_code = like.horizon, action_code_of(like)
        self.now: BatchStep

    def reset(self, seed: int | None = None) -> BatchStep:
        """Return the current step."""
        return self.now

    def step(self, actions: Array) -> BatchStep:
        """Return the current step."""
        return self.now

    def state_dict(self) -> dict[str, Array]:
        """Return an empty state."""
        return {}

    def load_state_dict(self, state: dict[str, Array]) -> BatchStep:
        """Return the current step."""
        return self.now


class ExternalTeam:
    """Converts between dicts by agent, of a ``ParallelEnv`` that is stepped elsewhere, and batches of one environment.

    Args:
        env: an environment of the same task, for its spaces only.
        like: batched environment of the task.

    Raises:
        UnsupportedEnvironmentError: if the two have different agents or sizes.
    """

    def __init__(self, env: Any, like: BatchEnv) -> None:
        self._border = Border(as_parallel(env))
        size = max(flat_size(space) for space in self._border.spaces.values())
        if (self._border.agents, size) != (like.agents, like.obs_size):
            raise UnsupportedEnvironmentError(
                f"{env} has agents {list(self._border.agents)} and {size} observed numbers; as a batch the task has "
                f"{list(like.agents)} and {like.obs_size}"
            )
        self._size = like.state_size
        names = like.state_names, like.action_names, like.horizon, action_code_of(like)
        self._packer = Packer(self._border, CopySpec(like.agents, like.num_actions, size, like.state_size, *names))

    @classmethod
    def of(cls, config: RunConfig, like: BatchEnv) -> ExternalTeam:
        """Create an environment of a run's task to read its spaces."""
        env = make_parallel(config.env, state_features=config.features, **config.env_kwargs)
        try:
            return cls(env, like)
        finally:
            with suppress(Exception):  # an environment that was never reset may fail to close
                env.close()

    def step(self, observations: Mapping[str, Any], infos: Any, steps: int, device: str) -> BatchStep:
        """Return the batched step after ``steps`` steps of an episode; agents without an observation do not act.

        Raises:
            InvalidValueError: if an observation belongs to an unknown agent.
            UnsupportedEnvironmentError: if an observation does not belong to its space.
            NonFiniteError: if an observation holds NaN or infinity.
        """
        agents = self._border.agents
        acting = [agent for agent in agents if observations.get(agent) is not None]
        if not acting:
            raise InvalidValueError(
                f"observations must be of agents {', '.join(map(str, agents))}, got those of "
                f"{shown(list(observations))}"
            )
        if infos is not None:
            check_kind("infos", infos, Mapping)
        self._border.receive(observations, infos, acting, steps)
        observed: Row = {**self._packer.observe(observations), "state": np.full(self._size, np.nan, dtype=np.float32)}
        row = complete_row(observed, observed)
        return BatchStep(**{name: torch.as_tensor(value, device=device)[None] for name, value in row.items()})

    def chosen(self, actions: Sequence[Any]) -> dict[str, Any]:
        """Return the actions of the acting agents in the environment's format."""
        return self._packer.native_actions(actions)


def batch_step(observations: Any, infos: Any, like: BatchEnv, device: str) -> BatchStep:
    """Return the step of a batch that is stepped elsewhere.

    Args:
        observations: a step with NumPy or torch arrays, or only its observations ``[B, A, O]``.
        infos: infos for the latter, as in :func:`array_step`.
        like: batched environment of the task, for sizes.
        device: torch device.

    Raises:
        InvalidValueError: for wrong sizes, an unknown entry of ``infos``, or an acting agent without an available
            action.
        NonFiniteError: if observations hold NaN or infinity, or flags NaN.
    """
    agents, n = len(like.agents), max(like.num_actions)
    if isinstance(observations, BatchStep):
        step = _convert_step(observations, device)
        count = len(step.obs)
        check_array("observations", step.obs, None, agents, like.obs_size)
        check_array("available", step.available, count, agents, n)
        check_array("alive", step.alive, count, agents)
        for name in ("terminated", "truncated"):
            check_array(name, getattr(step, name), count)
        flags_by_name = {
            name: getattr(observations, name) for name in ("available", "alive", "terminated", "truncated")
        }
    else:
        step = array_step(observations, infos, like, device)
        flags_by_name = dict(infos or {})
    for name, flags in flags_by_name.items():
        if bool(torch.as_tensor(flags).isnan().any()):
            raise NonFiniteError(f"{name} must hold true or false, got NaN")
    check_finite("observations", step.obs, 0)
    blocked = step.alive & ~step.available.any(-1)
    if bool(blocked.any()):
        env, agent = blocked.nonzero()[0].tolist()
        raise InvalidValueError(
            f"the action mask of agent {like.agents[agent]!r} in environment {env} must allow an action, got none"
        )
    return step


def _convert_step(step: BatchStep, device: str) -> BatchStep:
    """Return a step on a device, with the data types that networks and masks need."""
    values = {field.name: getattr(step, field.name) for field in fields(BatchStep)}
    tensors = {name: torch.as_tensor(value, device=device) for name, value in values.items() if value is not None}
    numbers = {name: tensors[name].float() for name in ("obs", "final_obs")}
    flags = {name: tensors[name] != 0 for name in ("available", "alive", "terminated", "truncated", "final_alive")}
    return BatchStep(**{**tensors, **numbers, **flags})


def array_step(observations: Any, infos: Any, like: BatchEnv, device: str) -> BatchStep:
    """Build a step from arrays; it checks only shapes, so that it can be traced.

    Args:
        observations: ``[B, A, O]``.
        infos: a mapping with the optional entries ``"action_mask"`` ``[B, A, n]``, ``"alive"`` ``[B, A]`` and
            ``"done"`` ``[B]``.
        like: batched environment of the task, for sizes.
        device: torch device.

    Raises:
        InvalidValueError: for wrong sizes, or an unknown entry of ``infos``.
    """
    infos = {} if infos is None else infos
    check_kind("infos", infos, Mapping)
    if unknown := [name for name in infos if name not in ARRAY_INFOS]:
        raise InvalidValueError(
            f"infos with an array of observations must be {', '.join(ARRAY_INFOS)}; got {shown(unknown[0])}"
        )
    team = len(like.agents)
    check_array("observations", observations, None, team, like.obs_size)
    obs = torch.as_tensor(observations, dtype=torch.float32, device=device)
    count, n = obs.shape[0], max(like.num_actions)

    def flags(name: str, default: Tensor) -> Tensor:
        if name not in infos:
            return default
        check_array(name, infos[name], *default.shape)
        return torch.as_tensor(infos[name], device=device) != 0

    available = torch.arange(n, device=device) < torch.tensor(like.num_actions, device=device)[:, None]
    false_flags = torch.zeros(count, dtype=torch.bool, device=device)
    alive = flags("alive", torch.ones(count, team, dtype=torch.bool, device=device))
    state = torch.full((count, like.state_size), torch.nan, device=device)  # unknown
    return BatchStep(
        obs=obs,
        state=state,
        available=flags("action_mask", available.expand(count, -1, -1)) & available,
        alive=alive,
        reward=torch.zeros(count, team, device=device),
        terminated=flags("done", false_flags),
        truncated=false_flags,
        success=false_flags,
        final_obs=obs,
        final_state=state,
        final_alive=alive,
    )
