"""A grid task's settings: the paper's by default, listed targets, and what is refused."""

from __future__ import annotations

import pytest

from isa_wrappers.envs.grid.rules import grid_task
from isa_wrappers.errors import InvalidValueError

LIST = [
    (12, 5), (12, 14), (13, 5), (6, 1), (11, 13), (12, 8), (2, 6), (11, 6),
    (2, 8), (10, 13), (9, 11), (3, 4), (3, 3), (5, 3), (10, 2), (9, 4),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "agents", "grid", "start", "targets", "actions", "obs_size", "state_size"),
    [
        ("navigation", 7, 20, (0, 0), LIST[:7], 5, 16, 28),
        ("unlock", 7, 20, (0, 0), LIST[:7], 5, 4, 28),
        ("shooting", 3, 10, (1, 1), [(5, 7), (3, 7), (7, 7)], 6, 3, 7),
    ],
)
def test_defaults_are_the_papers(name, agents, grid, start, targets, actions, obs_size, state_size):
    task = grid_task(name)
    assert (task.num_agents, task.grid, task.start, list(task.targets)) == (agents, grid, start, targets)
    assert (task.horizon, task.num_actions, task.obs_size, task.state_size) == (60, actions, obs_size, state_size)
    assert len(task.state_names) == state_size
    assert task.state_names[:2] == ("agent_0.x", "agent_0.y")


def test_all_listed_targets():
    assert list(grid_task("navigation", 16).targets) == LIST
    assert grid_task("shooting", 5).targets == ((5, 7), (3, 7), (7, 7), (1, 7), (9, 7))


@pytest.mark.parametrize("name", ["navigation", "unlock"])
def test_the_list_goes_on_for_larger_teams(name):
    """Every cell but the start's can be a target; a smaller team's are the first of a larger one's."""
    assert set(grid_task(name, 399).targets) == {(x, y) for x in range(20) for y in range(20)} - {(0, 0)}
    hundred = grid_task(name, 100).targets
    assert list(hundred[:16]) == LIST
    assert grid_task(name, 17).targets == hundred[:17]
    rows, columns = (sorted(place[axis] // 5 for place in hundred[16:]) for axis in (0, 1))
    for quarter in (rows, columns):
        assert min(quarter.count(part) for part in range(4)) >= 15, "evenly over the board"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "navigatoin"}, "did you mean 'navigation'"),
        ({"num_agents": 0}, "num_agents must be an integer at least 1, got 0"),
        ({"num_agents": 2.5}, "num_agents must be an integer"),
        ({"num_agents": 400}, "a grid of size 20 has no room for 400 targets"),
        ({"name": "shooting", "num_agents": 6}, "at most 5 with listed targets"),
        ({"name": "shooting", "grid": 6}, "grid must be an integer at least 7, got 6"),
        ({"grid": 1}, "grid must be an integer at least 2, got 1"),
        ({"grid": 10}, r"target \(12, 5\) lies outside the grid of 10 x 10"),
        ({"horizon": 0}, "horizon must be an integer at least 1, got 0"),
        ({"targets": "rand"}, "targets must be one of listed, random; got 'rand'"),
        ({"targets": "random", "grid": 2, "num_agents": 4}, "no room for 4 targets"),
        ({"targets": [(1, 1)]}, "targets must be 7 distinct positions"),
        ({"num_agents": 2, "targets": [(1, 1), (1, 1)]}, "distinct"),
        ({"num_agents": 1, "targets": [(0, 0)]}, "none at the start"),
        ({"num_agents": 1, "targets": [(0, -1)]}, r"target \(0, -1\) lies outside"),
        ({"num_agents": 1, "targets": [(0, 1.5)]}, "pairs of integers"),
        ({"num_agents": 1, "targets": [(0, 1, 2)]}, "pairs of integers"),
        ({"num_agents": 1, "targets": [3]}, "pairs of integers"),
        ({"num_agents": 1, "targets": 3}, "pairs of integers"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(InvalidValueError, match=message) as caught:
        grid_task(**{"name": "navigation", **options})
    assert "\n" not in str(caught.value)
