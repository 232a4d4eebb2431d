"""What an environment hands over and nobody can take: refused in a line that names the agent, in both families."""

import numpy as np
import pytest
from border_play import FIRST, SECOND, both, in_a_batch
from border_toys import Told, Turns, masked, paid, seen, short
from gymnasium import spaces
from parallel_toys import WalkEnv

from isa_wrappers import ParallelEnvBatch
from isa_wrappers.errors import NonFiniteError, UnsupportedEnvironmentError


class Sequential(WalkEnv):
    def observation_space(self, agent):
        return spaces.Sequence(spaces.Discrete(3))


class Linked(WalkEnv):
    def observation_space(self, agent):
        return spaces.Graph(spaces.Box(0, 1, (2,)), None)


class Spaceless(WalkEnv):
    observation_space = None


class Nobody(WalkEnv):
    def __init__(self, agents):
        super().__init__()
        self.possible_agents = agents


class Forgetful(WalkEnv):
    """Its space declares a mask, which it tells until a step is taken."""

    def observation_space(self, agent):
        return spaces.Dict({"observation": super().observation_space(agent), "action_mask": spaces.MultiBinary(3)})

    def _seen(self):
        mask = {} if self.time else {"action_mask": np.ones(3, np.int8)}
        return {agent: {"observation": obs, **mask} for agent, obs in super()._seen().items()}


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
        (
            seen(FIRST, np.zeros(1, np.float32)),
            "observation of agent 'walker_0' in step 1 does not .* 1 numbers instead of 2",
        ),
        (
            seen(SECOND, np.zeros(3, np.float32), when=0),
            "observation of agent 'walker_1' at the reset .* 3 numbers instead of",
        ),
        (seen(SECOND, "north"), "observation of agent 'walker_1' in step 1 .*: got 'north' instead of numbers"),
        (seen(SECOND, None), "agent 'walker_1' acts next but has no observation in step 1"),
        (masked(FIRST, np.array([1])), "action mask of agent 'walker_0' at the reset has 1 numbers for 3 actions"),
        (masked(FIRST, np.ones(4), when=1), "action mask of agent 'walker_0' in step 1 has 4 numbers for 3 actions"),
        (masked(SECOND, np.zeros(3)), "action mask of agent 'walker_1' at the reset forbids all of its 3 actions"),
        (
            masked(FIRST, np.array([1.0, np.nan, 0.0])),
            r"mask of agent 'walker_0' at the reset must be 1 for available actions and 0 for the others, got .*nan",
        ),
        (masked(FIRST, np.array([True, None, True])), "mask of agent 'walker_0' at the reset must be 1 .*None"),
        (masked(FIRST, np.array([1, "0", 0], dtype=object)), "mask of agent 'walker_0' .* must be 1 .*"),
        (masked(FIRST, np.array([1, np.nan, 0], dtype=object)), "mask of agent 'walker_0' .* must be 1 .*nan"),
        (masked(FIRST, [[1, 0], [1]], when=1), r"mask of agent 'walker_0' in step 1 must be 1 .*\[\[1, 0\], \[1\]\]"),
        (masked(SECOND, "all", when=1), "mask of agent 'walker_1' in step 1 must be 1 .*, got 'all'"),
        (Forgetful(), "action mask of agent 'walker_0' in step 1 must be 1 for available actions .*, got None"),
        (Told(lambda time, *said: said[0]), r"reset\(\) of walk returned only observations; it must return"),
        (Told(lambda time, *said: None), r"reset\(\) of walk returned NoneType; it must return observations and infos"),
        (short(4), r"step\(\) of walk returned 4 values; it must return five dicts"),
        (
            Told(lambda time, *said: (*said[:1], list(said[1].values()), *said[2:]) if time else said),
            r"step\(\) of walk returned rewards that are not a dict by agent: 2 values",
        ),
        (paid(SECOND, None), "reward of agent 'walker_1' in step 1 must be a number, got None"),
        (paid(SECOND, np.zeros(2)), r"reward of agent 'walker_1' in step 1 must be a number, got array\(\[0., 0.\]\)"),
        (Listed(), r"info of agent 'walker_0' in step 1 must be a dict, got \[0\]"),
        (Nobody([]), "possible_agents of walk is empty; it must list every agent"),
        (Nobody(None), "possible_agents of walk is empty"),
        (Spaceless(), r"walk has no observation_space\(agent\)"),
        (Old(), r"action_space\('walker_0'\) of walk is a space of the old package gym; use gymnasium.spaces.OldS"),
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
            "observation of agent 'walker_1' in step 1, element 1 must be finite, got nan",
        ),
        (seen(FIRST, np.array([-np.inf, 0])), "agent 'walker_0' in step 1, element 0 must be finite, got -inf"),
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
        with pytest.raises(UnsupportedEnvironmentError, match="no fixed length"):
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
