"""Arrays that a batched environment of one's own writes into again are found in its first steps."""

import numpy as np
import pytest

from isa_wrappers.envs import make_batch
from isa_wrappers.errors import UnsupportedEnvironmentError


def test_an_environment_that_writes_into_what_it_handed_over_is_refused():
    env = make_batch("batch_toys:Rewriting", 2)
    env.reset(seed=0)
    right = np.full((2, 2), 2)
    env.step(right)
    with pytest.raises(UnsupportedEnvironmentError) as caught:
        env.step(right)
    assert str(caught.value) == (
        "task 'batch_toys:Rewriting' wrote the next step into the array of state that it had handed over; return a new "
        "array in every step, such as a copy"
    )


@pytest.mark.parametrize("device", [None, "cpu"])
def test_one_that_does_not_is_left_alone_and_looked_at_no_more(device):
    if device:
        pytest.importorskip("torch")
    env = make_batch("batch_toys:walks", 2, device)
    env.reset(seed=0)
    for _ in range(8):
        env.step(np.ones((2, 2), dtype=np.int64))
    assert env._given == {}, "nothing is copied after the first steps"
