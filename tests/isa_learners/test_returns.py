"""GAE against its recursion, environment by environment."""

import pytest
import torch
from devices import TORCH
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_learners.returns import advantages


def by_recursion(reward, value, value_after, ends, gamma, gae_lambda):
    """Each stream from its last step back; an end cuts it."""
    steps, envs, agents = len(reward), len(reward[0]), len(reward[0][0])
    out = [[[0.0] * agents for _ in range(envs)] for _ in range(steps)]
    for b in range(envs):
        for i in range(agents):
            following = 0.0
            for t in reversed(range(steps)):
                following = 0.0 if ends[t][b][i] else following
                delta = reward[t][b][i] + gamma * value_after[t][b][i] - value[t][b][i]
                following = delta + gamma * gae_lambda * following
                out[t][b][i] = following
    return torch.tensor(out, dtype=torch.float64)


unit = st.floats(0.0, 1.0, allow_nan=False, width=32)


@pytest.mark.parametrize("device", TORCH)
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**20), st.integers(1, 12), st.integers(1, 4), st.integers(1, 3), unit, unit)
def test_equals_the_recursion(device, seed, steps, envs, agents, gamma, gae_lambda):
    generator = torch.Generator()
    generator.manual_seed(seed)
    r, v, after = (torch.randn(steps, envs, agents, generator=generator, dtype=torch.float64) for _ in range(3))
    ends = torch.rand(steps, envs, agents, generator=generator) < 0.3
    ends[-1] = True
    found = advantages(*(x.to(device) for x in (r, v, after, ends)), gamma, gae_lambda).cpu()
    expected = by_recursion(r.tolist(), v.tolist(), after.tolist(), ends.tolist(), gamma, gae_lambda)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


def test_golden():
    """gamma 0.5, lambda 0.5: deltas 1 + 0.5*3 - 2 = 0.5 and 2 + 0.5*4 - 3 = 1, so A = 0.5 + 0.25*1 and 1."""
    r, v = torch.tensor([[[1.0]], [[2.0]]]), torch.tensor([[[2.0]], [[3.0]]])
    v_after = torch.tensor([[[3.0]], [[4.0]]])
    ends = torch.tensor([[[False]], [[True]]])
    assert advantages(r, v, v_after, ends, 0.5, 0.5)[:, 0, 0].tolist() == [0.75, 1.0]


def test_the_inputs_stay_as_they_are():
    r, v = torch.ones(2, 1, 1), torch.zeros(2, 1, 1)
    advantages(r, v, v, torch.tensor([[[False]], [[True]]]), 0.9, 0.9)
    assert torch.equal(r, torch.ones(2, 1, 1))
