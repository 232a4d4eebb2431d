"""One PettingZoo ``ParallelEnv`` as one row of a batch: the packing of dicts into arrays, wherever the copy runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from isa_wrappers.border.border import Border
from isa_wrappers.border.names import ActionNames
from isa_wrappers.border.spaces import StateFallback, as_parallel, check_state_fallback, flat_size, flat_vector
from isa_wrappers.border.state import StateReader
from isa_wrappers.border.success import SuccessCriterion, SuccessRule
from isa_wrappers.border.team_actions import TeamCode
from isa_wrappers.errors import UnsupportedEnvironmentError

Row = dict[str, npt.NDArray[Any]]
"""One copy's part of a :class:`~isa_wrappers.batch.BatchStep`, by the names of its fields, ``discarded`` among them."""


@dataclass(frozen=True)
class CopySpec:
    """What a batch has to know of its copies, which are all alike.

    Attributes:
        agents: A possible agents.
        num_actions: of each agent, elementary ones.
        obs_size: O, length of the longest flat observation.
        state_size: K.
        state_names: a name for each dimension of the state, or none.
        action_names: a name for each action, or each agent's own, or none.
        horizon: steps until truncation, 0 where unknown.
        action_code: how actions of more than a number are read; ``None`` where all are ``Discrete``.
    """

    agents: tuple[str, ...]
    num_actions: tuple[int, ...]
    obs_size: int
    state_size: int
    state_names: tuple[str, ...]
    action_names: ActionNames
    horizon: int
    action_code: TeamCode | None = None


def read_spec(env: Any, fallback: StateFallback) -> CopySpec:
    """Read the spec of an environment; one that does not name its state's dimensions is reset for that.

    Raises:
        UnsupportedEnvironmentError: for what ISA cannot take, see :class:`~isa_wrappers.border.Border`.
    """
    check_state_fallback(fallback)
    env = as_parallel(env)
    return _spec(Border(env), StateReader(env, fallback))


def _spec(border: Border, read: StateReader) -> CopySpec:
    env = border.env
    obs_size = max(flat_size(space) for space in border.spaces.values())
    # Names are taken at their word: a reset may cost the launch of a game.
    state_size = len(read.names) or len(read(border.reset()[0]))
    horizon = int(getattr(env, "horizon", 0) or 0)
    names, counts = border.action_names, border.num_actions
    return CopySpec(border.agents, counts, obs_size, state_size, read.names, names, horizon, border.code)


class EnvCopy:
    """A copy that answers resets and steps with rows; it starts its next episode by itself.

    Args:
        env: the environment; an AEC environment that can be stepped in parallel is converted.
        fallback: what stands for a missing ``state()``.
        success: how a won episode is
        spec: where it is known already.

    Raises:
        UnsupportedEnvironmentError: as :func:`read_spec` does.
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
        self._criterion = SuccessCriterion(success)
        self.spec = _spec(self.border, self._read) if spec is None else spec
        self._idle = None if self.spec.action_code is None else self.spec.action_code.idle()
        self._obs: npt.NDArray[np.float32] = np.zeros((len(self.spec.agents), self.spec.obs_size), dtype=np.float32)

    def reset(self, seed: int | None = None) -> Row:
        """Start an episode."""
        row = self._begin(seed)
        return completed(row, row)

    def _begin(self, seed: int | None = None) -> Row:
        self._criterion.begin()
        observations, _ = self.border.reset(seed)
        return self._see(observations, ())

    def step(self, actions: Sequence[Any]) -> Row:
        """Advance by an action of every agent, of which those of the dead are left out."""
        border, agents = self.border, self.spec.agents
        acting, code = border.living, self.spec.action_code
        chosen: dict[str, Any]
        if code is None:
            chosen = {agent: int(action) for agent, action in zip(agents, actions, strict=True) if agent in acting}
        else:
            told = zip(agents, code.codes, actions, strict=True)
            chosen = {agent: own.native(vector) for agent, own, vector in told if agent in acting}
        observations, rewards, terminations, truncations, infos = border.step(chosen)
        seen = self._see(observations, acting)
        row = completed(seen, seen)
        for agent, reward in rewards.items():
            if agent not in agents:
                raise UnsupportedEnvironmentError(
                    f"agent {agent!r} is not among possible_agents {list(agents)}; names must stay the same"
                )
            row["reward"][agents.index(agent)] = reward
        over = not border.living
        row["success"][()] = self._criterion.won(self.env, rewards, infos, over=over)
        row["discarded"][()] = any(info.get("crashed", False) for info in infos.values() if isinstance(info, dict))
        if not over:
            for i, agent in enumerate(agents):
                # Whoever is truncated by itself acts no more, yet its value goes on.
                left = agent in acting and agent not in border.living
                row["cut"][i] = left and truncations.get(agent, False) and not terminations.get(agent, False)
            return row
        # Whoever was cut off rather than terminated has a value that goes on.
        cut = [agent in acting and not terminations.get(agent, False) for agent in agents]
        row["final_alive"] = np.array(cut)
        row["truncated"][()] = any(cut)
        row["terminated"][()] = not any(cut)
        return row | self._begin()

    def close(self) -> None:
        """Close the environment."""
        self.env.close()

    def _see(self, observations: dict[str, Any], acted: Sequence[str]) -> Row:
        """Return what is seen now: observations, masks, who is alive, and the state."""
        spec, border = self.spec, self.border
        team, n = len(spec.agents), max(spec.num_actions)
        row: Row = {
            "obs": np.zeros((team, spec.obs_size), dtype=np.float32),
            "available": np.zeros((team, n), dtype=bool),
            "alive": np.zeros(team, dtype=bool),
            "state": self._read(observations, acted),
        }
        if len(row["state"]) != spec.state_size:
            raise UnsupportedEnvironmentError(
                f"{self.env} has a state of length {len(row['state'])} where {spec.state_size} was to be expected, "
                "from its state_names or its first state"
            )
        living = border.living
        for i, agent in enumerate(spec.agents):
            if agent in living:
                row["alive"][i] = True
                row["available"][i, : spec.num_actions[i]] = border.masks.get(agent, True)
            elif self._idle is None:
                row["available"][i, 0] = True
            else:
                row["available"][i] = self._idle[i]
            obs = observations.get(agent)
            if obs is not None:
                flat = flat_vector(border.spaces[agent], obs)
                row["obs"][i, : len(flat)] = flat
            elif agent in acted:  # shown nothing after its last step: what it saw before
                row["obs"][i] = self._obs[i]
        self._obs = row["obs"]
        return row


def completed(seen: Row, final: Row) -> Row:
    """Return whole rows: what is seen now, and what was seen ``final``ly before an automatic reset.

    Args:
        seen: ``obs``, ``state``, ``available`` and ``alive`` of one copy, or of several along a first axis.
        final: the same before the reset.
    """
    copies = seen["alive"].shape[:-1]
    flags = {name: np.zeros(copies, dtype=bool) for name in ("terminated", "truncated", "success", "discarded")}
    last = {"final_" + name: final[name] for name in ("obs", "state", "alive")}
    agents = seen["alive"].shape
    return {**seen, **flags, **last, "reward": np.zeros(agents, dtype=np.float32), "cut": np.zeros(agents, dtype=bool)}
