"""Typed errors, and messages that name the value and what would be accepted."""

import builtins

import numpy as np
import pytest

from isa_wrappers import CountConfig, GoalConfig, ScopeConfig, arrays, errors
from isa_wrappers.checks import check_finite
from isa_wrappers.errors import (
    DeviceError,
    InvalidValueError,
    ISAError,
    MissingDependencyError,
    NonFiniteError,
    check_choice,
    check_float,
    check_int,
    mismatch_text,
    nearest,
)

TYPED = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ISAError)]


@pytest.mark.parametrize("kind", [kind for kind in TYPED if kind is not ISAError])
def test_each_error_is_also_a_builtin_one(kind):
    """So that ``except ValueError`` and the like work for people who do not know ISA's errors."""
    assert issubclass(kind, (ValueError, TypeError, RuntimeError, ImportError, OSError))
    assert kind.__doc__
    assert f"{kind('what')}" == "what"


def test_there_are_errors_to_test():
    assert len(TYPED) >= 10


@pytest.mark.parametrize("value", [1, 5, 10, np.int64(5), np.uint8(1)])
def test_check_int_accepts_whole_numbers_in_range(value):
    result = check_int("n", value, 1, 10)
    assert result == value
    assert type(result) is int


@pytest.mark.parametrize("value", [0, 11, -1, 1.0, "5", None, True, np.float64(5), np.bool_(True), [5], float("nan")])
def test_check_int_refuses_the_rest_and_says_what_is_accepted(value):
    with pytest.raises(InvalidValueError) as caught:
        check_int("num_envs", value, 1, 10)
    assert str(caught.value) == f"num_envs must be an integer from 1 to 10, got {value!r}"
    with pytest.raises(InvalidValueError, match="num_envs must be an integer at least 20, got"):
        check_int("num_envs", value, 20)


@pytest.mark.parametrize("value", [0, 0.5, 1, 1.0, np.float32(0.5), np.float64(0.25), np.int64(1)])
def test_check_float_accepts_numbers_in_range(value):
    result = check_float("delta", value, 0.0, 1.0)
    assert result == value
    assert type(result) is float


@pytest.mark.parametrize("value", [-0.001, 1.001, float("nan"), float("inf"), "0.5", None, True, [0.5], 1j])
def test_check_float_refuses_the_rest_and_says_what_is_accepted(value):
    with pytest.raises(InvalidValueError) as caught:
        check_float("delta", value, 0.0, 1.0)
    assert str(caught.value) == f"delta must be a number in [0, 1], got {value!r}"


def test_check_float_open_interval_and_no_upper_bound():
    with pytest.raises(InvalidValueError, match=r"in \[0, 1\), got 1\.0"):
        check_float("delta", 1.0, 0.0, 1.0, below=True)
    assert check_float("delta", 0.999, 0.0, 1.0, below=True) == 0.999
    assert check_float("alpha", 1e12, 0.0) == 1e12
    with pytest.raises(InvalidValueError, match="at least 0, got inf"):
        check_float("alpha", float("inf"), 0.0)


def test_check_choice_offers_the_nearest():
    assert check_choice("conditioning", "block", ("block", "pooled")) == "block"
    with pytest.raises(InvalidValueError) as caught:
        check_choice("conditioning", "blok", ("block", "pooled"))
    assert str(caught.value) == "conditioning must be one of block, pooled; got 'blok'; did you mean 'block'?"


