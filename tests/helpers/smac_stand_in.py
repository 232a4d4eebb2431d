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
import json
import math
import os
import subprocess
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np

# As in smac_maps.py: allies, enemies, time limit, races, unit type bits, kind.
_ROWS = {
    "3m": (3, 3, 60, "T", "T", 0, "marines"),
    "8m": (8, 8, 120, "T", "T", 0, "marines"),
    "2s3z": (5, 5, 120, "P", "P", 2, "stalkers_and_zealots"),
    "2s_vs_1sc": (2, 1, 300, "P", "Z", 0, "stalkers"),
    "MMM": (10, 10, 150, "T", "T", 3, "MMM"),
}
_KEYS = ("n_agents", "n_enemies", "limit", "a_race", "b_race", "unit_type_bits", "map_type")
MAPS = {name: dict(zip(_KEYS, row, strict=True)) for name, row in _ROWS.items()}
ARMIES = {
    "3m": ("3 marine", "3 marine"),
    "8m": ("8 marine", "8 marine"),
    "2s3z": ("2 stalker 3 zealot", "2 stalker 3 zealot"),
    "2s_vs_1sc": ("2 stalker", "1 crawler"),
    "MMM": ("2 marauder 7 marine 1 medivac", "2 marauder 7 marine 1 medivac"),
}
# Health, shield, damage, range, cooldown in frames, the game's own number, the place among the allies' types.
UNITS = {
    "marine": (45, 0, 6, 5, 15, 48, 1),
    "marauder": (125, 0, 10, 6, 24, 51, 0),
    "medivac": (150, 0, 0, 4, 0, 54, 2),
    "stalker": (80, 80, 13, 6, 30, 74, 0),
    "zealot": (100, 50, 16, 1, 19, 73, 1),
    "crawler": (300, 0, 25, 7, 30, 98, 0),
}
SIZE, ALLIED_TYPES, NO_ATTACK, SIGHT, SHOOT = 32, 1970, 6, 9, 6

FAULTS: dict[str, float] = json.loads(os.environ.get("SMAC_STAND_IN_FAULTS", "{}"))
"""What goes wrong or is set in this process: ``crash_at``, ``hang_at`` (numbers of steps), ``hang_s``, ``crash_each``,
``die_at``, ``launch_fails``, ``reset_crashes`` (how often), ``ally_damage``, ``enemy_damage`` (factors)."""
COUNTS: Counter[str] = Counter()
"""Launches, resets, steps and closes in this process; ``stale`` resets: on units of a lost game."""


def _take(fault):
    """Use up one of a fault's occurrences."""
    left = FAULTS.get(fault, 0)
    FAULTS[fault] = max(0, left - 1)
    return left > 0


class ProtocolError(Exception):
    """As pysc2's: the game is gone or silent."""


