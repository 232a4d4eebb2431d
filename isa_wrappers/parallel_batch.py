"""Any PettingZoo ``ParallelEnv`` with discrete actions as a batched environment, stepped in this process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from isa_wrappers.arrays import Array, backend, to_numpy
from isa_wrappers.batch import BatchStep, check_finite
from isa_wrappers.errors import InvalidValueError
from isa_wrappers.spaces import StateFallback, action_mask, check_parallel, flat_size, flatten, num_actions, read_state


class ParallelEnvBatch:
    """Copies of a ``ParallelEnv`` stepped one after the other; satisfies :class:`~isa_wrappers.batch.BatchEnv`.

    Observations are flattened to float32 and padded with zeros to the longest; Discrete observations become one-hot;
    an ``action_mask`` is read from a Dict observation or from ``infos[agent]``. Actions beyond an agent's own number
    are unavailable. A copy's episode ends when no agent is left; it counts as truncated unless the last step
    terminated all that acted. Success is ``infos[agent]["success"]`` of any agent. Dead agents observe zeros.

    Args:
        envs: at least one environment; all alike.
        device: ``None`` for NumPy, else a torch device.
        state_fallback: what stands for ``state()`` where it is missing: ``"observations"`` concatenates them, a
            function maps the environment to a vector; ``None`` refuses.

    Raises:
        UnsupportedEnvironmentError: if actions are not Discrete, it is no ParallelEnv, or ``state()`` is missing.
    """

    def __init__(self, envs: Sequence[Any], device: str | None = None, state_fallback: StateFallback = None) -> None:
        if not envs:
            raise InvalidValueError("num_envs must be a whole number at least 1, got 0")
        self.envs = list(envs)
        first = self.envs[0]
        check_parallel(first)
        self.num_envs = len(self.envs)
        self.agents: tuple[str, ...] = tuple(first.possible_agents)
        self.device = device
        self.num_actions = tuple(num_actions(first, agent) for agent in self.agents)
        self.obs_size = max(flat_size(first.observation_space(agent)) for agent in self.agents)
        self._fallback = state_fallback
        self.state_size = len(read_state(first, first.reset()[0], state_fallback))
        names = getattr(first, "state_names", ()) if state_fallback is None else ()
        self.state_names: tuple[str, ...] = tuple(names)
        self.action_names: tuple[str, ...] = tuple(getattr(first, "action_names", ()))
        self.horizon = int(getattr(first, "horizon", 0) or 0)
        self._time = 0

    def reset(self, seed: int | None = None) -> BatchStep:
        """Start every copy afresh; copy b is seeded with ``seed + b``."""
        self._time = 0
        buffers = self._buffers()
        for b, env in enumerate(self.envs):
            obs, infos = env.reset(seed=None if seed is None else seed + b)
            self._see(buffers, b, env, obs, infos)
        return self._pack(buffers)

    def step(self, actions: Array) -> BatchStep:
        """Advance every copy by ``actions`` ``[B, A]``; finished copies start their next episode."""
        self._time += 1
        joint = to_numpy(actions)
        buffers = self._buffers()
        for b, env in enumerate(self.envs):
            acting = [agent in env.agents for agent in self.agents]
            chosen = {agent: int(joint[b, i]) for i, agent in enumerate(self.agents) if agent in env.agents}
            obs, rewards, terminations, _, infos = env.step(chosen)
            for agent, reward in rewards.items():
                buffers["reward"][b, self.agents.index(agent)] = reward
            self._see(buffers, b, env, obs, infos)
            for name in ("obs", "state", "alive"):
                buffers["final_" + name][b] = buffers[name][b]
            buffers["success"][b] = any(bool(info.get("success", False)) for info in infos.values())
            if not env.agents:
                # Whoever was cut off rather than terminated has a value that goes on.
                cut = [now and not terminations.get(a, False) for a, now in zip(self.agents, acting, strict=True)]
                buffers["final_alive"][b] = cut
                buffers["truncated"][b] = any(cut)
                buffers["terminated"][b] = not any(cut)
                self._see(buffers, b, env, *env.reset())
        return self._pack(buffers, stepped=True)

    def state_dict(self) -> dict[str, Array]:
        """Return nothing: PettingZoo environments cannot save their state."""
        return {}

    def load_state_dict(self, state: dict[str, Array]) -> BatchStep:
        """Start every copy afresh: PettingZoo environments cannot go on from a saved state."""
        return self.reset()

    def close(self) -> None:
        """Close every copy."""
        for env in self.envs:
            env.close()

    def _buffers(self) -> dict[str, npt.NDArray[Any]]:
        size, team, n = self.num_envs, len(self.agents), max(self.num_actions)
        flags = {name: np.zeros(size, dtype=bool) for name in ("terminated", "truncated", "success")}
        arrays: dict[str, npt.NDArray[Any]] = {}
        for prefix in ("", "final_"):
            arrays[prefix + "obs"] = np.zeros((size, team, self.obs_size), dtype=np.float32)
            arrays[prefix + "state"] = np.zeros((size, self.state_size), dtype=np.float32)
            arrays[prefix + "alive"] = np.zeros((size, team), dtype=bool)
        available = np.zeros((size, team, n), dtype=bool)
        return {**flags, **arrays, "available": available, "reward": np.zeros((size, team), dtype=np.float32)}

    def _see(self, buffers: dict[str, Any], b: int, env: Any, obs: dict[str, Any], infos: dict[str, Any]) -> None:
        """Write copy b's observations, masks and state into its row."""
        for name in ("obs", "available", "alive"):
            buffers[name][b] = 0
        for i, agent in enumerate(self.agents):
            if agent in env.agents:
                buffers["alive"][b, i] = True
                n = self.num_actions[i]
                buffers["available"][b, i, :n] = action_mask(obs[agent], infos.get(agent, {}), n)
            else:
                buffers["available"][b, i, 0] = True
            if agent in obs:
                flat = flatten(env.observation_space(agent), obs[agent])
                buffers["obs"][b, i, : len(flat)] = flat
        buffers["state"][b] = read_state(env, obs, self._fallback)

    def _pack(self, buffers: dict[str, npt.NDArray[Any]], stepped: bool = False) -> BatchStep:
        if not stepped:
            for name in ("obs", "state", "alive"):
                buffers["final_" + name] = buffers[name]
        for name, names in (("final_state", self.state_names), ("state", self.state_names), ("reward", self.agents)):
            check_finite(name.removeprefix("final_"), buffers[name], self._time, names)
        if self.device is None:
            return BatchStep(**buffers)
        xp = backend(self.device)
        return BatchStep(**{name: xp.asarray(value, device=self.device) for name, value in buffers.items()})
