"""The interval effect: against loops written from its equations, on tasks with known truth, and its invariances."""

from itertools import combinations

import numpy as np
import pytest
import scope_tasks
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_wrappers import ESTIMATORS, ScopeConfig, estimate_scope
from isa_wrappers.envs import estimate_task_scope
from isa_wrappers.scope import kuiper
from isa_wrappers.scope.interval_effect import INTERVAL_EFFECT, NEGLIGIBLE, significance
from isa_wrappers.scope.residuals import TeamFit
from isa_wrappers.scope.transitions import Transitions, collect_all_at_once
from isa_wrappers.scope.windows import gather

pytestmark = pytest.mark.slow
SETTLED = INTERVAL_EFFECT.settled(ScopeConfig(1_000))


def kuiper_of(x, y):
    cuts = np.unique(np.concatenate([x, y]))
    difference = np.array([(x <= c).mean() - (y <= c).mean() for c in cuts])
    return difference.max() - min(difference.min(), 0.0), np.abs(difference[:-1]) @ np.diff(cuts)


def alike(e, a):
    return sum(not (e[a, o] > 0 and e[a, o] >= 0.1 * e.max()) for o in range(len(e)))


def is_quiet(e, z, slow, a, b):
    return z[a, b] >= 0.5 or (abs(z[a, b]) < 0.5 and alike(e, a) == alike(e, b) and slow[a, b] >= 0.5)


def by_loops(transitions, number):
    """The estimate of one window from the equations: no bins, no pruning, one pair after the other."""
    window = gather(transitions, 1)
    agents, size = window.actions.shape[1], transitions[0].states.shape[-1]
    fit = TeamFit(window.states, window.changes, window.actions)
    levels = significance(agents * size, number, fit.usable)
    table = kuiper.log_factorials(len(window.states))
    effects, shifts = np.zeros((2, agents, number, size))
    for i in range(agents):
        versions = [window.changes]
        if fit.usable:
            versions.append(fit.without(i)(slice(None)))
        versions = [np.rint(y / window.grain) * window.grain for y in versions]
        for d, k in enumerate(window.dims):
            e, z, slow, cover, shift = np.zeros((5, number, number))
            for a, b in combinations(range(number), 2):
                both = window.available[:, i, a] & window.available[:, i, b] & window.counts[:, i]
                one, two = both & (window.actions[:, i] == a), both & (window.actions[:, i] == b)
                n, m = int(one.sum()), int(two.sum())
                if not n or not m:
                    continue
                n_e, sure, apart = n * m / (n + m), False, np.inf
                x, y = int((versions[0][one, d] == 0).sum()), int((versions[0][two, d] == 0).sum())
                gap = x / n - y / m
                rare = float(kuiper.fisher_log_p(x, n, y, m, table)) <= levels.pair
                effect = abs(gap) if rare else 0.0
                still = 0.0
                for number_of, values in enumerate(versions):
                    v, moved = kuiper_of(values[one, d], values[two, d])
                    seen = float(kuiper.log_tail(v * float(kuiper.scale(np.float64(n_e))))) <= levels.pair
                    if seen:
                        effect = max(effect, np.sqrt(max(0.0, v * v - np.pi**2 / 6 / n_e)))
                    if number_of == 0:
                        seen |= rare
                        parted = min(v, max(x / n, y / m)) if rare else v
                        still = gap / parted if seen and parted else 0.0
                    if seen:
                        sure, apart = True, min(apart, moved / v if v else 0.0)
                    slower = 0.0
                    if moved:
                        mean = window.changes[:, d].mean() if number_of else 0.0
                        raw = window.changes if not number_of else fit.without(i)(slice(None))
                        slower = (abs(raw[two, d].mean() + mean) - abs(raw[one, d].mean() + mean)) / moved
                if not sure:
                    continue
                e[a, b] = e[b, a] = effect
                z[a, b], z[b, a], slow[a, b], slow[b, a] = still, -still, slower, -slower
                shift[a, b] = shift[b, a] = apart
                cover[a, b] = n / ((window.actions[:, i] == a) & window.counts[:, i]).sum()
                cover[b, a] = m / ((window.actions[:, i] == b) & window.counts[:, i]).sum()
            for a in range(number):
                quiet = [b for b in range(number) if e[a, b] > 0 and is_quiet(e, z, slow, a, b)]
                if 2 * len(quiet) >= sum(e[a, b] > 0 for b in range(number)):
                    continue
                for b in range(number):
                    if e[a, b] <= 0 or z[a, b] >= 0.5:
                        continue
                    if abs(z[a, b]) < 0.5:
                        sizes = alike(e, a), alike(e, b)
                        if sizes[0] > sizes[1] or is_quiet(e, z, slow, a, b):
                            continue
                    effects[i, a, k] = max(effects[i, a, k], e[a, b] * cover[a, b])
                    shifts[i, a, k] = max(shifts[i, a, k], shift[a, b])
    for i in range(agents):
        active = effects[i].max()
        effects[i] = np.minimum(effects[i] / active, 1.0) if active else effects[i]
        for k in range(size):
            if shifts[i, :, k].max() < NEGLIGIBLE * shifts[:, :, k].max():
                effects[i, :, k] = 0.0
    return effects


