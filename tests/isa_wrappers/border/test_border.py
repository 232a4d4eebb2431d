"""What an environment hands over: refused in a line that names the agent, or put right, in both families alike."""

import warnings

import numpy as np
import pytest
from border_toys import Alone, Few, Kitchen, Lingering, Told, Turns, masked, paid, seen, short
from continuous_toys import Components
from gymnasium import spaces
from parallel_toys import WalkEnv
from pettingzoo.utils import BaseParallelWrapper
from walk_stacks import goals_with, walk_scope

from isa_wrappers import GoalBuffer, ParallelEnvBatch
from isa_wrappers.border.border import Border
from isa_wrappers.errors import InvalidValueError, NonFiniteError, UnsupportedEnvironmentError
from isa_wrappers.wrappers import EpisodeStatistics, GoalRecording, GoalSampling, ScopeWrapper

FIRST, SECOND = "walker_0", "walker_1"
MASK = np.array([1, 1, 1])


def in_a_batch(env, steps=1):
    batch = ParallelEnvBatch([env])
    batch.reset(seed=0)
    for _ in range(steps):
        batch.step(np.zeros((1, 2), dtype=np.int64))


def in_a_wrapper(env, steps=1):
    wrapped = ScopeWrapper(env, None)
    wrapped.reset(seed=0)
    for _ in range(steps):
        wrapped.step(dict.fromkeys(wrapped.agents, 0))


both = pytest.mark.parametrize("play", [in_a_batch, in_a_wrapper])


class Both(Alone):
    """Who leaves is terminated as well as truncated."""

    def step(self, actions):
        *said, _, truncated, infos = super().step(actions)
        return *said, truncated, truncated, infos


class Sequential(WalkEnv):
    def observation_space(self, agent):
        return spaces.Sequence(spaces.Discrete(3))


class Linked(WalkEnv):
    def observation_space(self, agent):
        return spaces.Graph(spaces.Box(0, 1, (2,)), None)


class Spaceless(WalkEnv):
    observation_space = None


class OldSpace:
    """Stands for a space of another package."""


OldSpace.__module__ = "gym.spaces.discrete"


class Old(WalkEnv):
    def action_space(self, agent):
        return OldSpace()


class Attribute(WalkEnv):
    state = np.zeros(2)


class Fading(WalkEnv):
    """Its state is put together from those that are left."""

    def state(self):
        return np.concatenate([[self.position[i]] for i, _ in enumerate(self.agents)])


class Listed(WalkEnv):
    def step(self, actions):
        *said, infos = super().step(actions)
        return *said, {agent: [0] for agent in infos}


@both
@pytest.mark.parametrize(
    ("env", "says"),
    [
        (seen(FIRST, np.zeros(1, np.float32)), "observation of agent 'walker_0' in step 1 is not .* 1 numbers for 2"),
        (
            seen(SECOND, np.zeros(3, np.float32), when=0),
            "observation of agent 'walker_1' at the reset .* 3 numbers for",
        ),
        (seen(SECOND, "north"), "observation of agent 'walker_1' in step 1 .*: no numbers but 'north'"),
        (seen(SECOND, None), "agent 'walker_1' acts next and has no observation in step 1"),
        (masked(FIRST, np.array([1])), "action mask of agent 'walker_0' at the reset holds 1 numbers for 3 actions"),
        (masked(FIRST, np.ones(4), when=1), "action mask of agent 'walker_0' in step 1 holds 4 numbers for 3 actions"),
        (masked(SECOND, np.zeros(3)), "action mask of agent 'walker_1' at the reset forbids all of its 3 actions"),
        (Told(lambda time, *said: said[0]), r"reset\(\) of walk returned observations alone; it must return"),
        (Told(lambda time, *said: None), r"reset\(\) of walk returned NoneType; it must return observations and infos"),
        (short(4), r"step\(\) of walk returned 4 values; it must return five dicts"),
        (
            Told(lambda time, *said: (*said[:1], list(said[1].values()), *said[2:]) if time else said),
            r"step\(\) of walk returned rewards that are no dict by agent: 2 values",
        ),
        (paid(SECOND, None), "reward of agent 'walker_1' in step 1 must be a number, got None"),
        (paid(SECOND, np.zeros(2)), r"reward of agent 'walker_1' in step 1 must be a number, got array\(\[0., 0.\]\)"),
        (Listed(), r"info of agent 'walker_0' in step 1 must be a dict, got \[0\]"),
        (Spaceless(), r"walk has no observation_space\(agent\)"),
        (Old(), r"action_space\('walker_0'\) of walk is a space of the old package gym; make it gymnasium.spaces.OldS"),
        (Attribute(), r"state of walk is an attribute; make it a method state\(\)"),
        (Turns(False), "turns_?.* is an AEC environment, in which agents take turns"),
    ],
)
def test_what_cannot_be_taken_is_refused_in_a_line(play, env, says):
    with pytest.raises(UnsupportedEnvironmentError, match=says) as caught:
        play(env)
    assert "\n" not in str(caught.value)


