"""The projection of goals onto D_i against loops."""

import numpy as np
import pytest
from devices import DEVICES
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_wrappers import GoalProjection, InfluenceScope
from isa_wrappers.arrays import to_backend, to_numpy
from isa_wrappers.errors import ScopeMismatchError
from isa_wrappers.scope.credit import credit_for

scopes = st.lists(st.sets(st.integers(0, 5)), min_size=1, max_size=4).map(
    lambda sets: InfluenceScope.from_dimensions({f"agent_{i}": [sorted(s)] for i, s in enumerate(sets)}, state_size=6)
)


@pytest.mark.parametrize("device", DEVICES)
@given(scope=scopes, leading=st.sampled_from([(), (4,), (2, 3)]))
@settings(deadline=None, max_examples=60)
def test_projection_equals_a_loop(device, scope, leading):
    if device is not None:
        pytest.importorskip("torch")
    goals = np.random.default_rng(0).normal(size=(*leading, 6)).astype(np.float32)
    projection = GoalProjection(scope, device)
    projected = to_numpy(projection(to_backend(goals, device)))
    width = len(scope.common_dims) + max(len(dims) for dims in scope.special_dims)
    assert projection.size == width
    assert projected.shape == (*leading, scope.num_agents, width)
    for where in np.ndindex(*leading):
        for i in range(scope.num_agents):
            g_c = [goals[where][k] for k in scope.common_dims]
            g_special = [goals[where][k] for k in scope.special_dims[i]]
            padding = [0.0] * (width - len(g_c) - len(g_special))
            assert projected[where][i].tolist() == [*g_c, *g_special, *padding]
    assert projection.dims == [scope.common_dims + special for special in scope.special_dims]


def test_projection_of_credit_by_another_rule():
    scope = InfluenceScope.from_dimensions({"a": [[0], [3]], "b": [[3, 4]]}, state_size=5)
    assert GoalProjection(scope).dims == [[3, 0], [3, 4]]
    assert GoalProjection(credit_for(scope, "unsegmented")).dims == [[0, 3], [3, 4]]
    whole = GoalProjection(credit_for(scope, "whole_state"))
    goal = np.arange(5, dtype=np.float32)
    assert whole(goal).tolist() == [goal.tolist()] * 2
    GoalProjection(scope).check_fits(credit_for(scope, "unsegmented"))
    with pytest.raises(ScopeMismatchError, match=r"inner GoalSampling has another scope: it shows dimensions \[\[0, 1"):
        whole.check_fits(credit_for(scope))


def test_projection_keeps_the_whole_of_each_agents_dimensions():
    """g_i is s_g restricted to D_i: its dimensions are D_i's, each once."""
    scope = InfluenceScope.from_dimensions({"a": [[0], [3]], "b": [[3, 4]], "c": [[1, 2, 3]]}, state_size=6)
    assert [sorted(dims) for dims in GoalProjection(scope).dims] == scope.agent_dims
