"""The border: checks everything that a ``ParallelEnv`` returns, once for batches and wrappers.

Invalid data are refused with a one-line error that names the agent and the step. Minor deviations are corrected: masks
padded to the longest of the team, rewards as arrays of one number, missing infos. Agents that are terminated or
truncated but stay in ``env.agents`` count as gone.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any

from isa_wrappers.border.infos import are_plain, has_crashed
from isa_wrappers.border.living import Living
from isa_wrappers.border.masks import Mask, idle_actions, read_mask
from isa_wrappers.border.names import ActionNames, names_of, read_action_names
from isa_wrappers.border.observations import Validator, validator_for, vector_length
from isa_wrappers.border.returned import check_reset, check_step
from isa_wrappers.border.rewards import plain_rewards
from isa_wrappers.border.spaces import action_code, has_mask, inner_observation, inner_space, observation_space
from isa_wrappers.border.start import reset_env
from isa_wrappers.border.team_actions import team_code
from isa_wrappers.errors import ISAError, NonFiniteError, UnsupportedEnvironmentError

FEW = 256
"""Total number of observation values up to which summing in Python is faster than a NumPy check per agent."""
StepResult = tuple[dict[str, Any], dict[str, float], Mapping[str, bool], Mapping[str, bool], dict[str, dict[str, Any]]]
"""A checked step: observations and flags unchanged, rewards as plain numbers, infos as dicts."""


class Border:
    """Resets and steps one environment and checks what it returns.

    Args:
        env: a ``ParallelEnv``.

    Attributes:
        agents: possible agents.
        num_actions: number of elementary actions of each agent.
        codes: agent -> encoding of its actions.
        code: encoding of the team's actions; ``None`` if all actions are ``Discrete``.
        action_names: a name for each action, or separate names for each agent, or empty.
        spaces: agent -> its observation space, without the mask.
        living: agents that act next.
        masks: agent -> action mask, ``[n]`` bool, for agents that act next and have a mask.
        steps: number of steps in this episode.
        crashed: whether the game crashed in the last step (``crashed`` in an info).

    Raises:
        UnsupportedEnvironmentError: if there are no agents, or a space is missing or unsupported.

    Example:
        >>> from isa_wrappers.envs import make_parallel
        >>> border = Border(make_parallel("grid/unlock", num_agents=1))
        >>> _ = border.reset(seed=0)
        >>> _, rewards, *_ = border.step({"agent_0": 0})
        >>> rewards, border.living
        ({'agent_0': 0.0}, ['agent_0'])
    """

    def __init__(self, env: Any) -> None:
        self.env = env
        self.agents = tuple(() if env.possible_agents is None else env.possible_agents)
        if not self.agents:
            raise UnsupportedEnvironmentError(
                f"possible_agents of {env} is empty; it must list every agent that can appear in an episode"
            )
        names = getattr(env, "action_names", None)
        self.action_names: ActionNames = read_action_names(() if names is None else names, self.agents)
        agent_names = [names_of(self.action_names, i) for i in range(len(self.agents))]
        codes = [action_code(env, agent, names) for agent, names in zip(self.agents, agent_names, strict=True)]
        self.code = team_code(codes)
        if self.code is not None:
            pairs = zip(agent_names, codes, strict=True)
            self.action_names = tuple(names if len(names) == code.num_actions else code.names for names, code in pairs)
        self.num_actions = tuple(code.num_actions for code in codes)
        declared_spaces = {agent: observation_space(env, agent) for agent in self.agents}
        self.spaces = {agent: inner_space(space) for agent, space in declared_spaces.items()}
        self._masked = {agent for agent, space in declared_spaces.items() if has_mask(space)}
        self.masks: dict[str, Mask] = {}
        self.steps = 0
        self.crashed = False
        self._longest = max(self.num_actions)
        self.codes = dict(zip(self.agents, codes, strict=True))
        lengths = {agent: vector_length(space) for agent, space in self.spaces.items()}
        self._lengths = list(lengths.values())
        are_few = min(lengths.values()) >= 0 and sum(lengths.values()) <= FEW
        self._few_agents = list(self.agents) if are_few else None
        self._validators: dict[str, Validator] = {agent: validator_for(space) for agent, space in self.spaces.items()}
        self._living = Living()
        self._idle: dict[str, Any] = {}
        self._warned = False

    def __getstate__(self) -> dict[str, Any]:
        """Return everything except the validators, which cannot be pickled and follow from the spaces."""
        return {name: value for name, value in vars(self).items() if name != "_validators"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`__getstate__` returned."""
        vars(self).update(state)
        self._validators = {agent: validator_for(space) for agent, space in self.spaces.items()}

    @property
    def living(self) -> list[str]:
        """Agents that act next."""
        return self._living.now

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, Any]:
        """Start an episode; return observations and infos.

        Raises:
            UnsupportedEnvironmentError: if ISA does not support the result.
            NonFiniteError: if an observation contains NaN or infinity.
        """
        returned = reset_env(self.env, seed, options)
        observations, infos = check_reset(self.env, returned)
        return observations, self.receive(observations, infos, self.env.agents, 0)

    def receive(self, observations: Mapping[str, Any], infos: Any, agents: Iterable[str], steps: int) -> Any:
        """Process the observations after ``steps`` steps of an episode; return infos by agent.

        Args:
            observations: observations by agent.
            infos: infos by agent, or ``None``.
            agents: agents that act next.
            steps: number of steps, for messages.

        Raises:
            UnsupportedEnvironmentError: if ISA does not support the data.
            NonFiniteError: if an observation contains NaN or infinity.
        """
        self.steps = steps
        self._living.begin(agents)
        return self._checked_infos(observations, infos)

    def step(self, actions: Mapping[str, Any]) -> StepResult:
        """Advance the environment.

        Raises:
            UnsupportedEnvironmentError: if ISA does not support the result.
            NonFiniteError: if an observation or a reward is not finite.
        """
        env = self.env
        if self._living.staying:  # agents that stay in env.agents still need an action
            actions = {**self._idle, **actions}
        returned = env.step(actions)
        self.steps += 1
        try:
            observations, rewards, terminations, truncations, infos = returned
            self._living.after(env.agents, terminations, truncations)
            rewards = plain_rewards(rewards, self.steps)
            infos = self._checked_infos(observations, infos)
        except (AttributeError, TypeError, ValueError) as error:
            if not isinstance(error, ISAError):
                check_step(self.env, returned)
            raise
        if self._living.staying:
            self._idle = idle_actions(self._living.staying, self.codes, observations, infos, self._longest)
            if not self._warned:
                self._warn()
        return observations, rewards, terminations, truncations, infos

    def _warn(self) -> None:
        self._warned = True
        warnings.warn(
            f"agent {min(self._living.staying)!r} of {self.env} was terminated or truncated but stays in env.agents: "
            "ISA treats it as gone, and ends the episode once all agents are gone",
            stacklevel=1,  # one location for all copies, so that Python shows it once
        )

    def _checked_infos(self, observations: Mapping[str, Any], infos: Any) -> Any:
        """Check observations, infos and masks; return infos as dicts by agent."""
        if infos is None:
            infos = {agent: {} for agent in self.agents}
        codes = self.codes
        has_missing_info = False
        masks: dict[str, Mask] = {}
        all_valid = list(observations) == self._few_agents and self._are_all_valid(observations.values())
        plain = are_plain(infos.values())
        self.crashed = not plain and any(has_crashed(info) for info in infos.values())
        if all_valid and plain and not self._masked:
            self.masks = masks
            return infos
        for agent in self._living.now:
            obs, info, mask = observations.get(agent), infos.get(agent), None
            if not all_valid and agent in codes:
                self._check_observation(agent, obs)
                mask = obs.get("action_mask") if isinstance(obs, dict) else None
            if info is None:
                has_missing_info = True
            elif info and mask is None:
                mask = info.get("action_mask") if isinstance(info, dict) else self._mask_of_info(agent, info)
            if (mask is not None or agent in self._masked) and agent in codes:
                masks[agent] = read_mask(mask, agent, self.codes[agent], self._longest, self._when())
        self.masks = masks
        if not all_valid and len(observations) > len(self._living.now):  # some agents have just left
            for agent, obs in observations.items():
                # PettingZoo allows an observation shared by all, under a name that is not an agent.
                if agent in codes and obs is not None and agent not in self._living.now:
                    self._check_observation(agent, obs)
        if (has_missing_info or len(infos) > len(self._living.now)) and None in infos.values():
            infos = {agent: {} if info is None else info for agent, info in infos.items()}
        return infos

    def _are_all_valid(self, values: Iterable[Any]) -> bool:
        """Check short float vectors, the most common case, quickly; False means that a full check is needed."""
        try:
            total = 0.0
            for value, length in zip(values, self._lengths, strict=True):
                numbers = value.tolist()
                part = sum(numbers)  # for few values, faster than NumPy; nested lists raise
                if type(part) is not float or len(numbers) != length:
                    return False
                total += part
            return isfinite(total)
        except Exception:
            return False

    def _check_observation(self, agent: str, obs: Any) -> None:
        if obs is None:
            raise UnsupportedEnvironmentError(
                f"agent {agent!r} acts next but has no observation {self._when()}; return one for every agent in "
                "env.agents, or remove the agent"
            )
        self._check_in_space(agent, inner_observation(obs))

    def _mask_of_info(self, agent: str, info: Any) -> Any:
        if not isinstance(info, Mapping):
            raise UnsupportedEnvironmentError(
                f"the info of agent {agent!r} {self._when()} must be a dict, got {info!r}"
            )
        return info.get("action_mask")

    def _check_in_space(self, agent: str, obs: Any) -> None:
        fault = self._validators[agent](obs, "")
        if fault is None:
            return
        place, description, finite = fault
        subject = f"the observation of agent {agent!r} {self._when()}{place}"
        if not finite:
            raise NonFiniteError(f"{subject} must be finite, {description}")
        raise UnsupportedEnvironmentError(f"{subject} does not match its space {self.spaces[agent]}: {description}")

    def _when(self) -> str:
        return f"in step {self.steps}" if self.steps else "at the reset"
