"""Public constructors and calls refuse what makes no sense in one line: no raw error, no silent nonsense."""

import itertools
import random

import numpy as np
import pytest
from toy_envs import Walk

from isa_wrappers import (
    CountBonus,
    CountConfig,
    Credit,
    Evidence,
    GoalBuffer,
    GoalConfig,
    GoalProjection,
    GoalRecording,
    GoalReward,
    GoalSampling,
    GoalSegmentReward,
    InfluenceCountBonus,
    InfluenceScope,
    RewardWrapper,
    ScopeConfig,
    Transition,
    VisitCounter,
    credit_for,
    estimate_scope,
    make_reward,
)
from isa_wrappers.envs import make_parallel
from isa_wrappers.errors import InvalidValueError, ISAError, NonFiniteError


@pytest.fixture(autouse=True)
def as_users_have_it():
    """The tests' own checks of arrays come before the library's; users have those of the library alone."""
    import array_checks

    with array_checks.paused():
        yield


SCOPE = InfluenceScope.from_dimensions({"a": [[], [0, 2]], "b": [[], [1, 2]]}, state_size=3)


def step(actions=(1, 0), alive=(True, True), state=(0.0, 1.0, 2.0), goal=(0.0, 0.0, 0.0)):
    state, goal = np.array(state, dtype=np.float32), np.array(goal, dtype=np.float32)
    return Transition(state, state, None, np.array(actions), np.zeros(2, np.float32), np.array(alive), goal)


@pytest.mark.parametrize("reward", [CountBonus(SCOPE), GoalReward(SCOPE)])
def test_an_action_that_nobody_has_is_refused(reward):
    """-1 read the last action's condition once."""
    for actions in ((-1, 0), (0, 2)):
        with pytest.raises(InvalidValueError, match="must be from 0 to 1, got"):
            reward(step(actions))
    assert np.isfinite(reward(step((-1, 0), alive=(False, True))).total).all(), "what the dead do means nothing"


@pytest.mark.parametrize("reward", [CountBonus(SCOPE), GoalReward(SCOPE)])
def test_arrays_do_not_broadcast_by_accident(reward):
    whole = step()
    for changed in (
        whole._replace(actions=np.array([1])), whole._replace(reward=np.zeros(1)),
        whole._replace(alive=np.array([True])),
        whole._replace(s_tp1=np.zeros((4, 3), np.float32)), whole._replace(s_tp1=np.zeros(1, np.float32)),
        whole._replace(reward=0.0), whole._replace(alive=None), whole._replace(s_tp1=None),
    ):  # fmt: skip
        with pytest.raises(InvalidValueError, match="must be an array of shape"):
            reward(changed)


def test_a_dimension_of_minus_one_is_none():
    with pytest.raises(InvalidValueError, match=r"segments must be an integer from 0 .* got -1"):
        VisitCounter([[0, -1]])
    with pytest.raises(InvalidValueError, match=r"dimension must be .* got -1"):
        InfluenceScope.from_dimensions({"a": [[-1]]}, state_size=2)


def test_goals_hold_no_nan():
    goals = GoalBuffer(state_size=2)
    with pytest.raises(NonFiniteError, match="won states must be finite"):
        goals.add(np.array([[np.nan, 0.0]]), np.array([True]))
    goals.add(np.array([[np.nan, 0.0], [1.0, 2.0]]), np.array([False, True]))
    assert goals.states.tolist() == [[1.0, 2.0]], "what was not won is not stored"
    with pytest.raises(InvalidValueError, match=r"states must be an array of shape \[any, 2\], got \[2\]"):
        goals.add(np.zeros(2), np.array([True]))
    with pytest.raises(InvalidValueError, match=r"won must be an array of shape \[3\], got \[1\]"):
        goals.add(np.zeros((3, 2)), np.array([True]))


def test_a_step_of_a_wrapper_with_an_action_nobody_has():
    """Of an environment that takes any number, too."""
    env = InfluenceCountBonus(Walk(), InfluenceScope.of_everything(("a", "b"), [3, 3], 2))
    env.reset(seed=0)
    for action in (-1, 3):
        with pytest.raises(InvalidValueError, match=f"action of agent 'b' must be from 0 to 2, got {action}"):
            env.step({"a": 0, "b": action})


@pytest.mark.parametrize("seed", [-1, 1.5, "x"])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(InvalidValueError, match="seed must be an integer at least 0, got"):
        estimate_scope(Walk(), ScopeConfig(transitions=60), seed)


def test_numpy_scalars_are_kept_as_plain_ones(tmp_path):
    import json

    from isa_wrappers import scope_to_dict

    values = np.zeros((np.int64(1), 2, 1))
    settings = {"seed": np.int64(3), "x": np.float32(0.5)}
    scope = InfluenceScope(
        (np.str_("a"),), values, np.float32(0.25), (np.int64(2),), settings=settings, chance=np.float32(0.5)
    )
    assert json.loads(json.dumps(scope_to_dict(scope)))["settings"] == {"seed": 3, "x": 0.5}
    counter = VisitCounter([np.array([0])], table_bits=np.int64(5))
    assert type(counter.table_bits) is int
    assert counter.segments == [[0]]
    assert GoalBuffer(np.int64(2), np.int64(3)).state_dict()["states"].shape == (4, 2)


