"""What an environment hands over and can be taken: put right, with its masks and spaces, once in a stack."""

import re

import numpy as np
import pytest
from border_play import FIRST, SECOND, both, in_a_batch, in_a_wrapper
from border_toys import Few, Told, Turns, paid, seen
from continuous_toys import Stays
from gymnasium import spaces
from parallel_toys import WalkEnv
from pettingzoo.utils import BaseParallelWrapper
from walk_stacks import goals_with, walk_scope

from isa_wrappers import ParallelEnvBatch
from isa_wrappers.border.border import Border
from isa_wrappers.errors import InvalidValueError, NonFiniteError, UnsupportedEnvironmentError
from isa_wrappers.rewards.novelty import ObservationNovelty
from isa_wrappers.wrappers import GoalSampling, RewardWrapper, ScopeWrapper

MASK = np.array([1, 1, 1])


def test_what_can_be_taken_is_put_right():
    few = Few()
    few._infos = lambda won=False: {FIRST: {"action_mask": np.array([0, 1, 0])}, SECOND: {"action_mask": MASK}}
    assert ParallelEnvBatch([few]).reset().available.tolist() == [[[False, True, False], [True] * 3]], "padded"
    batch = ParallelEnvBatch([paid(FIRST, np.array([2]))])
    batch.reset()
    assert batch.step(np.zeros((1, 2))).reward.tolist() == [[2, 0]]
    wrapped = ScopeWrapper(paid(FIRST, np.array([2])), None)
    wrapped.reset()
    assert wrapped.step(dict.fromkeys(wrapped.agents, 0))[1] == {FIRST: 2.0, SECOND: 0.0}
    silent = ScopeWrapper(Told(lambda time, *said: (*said[:-1], None)), None)
    assert silent.reset()[1] == {FIRST: {}, SECOND: {}}


@both
def test_padding_that_allows_what_is_not_there(play):
    few = Few()
    few._infos = lambda won=False: {FIRST: {"action_mask": MASK}}
    with pytest.raises(UnsupportedEnvironmentError, match="'walker_0' at the reset has 3 numbers for 2 actions"):
        play(few)


def test_torch_observations():
    torch = pytest.importorskip("torch")
    env = seen(FIRST, torch.tensor([1.0, 2.0], requires_grad=True), when=0)
    assert ParallelEnvBatch([env]).reset().obs[0, 0].tolist() == [1, 2]
    goals = goals_with(np.ones((1, 2), dtype=np.float32))
    observations, _ = GoalSampling(env, walk_scope(), goals).reset()
    assert observations[FIRST].tolist()[:2] == [1, 2]
    with pytest.raises(NonFiniteError, match="element 0"):
        in_a_wrapper(seen(FIRST, torch.tensor([np.nan, 0.0])))


def test_the_border_says_when_a_game_has_crashed():
    def when_told(said):
        border = Border(Told(lambda time, *rest: (*rest[:-1], said)))
        border.reset()
        border.step(dict.fromkeys(border.living, 0))
        return border.crashed

    assert when_told({FIRST: {}, SECOND: {"crashed": True}})
    assert not when_told({FIRST: {"crashed": False}, SECOND: {"fuel": 3}})
    assert not when_told(None)


def test_floats_wider_than_64_bits_stay_so_beside_a_goal():
    env = seen(FIRST, np.array([1.0, 2.0], dtype=np.longdouble), when=0)
    env.observation_spaces = {agent: spaces.Box(-9, 9, (2,), np.longdouble) for agent in env.possible_agents}
    env.observation_space = env.observation_spaces.__getitem__
    observations, _ = GoalSampling(env, walk_scope(), goals_with(np.ones((1, 2), dtype=np.float32))).reset()
    assert (observations[FIRST].dtype, observations[FIRST].tolist()) == (np.longdouble, [1.0, 2.0, 1.0])


def test_turns_that_can_be_taken_at_once_are_converted():
    batch = ParallelEnvBatch([Turns(True)])
    assert batch.reset().state.tolist() == [[0]]
    assert batch.step(np.array([[1, 1]])).state.tolist() == [[2]]
    env = ScopeWrapper(Turns(True), None)
    env.reset()
    env.step({"a": 1, "b": 0})
    assert env.global_state.tolist() == [1]


def test_one_object_behind_several_wrappers():
    shared = WalkEnv()
    with pytest.raises(InvalidValueError, match="every copy must be a separate environment"):
        ParallelEnvBatch([BaseParallelWrapper(shared), BaseParallelWrapper(shared)])


def test_spaces_under_goal_sampling():
    class Shown(WalkEnv):
        def __init__(self):
            super().__init__()
            self.observation_spaces = {agent: self.observation_space(agent) for agent in self.possible_agents}

    env = GoalSampling(Shown(), walk_scope(), goals_with(np.ones((1, 2), dtype=np.float32)))
    outer = ScopeWrapper(env, None)
    for stack in (env, outer):
        assert stack.observation_spaces == {agent: env.observation_space(agent) for agent in env.possible_agents}
        assert stack.observation_spaces[FIRST].shape > (2,)
        assert stack.action_spaces[FIRST] == spaces.Discrete(3)


