import numpy as np
import pytest
from gymnasium import spaces

from isa_wrappers.border.actions import ActionCode
from isa_wrappers.errors import InvalidValueError, UnsupportedEnvironmentError

SPACES = [
    spaces.Discrete(5),
    spaces.Box(-1, 1, (3,), np.float32),
    spaces.Box(np.array([[-2.0, 0.0]]), np.array([[2.0, 7.0]]), dtype=np.float64),
    spaces.Box(0, 9, (), np.float32),
    spaces.Box(0, 255, (2,), np.uint8),
    spaces.MultiDiscrete([3, 2, 4]),
    spaces.MultiDiscrete([[3, 2]], start=[[1, -1]]),
    spaces.MultiBinary(3),
    spaces.MultiBinary([2, 2]),
]


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_what_is_drawn_is_an_action_of_the_space_and_reads_back(space):
    code, rng = ActionCode.of(space, "a"), np.random.default_rng(0)
    for _ in range(50):
        vector = code.draw(rng)
        action = code.native(vector)
        assert space.contains(action)
        np.testing.assert_allclose(code.read(action, "a"), np.rint(vector) if code.dtype == "uint8" else vector)
    assert space.contains(code.idle)
    assert len(code.names) == len(set(code.names)) == code.num_actions


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_every_elementary_action_is_drawn_as_often(space):
    code, rng = ActionCode.of(space, "a"), np.random.default_rng(1)
    drawn = np.stack([code.draw(rng) for _ in range(4_000)])
    for c, component in enumerate(code.components):
        part = np.floor((drawn[:, c] - component.low) / component.width * component.parts).astype(int)
        part = np.minimum(part, component.parts - 1)  # the largest whole number of a range
        counts = np.bincount(part, minlength=component.parts)
        assert len(counts) == component.parts
        assert counts.min() > 0.85 * 4_000 / component.parts


def test_choices_are_drawn_among_what_is_available():
    code, rng = ActionCode.of(spaces.MultiDiscrete([3, 2]), "a"), np.random.default_rng(0)
    mask = np.array([True, False, True, False, True])
    assert {tuple(code.draw(rng, mask).tolist()) for _ in range(60)} == {(0.0, 1.0), (2.0, 1.0)}


def test_values_beyond_a_range_are_brought_into_it():
    code = ActionCode.of(spaces.Box(-1, 1, (2,), np.float32), "a")
    assert code.native([9.0, -9.0]).tolist() == [1.0, -1.0]


def test_names():
    box = spaces.Box(np.array([0.0, -1.0]), np.array([1.0, 1.0]))
    names = ActionCode.of(box, "a", ["gas", "wheel"]).names
    assert names[3:6] == ("gas in 0.75..1", "wheel in -1..-0.5", "wheel in -0.5..0")
    assert ActionCode.of(box, "a", ["gas"]).names[0] == "[0] in 0..0.25"
    assert ActionCode.of(spaces.MultiBinary([1, 2]), "a").names[2] == "[0,1] = 0"


@pytest.mark.parametrize(
    ("space", "says"),
    [
        (spaces.Tuple([spaces.Discrete(2)]), "MultiDiscrete and MultiBinary"),
        (spaces.Dict({"gas": spaces.Discrete(2)}), "MultiDiscrete and MultiBinary"),
        (spaces.Text(3), "Box with finite bounds"),
        (spaces.Discrete(2, start=1), r"supported: Discrete\(n\) starting at 0"),
        (spaces.Box(0, 1, (0,)), "supported: "),
        (spaces.Box(-np.inf, np.inf, (2,)), "without bounds; give it finite low and high, or wrap"),
        (spaces.Box(np.array([0.0, 0.0]), np.array([1.0, np.inf])), "without bounds"),
        (spaces.Box(-3e38, 3e38, (2,), np.float64), "without bounds"),
    ],
    ids=str,
)
def test_other_spaces_are_refused_by_name(space, says):
    with pytest.raises(UnsupportedEnvironmentError, match=rf"agent 'crane' has action space .*{says}"):
        ActionCode.of(space, "crane")


@pytest.mark.parametrize(
    ("space", "action"),
    [
        (spaces.Box(-1, 1, (2,)), [0.0]),
        (spaces.Box(-1, 1, (2,)), [0.0, np.nan]),
        (spaces.Box(-1, 1, (2,)), "fast"),
        (spaces.Box(-1, 1, (2,)), None),
        (spaces.MultiDiscrete([2, 3]), [0, 3]),
        (spaces.MultiDiscrete([2, 3]), [0, 0.5]),
        (spaces.MultiDiscrete([2, 3], start=[1, 1]), [0, 1]),
        (spaces.MultiBinary(2), [2, 0]),
    ],
)
def test_what_is_no_action_is_refused(space, action):
    with pytest.raises(InvalidValueError, match="action of agent 'a' must"):
        ActionCode.of(space, "a").read(action, "a")


def test_large_whole_numbers_stay_what_they_are():
    box = ActionCode.of(spaces.Box(0, 2**63 - 1, (1,), np.int64), "a")
    assert box.native([1e19]).tolist() == [2**63 - 1]
    for start in (2**24, 2**60):
        crane = ActionCode.of(spaces.MultiDiscrete([2, 3], start=[start, start]), "a")
        assert crane.read([start + 1, start + 2], "a").tolist() == [1, 2]
        assert crane.native([1, 2]).tolist() == [start + 1, start + 2]
