"""The global state of a ``ParallelEnv``: from ``state()``, a function, or the observations of the agents."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from isa_wrappers.arrays import to_numpy
from isa_wrappers.border.spaces import (
    StateFallback,
    check_state_fallback,
    inner_observation,
    inner_space,
    observation_space,
)
from isa_wrappers.errors import UnsupportedEnvironmentError, one_line

EXACT = 2**24
"""Integers up to this one are exact in float32."""
EXACT_WIDE = 2.0**53
"""Integers up to this one are exact in float64."""


class StateReader:
    """Reads the global state of one environment.

    With ``"observations"``, it concatenates the unchanged observations of the agents: a Discrete stays one number, as a
    one-hot code would spread the effect of one action over many dimensions. Absent agents are zeros; an agent that
    acted but received no observation afterwards keeps its last one.

    The first state determines the dtype: float64 if it contains float64, or integers that float32 cannot represent
    exactly (of 32 or 64 bits; in observations, those whose space exceeds 2^24), else float32. A ``state()`` with
    integers beyond 2^53 that float64 would round is refused; in observations they are rounded.

    Args:
        env: the environment.
        fallback: replacement for a missing ``state()``.

    Attributes:
        names: names of the state dimensions: the environment's ``state_names``, those of the observations, or empty.

    Raises:
        InvalidValueError: if the fallback is invalid.
        UnsupportedEnvironmentError: if observations replace the state but have no fixed length.

    Example:
        >>> from isa_wrappers.envs import make_parallel
        >>> StateReader(make_parallel("grid/unlock", num_agents=1), "observations").names
        ('agent_0[0]', 'agent_0[1]', 'agent_0[2]', 'agent_0[3]')
    """

    def __init__(self, env: Any, fallback: StateFallback) -> None:
        check_state_fallback(fallback)
        self._env = env
        self._fallback = fallback
        self._parts: dict[str, tuple[Any, slice]] = {}
        self.names: tuple[str, ...] = ()
        if fallback == "observations":
            names: list[str] = []
            for agent in env.possible_agents:
                space = inner_space(observation_space(env, agent))
                agent_names = list(dimension_names(space, str(agent)))
                self._parts[agent] = space, slice(len(names), len(names) + len(agent_names))
                names += agent_names
            self.names = tuple(names)
        elif fallback is None:
            declared_names = getattr(env, "state_names", None)
            self.names = () if declared_names is None else tuple(declared_names)
        self._last: npt.NDArray[Any] = np.zeros(len(self.names))
        self._dtype: type[np.floating[Any]] | None = None
        self._is_whole = False

    def __call__(self, observations: Mapping[str, Any], acted: Collection[str] = ()) -> npt.NDArray[Any]:
        """Return the state as a new vector ``[K]``.

        Args:
            observations: observations by agent.
            acted: agents that acted in the step; empty after a reset.

        Raises:
            UnsupportedEnvironmentError: if there is no state, or it is not an array of numbers.
        """
        if self._fallback != "observations":
            state = env_state(self._env, self._fallback)
            try:
                if self._dtype is None:
                    _refuse_other_than_real(state)
                    self._dtype = np.float64 if _is_wide(state) else np.float32
                    self._is_whole = np.asarray(state).dtype.kind in "iu" and self._dtype is np.float64
                vector = np.array(state, dtype=self._dtype).reshape(-1)
            except (TypeError, ValueError) as error:
                raise UnsupportedEnvironmentError(
                    f"the state of {self._env} must be an array of numbers, got {state!r}"
                ) from error
            if self._is_whole and vector.dot(vector) >= EXACT_WIDE**2:  # faster than checking each number
                self._check_exact(state, vector)
            return vector
        numbers = np.zeros(len(self.names), dtype=np.float64)
        for agent, (space, columns) in self._parts.items():
            obs = observations.get(agent)
            if obs is not None:
                numbers[columns] = raw_vector(space, inner_observation(obs))
            elif agent in acted:
                numbers[columns] = self._last[columns]
        self._last = numbers
        self._dtype = self._dtype or self._dtype_of(observations)
        return numbers.astype(self._dtype)

    def _check_exact(self, state: Any, vector: npt.NDArray[Any]) -> None:
        pairs = zip(np.asarray(state).reshape(-1).tolist(), vector.tolist(), strict=True)
        for k, (exact, rounded) in enumerate(pairs):
            if exact != rounded:
                raise UnsupportedEnvironmentError(
                    f"the state of {self._env} has {exact} in dimension {k}, but float64 rounds integers beyond 2^53; "
                    "subtract an offset, or split it into two dimensions"
                )

    def _dtype_of(self, observations: Mapping[str, Any]) -> type[np.floating[Any]]:
        spaces_seen = {agent: space for agent, (space, _) in self._parts.items() if observations.get(agent) is not None}
        wide = any(_holds_wide(space, inner_observation(observations[agent])) for agent, space in spaces_seen.items())
        return np.float64 if wide else np.float32


def read_state(env: Any, observations: Mapping[str, Any], fallback: StateFallback) -> npt.NDArray[Any]:
    """Return the current global state as a new vector ``[K]``; see :class:`StateReader`."""
    return StateReader(env, fallback)(observations)


def env_state(env: Any, fallback: StateFallback = None) -> Any:
    """Return ``env.state()``, or the result of a function of the environment, unchanged but on the host.

    Raises:
        UnsupportedEnvironmentError: if there is no state.
    """
    try:
        state = fallback(env) if callable(fallback) else getattr(env, "state", None)
        if not callable(fallback) and state is not None:
            if not callable(state):
                raise UnsupportedEnvironmentError(
                    f"state of {env} is an attribute; make it a method state(), or pass a function as state_fallback, "
                    "such as lambda env: env.state"
                )
            state = state()
    except UnsupportedEnvironmentError:
        raise
    except NotImplementedError:
        state = None
    except Exception as error:
        if getattr(env, "agents", None):
            raise
        raise UnsupportedEnvironmentError(
            f"state() of {env} fails once env.agents is empty ({type(error).__name__}: {one_line(error)}); ISA reads "
            "the state after the last step of an episode too: build it from possible_agents"
        ) from error
    if state is None:
        raise UnsupportedEnvironmentError(
            f"{env} has no state(); pass --state-fallback observations (isa compare: --set state_fallback=observations;"
            " in Python: state_fallback='observations', or a function of the environment)"
        )
    return to_numpy(state) if hasattr(state, "detach") else state


def _refuse_other_than_real(values: Any) -> None:
    """Refuse data that NumPy would truncate or convert to numbers: complex numbers, text, dates."""
    kind = np.asarray(values).dtype.kind
    if kind not in "fiubO":
        raise TypeError(f"not real numbers but of kind {kind!r}")


def _is_wide(values: Any) -> bool:
    """Return whether float32 may not represent an array or a list of numbers exactly."""
    dtype = np.asarray(values).dtype
    return dtype.kind in "iuf" and dtype.itemsize >= (8 if dtype.kind == "f" else 4)


def _holds_wide(space: Any, value: Any) -> bool:
    """Return whether float32 may not represent an observation exactly; for integers, the space decides.

    Example:
        >>> _holds_wide(spaces.Discrete(9), np.int64(3)), _holds_wide(spaces.Box(0, 2**40, (1,), np.int64), [7])
        (False, True)
    """
    if isinstance(space, spaces.Dict):
        return any(_holds_wide(part, value[key]) for key, part in space.spaces.items())
    if isinstance(space, spaces.Tuple):
        return any(_holds_wide(part, element) for part, element in zip(space.spaces, value, strict=True))
    if isinstance(space, spaces.Box) and np.issubdtype(space.dtype, np.integer):
        return bool(max(abs(int(space.low.min())), abs(int(space.high.max()))) > EXACT)
    if isinstance(space, spaces.Discrete):
        return bool(max(abs(space.start), space.start + space.n) > EXACT)
    if isinstance(space, spaces.MultiDiscrete):
        return bool(np.max(space.nvec) > EXACT)
    return _is_wide(to_numpy(value))


def raw_vector(space: Any, value: Any) -> npt.NDArray[np.float64]:
    """Return an observation as a vector of its numbers, with Discrete and MultiDiscrete unchanged.

    Example:
        >>> raw_vector(spaces.Tuple([spaces.Discrete(9), spaces.Box(0, 1, (2,))]), (7, np.zeros(2))).tolist()
        [7.0, 0.0, 0.0]
    """
    if isinstance(space, spaces.Dict):
        parts = [raw_vector(part, value[key]) for key, part in space.spaces.items()]
    elif isinstance(space, spaces.Tuple):
        parts = [raw_vector(part, element) for part, element in zip(space.spaces, value, strict=True)]
    else:
        return np.asarray(to_numpy(value), dtype=np.float64).reshape(-1)
    return np.concatenate(parts) if parts else np.zeros(0)


def dimension_names(space: Any, name: str) -> Iterator[str]:
    """Name every number of an observation, in the order of :func:`raw_vector`.

    Raises:
        UnsupportedEnvironmentError: if the length is not fixed.

    Example:
        >>> pot = spaces.Dict({"self": spaces.MultiDiscrete([3, 3]), "soup": spaces.Discrete(4)})
        >>> list(dimension_names(pot, "chef_0"))
        ['chef_0.self[0]', 'chef_0.self[1]', 'chef_0.soup']
    """
    if isinstance(space, spaces.Dict):
        for key, part in space.spaces.items():
            yield from dimension_names(part, f"{name}.{key}")
    elif isinstance(space, spaces.Tuple):
        for i, part in enumerate(space.spaces):
            yield from dimension_names(part, f"{name}.{i}")
    elif isinstance(space, spaces.Discrete):
        yield name
    elif isinstance(space, spaces.Box | spaces.MultiDiscrete | spaces.MultiBinary):
        for index in product(*map(range, space.shape)):
            yield f"{name}[{','.join(map(str, index))}]" if index else name
    else:
        raise UnsupportedEnvironmentError(
            f"observations cannot replace the state: {name} is {space}, which has no fixed length; pass a function of "
            "the environment as state_fallback"
        )