def test_half_precision_observations_do_not_make_goals_infinite():
    class Half(WalkEnv):
        def observation_space(self, agent):
            return spaces.Box(-1e3, 1e3, (2,), np.float16)

        def _seen(self):
            return {agent: vector.astype(np.float16) for agent, vector in super()._seen().items()}

    env = GoalSampling(Half(), walk_scope(), goals_with(np.full((1, 2), 70_000, dtype=np.float32)))
    observations, _ = env.reset()
    assert observations[FIRST].tolist() == [0, 0, 70_000]
    assert env.observation_space(FIRST).dtype == np.float32


def test_the_border_is_passed_once_in_a_stack(monkeypatch):
    passed = []
    step = Border.step
    monkeypatch.setattr(Border, "step", lambda self, actions: passed.append(1) or step(self, actions))
    env = ScopeWrapper(ScopeWrapper(ScopeWrapper(WalkEnv(), None), None), None)
    env.reset()
    env.step(dict.fromkeys(env.agents, 0))
    assert len(passed) == 1


MIXED = np.array([True, 0, np.True_, np.float32(0), 10**400], dtype=object)


@pytest.mark.parametrize("mask", [[1, 0, 1, 0, 1], ([1, 0], [1, 0, 1]), MIXED, (MIXED[:2], MIXED[2:]), list(MIXED)])
def test_masks_of_components(mask):
    border = Border(Stays(("b", mask)))
    border.reset(seed=0)
    assert border.masks["b"].tolist() == [True, False, True, False, True]


@pytest.mark.parametrize(
    ("agent", "mask", "says"),
    [
        ("b", [1, 1, 0, 0, 0], r"agent 'b' at the reset forbids all of its values at \[1\]; allow one"),
        ("b", [1, 1], "has 2 numbers for 5 actions"),
        ("a", [1] * 8, "agent 'a' has an action mask at the reset, but continuous actions cannot be masked"),
    ],
)
def test_masks_that_cannot_be_of_components(agent, mask, says):
    with pytest.raises(UnsupportedEnvironmentError, match=says):
        Border(Stays((agent, mask))).reset(seed=0)


CODES = {
    "Discrete": (spaces.Discrete(3, start=1), lambda number: number(2), [0, 1, 0]),
    "MultiDiscrete": (spaces.MultiDiscrete([2, 3]), lambda number: np.array([number(1), number(2)]), [0, 1, 0, 0, 1]),
    "nested": (
        spaces.Dict({"at": spaces.Tuple([spaces.Discrete(2), spaces.Box(0, 1, (1,))])}),
        lambda number: {"at": (number(1), np.array([0.5]))},
        [0, 1, 0.5],
    ),
}


def coded(kind, number):
    """The first agent sees codes, as numbers of this type, from the first step on."""
    space, made, _ = CODES[kind]
    env = Told(lambda time, observations, *rest: ({**observations, FIRST: made(number)}, *rest))
    env.observation_space = lambda agent: space if agent == FIRST else spaces.Box(-9, 9, (2,), np.float32)
    return env


@pytest.mark.parametrize("kind", CODES)
@pytest.mark.parametrize("number", [int, float, np.float32])
def test_codes_that_come_as_floats_are_taken(kind, number):
    wanted = CODES[kind][2]
    step = ParallelEnvBatch([coded(kind, number)]).reset()
    assert step.obs[0, 0, : len(wanted)].tolist() == wanted
    shown = GoalSampling(coded(kind, number), walk_scope(), goals_with(np.ones((1, 2)))).reset()[0][FIRST]
    assert shown[: len(wanted)].tolist() == wanted


@both
@pytest.mark.parametrize("kind", CODES)
def test_codes_that_are_no_whole_numbers_are_refused(play, kind):
    with pytest.raises(
        UnsupportedEnvironmentError, match=r"agent 'walker_0' at the reset.*: [12]\.5 is not an integer"
    ):
        play(coded(kind, lambda value: value + 0.5))


LARGE = spaces.Box(-1e300, 1e300, (1, 2), np.float64)


def novel(env):
    env = RewardWrapper(env, ObservationNovelty(2), state_fallback="observations")
    env.reset()
    env.step(dict.fromkeys(env.agents, 0))


def shown_goals(env):
    env = GoalSampling(env, walk_scope(), goals_with(np.ones((1, 2))))
    env.reset()
    env.step(dict.fromkeys(env.agents, 0))


@pytest.mark.parametrize("play", [in_a_batch, novel, shown_goals])
@pytest.mark.parametrize("value", [1e39, -1e200])
def test_numbers_beyond_float32_are_refused(play, value):
    """In float32 they are infinite, and nobody would have been told."""
    env = Told(lambda time, seen, *rest: ({a: np.array([[0.5, value if time else 3e38]]) for a in seen}, *rest))
    env.observation_space = lambda agent: LARGE
    told = f"agent 'walker_0' in step 1, element 1 must be within the range of float32.*got {re.escape(repr(value))}"
    with pytest.raises(NonFiniteError, match=told):
        play(env)