ODD = [
    None, -1, 0, 3, 2**70, 1.5, float("nan"), float("inf"), "x", "", b"x", "x" * 300, True, [], [1], [-1], [[0]],
    [[-1]], [["a"]], {}, {"a": 1}, {"a": [[0]]}, {"a": 3}, set(), object(), np.zeros(0), np.zeros(3),
    np.full((2, 2, 3), np.nan), np.zeros((2, 2, 3)), np.array("x"), np.array([None]), np.int64(-1), np.float32("nan"),
    int, len, lambda: 0, 1j,
    SCOPE, credit_for(SCOPE), ScopeConfig(), CountConfig(), GoalConfig(), VisitCounter([[0]]), GoalBuffer(3), (1, 2),
]  # fmt: skip


def env():
    return make_parallel("grid/unlock", num_agents=1)


MAKERS = {
    "VisitCounter": (VisitCounter, [[[0]], 1.0, 5]),
    "GoalBuffer": (GoalBuffer, [3, 5, 0]),
    "GoalProjection": (GoalProjection, [SCOPE]),
    "CountBonus": (CountBonus, [SCOPE, None, None, None]),
    "GoalReward": (GoalReward, [SCOPE, None]),
    "InfluenceScope": (
        InfluenceScope,
        [("a", "b"), np.zeros((2, 2, 3)), 0.1, (2, 2), (), (), {}, None, "figure", None],
    ),
    "from_dimensions": (InfluenceScope.from_dimensions, [{"a": [[0]]}, 3, 0.0]),
    "of_everything": (InfluenceScope.of_everything, [("a",), (2,), 3, (), ()]),
    "Credit": (Credit, [np.ones(3), np.ones((2, 3)), np.ones((2, 2)), ("a", "b"), (2, 2), None, ()]),
    "credit_for": (credit_for, [SCOPE, "scope"]),
    "Evidence": (Evidence, [np.zeros((2, 2, 3)), np.zeros((2, 2)), np.zeros((2, 2))]),
    "estimate_scope": (estimate_scope, [None, ScopeConfig(transitions=60), 0, None]),
    "ScopeConfig": (ScopeConfig, [60, 0.1, 0.1, 1, "nmi_block", "fixed", 0, False]),
    "CountConfig": (CountConfig, [0.1, 0.1, 1.0, 5]),
    "GoalConfig": (GoalConfig, [0.1, 0.1, 0.0, 5, 1, "uniform"]),
    "InfluenceCountBonus": (InfluenceCountBonus, [None, SCOPE, None, "replace", 1.0, None, None]),
    "GoalRecording": (GoalRecording, [None, SCOPE, GoalBuffer(3), "success", None]),
    "GoalSampling": (GoalSampling, [None, SCOPE, GoalBuffer(3), "success", 0, None, "uniform"]),
    "GoalSegmentReward": (GoalSegmentReward, [None, SCOPE, None, "replace", 1.0, None]),
    "RewardWrapper": (RewardWrapper, [None, CountBonus(SCOPE), "replace", 1.0, None, None]),
    "make_reward": (make_reward, ["count_bonus", None, None]),
    "sample": (lambda count: full().sample(count), [3]),
    "add": (lambda states, won: GoalBuffer(3).add(states, won), [np.zeros((2, 3)), np.array([True, False])]),
    "visit": (lambda state, mask: VisitCounter([[0]]).visit(state, mask), [np.zeros((2, 3)), None]),
    "count": (lambda state: VisitCounter([[0]]).count(state), [np.zeros((2, 3))]),
    "merge": (lambda other: VisitCounter([[0]]).merge(other), [VisitCounter([[0]])]),
    "project": (lambda goal: GoalProjection(SCOPE)(goal), [np.zeros(3)]),
    "with_delta": (SCOPE.with_delta, [0.3]),
}


def full():
    goals = GoalBuffer(3)
    goals.add(np.ones((1, 3)), np.array([True]))
    return goals


@pytest.mark.slow
@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.filterwarnings("ignore")
def test_odd_arguments_end_in_a_line_of_ours(name):
    """Each argument in turn takes every odd value; then all at once, at random."""
    make, usual = MAKERS[name]
    rng = random.Random(0)
    single = [(place, value) for place in range(len(usual)) for value in ODD]
    several = [[rng.choice(ODD) if rng.random() < 0.5 else value for value in usual] for _ in range(60)]
    cases = itertools.chain(([*usual[:p], value, *usual[p + 1 :]] for p, value in single), several)
    for arguments in cases:
        if name in ("InfluenceCountBonus", "GoalRecording", "GoalSampling", "GoalSegmentReward", "RewardWrapper"):
            arguments[0] = env() if arguments[0] is None else arguments[0]
        said = what_it_says(make, arguments)
        assert "\n" not in said, said
        assert len(said) < 2_500


def what_it_says(make, arguments):
    try:
        make(*arguments)
    except ISAError as error:
        return str(error)
    except Exception as error:
        raise AssertionError(f"{tuple(arguments)!r} ended in {type(error).__name__}: {error}") from error
    return ""
