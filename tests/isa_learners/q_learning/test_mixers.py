"""Mixers: monotone in every agent's value, whatever the state."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_learners.q_learning import MIXERS, QConfig
from isa_learners.rollout import Sizes
from isa_wrappers.errors import UnknownNameError

SIZES = Sizes(num_agents=3, num_actions=4, obs_size=2, state_size=5)


def mixer_of(name, seed=0, **settings):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        mixer = MIXERS[name].make(SIZES, QConfig(mixer=name, **settings))
        with torch.no_grad():
            for parameter in mixer.parameters():
                parameter *= 5.0
        return mixer.double()


@pytest.mark.parametrize("name", list(MIXERS))
def test_every_mixer_has_a_line_and_the_shape_that_it_says(name):
    spec, mixer = MIXERS[name], mixer_of(name)
    assert spec.description
    q, state = torch.randn(2, 4, 3, dtype=torch.float64), torch.randn(2, 4, 5, dtype=torch.float64)
    mixed = mixer(q, state)
    assert mixed.shape == (2, 4, 1 if spec.of_team else 3)
    torch.testing.assert_close(mixed[1, 2], mixer(q[1, 2], state[1, 2]), msg="leading axes are free")
    reads = not torch.equal(mixed, mixer(q, state + 1.0))
    assert reads == spec.needs_state


numbers = st.floats(-20, 20, allow_nan=False)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(list(MIXERS)),
    st.integers(0, 5),
    st.sampled_from([{}, {"hypernet_width": 0}]),
    st.lists(numbers, min_size=3, max_size=3),
    st.lists(numbers, min_size=5, max_size=5),
    st.integers(0, 2),
    st.floats(0, 10),
)
def test_more_for_one_agent_is_never_less_for_the_team(name, seed, widths, q, state, agent, more):
    mixer = mixer_of(name, seed, **(widths if name == "qmix" else {}))
    before, state = torch.tensor(q, dtype=torch.float64), torch.tensor(state, dtype=torch.float64)
    after = before.clone()
    after[agent] += more
    assert (mixer(after, state) >= mixer(before, state) - 1e-9).all()


def test_the_widths_are_those_asked_for():
    mixer = mixer_of("qmix", mixing_width=7, hypernet_width=11)
    assert mixer.hyper_1[0].out_features == 11
    assert mixer.hyper_1[2].out_features == 3 * 7
    assert mixer_of("qmix", hypernet_width=0).hyper_1.in_features == 5


def test_an_unknown_mixer_is_refused():
    with pytest.raises(UnknownNameError, match="unknown mixer 'qmx'; did you mean 'qmix'"):
        MIXERS["qmx"]