@both
@pytest.mark.parametrize(
    ("env", "says"),
    [
        (
            seen(SECOND, np.array([0, np.nan], np.float32)),
            "observation of agent 'walker_1' in step 1, place 1 must be finite, holds nan",
        ),
        (seen(FIRST, np.array([-np.inf, 0])), "agent 'walker_0' in step 1, place 0 must be finite, holds -inf"),
        (paid(FIRST, np.nan), "reward must be finite: agent 'walker_0' has nan in step 1"),
        (paid(FIRST, np.array([np.inf])), "reward must be finite: agent 'walker_0' has inf in step 1"),
    ],
)
def test_what_is_not_finite_is_refused(play, env, says):
    with pytest.raises(NonFiniteError, match=says):
        play(env)


@both
def test_large_numbers_are_finite(play):
    """Their squares are not, in float32."""
    play(seen(FIRST, np.array([3e19, -3e19], np.float32)))


@both
def test_a_state_over_those_that_are_left(play):
    with pytest.raises(UnsupportedEnvironmentError, match=r"state\(\) of walk fails once env.agents is empty \(ValueE"):
        play(Fading(horizon=2), steps=2)


def test_observations_without_a_fixed_length():
    for env, name in ((Sequential(), r"Sequence\(Discrete\(3\), "), (Linked(), r"Graph\(Box")):
        with pytest.raises(UnsupportedEnvironmentError, match=name + ".* have no fixed length"):
            ParallelEnvBatch([env])
        with pytest.raises(UnsupportedEnvironmentError, match="no fixed number of numbers"):
            ParallelEnvBatch([env], state_fallback="observations")


def test_entries_and_codes_are_judged_too():
    class Codes(WalkEnv):
        given = 0

        def observation_space(self, agent):
            return spaces.Dict({"where": spaces.Tuple([spaces.Discrete(3), spaces.MultiDiscrete([2, 2])])})

        def _seen(self):
            return {agent: {"where": (self.given, np.array([1, self.given]))} for agent in self.agents}

    in_a_batch(Codes())
    for given, says in ((3, "entry 'where', part 0 .*: 3 is out of range"), (2, "part 1 .*: 2 is out of range")):
        Codes.given = given
        with pytest.raises(UnsupportedEnvironmentError, match=says):
            in_a_batch(Codes())


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
    with pytest.raises(UnsupportedEnvironmentError, match="'walker_0' at the reset holds 3 numbers for 2 actions"):
        play(few)


def test_torch_observations():
    torch = pytest.importorskip("torch")
    env = seen(FIRST, torch.tensor([1.0, 2.0], requires_grad=True), when=0)
    assert ParallelEnvBatch([env]).reset().obs[0, 0].tolist() == [1, 2]
    goals = goals_with(np.ones((1, 2), dtype=np.float32))
    observations, _ = GoalSampling(env, walk_scope(), goals).reset()
    assert observations[FIRST].tolist()[:2] == [1, 2]
    with pytest.raises(NonFiniteError, match="place 0"):
        in_a_wrapper(seen(FIRST, torch.tensor([np.nan, 0.0])))


