"""Estimating a scope of a toy, and what is refused in a line."""

import numpy as np
import pytest
from listening_toys import Toy, per_block

from isa_wrappers import estimate_scope
from isa_wrappers.batch.protocol import BatchEnv
from isa_wrappers.errors import InvalidValueError, NonFiniteError, UnsupportedEnvironmentError
from isa_wrappers.scope import transitions as listening


def test_the_toy_is_a_batched_environment_whose_scope_is_found():
    """What all tests of listening take for granted, so that an empty scope there means something."""
    assert isinstance(Toy(), BatchEnv)
    scope = estimate_scope(Toy(), per_block(transitions=200))
    assert scope.action_dims == {"a": [[0], [0]], "b": [[1], [1]]}
    assert scope.influence.round(6).tolist() == [[[1, 0], [1, 0]], [[0, 1], [0, 1]]]


class Stillborn(Toy):
    def alive(self):
        alive = super().alive()
        alive[:, 1] = False
        return alive


@pytest.mark.parametrize("num_envs", [1, 4])
def test_an_agent_that_never_lives_is_named(monkeypatch, num_envs):
    monkeypatch.setattr(listening, "PATIENCE", 5)
    with pytest.raises(UnsupportedEnvironmentError, match="agent 'b' acted in 0 of"):
        estimate_scope(Stillborn(num_envs), per_block(transitions=20))


@pytest.mark.parametrize("num_actions", [2, 5])
def test_too_few_transitions_to_fill_a_block(monkeypatch, num_actions):
    monkeypatch.setattr(Toy, "num_actions", (2, num_actions))
    with pytest.raises(InvalidValueError, match=f"transitions must be at least {2 * num_actions}") as caught:
        estimate_scope(Toy(), per_block(transitions=2 * num_actions - 1))
    assert f"got {2 * num_actions - 1}" in str(caught.value)
    estimate_scope(Toy(), per_block(transitions=2 * num_actions))


class Poisoned(Toy):
    """Holds NaN from a given step on, or only in the state an episode starts from."""

    state_names = ("health", "shield")

    def __init__(self, at_start):
        super().__init__(2)
        self.at_start, self.episodes = at_start, 0

    def start(self):
        state = super().start()
        self.episodes += 1
        if self.at_start and self.episodes > 1:
            state[1, 1] = np.nan
        return state

    def dynamics(self, actions):
        self.now = np.zeros_like(self.now) if self.at_start else self.now + actions
        if not self.at_start and self.time == 3:
            self.now[1, 1] = np.inf


@pytest.mark.parametrize(("at_start", "step", "value"), [(False, 4, "inf"), (True, 10, "nan")])
def test_a_state_that_is_not_finite_is_named(at_start, step, value):
    message = rf"in step {step} must be finite: environment 1, dimension 1 \(shield\) is {value}"
    with pytest.raises(NonFiniteError, match=message):
        estimate_scope(Poisoned(at_start), per_block(transitions=100))


def test_something_that_is_no_environment():
    with pytest.raises(UnsupportedEnvironmentError):
        estimate_scope(object())
