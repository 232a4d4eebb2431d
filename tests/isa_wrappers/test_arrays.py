"""What the array layer adds to NumPy and torch."""

import pytest
import torch
from devices import CUDA

from isa_wrappers.arrays import STATE_ON_CUDA, restore_generator, with_prefix, without_prefix


def test_prefixes_do_not_catch_each_other():
    state = with_prefix("env", {"goal": 1}) | with_prefix("environment", {"goal": 2}) | {"env": 3}
    assert without_prefix("env", state) == {"goal": 1}
    assert without_prefix("environment", state) == {"goal": 2}
    nested = with_prefix("env", with_prefix("env", {"x": 1}))
    assert without_prefix("env", without_prefix("env", nested)) == {"x": 1}


def drawn_after(state, device="cpu"):
    generator = torch.Generator(device)
    restore_generator(generator, state)
    return torch.rand(3, generator=generator, device=device).tolist()


def test_a_generator_goes_on_where_it_was_saved():
    generator = torch.Generator().manual_seed(5)
    torch.rand(4, generator=generator)
    state = generator.get_state()
    assert drawn_after(state) == torch.rand(3, generator=generator).tolist()


def test_a_state_saved_on_cuda_seeds_a_generator_on_a_cpu():
    seeds = [torch.full((STATE_ON_CUDA,), value, dtype=torch.uint8) for value in (0, 1)]
    assert drawn_after(seeds[0]) == drawn_after(seeds[0])
    assert drawn_after(seeds[0]) != drawn_after(seeds[1])


def test_what_is_no_state_of_a_generator_is_refused():
    with pytest.raises(RuntimeError, match="size"):
        restore_generator(torch.Generator(), torch.zeros(STATE_ON_CUDA + 1, dtype=torch.uint8))


@pytest.mark.parametrize("device", [CUDA])
def test_states_move_between_cuda_and_a_cpu(device):
    there, here = torch.Generator(device), torch.Generator()
    assert len(there.get_state()) == STATE_ON_CUDA
    assert drawn_after(here.get_state(), device) == drawn_after(here.get_state(), device)
    assert drawn_after(there.get_state()) == drawn_after(there.get_state())
    assert drawn_after(there.get_state(), device) == torch.rand(3, generator=there, device=device).tolist()
