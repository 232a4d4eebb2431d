"""Which transitions count: windows, how many of each agent, none across an end, of the dead or of a lost game."""

from dataclasses import replace

import numpy as np
import pytest
from listening_toys import Toy, per_block, spy

from isa_wrappers import ScopeConfig, estimate_scope


class Late(Toy):
    """Each action moves its dimension not in the step it is taken in but in the following one."""

    def start(self):
        self.pending = np.zeros((self.num_envs, 2), dtype=np.float32)
        return super().start()

    def dynamics(self, actions):
        self.now = self.now + self.pending
        self.pending = actions.astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("num_envs", [1, 8])
def test_an_effect_two_steps_late_needs_a_window_of_two(num_envs):
    soon = estimate_scope(Late(num_envs), per_block(transitions=500, window=1))
    assert soon.agent_dims == [[], []]
    late = estimate_scope(Late(num_envs), per_block(transitions=500, window=2))
    assert late.action_dims == {"a": [[0], [0]], "b": [[1], [1]]}
    # Two coin flips added up tell half a bit of one of them: 2 * 0.5 / (1.5 + 1).
    assert late.influence[0, 0, 0] == pytest.approx(0.4, abs=0.06)
    # The union over w = 1..3 still holds it.
    assert estimate_scope(Late(num_envs), per_block(transitions=500, window=3)).agent_dims == [[0], [1]]


def test_a_window_never_loses_what_lands_at_once():
    narrow = estimate_scope(Toy(), per_block(transitions=200, window=1))
    wide = estimate_scope(Toy(), per_block(transitions=200, window=4))
    assert (wide.influence >= narrow.influence - 0.02).all()
    assert wide.agent_dims == [[0], [1]]


@pytest.mark.parametrize("window", [2, 8, 30])
def test_a_window_longer_than_a_stream_still_has_its_transitions(monkeypatch, window):
    """64 copies need only a step each to make N; changes over W steps need W more."""
    seen = spy(monkeypatch)
    estimate_scope(Toy(num_envs=64), per_block(transitions=20, window=window))
    assert len(seen) == 2 * window
    episode_long = [valid.sum() for *_, valid in seen[: 2 * min(window, Toy.horizon)]]
    assert min(episode_long) == 20
    assert all(valid.sum() == 0 for *_, valid in seen[2 * Toy.horizon :])


@pytest.mark.parametrize("num_envs", [1, 2, 5, 16])
def test_exactly_n_transitions_an_agent(monkeypatch, num_envs):
    seen = spy(monkeypatch)
    estimate_scope(Toy(num_envs), per_block(transitions=123))
    assert [int(valid.sum()) for *_, valid in seen] == [123, 123]


class Jump(Toy):
    """Actions move nothing, but the state an episode starts from tells the last action of the one before."""

    def start(self):
        return getattr(self, "last_actions", np.zeros((self.num_envs, 2))).astype(np.float32) * 5

    def dynamics(self, actions):
        pass


@pytest.mark.parametrize("horizon", [1, 2, 5])
@pytest.mark.parametrize("window", [1, 3])
def test_changes_across_an_episodes_end_never_count(monkeypatch, horizon, window):
    monkeypatch.setattr(Jump, "horizon", horizon)
    seen = spy(monkeypatch)
    scope = estimate_scope(Jump(), per_block(transitions=200, window=window))
    assert scope.influence.max() == 0.0
    for changes, _, _, valid in seen:
        assert (changes[valid] == 0).all()
    assert sum(int(valid.sum()) for *_, valid in seen) >= 400


class Mortal(Toy):
    """Agent b dies half-way through each episode; from then on, and only then, its dimension follows its action."""

    def alive(self):
        alive = super().alive()
        alive[:, 1] = self.time < self.horizon // 2
        return alive

    def dynamics(self, actions):
        dead = ~self.alive()[:, 1]
        self.now = self.now.copy()
        self.now[:, 0] += actions[:, 0]
        self.now[dead, 1] += actions[dead, 1]


@pytest.mark.parametrize("num_envs", [1, 8])
def test_transitions_of_the_dead_never_count(monkeypatch, num_envs):
    seen = spy(monkeypatch)
    scope = estimate_scope(Mortal(num_envs), per_block(transitions=200))
    assert scope.agent_dims == [[0], []]
    assert scope.influence[1].max() == 0.0
    # All N of them were alive ones: none is lost to death.
    assert [int(valid.sum()) for *_, valid in seen] == [200, 200]


@pytest.mark.parametrize("kind", [Toy, Mortal])
@pytest.mark.parametrize("num_envs", [1, 3, 30])
@pytest.mark.parametrize("estimator", ["nmi_block", "interval_effect", "interval_effect_in_turn"])
def test_the_cost_is_what_was_stepped(kind, num_envs, estimator):
    """The dead are waited for, and copies take as many steps each."""
    env = kind(num_envs)
    scope = estimate_scope(env, ScopeConfig(200, delta=0.0, window=2, estimator=estimator))
    assert scope.settings["env_steps"] == len(env.taken) * num_envs > 0


class Losing(Toy):
    """Every fifth step of copy 0 its episode is lost with its game: the state stands still; elsewhere it moves on."""

    def dynamics(self, actions):
        self.now = self.now + 10 + actions.astype(np.float32)

    def step(self, actions):
        before, lost = self.now, self.time == 4
        step = super().step(actions)
        if not lost:
            return step
        self.now[0] = 0.0
        first = np.arange(self.num_envs) == 0
        last = np.where(first[:, None], before, step.final_state)
        return replace(step, state=self.now.copy(), final_state=last, truncated=step.truncated | first, discarded=first)


@pytest.mark.parametrize("window", [1, 2])
def test_what_is_lost_with_a_game_is_not_heard(monkeypatch, window):
    """The step that lost it would say that actions move nothing."""
    seen = spy(monkeypatch)
    estimate_scope(Losing(num_envs=2), per_block(transitions=200, window=window))
    for width, (changes, actions, _, valid) in zip(sorted([*range(1, window + 1)] * 2), seen, strict=True):
        assert valid.sum() > 100
        assert (changes[valid].max(axis=-1) >= 10 * width + actions[valid]).all()
