"""What annotations say of arrays is checked in tests, and costs nothing elsewhere."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import array_checks
import numpy as np
import pytest
from devices import DEVICES

from isa_wrappers import GoalBuffer, VisitCounter, credit_gate, segment_distance
from isa_wrappers.arrays import to_backend
from isa_wrappers.envs import make_batch
from isa_wrappers.rewards import count_bonus

ROOT = Path(__file__).parents[2]
checked = pytest.mark.skipif(not array_checks.active(), reason="no jaxtyping, no beartype, or JAXTYPING_DISABLE is set")


def counter(on):
    """A counter where the arrays of ``on`` lie."""
    array = on(np.zeros(1))
    return VisitCounter([[0], [1]], table_bits=4, device=None if isinstance(array, np.ndarray) else str(array.device))


WRONG = {
    "segments of another state": lambda on: segment_distance(on(np.zeros((2, 3))), on(np.zeros(3)), on(np.eye(4)), 0.0),
    "whole numbers for a state": lambda on: segment_distance(on(np.zeros(3, int)), on(np.zeros(3)), on(np.eye(3)), 0.0),
    "an action of no agent": lambda on: credit_gate(on(np.ones((2, 5), bool)), on(np.zeros((4, 3), int))),
    "a gate of numbers": lambda on: credit_gate(on(np.ones((2, 5))), on(np.zeros((4, 2), int))),
    "counts of other segments": lambda on: count_bonus(on(np.ones((4, 3), int)), on(np.ones(2))),
    "a mask of numbers": lambda on: counter(on).visit(on(np.zeros((4, 2))), on(np.ones(4))),
    "a mask of other states": lambda on: counter(on).visit(on(np.zeros((4, 2))), on(np.ones(3, bool))),
    "won states of other copies": lambda on: GoalBuffer(2).add(on(np.zeros((3, 2))), on(np.ones(4, bool))),
}


@checked
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("wrong", WRONG)
def test_arrays_of_another_kind_or_shape_are_noticed(wrong, device):
    from jaxtyping import TypeCheckError

    if device is not None:
        pytest.importorskip("torch")
    with pytest.raises(TypeCheckError, match="Type-check error"):
        WRONG[wrong](lambda array: to_backend(array, device))


@checked
def test_checks_can_be_paused():
    with array_checks.paused(), pytest.raises(ValueError, match="matmul"):
        WRONG["segments of another state"](np.asarray)


@pytest.mark.slow
def test_neither_jaxtyping_nor_torch_is_needed_at_run_time():
    code = """
import sys
sys.modules["jaxtyping"] = sys.modules["torch"] = sys.modules["beartype"] = None
import typing
import numpy as np
from isa_wrappers import axes, segment_distance
print(segment_distance(np.zeros((2, 3)), np.ones(3), np.eye(3), 0.0).tolist()[0])
print(typing.get_type_hints(segment_distance)["state"] is axes.Float["anything"] is typing.Any)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["[1.0, 1.0, 1.0]", "True"], done.stderr


@checked
def test_a_step_of_a_batch_has_one_number_of_environments():
    step = make_batch("grid/unlock", 2).reset(seed=0)
    with pytest.raises(Exception, match="BatchStep") as caught:
        replace(step, reward=step.reward[:1])
    assert type(caught.value).__module__.startswith(("jaxtyping", "beartype"))
