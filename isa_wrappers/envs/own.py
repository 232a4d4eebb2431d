"""Custom tasks: ``package.module:factory``, a factory of ``ParallelEnv`` s or of batched environments."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from inspect import signature
from typing import Any

from isa_wrappers.batch.own_arrays import OwnArrays
from isa_wrappers.batch.protocol import BatchEnv, missing_members
from isa_wrappers.border.spaces import as_parallel
from isa_wrappers.checks import check_agents, check_sequence
from isa_wrappers.envs.family import EnvFamily, call_factory, no_single_env_error
from isa_wrappers.errors import InvalidValueError, UnknownTaskError, UnsupportedEnvironmentError, check_int, shown


@contextmanager
def current_folder_last() -> Iterator[None]:
    """Add the current folder to the end of the module search path while a factory is imported or called.

    A user file with the name of an installed package thus never shadows that package.
    """
    try:
        folder = os.getcwd()
    except OSError:  # the folder no longer exists
        folder = ""
    if not folder or folder in sys.path or "" in sys.path:
        yield
        return
    sys.path.append(folder)
    try:
        yield
    finally:
        with suppress(ValueError):  # the imported module may have removed it
            sys.path.remove(folder)


class OwnFamily(EnvFamily):
    """Custom tasks, named by the function or class that creates them; such names contain a colon.

    A factory with a parameter ``num_envs`` creates a batched environment with that many copies, on ``device`` if it has
    that parameter too. Any other factory creates one ``ParallelEnv`` per call.
    """

    prefix = "package.module:factory"
    description = (
        "your own function that returns a PettingZoo ParallelEnv or, if it takes num_envs, a batched environment"
    )

    def tasks(self) -> Mapping[str, str]:
        """Return nothing, since any importable factory is a task."""
        return {}

    def check(self, name: str) -> None:
        """Check that the factory exists.

        Raises:
            UnknownTaskError: if it cannot be imported or called.
        """
        _factory(name)

    def parallel(self, name: str, **kwargs: Any) -> Any:
        """Call the factory.

        Raises:
            UnsupportedEnvironmentError: if it creates a batched environment.
            InvalidValueError: if it does not accept the options.
        """
        factory = _factory(name)
        if "num_envs" in _parameters(factory):
            raise no_single_env_error(name)
        with current_folder_last():
            env = call_factory(name, factory, (), kwargs)
        if isinstance(env, BatchEnv):
            raise UnsupportedEnvironmentError(
                f"task {name!r} returned a batched environment; its factory must have a parameter num_envs, and device "
                "if it supports several devices"
            )
        return as_parallel(env)

    def native_batch(self, name: str) -> Callable[..., BatchEnv] | None:
        """Return a function that calls the factory of batched environments; ``None`` if it creates single ones."""
        factory = _factory(name)
        return partial(_batched, name, factory) if "num_envs" in _parameters(factory) else None


def _batched(name: str, factory: Callable[..., Any], num_envs: int, device: str | None, **kwargs: Any) -> BatchEnv:
    """Call a factory of batched environments, which report success themselves.

    Raises:
        UnsupportedEnvironmentError: if the result is not a batched environment, or not the requested one.
        InvalidValueError: if the factory does not accept the options.
    """
    arguments = {"num_envs": num_envs, "device": device} if "device" in _parameters(factory) else {"num_envs": num_envs}
    with current_folder_last():
        env = call_factory(name, factory, (), {**kwargs, **arguments})
    return OwnArrays(_checked(name, env, num_envs, device), name)


def _checked(name: str, env: Any, num_envs: int, device: str | None) -> BatchEnv:
    """Check that a batched environment is the requested one, and return it.

    Raises:
        UnsupportedEnvironmentError: if something is missing or differs.
    """
    missing = missing_members(env)
    if missing:
        raise UnsupportedEnvironmentError(
            f"task {name!r} has a parameter num_envs, so it must return a batched environment; "
            f"{type(env).__name__} lacks {', '.join(missing)} (see isa_wrappers.BatchEnv)"
        )
    for attribute, requested in (("num_envs", num_envs), ("device", device)):
        given = getattr(env, attribute)
        if str(given) != str(requested):  # torch devices are equal if their names are
            message = (
                f"task {name!r} was called with {attribute} {requested!r} but returned an environment with {given!r}"
            )
            remedy = "; its factory should have a parameter device and return torch tensors on that device"
            raise UnsupportedEnvironmentError(
                message + (remedy if attribute == "device" and device is not None else "")
            )
    try:
        check_agents(env.agents)
        for attribute in ("obs_size", "state_size", "horizon"):
            check_int(attribute, getattr(env, attribute), 0)
        if len(check_sequence("num_actions", env.num_actions)) != len(env.agents):
            raise InvalidValueError(f"num_actions must have one number per agent, got {shown(env.num_actions)}")
        for count in env.num_actions:
            check_int("num_actions", count, 1)
    except InvalidValueError as error:
        raise UnsupportedEnvironmentError(f"task {name!r} returned a batched environment whose {error}") from error
    return env  # type: ignore[no-any-return]


def _parameters(factory: Callable[..., Any]) -> Mapping[str, Any]:
    try:
        return signature(factory).parameters
    except (TypeError, ValueError):  # some built-in functions have no signature
        return {}


def _factory(name: str) -> Callable[..., Any]:
    module_name, _, attribute = name.partition(":")
    if not attribute or not all(part.isidentifier() for part in module_name.split(".")):
        raise UnknownTaskError(f"a custom task must be named package.module:factory, got {name!r}")
    try:
        with current_folder_last():
            module = import_module(module_name)
    except ModuleNotFoundError as error:
        remedy = "; leave out .py" if module_name.endswith(".py") else ""
        raise UnknownTaskError(
            f"cannot import {name!r}: no module {error.name!r} on the Python path{remedy}"
        ) from error
    factory = getattr(module, attribute, None)
    if not callable(factory):
        raise UnknownTaskError(
            f"module {module_name!r} has no function {attribute!r}; use one that returns a ParallelEnv"
        )
    return factory  # type: ignore[no-any-return]


FAMILY = OwnFamily()
