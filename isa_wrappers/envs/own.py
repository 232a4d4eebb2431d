"""Tasks of one's own: ``package.module:factory``, a factory of ``ParallelEnv`` s or of batched environments."""

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
from isa_wrappers.batch.protocol import BatchEnv, lacking
from isa_wrappers.border.spaces import as_parallel
from isa_wrappers.checks import check_agents, check_sequence
from isa_wrappers.envs.family import EnvFamily, called, not_single
from isa_wrappers.errors import InvalidValueError, UnknownTaskError, UnsupportedEnvironmentError, check_int, shown


@contextmanager
def current_folder_last() -> Iterator[None]:
    """Look for modules in the current folder too, after everywhere else, while a factory is imported or called.

    A file of the user's that happens to be called as an installed package never takes that one's place.
    """
    try:
        folder = os.getcwd()
    except OSError:  # it is gone
        folder = ""
    if not folder or folder in sys.path or "" in sys.path:
        yield
        return
    sys.path.append(folder)
    try:
        yield
    finally:
        with suppress(ValueError):  # whoever was imported may have taken it away
            sys.path.remove(folder)


class OwnFamily(EnvFamily):
    """What is named by the function or class that makes it; the colon tells.

    A factory whose signature takes ``num_envs`` makes a batched environment of as many copies, on ``device`` if it
    takes that; any other makes one ``ParallelEnv`` at each call.
    """

    prefix = "package.module:factory"
    description = (
        "a function of yours that returns a PettingZoo ParallelEnv or, if it takes num_envs, a batched environment"
    )

    def tasks(self) -> Mapping[str, str]:
        """Return nothing: whatever can be imported is one."""
        return {}

    def check(self, name: str) -> None:
        """Check that the factory is there.

        Raises:
            UnknownTaskError: if it cannot be imported or called.
        """
        _factory(name)

    def parallel(self, name: str, **kwargs: Any) -> Any:
        """Call the factory.

        Raises:
            UnsupportedEnvironmentError: if what it makes is batched.
            InvalidValueError: if it does not take the options.
        """
        factory = _factory(name)
        if "num_envs" in _parameters(factory):
            raise not_single(name)
        with current_folder_last():
            env = called(name, factory, (), kwargs)
        if isinstance(env, BatchEnv):
            raise UnsupportedEnvironmentError(
                f"task {name!r} returned a batched environment; its factory must take num_envs, and device if it can "
                "run on several"
            )
        return as_parallel(env)

    def native_batch(self, name: str) -> Callable[..., BatchEnv] | None:
        """Return what calls a factory of batched environments; ``None`` where it makes single ones."""
        factory = _factory(name)
        return partial(_batched, name, factory) if "num_envs" in _parameters(factory) else None


def _batched(name: str, factory: Callable[..., Any], num_envs: int, device: str | None, **kwargs: Any) -> BatchEnv:
    """Call a factory of batched environments, which tell success themselves.

    Raises:
        UnsupportedEnvironmentError: if what it makes is no batched environment, or another one than asked.
        InvalidValueError: if it does not take the options.
    """
    asked = {"num_envs": num_envs, "device": device} if "device" in _parameters(factory) else {"num_envs": num_envs}
    with current_folder_last():
        env = called(name, factory, (), {**kwargs, **asked})
    return OwnArrays(_checked(name, env, num_envs, device), name)


def _checked(name: str, env: Any, num_envs: int, device: str | None) -> BatchEnv:
    """Return a batched environment that is what was asked for.

    Raises:
        UnsupportedEnvironmentError: naming what is missing or differs.
    """
    missing = lacking(env)
    if missing:
        raise UnsupportedEnvironmentError(
            f"task {name!r} takes num_envs and must return a batched environment; {type(env).__name__} lacks "
            f"{', '.join(missing)} (see isa_wrappers.BatchEnv)"
        )
    for what, asked in (("num_envs", num_envs), ("device", device)):
        given = getattr(env, what)
        if str(given) != str(asked):  # torch's devices are alike if their names are
            told = f"task {name!r} was asked for {what} {asked!r} and returned {given!r}"
            remedy = "; its factory should take an argument device, and return torch tensors there"
            raise UnsupportedEnvironmentError(told + (remedy if what == "device" and device is not None else ""))
    try:
        check_agents(env.agents)
        for what in ("obs_size", "state_size", "horizon"):
            check_int(what, getattr(env, what), 0)
        if len(check_sequence("num_actions", env.num_actions)) != len(env.agents):
            raise InvalidValueError(f"num_actions must have one number for each agent, got {shown(env.num_actions)}")
        for count in env.num_actions:
            check_int("num_actions", count, 1)
    except InvalidValueError as error:
        raise UnsupportedEnvironmentError(f"task {name!r} returned a batched environment whose {error}") from error
    return env  # type: ignore[no-any-return]


def _parameters(factory: Callable[..., Any]) -> Mapping[str, Any]:
    try:
        return signature(factory).parameters
    except (TypeError, ValueError):  # some built-in functions do not tell
        return {}


def _factory(name: str) -> Callable[..., Any]:
    module_name, _, attribute = name.partition(":")
    if not attribute or not all(part.isidentifier() for part in module_name.split(".")):
        raise UnknownTaskError(f"a task of your own is named package.module:factory, got {name!r}")
    try:
        with current_folder_last():
            module = import_module(module_name)
    except ModuleNotFoundError as error:
        raise UnknownTaskError(f"cannot import {name!r}: no module {error.name!r} on the Python path") from error
    factory = getattr(module, attribute, None)
    if not callable(factory):
        raise UnknownTaskError(
            f"module {module_name!r} has no function {attribute!r}; name one that returns a ParallelEnv"
        )
    return factory  # type: ignore[no-any-return]


FAMILY = OwnFamily()
