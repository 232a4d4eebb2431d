"""Ranges of settings: what passes is kept as plain values, what would crash later is refused."""

from dataclasses import dataclass

import numpy as np
import pytest

from isa_wrappers import GoalConfig, ScopeConfig
from isa_wrappers.errors import InvalidValueError
from isa_wrappers.fields import MOST_COPIES, Copies, Count, Range, check_fields


@dataclass(frozen=True)
class Settings:
    copies: Copies = 1
    steps: Count = 1
    name: str = "a"
    maybe: str | None = None
    on: bool = False

    def __post_init__(self):
        check_fields(self)


def test_what_is_kept_is_what_the_check_returns():
    kept = Settings(np.int64(3), np.uint8(2), np.str_("b"), np.str_("c"), np.bool_(True))
    assert [type(value) for value in vars(kept).values()] == [int, int, str, str, bool]
    assert kept == Settings(3, 2, "b", "c", True)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("copies", MOST_COPIES + 1),
        ("copies", [3]),
        ("copies", []),
        ("steps", 10**400),
        ("name", None),
        ("name", 3),
        ("maybe", 3),
        ("on", 1),
        ("on", "False"),
        ("on", None),
    ],
)
def test_what_is_refused(key, value):
    with pytest.raises(InvalidValueError, match=f"{key} must be"):
        Settings(**{key: value})


def test_ends_of_ranges():
    for config, key, most in ((ScopeConfig, "window", 1_000), (GoalConfig, "capacity", 10**7)):
        assert getattr(config(**{key: most}), key) == most
        with pytest.raises(InvalidValueError, match=f"from 1 to {most}"):
            config(**{key: most + 1})
    assert Range(1, 3).check("n", [1, 2]) == (1, 2)