class Game:
    """A real process, so that tests can look for survivors, and the units of a battle."""

    def __init__(self, map_name, seed):
        COUNTS["launches"] += 1
        self.process = subprocess.Popen(["sleep", "1000"])
        if "SMAC_STAND_IN_PIDS" in os.environ:
            with Path(os.environ["SMAC_STAND_IN_PIDS"]).open("a") as file:
                file.write(f"{self.process.pid}\n")
        if _take("launch_fails"):
            self.close()
            raise RuntimeError("Failed to connect to the SC2 websocket.\nIs it up?")
        self.rng, self.armies, self.tags = np.random.default_rng(seed), ARMIES[map_name], 0
        self.spawn()

    @property
    def pid(self):
        """As pysc2's."""
        return self.process.pid

    def spawn(self):
        self.units = []
        for owner, army in enumerate(self.armies, start=1):
            counts, kinds = army.split()[::2], army.split()[1::2]
            for kind in [kind for count, kind in zip(counts, kinds, strict=True) for _ in range(int(count))]:
                health, shield, damage, reach, cooldown, number, place = UNITS[kind]
                self.tags += 1
                x, y = (9.0, 23.0)[owner - 1] + self.rng.uniform(-1, 1), 16.0 + self.rng.uniform(-5, 5)
                self.units.append(SimpleNamespace(
                    tag=self.tags, owner=owner, kind=kind, pos=SimpleNamespace(x=x, y=y), energy=50.0,
                    unit_type=ALLIED_TYPES + place if owner == 1 else number, health=float(health), health_max=health,
                    shield=float(shield), shield_max=shield, weapon_cooldown=0.0, damage=damage, reach=reach,
                    cooldown=cooldown,
                ))  # fmt: skip

    def living(self, owner):
        return [unit for unit in self.units if unit.owner == owner]

    def advance(self, orders, frames=8):
        """Move and hit; the dead are gone afterwards."""
        if self.process.poll() is not None:
            raise ProtocolError("Connection already closed. SC2 probably crashed.")
        for unit in self.units:
            unit.weapon_cooldown = max(0.0, unit.weapon_cooldown - frames)
        by_tag = {unit.tag: unit for unit in self.units}
        for tag, order in orders.items():
            if isinstance(order, tuple):
                self.move(by_tag[tag], *order)
            elif order is not None and by_tag[tag].kind == "medivac":
                target = by_tag[order]
                target.health = min(target.health_max, target.health + 4.0)
            elif order is not None:
                self.hit(by_tag[tag], by_tag[order], FAULTS.get("ally_damage", 1.0))
        for enemy in self.living(2):
            targets = [ally for ally in self.living(1) if ally.health > 0]
            if not targets or enemy.kind == "medivac":
                continue
            target = min(targets, key=lambda ally: distance(enemy, ally))
            away = distance(enemy, target)
            if away <= enemy.reach:
                self.hit(enemy, target, FAULTS.get("enemy_damage", 1.0))
            elif enemy.kind != "crawler":
                step = 1.0 / away
                self.move(enemy, (target.pos.x - enemy.pos.x) * step, (target.pos.y - enemy.pos.y) * step)
        self.units = [unit for unit in self.units if unit.health > 0]

    def move(self, unit, x, y):
        unit.pos.x = float(np.clip(unit.pos.x + x + self.rng.normal(0, 0.01), 0, SIZE - 1))
        unit.pos.y = float(np.clip(unit.pos.y + y, 0, SIZE - 1))

    def hit(self, unit, target, factor):
        if unit.weapon_cooldown > 0:
            return
        unit.weapon_cooldown = float(unit.cooldown)
        damage = unit.damage * factor
        target.shield, damage = max(0.0, target.shield - damage), max(0.0, damage - target.shield)
        target.health = max(0.0, target.health - damage)

    def close(self):
        COUNTS["closes"] += 1
        self.process.kill()
        self.process.wait()


def distance(one, other):
    return math.hypot(one.pos.x - other.pos.x, one.pos.y - other.pos.y)


