"""Networks by name, custom network classes, and checks of these before training."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from isa_learners.heads import head_for
from isa_learners.inputs import InputEncoder
from isa_learners.learner_checks import kind_of
from isa_learners.ppo.config import PPOConfig
from isa_learners.recurrent.network import Network
from isa_learners.rollout import Sizes
from isa_wrappers.envs.foreign_errors import foreign_place
from isa_wrappers.envs.own import current_folder_last
from isa_wrappers.errors import InvalidValueError, UnknownNameError, one_line, shown
from isa_wrappers.registry import BUILT_IN, Registry

NETWORKS: Registry[type[Network]] = Registry(
    "network",
    "isa_marl.networks",
    {
        "gru": "isa_learners.ppo.networks:RecurrentNet",
        "lstm": "isa_learners.ppo.networks:LSTMNet",
        "mlp": "isa_learners.ppo.networks:MLPNet",
    },
)
"""Network classes, each created with ``(input_size, hidden, output_size, layers)``."""

TOLERANCE = 1e-4


def network_class(name: str) -> type[Network]:
    """Return a class by its name in :data:`NETWORKS`, or by ``package.module:Class``.

    Raises:
        UnknownNameError: for an unknown name; the message suggests the nearest.
        InvalidValueError: if the object with this name is not a network.

    Example:
        >>> network_class("isa_learners.ppo.networks:MLPNet") is network_class("mlp")
        True
        >>> network_class("ltsm")
        Traceback (most recent call last):
        ...
        isa_wrappers.errors.UnknownNameError: unknown network 'ltsm'; did you mean 'lstm'? known: gru, lstm, mlp
    """
    cls: Any = _import_network(name) if ":" in name else NETWORKS[name]
    if not (isinstance(cls, type) and issubclass(cls, Network)):
        raise InvalidValueError(
            f"network {name!r} must be a class derived from isa_learners.recurrent.network.Network, got {shown(cls)}"
        )
    return cls


def _import_network(name: str) -> Any:
    module_name, _, attribute = name.partition(":")
    if not attribute or not all(part.isidentifier() for part in module_name.split(".")):
        raise UnknownNameError(f"a custom network must be named package.module:Class, got {shown(name)}")
    try:
        with current_folder_last():
            module = import_module(module_name)
    except Exception as error:  # a foreign module may raise anything
        raise UnknownNameError(f"cannot import network {name!r}: {_error_text(error)}") from error
    if not hasattr(module, attribute):
        raise UnknownNameError(f"module {module_name!r} has no class {attribute!r}; name a network class in it")
    return getattr(module, attribute)


def make_network(config: PPOConfig, input_size: int, output_size: int) -> Network:
    """Create the network that a configuration names; custom networks are tested.

    Args:
        config: hyperparameters with its name and sizes.
        input_size: F.
        output_size: number of outputs per step.

    Raises:
        UnknownNameError: for an unknown name.
        InvalidValueError: if it cannot be created, or violates the interface of :class:`Network`.
    """
    name = config.network
    cls = network_class(name)
    try:
        net = cls(input_size=input_size, hidden=config.hidden, output_size=output_size, layers=config.layers)  # type: ignore[call-arg]
        if not _is_built_in(name):
            _try_out(net, name, input_size, output_size)
    except InvalidValueError:
        raise
    except Exception as error:  # a foreign class may raise anything
        raise InvalidValueError(
            f"network {name!r} of {input_size} inputs, hidden {config.hidden}, layers {list(config.layers)} and "
            f"{output_size} outputs does not work: {_error_text(error)}"
        ) from error
    return net


def check_network(sizes: Sizes, config: PPOConfig) -> None:
    """Test the network that a configuration names before a run begins.

    Raises:
        UnknownNameError: for an unknown name.
        InvalidValueError: as in :func:`make_network`.
    """
    network_class(config.network)
    if not _is_built_in(config.network):
        head = head_for(sizes, "cpu")
        with torch.random.fork_rng(devices=[]):
            make_network(config, InputEncoder(sizes, 1.0, "cpu", head).size, head.size)


def _is_built_in(name: str) -> bool:
    return ":" not in name and NETWORKS.source(name) == BUILT_IN


def _error_text(error: Exception) -> str:
    text = shown(error) if not str(error) else f"{type(error).__name__}: {one_line(error)}"[:300]
    place = foreign_place(error)
    return text if place is None else f"{text} ({place})"


def _try_out(net: Network, name: str, input_size: int, output_size: int) -> None:
    """Test a network on three streams, two of which have a second step; in the first of them an episode starts there.

    Raises:
        InvalidValueError: naming how it violates the interface.
    """
    size = net.state_size
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise InvalidValueError(f"network {name!r} must have a state_size of 0 or more, got {shown(size)}")
    if not any(parameter.requires_grad for parameter in net.parameters()):
        raise InvalidValueError(f"network {name!r} must have parameters to learn, got none")
    inputs = torch.linspace(-1.0, 1.0, 5 * input_size).view(5, input_size)
    state = torch.linspace(-0.5, 0.5, 3 * size).view(3, size)
    keep = torch.tensor([[1.0], [1.0], [1.0], [0.0], [1.0]])
    alive = torch.tensor([1.0, 0.0, 1.0, 1.0, 1.0])
    with torch.no_grad(), torch.random.fork_rng(devices=[]):  # in training mode, as for acting and learning
        first = net(inputs[:3], state)
        step = _check_outputs(net(inputs[:3], state), f"network {name!r}", (3, output_size), (3, size))
        unrolled = _check_outputs(
            net.unroll(inputs, state, [3, 2], keep), f"unroll of {name!r}", (5, output_size), (5, size)
        )
        unrolled_by_steps = Network.unroll(net, inputs, state, [3, 2], keep)
        halted = net.unroll(inputs, state, [3, 2], keep, alive)
        halted_by_steps = Network.unroll(net, inputs, state, [3, 2], keep, alive)
        stream_by_stream = [net(inputs[i : i + 1], state[i : i + 1]) for i in range(3)]
    joined = tuple(torch.cat(parts) for parts in zip(*stream_by_stream, strict=True))
    if not _all_close(first, step) or not _all_close(joined, step):
        raise InvalidValueError(
            f"network {name!r} must return the same for the same inputs, independent of the rest of the batch and of "
            "earlier calls: no dropout, no batch or spectral normalisation"
        )
    if not _all_close(tuple(x[:3] for x in unrolled), step) or not _all_close(unrolled, unrolled_by_steps):
        raise InvalidValueError(
            f"unroll of network {name!r} must return the same as forward step by step, got other values"
        )
    if not _all_close(halted, halted_by_steps):
        raise InvalidValueError(f"unroll of network {name!r} must keep the state where alive is 0, got a changed state")


def _all_close(left: Sequence[Tensor], right: Sequence[Tensor]) -> bool:
    return all(torch.allclose(x, y, atol=TOLERANCE) for x, y in zip(left, right, strict=True))


def _check_outputs(returned: Any, who: str, *shapes: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Return outputs and states if they are finite float32 tensors with these shapes.

    Raises:
        InvalidValueError: naming what was returned.
    """
    if not isinstance(returned, tuple) or len(returned) != 2:
        raise InvalidValueError(f"{who} must return outputs and the state after the step, got {kind_of(returned)}")
    for name, value, shape in zip(("outputs", "a state"), returned, shapes, strict=True):
        if not isinstance(value, Tensor) or tuple(value.shape) != shape or value.dtype != torch.float32:
            raise InvalidValueError(f"{who} must return {name} of float32 {list(shape)}, got {kind_of(value)}")
        if not bool(torch.isfinite(value).all()):
            raise InvalidValueError(f"{who} must return finite numbers, got NaN or infinity in {name}")
    return returned