def test_who_was_ended_is_gone_wherever_it_stays():
    batch = ParallelEnvBatch([Lingering()])
    batch.reset()
    act = np.zeros((1, 2), dtype=np.int64)
    assert batch.step(act).alive.tolist() == [[True, True]]
    with pytest.warns(UserWarning, match="agent 'walker_0' of walk was terminated or truncated and stays"):
        step = batch.step(act)
    assert (step.alive.tolist(), bool(step.done)) == ([[False, True]], False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert batch.step(act).alive.tolist() == [[False, True]], "though its end was told once"
        step = batch.step(act)
    assert (step.terminated, step.truncated, step.final_alive.tolist()) == (False, True, [[False, True]])
    assert step.alive.tolist() == [[True, True]], "the next episode"


def test_all_ended_is_the_end_of_the_episode():
    batch = ParallelEnvBatch([Lingering(who=(FIRST, SECOND))])
    ends = [batch.reset(), *(batch.step(np.zeros((1, 2))) for _ in range(20))]
    assert [bool(step.terminated[0]) for step in ends] == [False] + [False, True] * 10


def test_the_wrappers_let_the_ended_go():
    goals = GoalBuffer(2)
    inner = EpisodeStatistics(Lingering(), success=2.0)
    env = GoalRecording(ScopeWrapper(inner, None), None, goals, success=2.0)
    env.reset()
    played = []
    for _ in range(10):
        played.append(list(env.agents))
        if not env.agents:
            break
        env.step(dict.fromkeys(env.agents, 0))
    assert played == [[FIRST, SECOND]] * 2 + [[SECOND]] * 2 + [[]]
    assert env.num_agents == 0
    assert len(goals) == 1, "its return was told at its end"
    told = inner.take()
    assert (told["episodes"], told["episode_length"]) == (1, 4)


def test_who_is_truncated_alone_is_told():
    batch = ParallelEnvBatch([Alone()])
    assert not batch.reset().cut.any()
    step = batch.step(np.zeros((1, 2)))
    assert (step.cut.tolist(), step.alive.tolist(), bool(step.done)) == ([[True, False]], [[False, True]], False)
    step = batch.step(np.zeros((1, 2)))
    assert (step.cut.tolist(), step.final_alive.tolist(), bool(step.truncated)) == (
        [[False] * 2],
        [[False, True]],
        True,
    )
    for env in (WalkEnv(deaths=True), Both()):
        died = ParallelEnvBatch([env])
        died.reset()
        assert not any(died.step(np.array([[1, 0]])).cut.any() for _ in range(3)), "terminated is not truncated"


def test_a_last_step_without_observations_keeps_what_was_seen():
    batch = ParallelEnvBatch([Kitchen()], state_fallback="observations")
    assert batch.state_names[:4] == ("walker_0.self[0]", "walker_0.self[1]", "walker_0.self[2]", "walker_0.soup")
    assert batch.reset().state.tolist() == [[0, 0, 8, 0] * 2]
    for time in (1, 2):
        assert batch.step(np.array([[1, 0]])).state.tolist() == [[time, time, 8, time, 0, time, 8, time]]
    step = batch.step(np.array([[1, 0]]))
    assert step.done.all()
    assert step.final_state.tolist() == [[2, 2, 8, 2, 0, 2, 8, 2]]
    assert step.final_obs[0, 0].any(), "what the network sees too"
    goals = GoalBuffer(8)
    env = GoalRecording(Kitchen(), None, goals, success=0.0, state_fallback="observations")
    env.reset()
    while env.agents:
        env.step(dict.fromkeys(env.agents, 1))
    assert goals.states.tolist() == [[2, 2, 8, 2] * 2]


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
    with pytest.raises(InvalidValueError, match="every copy must be an environment of its own"):
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


class Stays(Components):
    """The first agent is terminated after a step and stays among the agents; masks bar as they are told."""

    def __init__(self, mask=None):
        self.mask = mask
        spaces_of = {"a": spaces.Box(0.5, 1, (2,), np.float32), "b": spaces.MultiDiscrete([2, 3])}
        super().__init__(spaces_of, ["x"])

    def infos(self, won=False):
        infos = super().infos(won)
        return infos if self.mask is None else {**infos, self.mask[0]: {"action_mask": self.mask[1]}}

    def move(self, actions):
        self.now[0] += actions["a"].sum()

    def step(self, actions):
        observations, rewards, terminations, truncations, infos = super().step(actions)
        return observations, rewards, {**terminations, "a": True}, truncations, infos


def test_who_stays_after_its_end_does_what_is_nearest_to_nothing():
    border = Border(Stays())
    border.reset(seed=0)
    with pytest.warns(UserWarning, match="stays in env.agents"):
        border.step({"a": np.ones(2, np.float32), "b": np.array([1, 2])})
    border.step({"b": np.array([1, 2])})
    assert border.env.seen[1]["a"].tolist() == [0.5, 0.5]


@pytest.mark.parametrize("mask", [[1, 0, 1, 0, 1], ([1, 0], [1, 0, 1])])
def test_masks_of_components(mask):
    border = Border(Stays(("b", mask)))
    border.reset(seed=0)
    assert border.masks["b"].tolist() == [True, False, True, False, True]


@pytest.mark.parametrize(
    ("agent", "mask", "says"),
    [
        ("b", [1, 1, 0, 0, 0], r"agent 'b' at the reset forbids all of its values at \[1\]; leave one"),
        ("b", [1, 1], "holds 2 numbers for 5 actions"),
        ("a", [1] * 8, "agent 'a' has an action mask at the reset and continuous actions, of which none can be masked"),
    ],
)
def test_masks_that_cannot_be_of_components(agent, mask, says):
    with pytest.raises(UnsupportedEnvironmentError, match=says):
        Border(Stays((agent, mask))).reset(seed=0)
