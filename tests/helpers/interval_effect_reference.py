"""The interval effect written out: loops from its equations, and transitions few enough for them."""

from itertools import combinations

import numpy as np

from isa_wrappers.scope import kuiper
from isa_wrappers.scope.interval_effect import NEGLIGIBLE, significance
from isa_wrappers.scope.residuals import TeamFit
from isa_wrappers.scope.transitions import Transitions
from isa_wrappers.scope.windows import gather


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
        versions = [np.rint(y / grain) * grain for y, grain in zip(versions, window.grain, strict=False)]
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
