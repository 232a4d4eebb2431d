"""SMAC (``smac.env.StarCraft2Env`` of github.com/oxwhirl/smac) as a PettingZoo ``ParallelEnv``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from isa_wrappers.envs.masked import MaskedParallelEnv, Observation
from isa_wrappers.envs.smac.game import SMACGame
from isa_wrappers.envs.smac.install import load_smac, prepare_pysc2
from isa_wrappers.envs.smac.names import action_names, obs_size, state_names, what_stays
from isa_wrappers.envs.smac.options import REWARDS, check_options, check_seed
from isa_wrappers.errors import InvalidValueError, check_choice

NOOP = 0


class SMACParallelEnv(MaskedParallelEnv):
    """A SMAC map with its allied units as agents ``ally_0``, ``ally_1``, ...

    An observation contains ``"observation"`` (SMAC's) and ``"action_mask"``. A unit that dies leaves ``agents`` in the
    same step; this class sends SMAC's no-op for dead units. A decided battle terminates the episode, and SMAC's time
    limit truncates it. The state contains only the features of the units: ``state_last_action`` and
    ``state_timestep_number`` are off by default, since an agent's last action in the state would count as a dimension
    that the action influences. SMAC sets all features of a dead unit to zero. Here its position and type keep their
    last values, so that a death changes no position and no goal sends an agent to the middle of the map. (Observations
    are SMAC's.)

    ``infos[agent]`` contains ``success`` and ``battle_won`` (True in the winning step), ``battle_lost``,
    ``dead_allies``, ``dead_enemies`` and ``crashed``. A game that crashed or hung does not count as a defeat: the
    episode is truncated with the last observation, no reward and ``crashed`` True, and the next :meth:`reset` restarts
    the game.

    The first :meth:`reset` launches the game, and so does each reset with a seed, since the game reads its seed only at
    launch. The game ends with :meth:`close`, with this object, or with the interpreter.

    Args:
        name: name of the map, such as ``3m``.
        reward: ``"dense"``: SMAC's shaped reward. ``"sparse"``: SMAC's ``reward_sparse``, 1 on a win, -1 on a defeat
            and 0 on a draw or time-out, all scaled by SMAC's ``reward_scale`` (on 3m, to 0.055). ``"super_sparse"``:
            the same, never scaled.
        seed: seed of the game; by default the game chooses one.
        replay_dir: folder for :meth:`save_replay`; by default the folder ``Replays`` of the game.
        hang_timeout: seconds without an answer after which the game counts as crashed, also the limit for its start;
            pysc2's 360 by default. It applies to all games of this process.
        options: options of ``StarCraft2Env``, such as ``difficulty="7"``.

    Attributes:
        horizon: SMAC's time limit.
        state_space: the space of :meth:`state`.
        state_names: a name for each dimension of :meth:`state`, such as ``enemy_0.health``.
        action_names: a name for each action, such as ``attack_enemy_0``.
        crashes: number of crashes so far.

    Raises:
        MissingDependencyError: if oxwhirl's smac, the game or its map is missing; the message says what to install.
        UnknownTaskError: if SMAC has no such map.
        InvalidValueError: if an option is unknown or out of range.
    """

    metadata: dict[str, Any] = {"name": "smac", "render_modes": [], "is_parallelizable": True}  # noqa: RUF012
    render_mode = None

    def __init__(
        self,
        name: str,
        reward: str = "dense",
        seed: int | None = None,
        replay_dir: str | Path | None = None,
        hang_timeout: float | None = None,
        **options: Any,
    ) -> None:
        self.name, self.reward = name, check_choice("reward", reward, REWARDS)
        check_seed(seed)
        make, _ = load_smac(name)
        prepare_pysc2(hang_timeout)
        check_options(make, options, reward)
        arguments = {"state_last_action": False, **options, **REWARDS[reward], "map_name": name}
        self.replay_dir = None if replay_dir is None else Path(replay_dir).absolute()
        if self.replay_dir is not None:  # pysc2 interprets a relative path below the game's folder
            arguments["replay_dir"] = str(self.replay_dir)
        self._game = SMACGame(str(self), lambda seed: make(**arguments, seed=seed), seed)
        env = self._game.env
        self.metadata = {**self.metadata, "name": f"smac/{name}"}
        vector = spaces.Box(-1.0, 1.0, (obs_size(env),), np.float32)
        self._set_spaces([f"ally_{i}" for i in range(env.n_agents)], vector, env.n_actions)
        self.horizon = int(env.episode_limit)
        self.state_names, self.action_names = state_names(env), action_names(env)
        self.state_space = spaces.Box(-np.inf, np.inf, (len(self.state_names),), np.float32)
        self._keeps_value, self._health_of = what_stays(self.state_names)
        self._is_unplayed = False  # the episode has begun without any step yet
        self._observations: dict[str, Observation] = {}
        self._state: npt.NDArray[np.float32] | None = None

    def __str__(self) -> str:
        return f"smac/{self.name}"

    @property
    def crashes(self) -> int:
        """Number of crashes so far."""
        return self._game.crashes

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Observation], dict[str, dict[str, Any]]]:
        """Start an episode; a second reset before any step returns the same episode.

        Args:
            seed: seed of the game, which is then relaunched; without one, the game continues.
            options: not used.

        Raises:
            InvalidValueError: if the seed is not an integer from 0 to 2**32 - 1.
            GameCrashError: if the game does not start.
        """
        check_seed(seed)
        # In SMAC, a second reset relaunches the game or leaves it in a broken state: oxwhirl/smac issue 104.
        if not self._is_unplayed or seed is not None:
            self._is_unplayed = False
            self.agents = []
            self._game.begin(seed)
            self._read_game()
            self._is_unplayed = True
        self.agents = list(self.possible_agents)
        return self._copies_of(self.agents), self._infos(self.agents)

    def step(
        self, actions: dict[str, int]
    ) -> tuple[dict[str, Observation], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]:
        """Advance by one step.

        Raises:
            InvalidValueError: if the episode is over, an action is missing or masked, or a unit does not act.
            GameCrashError: if the game crashes repeatedly.
        """
        acting, joint = list(self.agents), self._joint_action(actions)
        env = self._game.env
        timeouts = env.timeouts
        self._is_unplayed = False
        outcome = self._game.step(joint)
        if outcome is None:
            self.agents = []
            rewards = dict.fromkeys(acting, 0.0)
            terminations = dict.fromkeys(acting, False)
            truncations = dict.fromkeys(acting, True)
            return self._copies_of(acting), rewards, terminations, truncations, self._infos(acting, crashed=True)
        reward, over, info = outcome
        self._read_game()
        won = bool(info.get("battle_won", False))
        # SMAC counts its time-outs; a battle decided in the last step is not one.
        timed_out = over and env.timeouts > timeouts
        dead = {agent: bool(self._observations[agent]["action_mask"][NOOP]) for agent in acting}
        terminations = {agent: dead[agent] or (over and not timed_out) for agent in acting}
        truncations = {agent: timed_out and not dead[agent] for agent in acting}
        self.agents = [] if over else [agent for agent in acting if not dead[agent]]
        infos = self._infos(acting, won, lost=over and not (won or timed_out) and self._dead[1] < env.n_enemies)
        return self._copies_of(acting), dict.fromkeys(acting, reward), terminations, truncations, infos

    def state(self) -> npt.NDArray[np.float32]:
        """Return a copy of SMAC's state ``[K]``; after the end of an episode, its last state.

        Raises:
            InvalidValueError: before the first reset.
        """
        if self._state is None:
            raise InvalidValueError(f"{self} has no state before its first episode; call reset()")
        return np.array(self._state)

    def save_replay(self) -> None:
        """Write a replay of all episodes since the launch of the game to ``replay_dir``.

        Raises:
            InvalidValueError: if no game is running.
        """
        if self._state is None:
            raise InvalidValueError(f"no game of {self} is running; call reset()")
        self._game.env.save_replay()

    def close(self) -> None:
        """End the game."""
        self.agents, self._is_unplayed = [], False
        self._game.close()

    def _read_game(self) -> None:
        """Read observations, masks, dead units and the state; after a crash they keep their last values."""
        env = self._game.env
        masks = env.get_avail_actions()
        self._observations = {
            agent: {"observation": np.array(obs, dtype=np.float32), "action_mask": np.array(mask, dtype=np.int8)}
            for agent, obs, mask in zip(self.possible_agents, env.get_obs(), masks, strict=True)
        }
        self._state = self._keeping_dead_in_place(np.array(env.get_state(), dtype=np.float32))
        self._dead = sum(bool(mask[NOOP]) for mask in masks), sum(unit.health == 0 for unit in env.enemies.values())

    def _keeping_dead_in_place(self, state: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        if self._state is not None:
            is_dead = self._keeps_value & (state[self._health_of] == 0)
            state[is_dead] = self._state[is_dead]
        return state

    def _copies_of(self, agents: list[str]) -> dict[str, Observation]:
        return {agent: {key: value.copy() for key, value in self._observations[agent].items()} for agent in agents}

    def _infos(
        self, agents: list[str], won: bool = False, lost: bool = False, crashed: bool = False
    ) -> dict[str, dict[str, Any]]:
        outcome = {"success": won, "battle_won": won, "battle_lost": lost, "crashed": crashed}
        counts = {"dead_allies": self._dead[0], "dead_enemies": self._dead[1]}
        return {agent: {**outcome, **counts} for agent in agents}

    def _joint_action(self, actions: Mapping[str, Any], idle: int = NOOP) -> list[int]:
        """Check the actions and their masks and return them in team order, with no-ops for dead units."""
        joint = super()._joint_action(actions, idle)
        for agent, number in zip(self.possible_agents, joint, strict=True):
            mask = self._observations[agent]["action_mask"]
            if agent in self.agents and not mask[number]:
                allowed = ", ".join(f"{n} {self.action_names[n]}" for n in np.flatnonzero(mask))
                raise InvalidValueError(
                    f"{agent!r} cannot take action {number} ({self.action_names[number]}) now; its action_mask "
                    f"allows {allowed}"
                )
        return joint
