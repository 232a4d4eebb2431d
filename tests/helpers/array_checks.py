"""Checks arrays' kinds and axes at every call of the modules below; import it before anything of ``isa_wrappers``.

``isa_wrappers.axes`` is replaced by jaxtyping's names, and jaxtyping's import hook has beartype check what they say.
Other annotations are left unchecked: tests hand over what is wrong on purpose. ``JAXTYPING_DISABLE=1`` in the
environment switches the checks off; they take a fifth of the time of tests that only step wrappers.
"""

import sys
from contextlib import contextmanager
from importlib.util import find_spec
from types import ModuleType
from typing import get_args

CHECKED = [
    "isa_wrappers.batch.protocol",
    "isa_wrappers.rewards.segments",
    "isa_wrappers.rewards.counts",
    "isa_wrappers.rewards.goals",
    "isa_learners.coma.policy",
    "isa_learners.ppo.losses",
    "isa_learners.ppo.sequential",
    "isa_learners.q_learning.maser",
    "isa_learners.returns",
]
AVAILABLE = find_spec("jaxtyping") is not None and find_spec("beartype") is not None


def arrays_alone(function):
    """Let beartype check a function's array annotations and no others."""
    from beartype import beartype
    from jaxtyping import AbstractArray

    def says_array(hint):
        """Tell whether a hint, or any of a union, is one of jaxtyping's."""
        return any(isinstance(kind, type) and issubclass(kind, AbstractArray) for kind in get_args(hint) or [hint])

    function.__annotations__ = {name: hint for name, hint in function.__annotations__.items() if says_array(hint)}
    return beartype(function)


def active():
    """Tell whether calls are checked."""
    if not AVAILABLE:
        return False
    from jaxtyping import config

    return not config.jaxtyping_disable


@contextmanager
def paused():
    """Check nothing for a while: where time or memory is measured."""
    if not AVAILABLE:
        yield
        return
    from jaxtyping import config

    before = config.jaxtyping_disable
    config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        config.update("jaxtyping_disable", before)


def install():
    import jaxtyping

    axes = ModuleType("isa_wrappers.axes", "jaxtyping's names.")
    for name in ("Bool", "Float", "Int", "Real"):
        setattr(axes, name, getattr(jaxtyping, name))
    sys.modules["isa_wrappers.axes"] = axes
    jaxtyping.install_import_hook(CHECKED, f"{__name__}.arrays_alone")


if AVAILABLE:
    if "isa_wrappers" in sys.modules:
        raise ImportError("array_checks comes too late: isa_wrappers is imported already")
    install()
