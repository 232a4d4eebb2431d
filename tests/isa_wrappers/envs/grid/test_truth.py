"""What the rules of the grid tasks say: by hand, and against what an action does."""

import numpy as np
import pytest

from isa_wrappers.arrays import Rng
from isa_wrappers.border.team_actions import draw_choices
from isa_wrappers.envs import FAMILIES, make_batch, true_task_scope
from isa_wrappers.errors import InvalidValueError, UnknownTaskError, UnsupportedEnvironmentError
from isa_wrappers.scope.credit import credit_for

TASKS = ["grid/navigation", "grid/unlock", "grid/shooting", "grid/dials"]


def test_by_hand():
    scope = true_task_scope("grid/shooting", num_agents=2)
    assert scope.action_dims == {"agent_0": [[], [1], [1], [0], [0], [4]], "agent_1": [[], [3], [3], [2], [2], [4]]}
    assert (scope.state_names[4], scope.action_name(0, 5)) == ("bullets", "shoot")
    assert scope.settings == {"env": "grid/shooting", "env_kwargs": {"num_agents": 2}, "env_steps": 0}
    assert true_task_scope("grid/navigation", num_agents=2).special_dims == [[0, 1], [2, 3]]
    room = true_task_scope("grid/locked_room")
    assert (room.common_dims, room.special_dims) == ([4], [[0, 1], [2, 3]]), "the lamp is nobody's"


@pytest.mark.parametrize("task", TASKS)
def test_what_one_agent_does_while_the_others_stay_changes_what_the_rules_say(task):
    """And every cell that they name changes in some state."""
    scope, env = true_task_scope(task), make_batch(task, 128)
    step, rng = env.reset(0), Rng(0, None, "play")
    seen = np.zeros_like(scope.action_mask)
    for time in range(160):
        agent = time % scope.num_agents
        actions = draw_choices(rng, step.available)
        if time < 100:  # for a while all move, so that what one does is seen everywhere
            step = env.step(actions)
            continue
        actions[:, np.arange(scope.num_agents) != agent] = 0
        before, step = step.state, env.step(actions)
        changed = before != step.final_state
        for a in range(scope.num_actions[agent]):
            seen[agent, a] |= changed[actions[:, agent] == a].any(axis=0)
    np.testing.assert_array_equal(seen, scope.action_mask)


@pytest.mark.parametrize("task", TASKS)
def test_the_rule_misplaced_takes_as_many_dimensions_and_none_of_the_right_ones(task):
    scope = true_task_scope(task)
    true, wrong = credit_for(scope), credit_for(scope, "misplaced")
    assert (wrong.common.sum(), *wrong.special.sum(axis=1)) == (true.common.sum(), *true.special.sum(axis=1))
    assert not (wrong.common & true.common).any()
    assert not (wrong.special & true.special).any()


def test_a_task_that_does_not_tell_is_refused():
    with pytest.raises(UnsupportedEnvironmentError, match="Door' does not provide its true scope"):
        true_task_scope("examples.own_environment:Door")
    with pytest.raises(UnknownTaskError, match="did you mean 'grid/unlock'"):
        true_task_scope("grid/unlok")
    with pytest.raises(InvalidValueError, match="does not accept these options"):
        true_task_scope("grid/unlock", agents=2)
    assert all(FAMILIES["grid"].true_scope(name).agent_mask.any() for name in FAMILIES["grid"].tasks())
