"""Track which agents act next, from both signals of an end: ``env.agents`` and the flags of a step."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from isa_wrappers.border.success import as_truth


class Living:
    """Agents that act next: those in ``env.agents`` that were not terminated or truncated.

    Example:
        >>> living = Living()
        >>> living.begin(["a", "b"])
        >>> living.after(["a", "b"], {"a": True}, {}), living.after(["a", "b"], {}, {})
        (['b'], ['b'])
    """

    def __init__(self) -> None:
        self.now: list[str] = []
        self.staying: set[str] = set()

    def begin(self, agents: Iterable[str]) -> None:
        """Start an episode."""
        self.now = list(agents)
        self.staying = set()

    def after(
        self, agents: Collection[str], terminations: Mapping[str, bool], truncations: Mapping[str, bool]
    ) -> list[str]:
        """Return the agents that act after a step; an agent removed from ``agents`` may join again later.

        Raises:
            InvalidValueError: if a flag is neither true nor false, see :func:`as_truth`.
        """
        if self.staying or any(terminations.values()) or any(truncations.values()):
            ended = _flagged("terminations", terminations) | _flagged("truncations", truncations)
            self.staying = {agent for agent in agents if agent in self.staying or agent in ended}
            self.now = [agent for agent in agents if agent not in self.staying]
        else:
            self.now = list(agents)
        return self.now


def _flagged(name: str, flags: Mapping[str, bool]) -> set[str]:
    return {agent for agent, flag in flags.items() if flag and as_truth(f"{name} of agent {agent!r}", flag)}