def small(seed, masked):
    """120 transitions, so that every value has a bin: pushes, a counter, a lump that is seldom moved, noise."""
    rng = np.random.default_rng(seed)
    length, agents, number = 120, 2, 3
    available = np.ones((length, 1, agents, number), dtype=bool)
    if masked:
        available[..., 2] = rng.random((length, 1, agents)) < 0.7
    actions = (available * (rng.random(available.shape) + 1e-6)).argmax(axis=-1)
    states = np.zeros((length, 1, 5), dtype=np.float32)
    states[..., 4] = rng.standard_normal((length, 1))
    after = states.copy()
    after[..., 0] += (actions[..., 0] == 1) * 1.0 - (actions[..., 0] == 2)
    after[..., 1] += (actions == 1).sum(axis=-1)
    after[..., 2] += (actions[..., 1] == 2) * (rng.random((length, 1)) < 0.6)
    after[..., 3] += actions[..., 1] + 0.3 * rng.standard_normal((length, 1)) + 0.5 * states[..., 4]
    after[..., 4] = rng.standard_normal((length, 1))
    held, free = np.full(actions.shape, -1), np.ones((1, agents), dtype=bool)
    episode = np.zeros((length, 1), dtype=np.int64)
    return [Transitions(free, actions, available, states, after, episode, held, np.ones(actions.shape, dtype=bool))]


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_against_loops_from_the_equations(seed, masked, monkeypatch):
    from isa_wrappers.scope import comparisons, ranks

    monkeypatch.setattr(ranks, "BINS", 128)  # as many as there are transitions
    from isa_wrappers.scope import differences, interval_effect

    monkeypatch.setattr(differences, "BINS", 128)
    monkeypatch.setattr(interval_effect, "BINS", 128)
    monkeypatch.setattr(comparisons, "SAMPLE", 3 * 128)
    transitions = small(seed, masked)
    found = INTERVAL_EFFECT.estimate(transitions, ScopeConfig(120, window=1), 3)
    expected = by_loops(transitions, 3)
    assert (expected > 0.1).sum() >= 4
    np.testing.assert_allclose(found, expected, atol=2e-3)


EXACT = [*scope_tasks.STRESS, "tether", "turns", "lamps", "storm", "weak", "combined"]
BUILT = {**scope_tasks.STRESS, **scope_tasks.BREAKERS, **scope_tasks.FURTHER}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", EXACT)
def test_exact_where_the_truth_is_known(name, seed):
    env = BUILT[name]()
    scope = estimate_scope(env, seed=seed)
    assert scope_tasks.misses(scope, env.truth) == (0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    "name",
    [
        "grid/navigation",
        "grid/unlock",
        "grid/shooting",
        "examples.own_environment:Door",
        "mpe/simple_speaker_listener_v4",
        "mpe/simple_crypto_v3",
    ],
)
def test_exact_on_tasks_of_the_library(name):
    if name.startswith("mpe/"):
        pytest.importorskip("mpe2")
    scope = estimate_task_scope(name)
    assert scope_tasks.misses(scope, scope_tasks.named_truth(name, scope)) == (0, 0, 0, 0, 0, 0)


