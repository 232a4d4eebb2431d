"""The stand-in's game: maps, units, a crude battle that holds a process of its own, and what goes wrong at will."""

from __future__ import annotations

import json
import math
import os
import subprocess
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


def take(fault):
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
        if take("launch_fails"):
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
