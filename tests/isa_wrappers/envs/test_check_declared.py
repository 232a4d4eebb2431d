"""The report on what an environment declares and does not keep."""

import numpy as np
import pytest
from check_toys import Misdeclared, Misnamed, Wide
from gymnasium import spaces

from isa_wrappers import check_env
from isa_wrappers.envs.check_declared import describe_out_of_bounds


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (
            Wide,
            "warning  observations: agent walker_0: element 0 is -2000, but its space goes from -1000 to 1000 "
            "(at the reset); correct the space",
        ),
        (lambda: Misdeclared(), "warning  state_space: element 0 is 3, but its space goes from 0 to 1; correct"),
        (
            lambda: Misdeclared((3,)),
            "warning  state_space: state() has shape [2], but state_space has shape [3]; correct",
        ),
        (lambda: Misnamed("x", "x"), "warning  names: state_names holds 'x' more than once"),
        (lambda: Misnamed("x", "y"), "warning  names: action_names has 2 names for 3 actions of walker_0"),
        (lambda: Misnamed("x"), "refused  state: state_names must name 2 dimensions, as state() has, got 1 names"),
    ],
)
def test_what_is_declared_and_not_kept_is_told(make, line):
    told = str(check_env(make, episodes=1))
    assert line in told, told


@pytest.mark.parametrize(
    ("space", "value", "says"),
    [
        (spaces.Box(0, 1, (2,)), [0.0, 1.0000001], None),
        (spaces.Box(-np.inf, np.inf, (1,)), [1e30], None),
        (spaces.Box(0, 255, (1, 2), np.uint8), [[7, 256]], "element 1 is 256"),
        (spaces.MultiBinary(2), [0, 3], "element 1 is 3"),
        (spaces.Tuple([spaces.Discrete(2), spaces.Box(0, 1, (1,))]), (1, [-2.0]), "part 1, element 0 is -2"),
    ],
)
def test_bounds_of_each_kind_of_space(space, value, says):
    found = describe_out_of_bounds(space, value)
    assert (says is None and found is None) or found.startswith(says)
