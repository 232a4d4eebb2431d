"""One PettingZoo ``ParallelEnv`` as one row of a batch: the packing of dicts into arrays, wherever the copy runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from isa_wrappers.errors import UnsupportedEnvironmentError
from isa_wrappers.names import ActionNames, read_action_names, read_state_names
from isa_wrappers.spaces import (
    StateFallback,
    action_mask,
    check_parallel,
    check_state_fallback,
    flat_size,
    flatten,
    num_actions,
    read_state,
)
from isa_wrappers.success import SuccessRule, SuccessTeller

Row = dict[str, npt.NDArray[Any]]
"""One copy's part of a :class:`~isa_wrappers.batch.BatchStep`, by the names of its fields, ``discarded`` among them."""


@dataclass(frozen=True)
class CopySpec:
    """What a batch has to know of its copies, which are all alike.

    Attributes:
        agents: A possible agents.
        num_actions: of each agent.
        obs_size: O, length of the longest flat observation.
        state_size: K.
        state_names: a name for each dimension of the state, or none.
        action_names: a name for each action, or each agent's own, or none.
        horizon: steps until truncation, 0 where unknown.
    """

    agents: tuple[str, ...]
    num_actions: tuple[int, ...]
    obs_size: int
    state_size: int
    state_names: tuple[str, ...]
    action_names: ActionNames
    horizon: int


def read_spec(env: Any, fallback: StateFallback) -> CopySpec:
    """Read the spec of an environment; one that does not name its state's dimensions is reset for that.

    Raises:
        UnsupportedEnvironmentError: if actions are not Discrete, it is no ParallelEnv, or ``state()`` is missing.
    """
    check_parallel(env)
    check_state_fallback(fallback)
    agents = tuple(env.possible_agents)
    actions = tuple(num_actions(env, agent) for agent in agents)
    obs_size = max(flat_size(env.observation_space(agent)) for agent in agents)
    names = read_state_names(getattr(env, "state_names", ()) if fallback is None else ())
    # Names are taken at their word: a reset may cost the launch of a game.
    state_size = len(names) or len(read_state(env, env.reset()[0], fallback))
    horizon = int(getattr(env, "horizon", 0) or 0)
    action_names = read_action_names(getattr(env, "action_names", ()), agents)
    return CopySpec(agents, actions, obs_size, state_size, names, action_names, horizon)


class EnvCopy:
    """A copy that answers resets and steps with rows; it starts its next episode by itself.

    Args:
        env: the environment.
        fallback: what stands for a missing ``state()``.
        success: how a won episode is told.
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
        self.env, self._fallback = env, fallback
        self._teller = SuccessTeller(success)
        self.spec = read_spec(env, fallback) if spec is None else spec

    def reset(self, seed: int | None = None) -> Row:
        """Start an episode."""
        self._teller.begin()
        row = self._see(*self.env.reset(seed=seed))
        return completed(row, row)

    def step(self, actions: Sequence[int]) -> Row:
        """Advance by an action of every agent, of which those of the dead are left out."""
        env, agents = self.env, self.spec.agents
        acting = [agent in env.agents for agent in agents]
        chosen = {agent: int(action) for agent, action in zip(agents, actions, strict=True) if agent in env.agents}
        obs, rewards, terminations, _, infos = env.step(chosen)
        seen = self._see(obs, infos)
        row = completed(seen, seen)
        for agent, reward in rewards.items():
            if agent not in agents:
                raise UnsupportedEnvironmentError(
                    f"agent {agent!r} is not among possible_agents {list(agents)}; names must stay the same"
                )
            row["reward"][agents.index(agent)] = reward
        row["success"][()] = self._teller.won(env, rewards, infos, over=not env.agents)
        row["discarded"][()] = any(info.get("crashed", False) for info in infos.values() if isinstance(info, dict))
        if env.agents:
            return row
        # Whoever was cut off rather than terminated has a value that continues.
        cut = [now and not terminations.get(agent, False) for agent, now in zip(agents, acting, strict=True)]
        row["final_alive"] = np.array(cut)
        row["truncated"][()] = any(cut)
        row["terminated"][()] = not any(cut)
        self._teller.begin()
        return row | self._see(*env.reset())

    def close(self) -> None:
        """Close the environment."""
        self.env.close()

    def _see(self, obs: dict[str, Any], infos: dict[str, Any]) -> Row:
        """Return what is seen now: observations, masks, who is alive, and the state."""
        spec, env = self.spec, self.env
        team, n = len(spec.agents), max(spec.num_actions)
        row: Row = {
            "obs": np.zeros((team, spec.obs_size), dtype=np.float32),
            "available": np.zeros((team, n), dtype=bool),
            "alive": np.zeros(team, dtype=bool),
            "state": read_state(env, obs, self._fallback),
        }
        if len(row["state"]) != spec.state_size:
            raise UnsupportedEnvironmentError(
                f"{env} has a state of length {len(row['state'])} where {spec.state_size} was to be expected, from its "
                "state_names or its first state"
            )
        for i, agent in enumerate(spec.agents):
            if agent in env.agents:
                row["alive"][i] = True
                row["available"][i, : spec.num_actions[i]] = action_mask(
                    obs[agent], infos.get(agent, {}), spec.num_actions[i]
                )
            else:
                row["available"][i, 0] = True
            if agent in obs:
                flat = flatten(env.observation_space(agent), obs[agent])
                row["obs"][i, : len(flat)] = flat
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
    return {**seen, **flags, **last, "reward": np.zeros(seen["alive"].shape, dtype=np.float32)}
