"""What a batched environment of somebody's own hands over, read and checked as one border does for single ones."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np

from isa_wrappers.arrays import Array, namespace, to_numpy
from isa_wrappers.batch.protocol import BatchEnv, BatchStep
from isa_wrappers.errors import NonFiniteError, UnsupportedEnvironmentError

NUMBERS = ("obs", "final_obs", "state", "final_state", "reward")
"""Fields that are finite numbers; all others are flags."""
MAY_BE_NONE = ("discarded", "cut", "bonus")


class OwnSteps:
    """Reads the steps of a batched environment.

    Numbers of other types become float32 (a state may be float64), flags of other types bool.

    Args:
        env: the environment.
        name: of its task, for messages.
    """

    def __init__(self, env: BatchEnv, name: str) -> None:
        self._env, self._name = env, name
        envs, agents = env.num_envs, len(env.agents)
        team, whole = (envs, agents), (envs, env.state_size)
        seen = (envs, agents, env.obs_size)
        self._shapes: dict[str, tuple[int, ...]] = {
            **dict.fromkeys(("obs", "final_obs"), seen),
            **dict.fromkeys(("state", "final_state"), whole),
            **dict.fromkeys(("alive", "reward", "final_alive", "cut", "bonus"), team),
            **dict.fromkeys(("terminated", "truncated", "success", "discarded"), (envs,)),
            "available": (envs, agents, max(env.num_actions)),
        }
        self._own: Array = None

    def __call__(self, said: Any, steps: int, values: bool) -> BatchStep:
        """Return what a reset (``steps`` 0) or a step returned, in the types of a :class:`BatchStep`.

        Args:
            said: what came.
            steps: since the reset, for messages.
            values: look at numbers and flags too, for which the host waits for a device.

        Raises:
            UnsupportedEnvironmentError: naming the field, and what it is to be.
            NonFiniteError: for NaN or infinity, likewise.
        """
        where = f"in step {steps}" if steps else "at the reset"
        if not isinstance(said, BatchStep):
            raise UnsupportedEnvironmentError(
                f"task {self._name!r} must return a BatchStep {where}, got {type(said).__name__}"
            )
        others = {}
        for field in fields(BatchStep):
            array = getattr(said, field.name)
            if array is None and field.name in MAY_BE_NONE:
                continue
            self._check_array(field.name, array, where)
            kind = self._kind(field.name, array)
            if array.dtype != kind:
                if values and kind == namespace(array).bool:
                    self._check_flags(field.name, array, where)
                others[field.name] = (
                    array != 0 if kind == namespace(array).bool else namespace(array).astype(array, kind)
                )
        step = replace(said, **others) if others else said
        if values:
            self._check_values(step, where)
        return step

    def _kind(self, field: str, array: Array) -> Any:
        xp = namespace(array)
        if field in ("state", "final_state") and array.dtype == xp.float64:
            return xp.float64
        return xp.float32 if field in (*NUMBERS, "bonus") else xp.bool

    def _check_array(self, field: str, array: Any, where: str) -> None:
        device, shape = self._env.device, self._shapes[field]
        is_numpy = isinstance(array, np.ndarray)
        if device is None:
            right, wanted = is_numpy, "a NumPy array"
        else:
            right = hasattr(array, "detach") and array.device.type == str(device).partition(":")[0]
            wanted = f"a torch tensor on {str(device)!r}"
        if not right or tuple(array.shape) != shape:
            told = f"{type(array).__name__} {list(getattr(array, 'shape', ()))}"
            raise UnsupportedEnvironmentError(
                f"{field} of task {self._name!r} {where} must be {wanted} {list(shape)}, got {told}"
            )

    def _check_flags(self, field: str, array: Array, where: str) -> None:
        if bool((array != array).any()):
            raise NonFiniteError(f"{field} of task {self._name!r} {where} must hold true or false, got NaN")

    def _check_values(self, step: BatchStep, where: str) -> None:
        for field in NUMBERS:
            values = getattr(step, field)
            xp = namespace(values)
            if not bool(xp.isfinite(values.sum())) and not bool(xp.isfinite(values).all()):
                raise NonFiniteError(
                    f"{field} of task {self._name!r} {where} must be finite: {self._place(field, values)}"
                )
        xp = namespace(step.available)
        if self._own is None:
            own = np.arange(max(self._env.num_actions)) < np.array(self._env.num_actions)[:, None]
            self._own = xp.asarray(own, device=self._env.device) if self._env.device is not None else own
        self._refuse((step.available & ~self._own).any(-1), where, "may take an action that it has not")
        self._refuse(step.alive & ~step.available.any(-1), where, "acts next and may take no action")
        self._refuse((step.terminated & step.truncated)[:, None], where, None)

    def _place(self, field: str, values: Array) -> str:
        """Say where the first number lies that is none, and what is there."""
        found = to_numpy(values)
        at = tuple(int(i) for i in np.argwhere(~np.isfinite(found))[0])
        names = ("dimension {}",) if field in ("state", "final_state") else ("agent {}", "place {}")
        told = [
            name.format(repr(self._env.agents[i]) if name == "agent {}" else i)
            for name, i in zip(names, at[1:], strict=False)
        ]
        return f"environment {at[0]}, {', '.join(told)} holds {found[at]}"

    def _refuse(self, wrong: Array, where: str, what: str | None) -> None:
        if not bool(wrong.any()):
            return
        b, i = (int(part[0]) for part in namespace(wrong).nonzero(wrong))
        told = f"agent {self._env.agents[i]!r} {what}" if what else "the episode is terminated and truncated at once"
        raise UnsupportedEnvironmentError(f"task {self._name!r} {where}, environment {b}: {told}")
