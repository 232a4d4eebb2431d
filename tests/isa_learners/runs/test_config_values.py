"""Sections made of values that somebody's own class judges."""

from dataclasses import dataclass

import pytest

from isa_learners.runs.config_values import section_of
from isa_wrappers.errors import InvalidValueError


@dataclass(frozen=True)
class Patience:
    least: int = 1
    most: int = 2

    def __post_init__(self):
        if self.least > self.most:
            raise ValueError(f"least must be at most most, got {self.least}")


def test_what_a_section_refuses_by_a_value_error_is_a_mistake_in_a_line():
    with pytest.raises(InvalidValueError, match=r"^configuration section patience: least must be at most most, got 5$"):
        section_of(Patience, {"least": 5}, "patience")
