"""Ranges stand once, beside the field: checked, printed, and explained by the docstring."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pytest

from isa_wrappers import GoalConfig, ScopeConfig
from isa_wrappers.errors import InvalidValueError
from isa_wrappers.fields import (
    MOST_COPIES,
    Copies,
    Count,
    OneOf,
    Range,
    Share,
    check_fields,
    defaults,
    hints,
    meanings,
    ranges,
)


@dataclass(frozen=True)
class Settings:
    """Some settings.

    Attributes:
        count: how many,
            on two lines.
        share: of the whole.
        layers: sizes.
        mode: how.
        limit: at most; none by default.
        free: anything.
    """

    count: Count = 3
    share: Share = 0.5
    layers: Annotated[tuple[int, ...], Range(1)] = (4, 4)
    mode: Annotated[str, OneOf("fast", "slow")] = "fast"
    limit: Annotated[int | None, Range(0, 9)] = None
    free: str = ""

    def __post_init__(self):
        check_fields(self)


def test_what_a_check_returns_is_what_is_kept():
    kept = Settings(count=np.int64(2), share=np.float32(0.25), layers=[np.int32(1), 2], limit=np.uint8(3))
    assert kept == Settings(2, 0.25, (1, 2), "fast", 3)
    assert [type(value) for value in (kept.count, kept.share, *kept.layers, kept.limit)] == [int, float, int, int, int]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"count": 0}, "count must be an integer at least 1, got 0"),
        ({"count": None}, "count must be an integer at least 1, got None"),
        ({"share": 1.5}, r"share must be a number in \[0, 1\], got 1.5"),
        ({"share": "a"}, "share must be a number"),
        ({"layers": (4, 0)}, "layers must be an integer at least 1, got 0"),
        ({"mode": "fats"}, "mode must be one of fast, slow; got 'fats'; did you mean 'fast'?"),
        ({"limit": 10}, "limit must be an integer from 0 to 9, got 10"),
    ],
)
def test_what_is_out_of_range_is_named(values, message):
    with pytest.raises(InvalidValueError, match=message.replace("?", r"\?")):
        Settings(**values)


def test_ranges_hints_defaults_and_meanings():
    assert {name: str(mark) for name, mark in ranges(Settings).items()} == {
        "count": "at least 1",
        "share": "in [0, 1]",
        "layers": "at least 1",
        "mode": "one of fast, slow",
        "limit": "in [0, 9]",
    }
    assert hints(Settings)["limit"] == int | None
    assert defaults(Settings)["layers"] == (4, 4)
    assert meanings(Settings) == {
        "count": "how many, on two lines.",
        "share": "of the whole.",
        "layers": "sizes.",
        "mode": "how.",
        "limit": "at most; none by default.",
        "free": "anything.",
    }


@dataclass(frozen=True)
class Plain:
    copies: Copies = 1
    steps: Count = 1
    name: str = "a"
    maybe: str | None = None
    on: bool = False

    def __post_init__(self):
        check_fields(self)


def test_plain_types_are_kept_as_such():
    kept = Plain(np.int64(3), np.uint8(2), np.str_("b"), np.str_("c"), np.bool_(True))
    assert [type(value) for value in vars(kept).values()] == [int, int, str, str, bool]
    assert kept == Plain(3, 2, "b", "c", True)


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
def test_what_would_crash_later_is_refused(key, value):
    with pytest.raises(InvalidValueError, match=f"{key} must be"):
        Plain(**{key: value})


def test_ends_of_ranges():
    for config, key, most in ((ScopeConfig, "window", 1_000), (GoalConfig, "capacity", 10**7)):
        assert getattr(config(**{key: most}), key) == most
        with pytest.raises(InvalidValueError, match=f"from 1 to {most}"):
            config(**{key: most + 1})
    assert Range(1, 3).check("n", [1, 2]) == (1, 2)
