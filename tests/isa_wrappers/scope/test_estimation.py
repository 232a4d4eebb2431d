"""Listening to one agent at a time: the grid tasks' ground truth, and toys built to catch each way of going wrong."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from devices import TORCH

from isa_wrappers import ScopeConfig, estimate_scope
from isa_wrappers.batch.protocol import BatchEnv, BatchStep
from isa_wrappers.envs import make_batch, make_parallel
from isa_wrappers.errors import InvalidValueError, NonFiniteError, UnsupportedEnvironmentError
from isa_wrappers.scope import nmi
from isa_wrappers.scope import transitions as listening

per_block = partial(ScopeConfig, estimator="nmi_block")
AGENTS = {"grid/navigation": 7, "grid/unlock": 7, "grid/shooting": 3}


def assert_ground_truth(scope, name, agents=None):
    """Section 5 of the paper: every D(a), D_i, D_c and D_(i-c)."""
    agents, shoots = agents or AGENTS[name], name == "grid/shooting"
    assert scope.agents == tuple(f"agent_{i}" for i in range(agents))
    bullets = [2 * agents] if shoots else []
    assert scope.state_size == (2 * agents + 1 if shoots else 4 * agents)
    for i, agent in enumerate(scope.agents):
        x, y = 2 * i, 2 * i + 1
        assert scope.dim_name(x) == f"{agent}.x"
        assert scope.dim_name(y) == f"{agent}.y"
        expected = {"stay": [], "down": [y], "up": [y], "left": [x], "right": [x]}
        if shoots:
            expected["shoot"] = bullets
        assert dict(zip(scope.action_names, scope.action_dims[agent], strict=True)) == expected
        assert scope.agent_dims[i] == [x, y, *bullets]
        assert scope.special_dims[i] == [x, y]
    assert scope.common_dims == bullets


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", AGENTS)
def test_ground_truth(name, seed):
    env = make_batch(name, num_envs=8 * AGENTS[name])
    assert_ground_truth(estimate_scope(env, per_block(transitions=2000), seed), name)


@pytest.mark.slow
@pytest.mark.parametrize("name", AGENTS)
def test_ground_truth_pooled(name):
    env = make_batch(name, num_envs=8 * AGENTS[name])
    for seed in range(3):
        config = per_block(transitions=2000, estimator="nmi_pooled")
        assert_ground_truth(estimate_scope(env, config, seed), name)


@pytest.mark.slow
@pytest.mark.parametrize("device", TORCH)
@pytest.mark.parametrize("name", AGENTS)
def test_ground_truth_in_torch(name, device):
    pytest.importorskip("torch")
    env = make_batch(name, num_envs=8 * AGENTS[name], device=device)
    for seed in range(2):
        assert_ground_truth(estimate_scope(env, per_block(), seed), name)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["grid/unlock", "grid/shooting"])
def test_ground_truth_of_one_parallel_env(name):
    """One copy only, so that agents are listened to one after the other."""
    config = per_block(transitions=1_000)
    assert_ground_truth(estimate_scope(make_parallel(name, num_agents=2), config, 0), name, 2)


@pytest.mark.slow
@pytest.mark.parametrize("name", AGENTS)
def test_ground_truth_with_nothing_chosen(name):
    scope = estimate_scope(make_batch(name, num_envs=8), seed=1)
    assert_ground_truth(scope, name)
    assert (scope.delta, scope.settings["env_steps"]) == (0.1, 10_000)


@pytest.mark.parametrize("delta", [0.3, 0.35, 0.45])
def test_the_threshold_may_vary_as_the_paper_says(delta):
    scope = estimate_scope(make_batch("grid/shooting", num_envs=24), per_block(delta=delta), seed=0)
    assert scope.delta == delta
    assert_ground_truth(scope, "grid/shooting")
    assert_ground_truth(scope.with_delta(0.25), "grid/shooting")


@pytest.mark.slow
def test_the_same_seed_gives_the_same_scope_and_settings_are_kept():
    config = per_block(transitions=300, bin_width=0.5, window=2, estimator="nmi_pooled")
    first, same, other = (
        estimate_scope(make_batch("grid/unlock", num_envs=2, num_agents=2), config, seed) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first.influence, same.influence)
    assert not np.array_equal(first.influence, other.influence)
    kept = {"transitions": 300, "delta": 0.3, "bin_width": 0.5, "window": 2, "estimator": "nmi_pooled", "seed": 3}
    assert kept.items() <= first.settings.items()


class Toy:
    """A batched environment in NumPy, to be filled in: ``dynamics`` moves ``self.now`` ``[B, K]``.

    Episodes last ``horizon`` steps. All actions are available and all agents alive unless a subclass says otherwise.
    Joint actions, and the step they were taken in, are written down.
    """

    agents: tuple[str, ...] = ("a", "b")
    num_actions: tuple[int, ...] = (2, 2)
    state_size = 2
    horizon = 10
    state_names: tuple[str, ...] = ()
    action_names: tuple[str, ...] = ()
    obs_size = 1
    device = None

    def __init__(self, num_envs=8):
        self.num_envs = num_envs
        self.taken, self.times, self.masks = [], [], []

    def start(self):
        return np.zeros((self.num_envs, self.state_size), dtype=np.float32)

    def dynamics(self, actions):
        self.now = self.now + actions.astype(np.float32)

    def available(self):
        n = max(self.num_actions)
        rows = np.arange(n) < np.array(self.num_actions)[:, None]
        return np.broadcast_to(rows, (self.num_envs, len(self.agents), n)).copy()

    def alive(self):
        return np.ones((self.num_envs, len(self.agents)), dtype=bool)

    def reset(self, seed=None):
        self.random = np.random.default_rng(seed)
        self.time, self.now = 0, self.start()
        return self.pack(self.now, self.alive(), done=False)

    def step(self, actions):
        assert actions.shape == (self.num_envs, len(self.agents))
        self.masks.append(self.available())
        assert np.take_along_axis(self.masks[-1], actions[..., None], axis=-1).all(), "an unavailable action was sent"
        self.taken.append(actions.copy())
        self.times.append(self.time)
        self.dynamics(actions)
        self.time += 1
        last, last_alive, done = self.now, self.alive(), self.time == self.horizon
        if done:
            self.last_actions = actions
            self.time, self.now = 0, self.start()
        return self.pack(last, last_alive, done)

    def pack(self, last, last_alive, done):
        size, team = self.num_envs, len(self.agents)
        obs, no = np.zeros((size, team, 1), dtype=np.float32), np.zeros(size, dtype=bool)
        state = np.array(self.now, dtype=np.float32)
        reward = np.zeros((size, team), dtype=np.float32)
        return BatchStep(
            obs=obs,
            state=state,
            available=self.available(),
            alive=self.alive(),
            reward=reward,
            terminated=no,
            truncated=no | done,
            success=no,
            final_obs=obs,
            final_state=np.array(last),
            final_alive=last_alive,
        )

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        return self.reset()


def test_the_toy_is_a_batched_environment_whose_scope_is_found():
    """What the tests below take for granted, so that an empty scope there means something."""
    assert isinstance(Toy(), BatchEnv)
    scope = estimate_scope(Toy(), per_block(transitions=200))
    assert scope.action_dims == {"a": [[0], [0]], "b": [[1], [1]]}
    assert scope.influence.round(6).tolist() == [[[1, 0], [1, 0]], [[0, 1], [0, 1]]]


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


def spy(monkeypatch):
    """Write down what goes into the mutual information: (changes, actions, blocks, valid) of one agent each.

    What is computed for chance, from shuffled actions, is left out.
    """
    seen, real = [], nmi.normalized_mutual_information

    def watched(changes, actions, blocks, valid, *rest):
        seen.append((changes[0], actions[0], blocks[0], valid[0]))
        return real(changes, actions, blocks, valid, *rest)

    monkeypatch.setattr(nmi, "normalized_mutual_information", watched)
    monkeypatch.setattr(nmi.NMIEstimator, "chance", lambda *given: None)
    return seen


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


class Team(Toy):
    """Three agents with 3, 2 and 4 actions; agent c's last action is missing in the second half of an episode."""

    agents = ("a", "b", "c")
    num_actions = (3, 2, 4)
    state_size = 3

    def available(self):
        available = super().available()
        available[:, 2, 3] = self.time < self.horizon // 2
        return available


