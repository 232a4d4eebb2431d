"""The loop that the recurrences' references share, against one stream at a time."""

import pytest
import torch

from isa_learners.recurrent.steps import step_by_step


@pytest.mark.parametrize("with_dead", [False, True])
def test_streams_of_unequal_lengths_go_on_each_by_itself(with_dead):
    generator = torch.Generator().manual_seed(0)
    sizes, rows = [3, 3, 2, 1], 9
    inputs = torch.randn(rows, 2, generator=generator, dtype=torch.float64)
    state = torch.randn(3, 2, generator=generator, dtype=torch.float64)
    keep = (torch.rand(rows, 1, generator=generator) < 0.6).double()
    alive = (torch.rand(rows, generator=generator) < 0.6).double() if with_dead else None
    found = step_by_step(lambda x, s: torch.tanh(x + 2.0 * s), inputs, state, sizes, keep, alive)
    starts = [sum(sizes[:t]) for t in range(len(sizes))]
    for stream in range(3):
        own = state[stream]
        for t, size in enumerate(sizes):
            if stream >= size:
                break
            row = starts[t] + stream
            own = own * keep[row]
            if alive is None or alive[row] > 0:
                own = torch.tanh(inputs[row] + 2.0 * own)
            torch.testing.assert_close(found[row], own)
    assert 0.0 < keep.mean() < 1.0
