"""One SMAX battle as a PettingZoo ``ParallelEnv``, with masks, ``state()`` and dead allies that leave."""

from __future__ import annotations

import secrets
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from isa_wrappers.batch.protocol import BatchStep
from isa_wrappers.envs.masked import MaskedParallelEnv
from isa_wrappers.envs.smax.batch import SMAXBatch
from isa_wrappers.envs.smax.game import FEATURES, STOP, smax_game
from isa_wrappers.errors import InvalidValueError, check_choice

Infos = dict[str, dict[str, Any]]


class SMAXParallelEnv(MaskedParallelEnv):
    """A battle of SMAC's scenario ``name`` in SMAX.

    Each ally observes a Dict of ``"observation"`` (SMAX's unit list, float32) and ``"action_mask"``. The actions are
    four moves, stop, and one attack per enemy; a masked action counts as stop. An ally leaves ``agents`` in the step in
    which it dies. ``infos[agent]`` contains ``"success"`` and ``"battle_won"`` (the battle was won in this step),
    ``"battle_lost"``, ``"dead_allies"`` and ``"dead_enemies"``. The end of the battle terminates the episode, and the
    step limit truncates it. Without a seed, the first battle is random.

    Args:
        name: name of the scenario, such as ``3m``.
        render_mode: ``"rgb_array"`` or ``None``.
        options: options of :class:`~isa_wrappers.envs.smax.game.SMAXGame`: ``reward``, ``horizon`` and SMAX's own.

    Raises:
        UnknownTaskError: if there is no such scenario.
        InvalidValueError: if a reward or an option is unknown.
        MissingDependencyError: if jaxmarl is not installed.
    """

    def __init__(self, name: str, render_mode: str | None = None, **options: Any) -> None:
        if render_mode is not None:
            check_choice("render_mode", render_mode, ("rgb_array",))
        self.metadata: dict[str, Any] = {"name": f"smax/{name}", "render_modes": ["rgb_array"], "render_fps": 8}
        self.render_mode = render_mode
        self._batch = SMAXBatch(smax_game(name, **options), num_envs=1)
        game = self._batch.game
        self.state_names = game.state_names
        self.action_names = game.action_names
        self.horizon = game.horizon
        self.state_space = spaces.Box(-np.inf, np.inf, (len(game.state_names),), np.float32)
        # The relative positions of units in sight can exceed SMAX's own bounds of -1 and 1.
        self._set_spaces(game.agents, spaces.Box(-np.inf, np.inf, (game.obs_size,), np.float32), game.num_actions)
        self._arguments = name, render_mode, options
        self._current_step: BatchStep | None = None
        self._state: npt.NDArray[np.float32] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle as a new battle with the same options, since compiled code cannot be pickled."""
        return _recreate, self._arguments

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[dict[str, Any], Infos]:
        """Start a battle; without a seed, continue the random stream of the last seed."""
        if self._current_step is None and seed is None:
            seed = secrets.randbits(31)
        if self._current_step is None or seed is not None or self.agents:
            self._current_step = self._batch.reset(seed)
        self.agents = list(self.possible_agents)
        self._state = np.array(self._current_step.state[0])
        return self._observations(self._current_step, self._current_step.obs, self.agents), self._infos(
            False, self.agents
        )

    def step(
        self, actions: dict[str, int]
    ) -> tuple[dict[str, Any], dict[str, float], dict[str, bool], dict[str, bool], Infos]:
        """Advance the battle by half a second.

        Raises:
            InvalidValueError: before a reset or after the end, or if an action is missing or out of range, or an ally
                does not act.
        """
        joint = self._joint_action(actions, STOP)
        self._current_step = batch_step = self._batch.step(np.array([joint]))
        acted = self.agents
        over = bool(batch_step.terminated[0])
        cut = bool(batch_step.truncated[0])
        alive = {agent: bool(batch_step.final_alive[0, i]) for i, agent in enumerate(self.possible_agents)}
        self._state = np.array(batch_step.final_state[0])
        observations = self._observations(batch_step, batch_step.final_obs, acted)
        if over or cut:  # the battle reset itself, so its masks belong to the next episode
            for agent in acted:
                observations[agent]["action_mask"] = self._only_stop()
        rewards = {agent: float(batch_step.reward[0, self.possible_agents.index(agent)]) for agent in acted}
        terminations = {agent: over or not alive[agent] for agent in acted}
        truncations = {agent: cut and alive[agent] for agent in acted}
        self.agents = [] if over or cut else [agent for agent in acted if alive[agent]]
        return observations, rewards, terminations, truncations, self._infos(bool(batch_step.success[0]), acted)

    def _observations(self, step: BatchStep, obs: npt.NDArray[np.float32], agents: list[str]) -> dict[str, Any]:
        rows = [(agent, self.possible_agents.index(agent)) for agent in agents]
        return {
            agent: {"observation": np.array(obs[0, i]), "action_mask": step.available[0, i].astype(np.int8)}
            for agent, i in rows
        }

    def _only_stop(self) -> npt.NDArray[np.int8]:
        mask = np.zeros(self._batch.game.num_actions, dtype=np.int8)
        mask[STOP] = 1
        return mask

    def _infos(self, won: bool, agents: list[str]) -> Infos:
        dead = self.state().reshape(-1, len(FEATURES))[:, FEATURES.index("health")] <= 0
        allies, enemies = dead[: len(self.possible_agents)], dead[len(self.possible_agents) :]
        lost = bool(allies.all() and not enemies.all())
        outcome = {"success": won, "battle_won": won, "battle_lost": lost}
        counts = {"dead_allies": int(allies.sum()), "dead_enemies": int(enemies.sum())}
        return {agent: {**outcome, **counts} for agent in agents}

    def state(self) -> npt.NDArray[np.float32]:
        """Return the health, position and cooldown of every unit, ``[K]`` float32 in the order of :attr:`state_names`.

        Raises:
            InvalidValueError: before the first reset.
        """
        if self._state is None:
            raise InvalidValueError(f"{self.metadata['name']} has no state before its first episode; call reset()")
        return np.array(self._state)

    def render(self) -> npt.NDArray[np.uint8] | None:
        """Draw the battle as ``[height, width, 3]`` if ``render_mode`` is set."""
        return self._batch.game.draw(self.state()) if self.render_mode else None


def _recreate(name: str, render_mode: str | None, options: dict[str, Any]) -> SMAXParallelEnv:
    return SMAXParallelEnv(name, render_mode, **options)
