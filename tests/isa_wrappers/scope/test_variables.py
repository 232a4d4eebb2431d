"""Actions of more than a number in a scope: components by themselves, and two of them together."""

import numpy as np
import pytest
from continuous_toys import Components, Mixed, SynthC
from gymnasium import spaces

from isa_wrappers import ParallelEnvBatch, ScopeConfig, estimate_scope
from isa_wrappers.border.actions import ActionCode
from isa_wrappers.border.team_actions import TeamCode
from isa_wrappers.errors import UnsupportedEnvironmentError
from isa_wrappers.scope.files import load_scope, save_scope
from isa_wrappers.scope.residuals import TeamFit
from isa_wrappers.scope.variables import by_elementary_action, choices, num_unconditional


def scope_of(make, transitions, seed=0, estimator="interval_effect", **settings):
    env = ParallelEnvBatch([make() for _ in range(4)], success=None)
    config = ScopeConfig(transitions, estimator=estimator, **settings)
    return estimate_scope(env, config, seed)


def code_of(*given):
    return TeamCode([ActionCode.of(space, f"agent_{i}") for i, space in enumerate(given)])


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("make", [SynthC, Mixed])
def test_scopes_are_exact(make, seed):
    scope, truth = scope_of(make, 3_000, seed), make().truth
    assert list(scope.action_dims.values()) == [list(map(list, own)) for own in truth]
    assert scope.agent_dims == [sorted({k for dims in own for k in dims}) for own in truth]


@pytest.mark.slow
def test_in_turn_too():
    scope = scope_of(Mixed, 1_000, estimator="interval_effect_in_turn")
    assert scope.agent_dims == [sorted({k for dims in own for k in dims}) for own in Mixed.truth]


@pytest.mark.slow
def test_nothing_is_found_where_nothing_is_moved():
    class Idle(SynthC):
        def move(self, actions):
            self.now[:] = self.rng.standard_normal(len(self.now))

    assert not scope_of(Idle, 1_500).agent_mask.any()


class Masked(Components):
    """A switch that is shut in half of the states, when a dimension drifts by itself, and one that is always open."""

    def __init__(self):
        super().__init__({"agent": spaces.MultiDiscrete([2, 2])}, ["drift", "moved"])

    def infos(self, won=False):
        mask = np.array([1, self.time % 2, 1, 1], dtype=np.int8)
        return {agent: {"success": won, "action_mask": mask} for agent in self.agents}

    def move(self, actions):
        assert not (self.time % 2 == 0 and actions["agent"][0] == 1)
        self.now[0] += self.time % 2
        self.now[1] += actions["agent"][1]


def test_what_goes_along_with_a_mask_is_no_effect():
    assert scope_of(Masked, 600).action_dims == {"agent": [[], [], [], [1]]}


def test_estimators_that_cannot_read_components_say_which_can():
    for estimator in ("nmi_block", "nmi_pooled"):
        with pytest.raises(
            UnsupportedEnvironmentError, match=f"estimator '{estimator}' supports only Discrete .* use 'inter"
        ):
            scope_of(SynthC, 100, estimator=estimator)


def test_files_keep_the_names_of_components(tmp_path):
    scope = scope_of(Mixed, 200)
    save_scope(scope, tmp_path)
    assert load_scope(tmp_path).action_name(0, 3) == "push in 1..2"
    assert scope.action_name(1, 4) == "lift = 1"
    assert scope.action_name(3, 2) == "right"


