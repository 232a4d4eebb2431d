"""One PettingZoo ``ParallelEnv`` as one row of a batch: converts dicts to arrays, in any process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from isa_wrappers.batch.packing import CopySpec, Packer, Row
from isa_wrappers.border.border import Border
from isa_wrappers.border.spaces import StateFallback, as_parallel, check_state_fallback, flat_size
from isa_wrappers.border.start import close_env
from isa_wrappers.border.state import StateReader
from isa_wrappers.border.success import SuccessCriterion, SuccessRule
from isa_wrappers.errors import UnsupportedEnvironmentError, check_int


def read_spec(env: Any, fallback: StateFallback) -> CopySpec:
    """Read the spec of an environment, which is reset if it has no ``state_names``.

    Raises:
        UnsupportedEnvironmentError: if ISA does not support the environment, see :class:`~isa_wrappers.border.Border`.
    """
    check_state_fallback(fallback)
    env = as_parallel(env)
    return _spec(Border(env), StateReader(env, fallback))


def _spec(border: Border, read: StateReader, state_size: int = 0) -> CopySpec:
    env = border.env
    sizes = tuple(flat_size(border.spaces[agent]) for agent in border.agents)
    # Use names or the size of another copy if possible, since a reset may launch a game.
    state_size = len(read.names) or state_size or len(read(border.reset()[0]))
    horizon = getattr(env, "horizon", 0) or 0
    if isinstance(horizon, float) and horizon.is_integer():
        horizon = int(horizon)
    return CopySpec(
        agents=border.agents,
        num_actions=border.num_actions,
        obs_size=max(sizes),
        state_size=state_size,
        state_names=read.names,
        action_names=border.action_names,
        horizon=check_int("horizon", horizon, 0),
        action_code=border.code,
        obs_sizes=sizes,
    )


class EnvCopy:
    """A copy that returns rows from resets and steps, and starts its next episode automatically.

    Args:
        env: the environment; an AEC environment that can be stepped in parallel is converted.
        fallback: replacement for a missing ``state()``.
        success: rule that identifies a won episode.
        spec: spec of another copy, if known.

    Raises:
        UnsupportedEnvironmentError: as in :func:`read_spec`.
    """

    def __init__(
        self,
        env: Any,
        fallback: StateFallback = None,
        success: SuccessRule = "success",
        spec: CopySpec | None = None,
    ) -> None:
        check_state_fallback(fallback)
        self.env = as_parallel(env)
        self.border = Border(self.env)
        self._read = StateReader(self.env, fallback)
        self._criterion = SuccessCriterion(success, len(self.border.agents))
        own_spec = _spec(self.border, self._read, 0 if spec is None else spec.state_size)
        if spec is not None:
            spec.check_alike(own_spec)
        self.spec = own_spec if spec is None else spec
        self._packer = Packer(self.border, self.spec)

    def reset(self, seed: int | None = None) -> Row:
        """Start an episode."""
        row = self._begin(seed)
        return complete_row(row, row)

    def _begin(self, seed: int | None = None) -> Row:
        self._criterion.begin()
        observations, _ = self.border.reset(seed)
        return self._observe(observations, ())

    def step(self, actions: Sequence[Any]) -> Row:
        """Advance with the actions of all agents; those of dead agents are ignored.

        Raises:
            UnsupportedEnvironmentError: if :class:`~isa_wrappers.border.Border` refuses the result, a reward belongs to
                an agent that is not in ``possible_agents``, or the length of the state changes.
            NonFiniteError: if an observation or a reward is not finite.
        """
        border = self.border
        agents = self.spec.agents
        acting = border.living
        observations, rewards, terminations, truncations, infos = border.step(self._packer.native_actions(actions))
        observed = self._observe(observations, acting)
        row = complete_row(observed, observed)
        for agent, reward in rewards.items():
            if agent not in agents:
                raise UnsupportedEnvironmentError(
                    f"agent {agent!r} is not among possible_agents {list(agents)}; agent names must not change"
                )
            row["reward"][agents.index(agent)] = reward
        over = not border.living
        row["success"][()] = self._criterion.won(self.env, rewards, infos, over=over)
        row["discarded"][()] = border.crashed
        if not over:
            for i, agent in enumerate(agents):
                # An individually truncated agent no longer acts, but its value continues.
                has_left = agent in acting and agent not in border.living
                row["cut"][i] = has_left and truncations.get(agent, False) and not terminations.get(agent, False)
            return row
        # The value of a truncated agent continues, unlike that of a terminated one.
        cut = [agent in acting and not terminations.get(agent, False) for agent in agents]
        row["final_alive"] = np.array(cut)
        row["truncated"][()] = any(cut)
        row["terminated"][()] = not any(cut)
        return row | self._begin()

    def close(self) -> None:
        """Close the environment."""
        close_env(self.env)

    def _observe(self, observations: dict[str, Any], acted: Sequence[str]) -> Row:
        """Return the current observations, masks, living agents and state."""
        row = {**self._packer.observe(observations, acted), "state": self._read(observations, acted)}
        if len(row["state"]) != self.spec.state_size:
            raise UnsupportedEnvironmentError(
                f"{self.env} has a state of length {len(row['state'])}, but its state_names or its first state imply "
                f"{self.spec.state_size}"
            )
        return row


def complete_row(current: Row, final: Row) -> Row:
    """Return complete rows from the current data and the ``final`` data before an automatic reset.

    Args:
        current: ``obs``, ``state``, ``available`` and ``alive`` now, of one copy, or of several along the first axis.
        final: the same before the reset.
    """
    copies = current["alive"].shape[:-1]
    flags = {name: np.zeros(copies, dtype=bool) for name in ("terminated", "truncated", "success", "discarded")}
    finals = {"final_" + name: final[name] for name in ("obs", "state", "alive")}
    agents = current["alive"].shape
    return {
        **current,
        **flags,
        **finals,
        "reward": np.zeros(agents, dtype=np.float32),
        "cut": np.zeros(agents, dtype=bool),
    }
