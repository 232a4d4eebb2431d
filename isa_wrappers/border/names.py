"""Names of state dimensions and of actions that an environment provides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from isa_wrappers.errors import InvalidValueError, shown

ActionNames: TypeAlias = tuple[str, ...] | tuple[tuple[str, ...], ...]
"""A name for each action, shared by all agents; or separate names for each agent, in order. Empty if there are none."""


def read_state_names(names: Any) -> tuple[str, ...]:
    """Return names of dimensions as text; empty for ``None``.

    Raises:
        InvalidValueError: if they are not a sequence of names.

    Example:
        >>> read_state_names(["x", "y"]), read_state_names(None)
        (('x', 'y'), ())
    """
    return _as_texts("state_names", () if names is None else names)


def read_action_names(names: Any, agents: Sequence[Any]) -> ActionNames:
    """Return names of actions: shared by all agents, or separate for each agent if given as a mapping or as lists.

    Args:
        names: a sequence of names; a mapping from agents to sequences; or one sequence per agent, in order.
        agents: names of the agents, in order.

    Raises:
        InvalidValueError: if ``names`` has another form.

    Example:
        >>> read_action_names(["stay", "go"], ["a", "b"])
        ('stay', 'go')
        >>> read_action_names({"a": ["stay"], "b": ["stay", "go"]}, ["a", "b"])
        (('stay',), ('stay', 'go'))
    """
    if names is None:
        return ()
    if isinstance(names, Mapping):
        unknown = [agent for agent in names if agent not in agents]
        if unknown:
            raise InvalidValueError(
                f"action_names must contain only agents {list(agents)}, got {shown(unknown[0])} too"
            )
        return tuple(_as_texts("action_names", names.get(agent, ())) for agent in agents)
    if _is_list(names) and len(names) and all(_is_list(part) for part in names):
        if len(names) != len(agents):
            raise InvalidValueError(
                f"action_names must have one list for each of {len(agents)} agents, got {len(names)} lists"
            )
        return tuple(_as_texts("action_names", part) for part in names)
    return _as_texts("action_names", names)


def names_of(names: ActionNames, agent: int) -> tuple[str, ...]:
    """Return the names of one agent's actions.

    Example:
        >>> names_of(("stay", "go"), 1), names_of((("a",), ("b",)), 1), names_of((), 0)
        (('stay', 'go'), ('b',), ())
    """
    agent_names: Any = names[agent] if names and isinstance(names[0], tuple) else names
    return tuple(agent_names)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _as_texts(setting: str, names: Any) -> tuple[str, ...]:
    """Return a sequence of names as a tuple of plain text."""
    names = names.tolist() if hasattr(names, "tolist") else names
    if not _is_list(names) or not all(isinstance(name, str) for name in names):
        raise InvalidValueError(f"{setting} must be a list of names, got {shown(names)}")
    return tuple(str(name) for name in names)


def action_name(names: ActionNames, agent: int, action: int) -> str:
    """Return the name of an agent's action, or its number if it has none.

    Example:
        >>> action_name(("stay", "go"), 0, 1), action_name((("a",), ("b",)), 1, 0), action_name((), 0, 3)
        ('go', 'b', '3')
    """
    agent_names = names_of(names, agent)
    return str(agent_names[action]) if action < len(agent_names) else str(action)