class Fire(scope_tasks.Rules):
    """Who steps forward is hit two steps later, one time in three: that follows from where it stands."""

    actions = 3
    size = 6

    @property
    def truth(self):
        return [[[], [b], [b]] for b in range(0, 6, 2)]

    def begin(self):
        self.past = [np.zeros((self.num_envs, self.team))] * 2
        return super().begin()

    def move(self, actions):
        self.past = [actions, self.past[0]]
        self.now[:, 0::2] += (actions == 1) * 1.0 - (actions == 2)
        self.now[:, 1::2] -= (self.past[1] == 1) & (self.rng.random(actions.shape) < 1 / 3)


def test_late_effects_count_where_they_are_sure():
    late = estimate_scope(scope_tasks.Later(), ScopeConfig(4_000))
    assert scope_tasks.misses(late, scope_tasks.Later().truth) == (0, 0, 0, 0, 0, 0)
    soon = estimate_scope(scope_tasks.Later(), ScopeConfig(4_000, window=4))
    assert soon.agent_dims == [[0, 1], [3, 4], [6, 7]], "the third dimension is five steps late"
    hit = estimate_scope(Fire(), ScopeConfig(4_000))
    assert scope_tasks.misses(hit, Fire().truth) == (0, 0, 0, 0, 0, 0)


def test_large_problems_look_at_a_part_of_the_longer_changes(monkeypatch):
    from isa_wrappers.scope import interval_effect, windows

    seen = []
    monkeypatch.setattr(interval_effect, "gather", lambda *given: seen.append(gather(*given)) or seen[-1])
    monkeypatch.setattr(windows, "LATER_CELLS", 3 * 9 * 2_000)
    scope = estimate_scope(scope_tasks.Later(), ScopeConfig(4_000))
    assert len(seen[0].changes) > 3_900
    assert all(1_000 < len(window.changes) < 2_000 for window in seen[1:])
    assert scope_tasks.misses(scope, scope_tasks.Later().truth)[2:] == (0, 0, 0, 0)


def test_ties_do_not_touch_whose_a_dimension_is():
    """Of three speeds under inertia the middle one is taken for rest, a convention; D_i and D_c do not depend on it."""
    env = scope_tasks.Throttle()
    scope = estimate_scope(env)
    assert scope_tasks.misses(scope, env.truth)[2:] == (0, 0, 0, 0)


def test_moves_relative_to_a_hidden_heading_are_not_found():
    """Known: no single action changes anything on average."""
    scope = estimate_scope(scope_tasks.Headings(), ScopeConfig(2_000), 0)
    assert scope_tasks.misses(scope, scope_tasks.Headings.truth.fget(None))[3] > 0


@pytest.mark.parametrize("seed", range(5))
def test_where_nobody_moves_anything_nothing_is_found(seed):
    assert not estimate_scope(scope_tasks.Nothing(), ScopeConfig(1_000), seed).agent_mask.any()


class Mapped(scope_tasks.Faint):
    """The same world through another measure of each dimension."""

    def __init__(self, through):
        super().__init__()
        self.through = through

    def _pack(self, last, done):
        before, self.now = self.now, self.through(self.now)
        step = super()._pack(self.through(last), done)
        self.now = before
        return step


@pytest.mark.parametrize(
    "through",
    [lambda s: s * 1e-4, lambda s: s * 1e4, lambda s: s - 3.0, np.cbrt, lambda s: np.exp(s / 4), lambda s: -s],
    ids=["1e-4", "1e4", "shifted", "cube root", "exponential", "mirrored"],
)
def test_a_dimensions_measure_does_not_matter(through):
    scope = estimate_scope(Mapped(through), ScopeConfig(3_000), 1)
    assert scope_tasks.misses(scope, scope_tasks.Faint().truth)[2:] == (0, 0, 0, 0)
    plain = estimate_scope(Mapped(lambda s: s), ScopeConfig(3_000), 1)
    np.testing.assert_array_equal(scope.agent_mask, plain.agent_mask)


class Split(scope_tasks.Team):
    """The action that raises the counter, ten times."""

    actions = 15

    @property
    def truth(self):
        return [[*rows[:5], *[rows[5]] * 10] for rows in super().truth]

    def move(self, actions):
        super().move(np.minimum(actions, 5))