@pytest.mark.slow
@pytest.mark.parametrize("num_envs", [1, 12])
def test_teammates_hold_one_action_an_episode_while_one_agent_is_free(num_envs):
    env = Team(num_envs)
    estimate_scope(env, per_block(transitions=1200))
    taken, times = np.stack(env.taken), np.array(env.times)
    per_agent = len(taken) // 3 if num_envs == 1 else len(taken)
    held_in_an_episode = {i: [] for i in range(3)}
    for b in range(num_envs):
        for part in range(3 if num_envs == 1 else 1):
            listened = part if num_envs == 1 else b % 3
            rows = slice(part * per_agent, (part + 1) * per_agent)
            own, teammates, at = taken[rows, b], [i for i in range(3) if i != listened], times[rows]
            for begin in np.flatnonzero(at == 0):
                episode = own[begin : begin + env.horizon]
                if len(episode) < env.horizon:
                    continue
                for i in teammates:
                    first = episode[0, i]
                    held_in_an_episode[i].append(int(first))
                    expected = np.full(env.horizon, first)
                    if i == 2 and first == 3:
                        # Not available any more: its first available one instead.
                        expected[env.horizon // 2 :] = 0
                    np.testing.assert_array_equal(episode[:, i], expected)
    for i, held in held_in_an_episode.items():
        # Drawn anew each episode, among all actions: within five standard deviations of uniform.
        share = np.bincount(held, minlength=env.num_actions[i]) / len(held)
        p = 1 / env.num_actions[i]
        assert (abs(share - p) < 5 * (p * (1 - p) / len(held)) ** 0.5).all()


@pytest.mark.slow
def test_the_agent_listened_to_acts_uniformly_among_what_is_available(monkeypatch):
    seen = spy(monkeypatch)
    monkeypatch.setattr(Team, "horizon", 2)
    env = Team(num_envs=3)
    estimate_scope(env, per_block(transitions=2000))
    taken, times = np.stack(env.taken), np.array(env.times)
    for time, allowed in ((0, 4), (1, 3)):
        actions = taken[times == time, 2, 2]
        share = np.bincount(actions, minlength=4) / len(actions)
        expected = np.where(np.arange(4) < allowed, 1 / allowed, 0)
        assert abs(share - expected).max() < 5 * (0.25 * 0.75 / len(actions)) ** 0.5
        assert share[allowed:].sum() == 0
    # Blocks are the joint actions drawn, two episodes with the same one share a block: at most 2 * 4 for agent a.
    assert [len(set(blocks[valid].tolist())) for _, _, blocks, valid in seen] == [8, 12, 6]


def test_pooled_puts_everything_into_one_block(monkeypatch):
    seen = spy(monkeypatch)
    estimate_scope(Team(num_envs=3), per_block(transitions=300, estimator="nmi_pooled"))
    assert [set(blocks.tolist()) for _, _, blocks, _ in seen] == [{0}] * 3


class Noise(Toy):
    """Every dimension takes one of three values, whatever anybody does."""

    num_actions = (4, 4)
    state_size = 30

    def dynamics(self, actions):
        self.now = self.random.integers(3, size=self.now.shape).astype(np.float32)


@pytest.mark.parametrize("estimator", ["nmi_block", "nmi_pooled"])
@pytest.mark.parametrize("transitions", [60, 300, 2000])
@pytest.mark.filterwarnings("ignore:chance alone")
def test_chance_is_what_actions_without_effect_make(transitions, estimator):
    scope = estimate_scope(Noise(), per_block(transitions=transitions, estimator=estimator))
    assert scope.chance == pytest.approx(scope.influence.max(), rel=0.35, abs=0.01)


def test_chance_near_delta_is_warned_of():
    with pytest.warns(UserWarning, match=r"up to 0\.\d\d where delta is 0\.3: .* take estimator 'nmi_pooled', more"):
        scope = estimate_scope(Noise(), per_block(transitions=60))
    assert scope.chance > 0.15
    with pytest.warns(UserWarning, match="nobody moves; take more transitions or a larger bin_width"):
        estimate_scope(Noise(), per_block(transitions=20, estimator="nmi_pooled"))


class Walk(Noise):
    """Every dimension goes on by 0 or 1: two changes over one step, three over two, and chance makes more of more."""

    def dynamics(self, actions):
        self.now = self.now + self.random.integers(2, size=self.now.shape).astype(np.float32)


@pytest.mark.filterwarnings("ignore:chance alone")
def test_chance_is_that_of_all_windows():
    """What is compared with delta is the largest over 1 to W steps, and so is chance."""
    narrow, wide = (estimate_scope(Walk(), per_block(transitions=100, window=window)) for window in (1, 2))
    assert wide.chance > 1.2 * narrow.chance
    for scope in (narrow, wide):
        assert scope.chance == pytest.approx(scope.influence.max(), rel=0.25)


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


@pytest.mark.slow
@pytest.mark.parametrize("name", AGENTS)
def test_chance_is_small_on_the_grid_tasks(name, recwarn):
    scope = estimate_scope(make_batch(name, num_envs=8 * AGENTS[name]), per_block(), seed=0)
    assert 0.0 < scope.chance < 0.06
    assert not recwarn.list


def test_shuffling_stays_within_blocks():
    rng = np.random.default_rng(0)
    actions, blocks, valid = rng.integers(5, size=400), rng.integers(7, size=400), rng.random(400) < 0.8
    shuffled = nmi.shuffled(actions, blocks, valid, rng)
    np.testing.assert_array_equal(shuffled[~valid], actions[~valid])
    assert (shuffled != actions).sum() > 150
    for block in range(7):
        rows = valid & (blocks == block)
        np.testing.assert_array_equal(np.sort(shuffled[rows]), np.sort(actions[rows]))


class Exclusive(Toy):
    """Dimension 0 changes by the exclusive or of both actions: given the teammate's, it tells one's own."""

    def dynamics(self, actions):
        self.now = self.now.copy()
        self.now[:, 0] += actions[:, 0] ^ actions[:, 1]


def test_blocks_find_what_pooling_hides():
    block = estimate_scope(Exclusive(), per_block(transitions=500, estimator="nmi_block"))
    assert block.common_dims == [0]
    assert block.influence[:, :, 0].min() == pytest.approx(1.0, abs=1e-9)
    pooled = estimate_scope(Exclusive(), per_block(transitions=500, estimator="nmi_pooled"))
    assert pooled.common_dims == []


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
    message = rf"environment 1, step {step}, dimension 1 \(shield\) holds {value}"
    with pytest.raises(NonFiniteError, match=message):
        estimate_scope(Poisoned(at_start), per_block(transitions=100))


def test_something_that_is_no_environment():
    with pytest.raises(UnsupportedEnvironmentError):
        estimate_scope(object())
