"""A stand-in for ``smac.env.StarCraft2Env`` (github.com/oxwhirl/smac, MIT), to test the adapter without the game.

Methods, option names, shapes, ranges and oddities follow its public source and documentation as of commit 8c4fff48,
read, not copied; the battle itself is ours and crude. Nothing here was compared with Blizzard's binary. Odd as there:

- a reset before any episode has ended launches a (further) game and adds the enemies' health to ``max_reward`` again;
- a crash or hang in ``step`` relaunches the game and returns ``(0, True, {})``; ``force_restarts`` goes up; the units
  stay those of the lost game until the next reset, which then sends their tags to the new game;
- a launch that fails raises out of everything; the seed enters at launch only;
- a time-out says ``terminated``; only ``timeouts`` tells it (and, with ``continuing_episode``, info);
- the sparse reward is scaled by ``reward_scale`` too, whatever the documentation says;
- stepping on after the end is not refused; the dead may only do nothing and the living must not: ``AssertionError``;
- ``get_stats()`` before the first battle ends divides by zero;
- ``obs_timestep_number`` makes observations one longer than ``get_obs_size()``, and those of the dead not all zero.
"""

from __future__ import annotations

import atexit
import os
import time
from pathlib import Path

import numpy as np
from smac_stand_in_game import COUNTS, FAULTS, MAPS, NO_ATTACK, Game, ProtocolError, take
from smac_stand_in_seen import Seen


