"""Arrays that a batched environment of one's own writes into again are found in its first steps."""

import batch_toys
import numpy as np
import pytest

from isa_wrappers import estimate_scope
from isa_wrappers.batch.own_arrays import OwnArrays, with_checked_steps
from isa_wrappers.envs import make_batch
from isa_wrappers.errors import NonFiniteError, UnsupportedEnvironmentError


def test_an_environment_that_writes_into_what_it_handed_over_is_refused():
    env = make_batch("batch_toys:Rewriting", 2)
    env.reset(seed=0)
    right = np.full((2, 2), 2)
    env.step(right)
    with pytest.raises(UnsupportedEnvironmentError) as caught:
        env.step(right)
    assert str(caught.value) == (
        "task 'batch_toys:Rewriting' wrote the next step to the array of state that it had returned before; return a "
        "new array in every step, such as a copy"
    )


@pytest.mark.parametrize("device", [None, "cpu"])
def test_one_that_does_not_is_left_alone_and_looked_at_no_more(device):
    if device:
        pytest.importorskip("torch")
    env = make_batch("batch_toys:walks", 2, device)
    env.reset(seed=0)
    for _ in range(8):
        env.step(np.ones((2, 2), dtype=np.int64))
    copies = [one.copy for snapshots in env._recent for one in snapshots.values()]
    assert copies
    assert all(copy is None for copy in copies), "nothing is copied after the first steps"


def test_memory_that_comes_again_is_watched_for_as_long_as_it_does():
    env = make_batch("batch_toys:Late", 2)
    env.reset(seed=0)
    for _ in range(6):
        env.step(np.ones((2, 2), dtype=np.int64))
    assert {name for snapshots in env._recent for name, one in snapshots.items() if one.copy is not None} == {"reward"}
    with pytest.raises(UnsupportedEnvironmentError, match="wrote the next step to the array of reward"):
        env.step(np.ones((2, 2), dtype=np.int64))


@pytest.mark.parametrize("start", [0, 8])
@pytest.mark.parametrize("buffers", [1, 2, 3])
def test_buffers_in_turn_are_found_whenever_they_begin(buffers, start):
    env = make_batch("batch_toys:InTurn", 2, buffers=buffers, start=start)
    env.reset(seed=0)

    def play():
        for _ in range(start + 2 * buffers + 2):
            env.step(np.ones((2, 2), dtype=np.int64))

    with pytest.raises(UnsupportedEnvironmentError, match="wrote the next step to the array of reward"):
        play()


def test_one_that_is_handed_over_directly_is_watched_too():
    with pytest.raises(UnsupportedEnvironmentError, match="task 'Rewriting' wrote the next step to the array of"):
        estimate_scope(batch_toys.Rewriting(2))
    own = make_batch("batch_toys:walks", 2)
    assert with_checked_steps(own) is own


@pytest.mark.parametrize("device", [None, "cpu"])
@pytest.mark.parametrize("fault", ["whole masks", "double", "flags"])
def test_numbers_and_flags_of_other_types_are_taken_for_what_they_are(fault, device):
    if device:
        pytest.importorskip("torch")
    right = make_batch("batch_toys:walks", 2, device)
    env = make_batch("batch_toys:Faulty", 2, device, fault=fault)
    for step, wanted in (
        (env.reset(seed=0), right.reset(seed=0)),
        *[(one.step(np.ones((2, 2), dtype=np.int64)) for one in (env, right)) for _ in range(5)],
    ):
        for name, value in vars(wanted).items():
            assert (value is None) == (getattr(step, name) is None)
            if value is not None:
                assert getattr(step, name).dtype == value.dtype
                np.testing.assert_array_equal(np.asarray(getattr(step, name)), np.asarray(value))


