"""Eq. 7 and Eq. 10 as loops over one environment at a time, under each credit rule, and scopes to try them on."""

from collections import Counter
from math import sqrt
from typing import NamedTuple

import numpy as np
import pytest

from isa_wrappers import InfluenceScope
from isa_wrappers.arrays import to_backend

# D_c is {4}; the agents' special dimensions are {0}, {1, 2} and none.
MIXED = InfluenceScope.from_dimensions(
    {"a": [[], [0], [4], [0, 4]], "b": [[1, 2], [4], [], [2]], "c": [[4], [], [4], []]}, state_size=5
)
# No common dimension, as in Navigation and Unlock.
APART = InfluenceScope.from_dimensions({"a": [[], [0], [1], []], "b": [[2], [], [3], [2, 3]]}, state_size=5)
# All is common.
SHARED = InfluenceScope.from_dimensions({"a": [[], [0, 1], [], [1]], "b": [[0], [1], [0, 1], []]}, state_size=5)
SCOPES = {"mixed": MIXED, "apart": APART, "shared": SHARED}
RULES = ["scope", "ungated", "unsegmented", "common_only", "special_only", "misplaced", "whole_state"]


def on(device, array):
    if device is not None:
        pytest.importorskip("torch")
    return to_backend(array, device)


class Segments(NamedTuple):
    """What a rule makes of a scope: sets of dimensions, who is credited for the common one, the special weight."""

    common: list
    special: list
    credited: list
    weight: float | None


def segments_by(rule, scope):
    """Definitions 1 to 3 and the ablations of Fig. 4, with sets."""
    moves = [[set(dims) for dims in scope.action_dims[agent]] for agent in scope.agents]
    own = [set().union(*actions) for actions in moves]
    everything = set(range(scope.state_size))
    common = set.intersection(*own)
    if rule == "scope":
        return Segments(common, [d - common for d in own], [[bool(a & common) for a in acts] for acts in moves], None)
    if rule == "ungated":
        return Segments(common, [d - common for d in own], [[True for _ in acts] for acts in moves], None)
    if rule == "unsegmented":
        return Segments(set(), own, [[False for _ in acts] for acts in moves], 1.0)
    gated = [[bool(a & common) for a in acts] for acts in moves]
    if rule == "common_only":
        return Segments(common, [set() for _ in own], gated, None)
    if rule == "special_only":
        return Segments(set(), [d - common for d in own], [[False for _ in acts] for acts in moves], 1.0)
    if rule == "misplaced":

        def moved(dims):
            return {(k + (scope.state_size + 1) // 2) % scope.state_size for k in dims}

        return Segments(moved(common), [moved(d - common) for d in own], gated, None)
    assert rule == "whole_state"
    return Segments(everything, [set() for _ in own], [[True for _ in acts] for acts in moves], None)


def dist(x, g, dims, hamming):
    """Section 4: lambda * (number of dims where x and g differ) + Euclidean norm of x - g."""
    norm = sqrt(sum((float(x[k]) - float(g[k])) ** 2 for k in dims))
    return hamming * sum(1 for k in dims if x[k] != g[k]) + norm


def eq_7(segments, s, s_next, g, actions, r_env, config):
    """One environment's rewards, word for word: (total, intrinsic, common part, special part), each of every agent."""

    def progress(dims):
        return dist(s, g, dims, config.hamming) - dist(s_next, g, dims, config.hamming)

    weight = config.alpha1 if segments.weight is None else segments.weight
    rewards = []
    for i, action in enumerate(actions):
        common = progress(segments.common) if segments.credited[i][action] else 0.0
        special = progress(segments.special[i])
        intrinsic = common + weight * special
        rewards.append((intrinsic + config.alpha2 * r_env[i], intrinsic, common, special))
    return np.array(rewards).T


class CountOracle:
    """Eq. 10 word for word, one dictionary a segment; a batch is counted before any of it is rewarded."""

    def __init__(self, segments, config):
        self.segments, self.config = segments, config
        self.weight = config.beta1 if segments.weight is None else segments.weight
        self.common = Counter()
        self.special = [Counter() for _ in segments.special]

    def phi(self, state, dims):
        return tuple(int(np.float32(state[k]) * np.float32(self.config.count_scale)) for k in sorted(dims))

    def __call__(self, s_next, actions, r_env, alive, update=True):
        """Return total, intrinsic, common and special parts, each ``[..., A]``."""
        segments = self.segments
        places = list(np.ndindex(*s_next.shape[:-1]))
        if update:
            for where in places:
                self.common[self.phi(s_next[where], segments.common)] += int(alive[where].any())
                for i, dims in enumerate(segments.special):
                    self.special[i][self.phi(s_next[where], dims)] += int(alive[where][i])
        found = np.zeros((4, *actions.shape))
        for where in places:
            n_c = self.common[self.phi(s_next[where], segments.common)]
            for i, dims in enumerate(segments.special):
                common = special = 0.0
                if alive[where][i]:
                    n_i = self.special[i][self.phi(s_next[where], dims)]
                    if dims:
                        special = 1 / sqrt(max(n_i, 1))
                    if segments.common and segments.credited[i][actions[where][i]]:
                        common = 1 / sqrt(max(n_c, 1))
                intrinsic = common + self.weight * special
                found[(slice(None), *where, i)] = (
                    intrinsic + self.config.beta2 * r_env[where][i], intrinsic, common, special,
                )  # fmt: skip
        return found
