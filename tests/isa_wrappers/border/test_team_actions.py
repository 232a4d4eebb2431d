import pickle

import numpy as np
import pytest
from gymnasium import spaces

from isa_wrappers.arrays import Rng, backend, to_numpy
from isa_wrappers.border.actions import ActionCode
from isa_wrappers.border.team_actions import TeamCode, team_code

MIXED = [spaces.Box(-1, 3, (2,)), spaces.MultiDiscrete([3, 2, 2]), spaces.Discrete(4), spaces.MultiBinary(1)]


def code_of(*given):
    return TeamCode([ActionCode.of(space, f"agent_{i}") for i, space in enumerate(given)])


def test_a_team_of_plain_actions_has_no_code():
    assert team_code([ActionCode.of(spaces.Discrete(n), "a") for n in (2, 3)]) is None
    assert team_code([ActionCode.of(space, "a") for space in MIXED]) == code_of(*MIXED)


@pytest.mark.parametrize("device", [None, "cpu"])
def test_drawn_actions_are_actions_and_columns_agree_with_loops(device):
    code, xp = code_of(*MIXED), backend(device)
    open_to = np.zeros((200, 4, 8), dtype=bool)
    for i, count in enumerate(code.num_actions):
        open_to[:, i, :count] = True
    open_to[:100, 1, 1] = open_to[:100, 2, 0] = open_to[:, 1, 5] = False
    drawn = code.draw(Rng(0, device), xp.asarray(open_to, device=device))
    columns = to_numpy(code.columns(drawn))
    drawn = to_numpy(drawn)
    assert drawn.dtype == np.float32
    assert columns.shape == drawn.shape == (200, 4, 3)
    taken = np.zeros_like(open_to)
    for i, own in enumerate(code.codes):
        for b in range(200):
            assert MIXED[i].contains(own.native(drawn[b, i]))
            for c, (component, first) in enumerate(zip(own.components, own.offsets, strict=True)):
                part = int((drawn[b, i, c] - component.low) / component.width * component.parts)
                assert columns[b, i, c] == first + part
                assert open_to[b, i, first + part]
                taken[b, i, first + part] = True
        assert (columns[:, i, len(own.components) :] == columns[:, i, :1]).all()
    assert (taken.any(axis=0) == open_to.any(axis=0)).all()


@pytest.mark.parametrize("device", [None, "cpu"])
def test_every_value_of_a_choice_is_its_own_whatever_their_number(device):
    """5 / 6 * 6 is less than 5 in float32, and so on for most numbers of values."""
    for count in range(2, 300):
        code, xp = code_of(spaces.MultiDiscrete([2, count]), spaces.Discrete(count)), backend(device)
        values = np.stack([[np.full(count, 1), np.arange(count)], [np.arange(count), np.zeros(count)]]).transpose(
            2, 0, 1
        )
        columns = to_numpy(code.columns(xp.asarray(values.astype(np.float32), device=device)))
        assert columns[:, 0, 1].tolist() == list(range(2, 2 + count)), count
        assert columns[:, 1, 0].tolist() == list(range(count)), count


def test_bounds_belong_to_the_outer_parts():
    code = code_of(spaces.Box(-1, 1, (1,)))
    actions = np.array([-5.0, -1.0, -0.5, 0.0, 0.99, 1.0, 7.0], dtype=np.float32)[:, None, None]
    assert code.columns(actions)[:, 0, 0].tolist() == [0, 0, 1, 2, 3, 3, 3]


@pytest.mark.parametrize("device", [None, "cpu"])
def test_what_is_not_available_gives_way_to_the_first_that_is(device):
    xp = backend(device)
    code = code_of(spaces.MultiDiscrete([3, 2]), spaces.Box(0, 1, (1,)))
    open_to = np.array([[[0, 1, 1, 1, 0], [1, 1, 1, 1, 0]]], dtype=bool)
    actions = np.array([[[0.0, 1.0], [0.7, 0.0]]], dtype=np.float32)
    allowed = to_numpy(code.allowed(xp.asarray(actions, device=device), xp.asarray(open_to, device=device)))
    np.testing.assert_allclose(allowed[0, 0], [1.0, 0.0])
    assert allowed[0, 1, 0] == np.float32(0.7)


def test_whoever_does_not_act_has_one_value_of_each_choice():
    idle = code_of(spaces.MultiDiscrete([3, 2]), spaces.Box(0, 1, (1,))).idle()
    assert idle.tolist() == [[True, False, False, True, False], [True, True, True, True, False]]


def test_a_code_survives_the_way_to_a_worker():
    code = code_of(*MIXED)
    code.on(np.zeros(1))
    again = pickle.loads(pickle.dumps(code))
    assert again == code
    assert all((one == other).all() for one, other in zip(again.table, code.table, strict=True))


def test_a_range_without_width_has_one_part_that_is_taken():
    code = code_of(spaces.Box(np.array([1.0, 0.0]), np.array([1.0, 2.0]), dtype=np.float32))
    drawn = code.draw(Rng(0), np.ones((50, 1, 8), dtype=bool))
    assert (drawn[..., 0] == 1.0).all()
    assert (code.columns(drawn)[..., 0] == 0).all()


@pytest.mark.parametrize("device", [None, "cpu"])
def test_whole_numbers_of_a_range_are_counted_as_the_environment_gets_them(device):
    code, xp = code_of(spaces.Box(0, 3, (1,), np.int64)), backend(device)
    values = np.linspace(-0.4, 3.4, 77, dtype=np.float32)[:, None, None]
    got = [code.read({0: (code.codes[0].native(value[0]), "a")}).item() for value in values]
    assert to_numpy(code.columns(xp.asarray(values, device=device))).reshape(-1).tolist() == got
    drawn = to_numpy(code.draw(Rng(0, device), xp.ones((4000, 1, 4), dtype=xp.bool, device=device)))
    assert np.bincount(drawn.reshape(-1).astype(int)).tolist() == pytest.approx([1000] * 4, abs=100)
    alone = [code.codes[0].draw(np.random.default_rng(seed)).item() for seed in range(400)]
    assert np.bincount(np.array(alone, dtype=int)).tolist() == pytest.approx([100] * 4, abs=40)