def figures_of(part):
    return INTERVAL_EFFECT.estimate([part], SETTLED, part.available.shape[-1])


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(-4, 4), min_size=5, max_size=5), st.integers(0, 3), st.booleans())
def test_units_do_not_matter(powers, seed, masked):
    (part,) = small(seed, masked)
    units = 10.0 ** np.array(powers)
    states, after = part.states.astype(np.float64) * units, part.next_states.astype(np.float64) * units
    scaled = Transitions(**{**vars(part), "states": states, "next_states": after})
    plain = {**vars(part), "states": part.states.astype(np.float64), "next_states": part.next_states.astype(np.float64)}
    np.testing.assert_allclose(figures_of(scaled), figures_of(Transitions(**plain)), atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(
    st.permutations(range(3)), st.permutations(range(2)), st.permutations(range(5)), st.integers(0, 3), st.booleans()
)
def test_names_do_not_matter(actions, agents, dims, seed, masked):
    """Whoever numbers actions, agents and dimensions otherwise finds the same."""
    (part,) = small(seed, masked)
    renamed = np.argsort(actions)[part.actions][:, :, agents]
    columns = {name: getattr(part, name)[:, :, agents] for name in ("held", "valid")}
    columns |= {name: getattr(part, name)[..., dims] for name in ("states", "next_states")}
    available = part.available[:, :, agents][..., actions]
    other = Transitions(**{**vars(part), **columns, "actions": renamed, "available": available})
    expected = figures_of(part)[np.ix_(agents, actions, dims)]
    np.testing.assert_allclose(figures_of(other), expected, atol=2e-2)
    np.testing.assert_array_equal(figures_of(other) > 0.1, expected > 0.1)


def test_an_action_in_ten_copies_moves_as_one_does():
    # Ten times as many actions: with 4,000 transitions, 80 of each, two seeds of five miss one cell.
    scope = estimate_scope(Split(), ScopeConfig(10_000), 0)
    assert scope_tasks.misses(scope, Split().truth) == (0, 0, 0, 0, 0, 0)


def test_the_order_of_agents_does_not_matter():
    (part,) = collect_all_at_once(scope_tasks.Team(), SETTLED, 0)
    order = [2, 0, 1]
    columns = {name: getattr(part, name)[:, :, order] for name in ("actions", "available", "held", "valid")}
    other = Transitions(
        part.free[:, order], states=part.states, next_states=part.next_states, episode=part.episode, **columns
    )
    mine, theirs = (INTERVAL_EFFECT.estimate([given], SETTLED, 6) for given in (part, other))
    np.testing.assert_allclose(mine[order], theirs, atol=1e-6)


@pytest.mark.parametrize("name", ["interval_effect", "interval_effect_in_turn"])
def test_what_it_costs(name):
    """At once the cost does not grow with the team."""
    chosen = ScopeConfig(1_000, estimator=name)
    scope = estimate_scope(scope_tasks.Team(team=5), chosen, 0)
    assert scope.settings["env_steps"] == {"interval_effect": 1_000, "interval_effect_in_turn": 5_000}[name]
    assert ESTIMATORS[name].env_steps(chosen, 5) == scope.settings["env_steps"]
    assert scope.delta == 0.1
    assert scope.chance is None
    assert scope_tasks.misses(scope, scope_tasks.Team(team=5).truth)[2:] == (0, 0, 0, 0)


def test_an_action_taken_once_is_no_obstacle():
    """The last of all, too rare for any pair."""
    (part,) = small(0, masked=False)
    fewer = part.actions % 2
    fewer[5, 0, 1] = 2
    given = Transitions(**{**vars(part), "actions": fewer})
    assert not INTERVAL_EFFECT.estimate([given], ScopeConfig(120, window=1), 3)[:, 2].any()


def test_one_action_alone_moves_nothing():
    (part,) = small(0, masked=False)
    given = Transitions(**{**vars(part), "actions": np.zeros_like(part.actions)})
    assert not INTERVAL_EFFECT.estimate([given], ScopeConfig(120, window=1), 3).any()
