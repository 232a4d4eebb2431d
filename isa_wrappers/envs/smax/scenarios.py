"""SMAC's scenarios for SMAX: armies, step limits, and the properties of units that SMAX lacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from isa_wrappers.errors import UnknownTaskError, nearest

UNIT_TYPES = ("marine", "marauder", "stalker", "zealot", "zergling", "hydralisk")
"""SMAX's unit types in SMAX's order."""

SPINE_CRAWLER = "spine_crawler"


@dataclass(frozen=True)
class UnitStats:
    """Properties of a unit type in SMAX's units: map cells and seconds."""

    velocity: float
    attack: float
    attack_range: float
    sight_range: float
    radius: float
    health: float
    weapon_cooldown: float


# Liquipedia, StarCraft II (Legacy of the Void): 300 health, 25 damage and 5 more against armoured units, range 7,
# cooldown 1.32 s, sight 11, rooted. Stalkers are armoured, hence 30. On 2 x 2 cells; the radius is our choice.
SPINE_CRAWLER_STATS = UnitStats(0.0, 30.0, 7.0, 11.0, 1.125, 300.0, 1.32)
# A stalker does 13 damage, 5 more against armoured units; the crawler is one, and its armour takes 2 off each shot.
# Its cooldown is 1.34 s at the game speed of SMAC and of SMAX's other units; SMAX has 1.87, that at speed "normal".
STALKER_AGAINST_CRAWLER = UnitStats(4.13, 16.0, 6.0, 10.0, 0.625, 160.0, 1.34)


@dataclass(frozen=True)
class SMAXScenario:
    """A battle.

    Attributes:
        allies: unit type -> number of units, in order.
        enemies: unit type -> number of units, in order.
        max_steps: SMAC's step limit for the map (smac_maps.py of github.com/oxwhirl/smac).
        extra_units: properties of unit types that SMAX does not have.
        changes: unit type -> properties that differ from SMAX's table in this battle.
        random_units: whether types and positions are drawn each episode, as in SMACv2.
    """

    allies: Mapping[str, int]
    enemies: Mapping[str, int]
    max_steps: int
    extra_units: Mapping[str, UnitStats] = field(default_factory=dict)
    changes: Mapping[str, UnitStats] = field(default_factory=dict)
    random_units: bool = False

    @property
    def unit_types(self) -> tuple[str, ...]:
        """All unit types of this battle, SMAX's first."""
        return UNIT_TYPES + tuple(self.extra_units)

    @property
    def units(self) -> list[int]:
        """Type of every unit, allies first, as an index into :attr:`unit_types`."""
        armies = (self.allies, self.enemies)
        return [self.unit_types.index(name) for army in armies for name, count in army.items() for _ in range(count)]


def _mirror(max_steps: int, **army: int) -> SMAXScenario:
    return SMAXScenario(army, army, max_steps)


def _against(allies: Mapping[str, int], enemies: Mapping[str, int], max_steps: int) -> SMAXScenario:
    return SMAXScenario(allies, enemies, max_steps)


SCENARIOS: dict[str, SMAXScenario] = {
    "3m": _mirror(60, marine=3),
    "8m": _mirror(120, marine=8),
    "25m": _mirror(150, marine=25),
    "5m_vs_6m": _against({"marine": 5}, {"marine": 6}, 70),
    "8m_vs_9m": _against({"marine": 8}, {"marine": 9}, 120),
    "10m_vs_11m": _against({"marine": 10}, {"marine": 11}, 150),
    "27m_vs_30m": _against({"marine": 27}, {"marine": 30}, 180),
    "2s3z": _mirror(120, stalker=2, zealot=3),
    "3s5z": _mirror(150, stalker=3, zealot=5),
    "3s5z_vs_3s6z": _against({"stalker": 3, "zealot": 5}, {"stalker": 3, "zealot": 6}, 170),
    "3s_vs_3z": _against({"stalker": 3}, {"zealot": 3}, 150),
    "3s_vs_4z": _against({"stalker": 3}, {"zealot": 4}, 200),
    "3s_vs_5z": _against({"stalker": 3}, {"zealot": 5}, 250),
    "2m_vs_1z": _against({"marine": 2}, {"zealot": 1}, 150),
    "6h_vs_8z": _against({"hydralisk": 6}, {"zealot": 8}, 150),
    "2s_vs_1sc": SMAXScenario(
        {"stalker": 2},
        {SPINE_CRAWLER: 1},
        300,
        extra_units={SPINE_CRAWLER: SPINE_CRAWLER_STATS},
        changes={"stalker": STALKER_AGAINST_CRAWLER},
    ),
    "smacv2_5_units": SMAXScenario({"marine": 5}, {"marine": 5}, 200, random_units=True),
    "smacv2_10_units": SMAXScenario({"marine": 10}, {"marine": 10}, 200, random_units=True),
    "smacv2_20_units": SMAXScenario({"marine": 20}, {"marine": 20}, 200, random_units=True),
}
"""Scenario name -> battle."""


def smax_scenario(name: str) -> SMAXScenario:
    """Return a scenario by name.

    Raises:
        UnknownTaskError: if there is none; the message names the closest one and lists all.

    Example:
        >>> smax_scenario("2s3z").units
        [2, 2, 3, 3, 3, 2, 2, 3, 3, 3]
    """
    if name not in SCENARIOS:
        # Compare full task names: bare names are too short for a useful similarity.
        offer = nearest(f"smax/{name}", [f"smax/{known}" for known in SCENARIOS])
        raise UnknownTaskError(f"unknown map 'smax/{name}'{offer or ';'} known: {', '.join(SCENARIOS)}")
    return SCENARIOS[name]