@pytest.mark.parametrize("device", [None, "cpu"])
@pytest.mark.parametrize(
    ("task", "fault", "error", "says"),
    [
        (
            "Faulty",
            "flat",
            UnsupportedEnvironmentError,
            r"reward of task .* at the reset must be .* \[2, 2\], got",
        ),
        ("Faulty", "wide mask", UnsupportedEnvironmentError, r"available of task .* \[2, 2, 3\], got .* \[2, 2, 6\]"),
        ("Faulty", "nothing", UnsupportedEnvironmentError, "final_obs of task .*, got NoneType"),
        ("Faulty", "lists", UnsupportedEnvironmentError, "state of task .*, got list"),
        (
            "Faulty",
            "nan",
            NonFiniteError,
            "final_state of task .* must be finite: environment 0, dimension 0 is nan",
        ),
        ("Faulty", "nan mask", NonFiniteError, "available of task .* at the reset must be true or false, got NaN"),
        (
            "Faulty",
            "closed",
            UnsupportedEnvironmentError,
            "environment 0: agent .* acts next but has no available action",
        ),
        ("Faulty", "both", UnsupportedEnvironmentError, "the episode is both terminated and truncated"),
        ("Faulty", "ended", UnsupportedEnvironmentError, "environment 0: the episode ends before any agent has acted"),
        ("Faulty", "lost", UnsupportedEnvironmentError, "environment 0: discarded, but no episode ended"),
        ("Faulty", "nan bonus", NonFiniteError, "bonus of task .* must be finite: environment 0, agent .* is nan"),
        ("Faulty", "huge", NonFiniteError, "obs of task .* must be finite: .* is inf"),
        ("Tuples", None, UnsupportedEnvironmentError, "must return a BatchStep at the reset, got tuple"),
    ],
)
def test_what_cannot_be_taken_is_one_line(task, fault, error, says, device):
    if device:
        pytest.importorskip("torch")
    options = {} if fault is None else {"fault": fault}
    with pytest.raises(error, match=says):
        make_batch(f"batch_toys:{task}", 2, device, **options).reset(seed=0)


def test_actions_beyond_an_agents_own_are_not_its():
    class Uneven(batch_toys.OnDevice):
        def __init__(self, num_envs, device=None):
            super().__init__(num_envs, device)
            self.num_actions = (3, 2)

    env = OwnArrays(Uneven(2), "uneven")
    with pytest.raises(UnsupportedEnvironmentError, match="has a mask that allows an action it does not have"):
        env.reset(seed=0)


@pytest.mark.parametrize("device", [None, "cpu"])
@pytest.mark.parametrize("field", ["obs", "state", "alive"])
def test_what_is_final_where_no_episode_ended_is_what_is_now(field, device):
    if device:
        pytest.importorskip("torch")
    with pytest.raises(UnsupportedEnvironmentError) as caught:
        make_batch("batch_toys:Faulty", 2, device, fault=f"no final {field}").reset(seed=0)
    assert str(caught.value) == (
        f"task 'batch_toys:Faulty' at the reset, environment 0: final_{field} must equal {field} if no episode ended"
    )


@pytest.mark.parametrize("device", [None, "cpu"])
@pytest.mark.parametrize(("field", "types"), [("state", ("float64", "float32")), ("obs", ("float32", "float16"))])
def test_what_is_rounded_in_one_alone_is_named_by_its_types(field, types, device):
    if device:
        pytest.importorskip("torch")
    with pytest.raises(UnsupportedEnvironmentError) as caught:
        make_batch("batch_toys:Faulty", 2, device, fault=f"rounded {field}").reset(seed=0)
    assert str(caught.value) == (
        f"task 'batch_toys:Faulty' at the reset, environment 0: final_{field} must equal {field} if no "
        f"episode ended; it is {types[1]} but {field} is {types[0]}, use the same dtype for both"
    )
    env = make_batch("batch_toys:Faulty", 2, device, fault="whole state")
    assert env.reset(seed=0).final_state.tolist() == env.step(np.zeros((2, 2), dtype=np.int64)).state.tolist()


@pytest.mark.parametrize("kind", [np.int32, np.int64, np.uint32])
def test_whole_numbers_of_a_state_stay_apart(kind):
    states = np.array([[2**24], [2**24 + 1]], dtype=kind)
    env = OwnArrays(batch_toys.WithStates(states), "whole")
    assert env.reset(seed=0).state.tolist() == states.tolist()


@pytest.mark.parametrize("kind", [np.complex64, object, str])
def test_what_is_no_array_of_real_numbers_is_refused(kind):
    env = OwnArrays(batch_toys.WithStates(np.ones((2, 1)).astype(kind)), "other")
    with pytest.raises(
        UnsupportedEnvironmentError, match="state of task 'other' at the reset must contain real numbers"
    ):
        env.reset(seed=0)
