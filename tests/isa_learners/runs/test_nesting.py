"""Plain data by sections and by dotted keys."""

import pytest

from isa_learners.runs.nesting import DEEPEST_KEY, flattened, nested
from isa_wrappers.errors import InvalidValueError


def test_dotted_and_nested_keys_come_together():
    given = {"a": {"b": {"c": 1}}, "a.b.d": 2, "a.b": {"f": 3}, " e ": 4}
    assert nested(given) == {"a": {"b": {"c": 1, "d": 2, "f": 3}}, "e": 4}
    assert given["a"] == {"b": {"c": 1}}, "what was given stays as it was"
    assert nested(nested(given)) == nested(given)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"ppo": {"lr": 3}, "ppo.lr": 4}, "configuration key ppo.lr is given twice, 3 and 4; leave one out"),
        ({"ppo.lr": 4, "ppo": {"lr": 4}}, "configuration key ppo.lr is given twice"),
        ({"a": {"b": {"c": 1}}, "a.b": {"c": 3}}, "configuration key a.b.c is given twice"),
        ({"a.b.c": 1, "a.b": 2}, r"'a.b' is given both a value and keys of its own"),
        ({"a.b": 1, "a": None}, r"'a' is given both a value and keys of its own"),
        ({"seed": 1, " seed": 2}, "configuration key seed is given twice"),
    ],
    ids=str,
)
def test_a_setting_given_both_ways_is_refused(given, told):
    with pytest.raises(InvalidValueError, match=told):
        nested(given)


def test_values_that_are_mappings_keep_dotted_keys_of_their_own():
    assert nested({"env_kwargs": {"a.b": 1}, "env_kwargs.c": 2}) == {"env_kwargs": {"a.b": 1, "c": 2}}


def test_flattened_is_the_way_back():
    data = {"a": {"b": {"c": 1, "d": 2}}, "e": 4}
    assert nested(flattened(data)) == data


@pytest.mark.parametrize("key", [".".join("a" * (DEEPEST_KEY + 2)), "a.b"])
def test_keys_that_cannot_be_are_refused(key):
    with pytest.raises(InvalidValueError):
        nested({"a": 1, key: 2})
    assert nested({".".join("b" * (DEEPEST_KEY + 1)): 2})