class StarCraft2Env:
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
        if _take("reset_crashes"):
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

    # --- what is seen ---

    def get_unit_by_id(self, a_id):
        return self.agents[a_id]

    def get_total_actions(self):
        return self.n_actions

    def get_avail_agent_actions(self, agent_id):
        unit, available = self.agents[agent_id], [0] * self.n_actions
        if unit.health == 0:
            return [1, *available[1:]]
        x, y, m = unit.pos.x, unit.pos.y, self.move_amount / 2
        available[1] = 1
        for action, (to_x, to_y) in enumerate([(x, y + m), (x, y - m), (x + m, y), (x - m, y)], start=2):
            available[action] = int(0 <= int(to_x) < SIZE - 1 and 0 <= int(to_y) < SIZE - 1)
        targets = self.agents if self._heals(agent_id) else self.enemies
        for i, target in targets.items():
            flies = self._heals(agent_id) and target.kind == "medivac"
            if target.health > 0 and not flies and distance(unit, target) <= SHOOT:
                available[NO_ATTACK + i] = 1
        return available

    def get_avail_actions(self):
        return [self.get_avail_agent_actions(i) for i in range(self.n_agents)]

    def _one_hot(self, unit, allied):
        number, place = UNITS[unit.kind][5:]
        place = place if allied or self.map_type == "MMM" else number - 73  # enemies' types count from the zealot's
        return [float(k == place) for k in range(self.unit_type_bits)]

    def _health(self, unit, shield_bits):
        return [unit.health / unit.health_max] + [unit.shield / max(1, unit.shield_max)] * shield_bits

    def _sizes(self):
        health = bool(self.obs_all_health)
        enemy = 4 + self.unit_type_bits + health * (1 + self.shield_bits_enemy)
        ally = 4 + self.unit_type_bits + health * (1 + self.shield_bits_ally) + self.obs_last_action * self.n_actions
        own = self.unit_type_bits + (health or self.obs_own_health) * (1 + self.shield_bits_ally)
        move = 4 + 8 * self.obs_pathing_grid + 9 * self.obs_terrain_height
        return move, enemy, ally, own + self.obs_timestep_number

    def get_obs_size(self):
        move, enemy, ally, own = self._sizes()
        return move + self.n_enemies * enemy + (self.n_agents - 1) * ally + own

    def get_obs_agent(self, agent_id):
        unit, (move, enemy, ally, own) = self.agents[agent_id], self._sizes()
        parts = [np.zeros(move), np.zeros((self.n_enemies, enemy)), np.zeros((self.n_agents - 1, ally)), np.zeros(own)]
        if unit.health > 0:
            available = self.get_avail_agent_actions(agent_id)
            parts[0][:] = 1.0
            parts[0][:4] = available[2:NO_ATTACK]
            others = [i for i in self.agents if i != agent_id]
            for row, i in enumerate(self.enemies):
                told = [self.enemies[i], float(available[NO_ATTACK + i]), self.shield_bits_enemy, False]
                self._relative(unit, parts[1][row], *told)
            for row, i in enumerate(others):
                self._relative(unit, parts[2][row], self.agents[i], 1.0, self.shield_bits_ally, True)
                if self.obs_last_action and parts[2][row].any():
                    parts[2][row][-self.n_actions :] = self.last_action[i]
            known = self._health(unit, self.shield_bits_ally) if self.obs_all_health or self.obs_own_health else []
            known = known + self._one_hot(unit, True)
            parts[3][: len(known)] = known
        obs = np.concatenate([part.ravel() for part in parts]).astype(np.float32)
        return np.append(obs, self._episode_steps / self.episode_limit) if self.obs_timestep_number else obs

    def _relative(self, unit, row, other, first, shield_bits, allied):
        away = distance(unit, other)
        if away < SIGHT and other.health > 0:
            seen = [first, away / SIGHT, (other.pos.x - unit.pos.x) / SIGHT, (other.pos.y - unit.pos.y) / SIGHT]
            seen += self._health(other, shield_bits) if self.obs_all_health else []
            seen += self._one_hot(other, allied)
            row[: len(seen)] = seen

    def get_obs(self):
        return [self.get_obs_agent(i) for i in range(self.n_agents)]

    def get_state_size(self):
        if self.obs_instead_of_state:
            return self.get_obs_size() * self.n_agents
        size = self.n_agents * (4 + self.shield_bits_ally + self.unit_type_bits)
        size += self.n_enemies * (3 + self.shield_bits_enemy + self.unit_type_bits)
        return size + self.state_last_action * self.n_agents * self.n_actions + self.state_timestep_number

    def get_state(self):
        if self.obs_instead_of_state:
            return np.concatenate(self.get_obs()).astype(np.float32)
        rows = []
        for unit in [*self.agents.values(), *self.enemies.values()]:
            allied, bits = unit.owner == 1, (self.shield_bits_ally, self.shield_bits_enemy)[unit.owner - 1]
            health, *shield = self._health(unit, bits)
            charge = unit.energy / 200 if unit.kind == "medivac" else unit.weapon_cooldown / 15
            place = [(unit.pos.x - SIZE / 2) / SIZE, (unit.pos.y - SIZE / 2) / SIZE]
            row = [health, *([charge] if allied else []), *place, *shield, *self._one_hot(unit, allied)]
            rows += row if unit.health > 0 else [0.0] * len(row)
        rows += self.last_action.ravel().tolist() if self.state_last_action else []
        rows += [self._episode_steps / self.episode_limit] if self.state_timestep_number else []
        return np.array(rows, dtype=np.float32)

    def get_env_info(self):
        info = {"state_shape": self.get_state_size(), "obs_shape": self.get_obs_size(), "n_actions": self.n_actions}
        return info | {"n_agents": self.n_agents, "episode_limit": self.episode_limit}

    def get_stats(self):
        stats = {"battles_won": self.battles_won, "battles_game": self.battles_game, "battles_draw": self.timeouts}
        stats["win_rate"] = self.battles_won / self.battles_game
        return stats | {"timeouts": self.timeouts, "restarts": self.force_restarts}

    # --- the rest ---

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
    table = "from smac_stand_in import MAPS\n\n\ndef get_smac_map_registry():\n    return MAPS\n"
    (maps / "smac_maps.py").write_text(table)
    if game:
        (folder / "game" / "Versions" / "Base75689").mkdir(parents=True)
        (folder / "game" / "Maps" / "SMAC_Maps").mkdir(parents=True)
        for name in MAPS:
            (folder / "game" / "Maps" / "SMAC_Maps" / f"{name}.SC2Map").touch()
    return folder / "site", folder / "game"
