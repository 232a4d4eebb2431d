"""Pictures of one copy of an environment: the library's own drawings, or those of PettingZoo's ``render()``."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from inspect import signature
from typing import Any

import numpy as np
import numpy.typing as npt
from pettingzoo.utils import BaseParallelWrapper

from isa_learners.runs.algorithm import Algorithm
from isa_wrappers.batch import BatchEnv
from isa_wrappers.batch.own_arrays import without_checks
from isa_wrappers.batch.parallel import ParallelEnvBatch
from isa_wrappers.border.start import close_env, reset_env
from isa_wrappers.border.success import success_rule
from isa_wrappers.envs import make_parallel
from isa_wrappers.envs.drawing import Mark
from isa_wrappers.errors import InvalidValueError, MissingDependencyError, UnsupportedEnvironmentError, shown

Picture = npt.NDArray[np.uint8]
MODE = "rgb_array"


@dataclass(frozen=True)
class Drawn:
    """An environment and the function that draws one copy of it.

    Attributes:
        env: batched environment.
        draw: goal ``[K]`` or ``None`` -> ``[H, W, 3]``, the copy before any automatic reset in the last step.
        legend: explanation of the picture; may be empty.
        shows_goal: whether the picture shows the goal.
    """

    env: BatchEnv
    draw: Callable[[Any], Picture]
    legend: tuple[Mark, ...] = ()
    shows_goal: bool = False


class Filmed(BaseParallelWrapper[Any, Any, Any]):  # type: ignore[misc]
    """Draws a ``ParallelEnv`` after each step, and after a reset that does not follow a finished episode.

    Attributes:
        picture: latest picture.
    """

    def __init__(self, env: Any, name: str) -> None:
        super().__init__(env)
        self._name, self._over = name, False
        self.picture: Picture

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        """Start an episode; the picture of a finished episode is kept."""
        result = reset_env(self.env, seed, options)
        if not self._over:
            self.picture = self._drawn()
        self._over = False
        return result

    def step(self, actions: dict[Any, Any]) -> Any:
        """Advance and draw."""
        result = self.env.step(actions)
        self.picture = self._drawn()
        self._over = not self.env.agents
        return result

    def _drawn(self) -> Picture:
        try:
            picture = self.env.render()
        except ImportError as error:
            raise MissingDependencyError(f"render() of {self._name} needs {error.name or 'more'}: {error}") from error
        return _checked(self._name, picture)


def drawn(algorithm: Algorithm, copies: int, seed: int, copy: int) -> Drawn:
    """Return the environment of evaluations with one copy drawn.

    Args:
        algorithm: algorithm of the run.
        copies: number of copies.
        seed: seed for creating the environment.
        copy: index of the copy to draw.

    Raises:
        UnsupportedEnvironmentError: if the environment cannot draw pictures.
    """
    base = algorithm.evaluation_env(copies)[1]
    name, base_env = algorithm.config.env, without_checks(base)
    draw = drawer(name, base)
    if draw is not None:
        return Drawn(base, partial(draw, copy), tuple(getattr(base_env, "legend", ())), True)
    if type(base_env) is not ParallelEnvBatch:
        raise UnsupportedEnvironmentError(f"{name} draws no pictures: a batched environment needs render(copy, goal)")
    config = algorithm.config
    envs = [_single(algorithm, {}) for _ in range(copies - 1)]
    film = Filmed(_drawing(algorithm), name)
    envs.insert(copy, film)
    success = success_rule(config.success)
    batch = ParallelEnvBatch(envs, algorithm.device, config.state_fallback, success, owned=True)
    return Drawn(batch, lambda goal: film.picture)


def drawer(name: str, base: BatchEnv) -> Callable[[int, Any], Picture] | None:
    """Return the function that draws a copy of a batched environment with a goal, or ``None``.

    Args:
        name: name of the task, for messages.
        base: the environment.

    Raises:
        UnsupportedEnvironmentError: if its ``render`` does not take a copy and a goal, or does not return a picture.
    """
    draw = getattr(without_checks(base), "render", None)
    if draw is None:
        return None
    _check_takes_copy(name, draw)
    return lambda copy, goal: _checked(name, draw(copy, goal))


def _checked(name: str, picture: Any) -> Picture:
    shape: tuple[int, ...] = getattr(picture, "shape", ())
    if len(shape) != 3 or shape[2] not in (3, 4) or picture.dtype != np.uint8:
        raise UnsupportedEnvironmentError(
            f"render() of {name} must return a uint8 array [height, width, 3], got "
            f"{shown(picture) if not shape else f'{picture.dtype} {list(shape)}'}"
        )
    return np.array(picture[:, :, :3])  # a copy, as some environments reuse the array


def _check_takes_copy(name: str, draw: Callable[..., Any]) -> None:
    try:
        signature(draw).bind(0, None)
    except TypeError as error:
        raise UnsupportedEnvironmentError(
            f"render() of batched environment {name} must take the index of a copy and a goal or None: {error}"
        ) from error


def _drawing(algorithm: Algorithm) -> Any:
    """Return one ``ParallelEnv`` that draws arrays, created with ``render_mode`` if the task accepts it."""
    with suppress(InvalidValueError):
        return _single(algorithm, {"render_mode": MODE})
    env = _single(algorithm, {})
    mode = getattr(env, "render_mode", None)
    if mode != MODE:
        close_env(env)
        raise UnsupportedEnvironmentError(
            f"{algorithm.config.env} draws no pictures: it takes no option render_mode={MODE!r}, and without one its "
            f"render_mode is {shown(mode)}; let its factory take render_mode and pass it to the environment"
        )
    return env


def _single(algorithm: Algorithm, options: dict[str, Any]) -> Any:
    config = algorithm.config
    return make_parallel(config.env, state_features=config.features, **{**config.env_kwargs, **options})