def test_variables_are_components_at_large_and_while_another_is_set():
    code = code_of(spaces.Box(0, 1, (2,)), spaces.Discrete(3), spaces.Box(0, 1, (7,)))
    actions = code.table.low + np.random.default_rng(0).random((50, 3, 7)).astype(np.float32)
    actions[:, 1] = 2.0
    acted = np.ones((50, 3), dtype=bool)
    acted[:5, 0] = False
    made = choices(code, actions, np.ones((50, 3, 28), dtype=bool), acted, acted)
    # Seven are too many to look at with another one set.
    assert [variable.agent for variable in made.variables] == [0, 0, 1, *[2] * 7, 0, 0, 0, 0]
    assert num_unconditional(made.variables) == 10
    assert [variable.parts for variable in made.variables[10:]] == [(0, 1), (0, 1), (1, 0), (1, 0)]
    assert (made.actions[:5, [0, 1, -1]] == -1).all()
    assert (made.actions[:, 2] == 2).all()
    upper = actions[:, 0, :2] >= 0.5
    np.testing.assert_array_equal(made.actions[5:, 10], upper[5:, 0])
    np.testing.assert_array_equal(made.counts[:, 10:12], acted[:, :1] & np.stack([~upper[:, 1], upper[:, 1]], axis=1))
    assert sum(variable.share for variable in made.variables[10:12]) == pytest.approx(1.0)
    assert [values.tolist() for values in made.variables[-1].stands_for] == [[4, 5], [6, 7]]
    assert sorted(made.amounts) == [0, 1, *range(3, 10)]
    np.testing.assert_allclose(made.amounts[1], np.where(acted[:, 0], actions[:, 0, 1] * 2 - 1, 0), atol=1e-6)


def test_halves_of_unequal_chances_are_not_compared():
    code = code_of(spaces.MultiDiscrete([3, 2]))
    open_to, acted = np.ones((20, 1, 5), dtype=bool), np.ones((20, 1), dtype=bool)
    actions = np.zeros((20, 1, 2), dtype=np.float32)
    parts = [one.parts for one in choices(code, actions, open_to, acted, acted).variables[2:]]
    assert parts == [(0, 1), (0, 1), (1, 0), (1, 0)]
    open_to[3, 0, 2] = False
    assert [one.parts for one in choices(code, actions, open_to, acted, acted).variables[2:]] == parts[2:]


@pytest.mark.parametrize(
    ("lower", "upper", "kept"), [(0.5, 0.0, 0.0), (0.5, 0.29, 0.0), (0.5, 0.32, 0.41), (1, 0, 0.5)]
)
def test_what_another_component_brings_out_counts_beyond_what_is_there_at_large(lower, upper, kept):
    code = code_of(spaces.MultiBinary(2))
    ones, actions = np.ones((2, 1), dtype=bool), np.zeros((2, 1, 2), np.float32)
    actions[1] = 1.0
    made = choices(code, actions, np.ones((2, 1, 4), dtype=bool), ones, ones)
    found = np.zeros((1, 6, 2, 1))
    found[0, 0, 1], found[0, 1, 1], found[0, 2, 1], found[0, 3, 1] = 0.2, 0.1, lower, upper
    figures = by_elementary_action(made.variables, found, (1, 4, 1))[0, 0, :, 0]
    assert figures.tolist() == pytest.approx([0.0, max(0.2, kept), 0.0, 0.1])


def test_a_fit_leaves_out_what_a_range_does_and_its_square():
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-1, 1, (2, 400))
    actions = np.stack([np.zeros(400), np.zeros(400), rng.integers(0, 3, 400)], axis=1).astype(int)
    changes = (2 * x + 3 * y**2 + 5 * (actions[:, 2] == 1))[:, None]
    states = rng.random((400, 2))
    fit = TeamFit(states, changes, actions, {0: x, 1: y})
    columns = {0: [x, x**2], 1: [y, y**2], 2: [actions[:, 2] == 1, actions[:, 2] == 2]}
    for without in ((0,), (1,), (2,), (0, 1)):
        others = [column for i, own in columns.items() if i not in without for column in own]
        design = np.column_stack([np.ones(400), states, *others])
        left = changes - design @ np.linalg.lstsq(design, changes, rcond=None)[0]
        np.testing.assert_allclose(fit.without(*without)(slice(None)), left, atol=1e-4)


def test_a_fit_of_too_few_rows_leaves_ranges_out():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, 12)
    fit = TeamFit(rng.random((12, 2)), x[:, None], np.zeros((12, 1), dtype=int), {0: x})
    assert fit.usable
    np.testing.assert_array_equal(fit.without(0)(slice(None)), fit._residuals)
