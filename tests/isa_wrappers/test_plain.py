"""Plain data: bounded when read, made of whatever NumPy gives when written."""

import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from isa_wrappers.errors import InvalidValueError
from isa_wrappers.plain import DEEPEST, check_nesting, plain, read_json


def nested(depth):
    data = 1
    for _ in range(depth):
        data = [data]
    return data


def test_json_of_usual_depth_is_read():
    assert read_json(json.dumps(nested(DEEPEST - 1))) == nested(DEEPEST - 1)


@pytest.mark.parametrize("text", ["[" * 10**6, json.dumps(nested(DEEPEST + 1)), "{", "9" * 5000, b"\xff"])
def test_other_json_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        read_json(text)


def test_a_few_lines_that_stand_for_millions_are_refused():
    data = [1] * 10
    for _ in range(9):
        data = [data] * 10
    with pytest.raises(ValueError, match="contains more than"):
        check_nesting(data)
    loop = []
    loop.append(loop)
    with pytest.raises(ValueError, match="nested more than"):
        check_nesting(loop)


def test_numpy_becomes_python():
    given = {"n": np.int64(3), "x": np.float32(0.5), "yes": np.bool_(True), "a": np.arange(2), "t": (1, Path("p"))}
    found = plain("settings", given)
    assert found == {"n": 3, "x": 0.5, "yes": True, "a": [0, 1], "t": [1, "p"]}
    assert json.loads(json.dumps(found)) == found
    assert type(plain("s", np.str_("a"))) is str


@pytest.mark.parametrize(
    ("value", "named"), [(object(), "s must"), ({"a": {1}}, r"s\.a must"), ([date(2020, 1, 1)], r"s\[0\] must"),
                         ({1: 2}, "keys of s must be text, got 1"), (nested(60), "must be plain data"), (1j, "s must")],
)  # fmt: skip
def test_what_no_file_holds_is_named(value, named):
    with pytest.raises(InvalidValueError, match=named):
        plain("s", value)