class StarCraft2Env(Seen):
    """The stand-in."""

    def __init__(
        self, map_name="8m", step_mul=8, move_amount=2, difficulty="7", game_version=None, seed=None,
        continuing_episode=False, obs_all_health=True, obs_own_health=True, obs_last_action=False,
        obs_pathing_grid=False, obs_terrain_height=False, obs_instead_of_state=False, obs_timestep_number=False,
        state_last_action=True, state_timestep_number=False, reward_sparse=False, reward_only_positive=True,
        reward_death_value=10, reward_win=200, reward_defeat=0, reward_negative_scale=0.5, reward_scale=True,
        reward_scale_rate=20, replay_dir="", replay_prefix="", window_size_x=1920, window_size_y=1200,
        heuristic_ai=False, heuristic_rest=False, debug=False,
    ):  # fmt: skip
        for option, value in list(locals().items()):
            if option not in ("self", "seed"):
                setattr(self, option, value)
        params = MAPS[map_name]
        self.n_agents, self.n_enemies = params["n_agents"], params["n_enemies"]
        self.episode_limit, self.map_type = params["limit"], params["map_type"]
        self.unit_type_bits = params["unit_type_bits"]
        self.shield_bits_ally, self.shield_bits_enemy = int(params["a_race"] == "P"), int(params["b_race"] == "P")
        self.n_actions = NO_ATTACK + self.n_enemies
        self._seed, self._sc2_proc = seed, None
        self.max_reward = self.n_enemies * reward_death_value + reward_win
        self.agents, self.enemies = {}, {}
        self._episode_count = self._episode_steps = self._total_steps = 0
        self.battles_won = self.battles_game = self.timeouts = self.force_restarts = 0
        self._stale = False
        self.last_action = np.zeros((self.n_agents, self.n_actions))
        atexit.register(self.close)

    # --- the game ---

    def _launch(self):
        self._sc2_proc = Game(self.map_name, self._seed)

    def full_restart(self):
        self._sc2_proc.close()
        self._launch()
        self.force_restarts += 1
        self._stale = True

    def reset(self):
        COUNTS["resets"] += 1
        self._episode_steps = 0
        if self._stale:
            COUNTS["stale"] += 1
        if self._episode_count == 0:
            self._launch()
        else:
            self._sc2_proc.spawn()
        self.last_action = np.zeros((self.n_agents, self.n_actions))
        if take("reset_crashes"):
            self.full_restart()
            return self.get_obs(), self.get_state()
        self._stale = False
        allies = sorted(self._sc2_proc.living(1), key=lambda unit: (unit.unit_type, unit.pos.x, unit.pos.y))
        self.agents, self.enemies = dict(enumerate(allies)), dict(enumerate(self._sc2_proc.living(2)))
        if self._episode_count == 0:
            self.max_reward += sum(unit.health_max + unit.shield_max for unit in self.enemies.values())
        return self.get_obs(), self.get_state()

    def step(self, actions):
        self.last_action = np.eye(self.n_actions)[[int(action) for action in actions]]
        orders = dict(filter(None, (self._order(i, int(action)) for i, action in enumerate(actions))))
        COUNTS["steps"] += 1
        before = self._strength(self.enemies), self._alive(self.enemies)
        try:
            self._misbehave()
            self._sc2_proc.advance(orders, self.step_mul)
        except ProtocolError:
            self.full_restart()
            return 0, True, {}
        self._total_steps += 1
        self._episode_steps += 1
        allies, enemies = self._fighting(self.agents), self._fighting(self.enemies)
        reward, terminated, info = 0.0, False, {"battle_won": False}
        if not self.reward_sparse:
            killed = before[1] - self._alive(self.enemies)
            reward = abs(before[0] - self._strength(self.enemies) + killed * self.reward_death_value)
        info["dead_allies"] = self.n_agents - self._alive(self.agents)
        info["dead_enemies"] = self.n_enemies - self._alive(self.enemies)
        if not allies or not enemies:
            terminated = True
            self.battles_game += 1
            if allies:
                self.battles_won += 1
                info["battle_won"] = True
                reward = 1 if self.reward_sparse else reward + self.reward_win
            elif enemies:
                reward = -1 if self.reward_sparse else reward + self.reward_defeat
        elif self._episode_steps >= self.episode_limit:
            terminated = True
            if self.continuing_episode:
                info["episode_limit"] = True
            self.battles_game += 1
            self.timeouts += 1
        self._episode_count += terminated
        if self.reward_scale:
            reward /= self.max_reward / self.reward_scale_rate
        return reward, terminated, info

    def _misbehave(self):
        if FAULTS.get("hang_at") == COUNTS["steps"]:
            time.sleep(FAULTS.get("hang_s", 360))
            raise ProtocolError("Websocket timed out.")
        if FAULTS.get("crash_at") == COUNTS["steps"] or FAULTS.get("crash_each"):
            raise ProtocolError("Connection already closed. SC2 probably crashed.")
        if FAULTS.get("die_at") == COUNTS["steps"]:
            os._exit(9)

    def _order(self, i, action):
        assert self.get_avail_agent_actions(i)[action] == 1, f"Agent {i} cannot perform action {action}"
        if action == 0:
            return None
        move = self.move_amount
        moves = {1: None, 2: (0, move), 3: (0, -move), 4: (move, 0), 5: (-move, 0)}
        if action in moves:
            return self.agents[i].tag, moves[action]
        targets = self.agents if self._heals(i) else self.enemies
        return self.agents[i].tag, targets[action - NO_ATTACK].tag

    def _heals(self, i):
        return self.agents[i].kind == "medivac"

    @staticmethod
    def _alive(units):
        return sum(unit.health > 0 for unit in units.values())

    @staticmethod
    def _fighting(units):
        return sum(unit.health > 0 and unit.kind != "medivac" for unit in units.values())

    @staticmethod
    def _strength(units):
        return sum(unit.health + unit.shield for unit in units.values() if unit.health > 0)

    # --- the rest ---

    def get_env_info(self):
        info = {"state_shape": self.get_state_size(), "obs_shape": self.get_obs_size(), "n_actions": self.n_actions}
        return info | {"n_agents": self.n_agents, "episode_limit": self.episode_limit}

    def get_stats(self):
        stats = {"battles_won": self.battles_won, "battles_game": self.battles_game, "battles_draw": self.timeouts}
        stats["win_rate"] = self.battles_won / self.battles_game
        return stats | {"timeouts": self.timeouts, "restarts": self.force_restarts}

    def seed(self):
        return self._seed

    def save_replay(self):
        folder = Path(os.environ.get("SC2PATH", "."), "Replays", self.replay_dir)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.replay_prefix or self.map_name}_2026-01-01-00-00-00.SC2Replay").write_bytes(b"replay")

    def close(self):
        if self._sc2_proc:
            self._sc2_proc.close()


def install_stand_in(folder, game=True):
    """Write a package ``smac`` of oxwhirl's layout below ``folder``, and a folder that looks like the game's."""
    package = folder / "site" / "smac"
    maps = package / "env" / "starcraft2" / "maps"
    maps.mkdir(parents=True)
    for place in (package, maps.parent, maps):
        (place / "__init__.py").touch()
    (package / "env" / "__init__.py").write_text("from smac_stand_in import StarCraft2Env\n")
    table = "from smac_stand_in_game import MAPS\n\n\ndef get_smac_map_registry():\n    return MAPS\n"
    (maps / "smac_maps.py").write_text(table)
    if game:
        (folder / "game" / "Versions" / "Base75689").mkdir(parents=True)
        (folder / "game" / "Maps" / "SMAC_Maps").mkdir(parents=True)
        for name in MAPS:
            (folder / "game" / "Maps" / "SMAC_Maps" / f"{name}.SC2Map").touch()
    return folder / "site", folder / "game"