def test_nearest_is_silent_about_nothing_alike():
    assert nearest("zzz", ["grid/unlock"]) == ""


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        (ScopeConfig, "transitions", 0),
        (ScopeConfig, "transitions", 2.5),
        (ScopeConfig, "delta", 1.0),
        (ScopeConfig, "delta", -0.1),
        (ScopeConfig, "bin_width", 0.0),
        (ScopeConfig, "window", 0),
        (ScopeConfig, "estimator", ""),
        (CountConfig, "beta1", -1.0),
        (CountConfig, "beta2", float("nan")),
        (CountConfig, "count_scale", 0.0),
        (CountConfig, "table_bits", 3),
        (CountConfig, "table_bits", 31),
        (GoalConfig, "alpha1", -1.0),
        (GoalConfig, "alpha2", "1"),
        (GoalConfig, "hamming", -50),
        (GoalConfig, "capacity", 0),
        (GoalConfig, "first_goals", 0),
        (GoalConfig, "first_goals", 101),
    ],
)
def test_configurations_refuse_what_makes_no_sense(kind, field, value):
    with pytest.raises(InvalidValueError, match=field) as caught:
        kind(**{field: value})
    assert repr(value) in str(caught.value)


def test_defaults_of_the_rewards_are_the_papers():
    count, goal = CountConfig(), GoalConfig()
    assert (count.beta1, count.beta2, count.count_scale) == (0.2, 1.0, 1.0)
    assert (goal.alpha1, goal.alpha2, goal.hamming, goal.capacity, goal.first_goals) == (0.2, 1.0, 0.0, 100, 1)


@pytest.mark.parametrize("device", [None, "cpu"])
def test_check_finite_names_the_first_offender(device):
    if device:
        pytest.importorskip("torch")
    values = np.zeros((3, 2), dtype=np.float32)
    check_finite("state", arrays.to_backend(values, device), 7, ("x", "bullets"))
    values[1, 1] = np.inf
    values[2, 0] = np.nan
    message = r"state must be finite: environment 1, step 7, dimension 1 \(bullets\) is inf"
    with pytest.raises(NonFiniteError, match=message):
        check_finite("state", arrays.to_backend(values, device), 7, ("x", "bullets"))
    with pytest.raises(NonFiniteError, match="environment 0, step 0, dimension 0 is nan"):
        check_finite("reward", arrays.to_backend(np.array([np.nan]), device), 0)


def test_unknown_and_absent_devices():
    torch = pytest.importorskip("torch")
    with pytest.raises(DeviceError, match="'banana' is not known"):
        arrays.backend("banana")
    if not torch.cuda.is_available():
        with pytest.raises(DeviceError, match="has no CUDA device"):
            arrays.backend("cuda")


def test_without_torch_the_error_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def without_torch(name, *args, **kwargs):
        if name.split(".")[0] == "torch" or name == "array_api_compat.torch":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_torch)
    assert arrays.backend(None) is not None
    with pytest.raises(MissingDependencyError, match=r"pip install 'isa-marl\[train\]'"):
        arrays.backend("cpu")


def test_whatever_a_value_prints_the_message_is_one_line():
    assert str(InvalidValueError("a\nb\r\nc")) == "a b c"
    with pytest.raises(InvalidValueError) as caught:
        check_int("n", np.zeros((3, 3)), 0)
    assert "\n" not in str(caught.value)


ODD = {
    "digits": 16**9000,
    "text": "x" * 10**6,
    "array": np.zeros(10**6),
    "silent": type("Odd", (), {"__repr__": lambda self: 1 / 0})(),
}


@pytest.mark.parametrize("value", ODD.values(), ids=list(ODD))
def test_no_value_is_too_odd_to_be_named(value):
    with pytest.raises(InvalidValueError, match="n must be an integer from 0 to 1, got ") as caught:
        check_int("n", value, 0, 1)
    assert len(str(caught.value)) < 400
    with pytest.raises(InvalidValueError, match="x must be a number"):
        check_float("x", value, 0.0, 1.0)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (KeyError("states"), "it lacks 'states'"),
        (RuntimeError("Error(s) in loading state_dict for Net:\n\tsize mismatch for a"), "size mismatch for a"),
        (RuntimeError("one\ntwo"), "one"),
        (TypeError(), "TypeError"),
    ],
)
def test_what_does_not_fit_is_told_in_a_few_words(error, told):
    assert mismatch_text(error) == told
