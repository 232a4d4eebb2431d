"""``package.module:factory``: a ParallelEnv at each call, or a batched environment of as many copies as asked."""

import batch_toys
import numpy as np
import pytest
import toy_envs

from isa_wrappers import BatchWrapper, ScopeConfig
from isa_wrappers.batch.parallel import ParallelEnvBatch
from isa_wrappers.envs import estimate_task_scope, family_of, make_batch, make_parallel
from isa_wrappers.envs.own import FAMILY, OwnFamily
from isa_wrappers.errors import InvalidValueError, UnknownTaskError, UnsupportedEnvironmentError


def test_the_colon_tells():
    assert family_of("toy_envs:walk") is FAMILY
    assert isinstance(FAMILY, OwnFamily)
    assert not FAMILY.tasks()
    assert FAMILY.missing() is None


@pytest.mark.slow
def test_a_factory_of_single_environments():
    env = make_parallel("toy_envs:walk", length=2)
    assert isinstance(env, toy_envs.Walk)
    assert env.length == 2
    batch = make_batch("toy_envs:walk", 3, length=2)
    assert isinstance(batch, ParallelEnvBatch)
    assert batch.num_envs == 3
    apart = make_batch("toy_envs:walk", 3, workers=2, length=2)
    np.testing.assert_array_equal(apart.reset(seed=0).state, batch.reset(seed=0).state)


def test_a_factory_of_batched_environments():
    batch = make_batch("batch_toys:walks", 4, length=2)
    assert (batch.num_envs, batch.device) == (4, None)
    batch.reset()
    assert batch.step(np.full((4, 2), 2)).state.tolist() == [[1.0, 1.0]] * 4
    assert isinstance(make_batch("batch_toys:Walks", 2).env, batch_toys.Walks)


def test_the_device_reaches_a_factory_that_takes_it():
    pytest.importorskip("torch")
    assert make_batch("batch_toys:walks", 2, "cpu").reset().state.device.type == "cpu"
    with pytest.raises(UnsupportedEnvironmentError) as caught:
        make_batch("batch_toys:Walks", 2, "cpu")
    assert str(caught.value) == (
        "task 'batch_toys:Walks' was called with device 'cpu' but returned an environment with None; its "
        "factory should have a parameter device and return torch tensors on that device"
    )


def test_a_wrapper_names_what_a_batch_lacks():
    with pytest.raises(InvalidValueError, match=r"must be a BatchEnv, got <.*Half.*>, which lacks obs_size, .*dict$"):
        BatchWrapper(batch_toys.half(2))


def test_the_scope_of_a_batch_is_that_of_its_copies():
    config = ScopeConfig(transitions=300)
    of_batch = estimate_task_scope("batch_toys:walks", config)
    of_copies = estimate_task_scope("toy_envs:walk", config)
    np.testing.assert_array_equal(of_batch.influence, of_copies.influence)
    assert of_batch.special_dims == [[0], [1]]
    assert of_batch.settings["env"] == "batch_toys:walks"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (
            lambda: make_parallel("batch_toys:walks"),
            UnsupportedEnvironmentError,
            "task 'batch_toys:walks' is batched, so it provides no single ParallelEnv, which make_parallel, isa check, "
            "state features and state_fallback need; use make_batch, `isa scope batch_toys:walks`, which checks each "
            "step, or isa train",
        ),
        (
            lambda: make_batch("batch_toys:walks", 4, workers=2),
            InvalidValueError,
            "workers must be 0 for batch_toys:walks, got 2: the task already steps all copies as one batch",
        ),
        (
            lambda: make_batch("batch_toys:always_two", 3),
            UnsupportedEnvironmentError,
            "task 'batch_toys:always_two' was called with num_envs 3 but returned an environment with 2",
        ),
        (
            lambda: make_batch("batch_toys:nobody", 3),
            UnsupportedEnvironmentError,
            "task 'batch_toys:nobody' returned a batched environment whose agents must name at least one agent, got "
            "none",
        ),
        (
            lambda: make_batch("batch_toys:half", 3),
            UnsupportedEnvironmentError,
            "task 'batch_toys:half' has a parameter num_envs, so it must return a batched environment; Half lacks "
            "obs_size, state_size, num_actions, horizon, state_names, action_names, device, step, state_dict, "
            "load_state_dict (see isa_wrappers.BatchEnv)",
        ),
        *(
            (
                make,
                UnsupportedEnvironmentError,
                "task 'batch_toys:unasked' returned a batched environment; its factory must have a parameter "
                "num_envs, and device if it supports several devices",
            )
            for make in (
                lambda: make_parallel("batch_toys:unasked"),
                lambda: make_batch("batch_toys:unasked", 2),
                lambda: make_batch("batch_toys:unasked", 2, workers=1),
            )
        ),
        (
            lambda: make_batch("batch_toys:walks", 2, width=1),
            InvalidValueError,
            "task 'batch_toys:walks' does not accept these options: got an unexpected keyword argument 'width'",
        ),
        (
            lambda: make_parallel("toy_envs:walk", width=1),
            InvalidValueError,
            "task 'toy_envs:walk' does not accept these options: got an unexpected keyword argument 'width'",
        ),
        (
            lambda: make_parallel("surely.not.there:make"),
            UnknownTaskError,
            "cannot import 'surely.not.there:make': no module 'surely' on the Python path",
        ),
        (
            lambda: make_parallel("toy_envs:"),
            UnknownTaskError,
            "a custom task must be named package.module:factory, got 'toy_envs:'",
        ),
        (
            lambda: make_batch("toy_envs:run", 2),
            UnknownTaskError,
            "module 'toy_envs' has no function 'run'; use one that returns a ParallelEnv",
        ),
        (
            lambda: make_batch("toy_envs:NOT_A_FACTORY", 2),
            UnknownTaskError,
            "module 'toy_envs' has no function 'NOT_A_FACTORY'; use one that returns a ParallelEnv",
        ),
    ],
)
def test_what_is_wrong_is_said_in_a_line(make, error, says):
    with pytest.raises(error) as caught:
        make()
    assert str(caught.value) == says
