"""What all wrappers around a ParallelEnv share: where the state comes from, who is known, what is refused."""

import pickle

import numpy as np
import pytest
from parallel_toys import WalkEnv, walk_scope_dimensions
from walk_stacks import goals_with, walk_scope

from isa_wrappers import CountBonus, GoalBuffer, InfluenceScope, VisitCounter
from isa_wrappers.errors import (
    InvalidValueError,
    NonFiniteError,
    ScopeMismatchError,
    UnsupportedEnvironmentError,
)
from isa_wrappers.rewards.novelty import StateNovelty
from isa_wrappers.wrappers import GoalRecording, GoalSampling, InfluenceCountBonus, RewardWrapper, ScopeWrapper
from isa_wrappers.wrappers.turn import read_actions


def test_state_from_observations_or_a_function():
    dims = {f"walker_{i}": [[], [2 * i], [2 * i]] for i in range(2)}
    scope = InfluenceScope.from_dimensions(dims, state_size=4)
    env = InfluenceCountBonus(WalkEnv(stateless=True), scope, state_fallback="observations")
    env.reset()
    env.step({"walker_0": 1, "walker_1": 0})
    assert env.global_state.tolist() == [1.0, 1.0, 0.0, 1.0]
    twice = InfluenceCountBonus(WalkEnv(stateless=True), walk_scope(), state_fallback=lambda inner: inner.position * 2)
    twice.reset()
    twice.step({"walker_0": 1, "walker_1": 0})
    assert twice.global_state.tolist() == [2.0, 0.0]
    with pytest.raises(UnsupportedEnvironmentError, match=r"in Python: state_fallback='observations', or a"):
        InfluenceCountBonus(WalkEnv(stateless=True), walk_scope()).reset()


class Growing(WalkEnv):
    def reset(self, seed=None, options=None):
        found = super().reset(seed, options)
        self.agents = ["stranger", *self.agents[1:]]
        return found


class Poisoned(WalkEnv):
    def state(self):
        return self.position + (np.nan if self.time == 2 else 0.0)


def test_bad_input_is_named():
    scope = walk_scope()
    with pytest.raises(ScopeMismatchError, match="its agents"):
        InfluenceCountBonus(WalkEnv(agents=3), scope)
    short = InfluenceScope.from_dimensions(walk_scope_dimensions(), state_size=5)
    with pytest.raises(ScopeMismatchError, match="state size 5"):
        InfluenceCountBonus(WalkEnv(), short).reset()
    with pytest.raises(ScopeMismatchError, match="'stranger' is not among"):
        InfluenceCountBonus(Growing(), scope).reset()
    poisoned = InfluenceCountBonus(Poisoned(), scope)
    poisoned.reset()
    poisoned.step({"walker_0": 0, "walker_1": 0})
    with pytest.raises(NonFiniteError, match="step 2, dimension 0"):
        poisoned.step({"walker_0": 0, "walker_1": 0})


def test_aec_and_vectorised_environments_are_refused():
    class Aec:
        possible_agents = ("a",)

        def agent_iter(self):
            return iter(())

    class Vectorised:
        num_envs = 4

    with pytest.raises(UnsupportedEnvironmentError, match="in which agents take turns"):
        InfluenceCountBonus(Aec(), walk_scope())
    with pytest.raises(UnsupportedEnvironmentError, match="it is vectorised"):
        InfluenceCountBonus(Vectorised(), walk_scope())


class Stretching(WalkEnv):
    """Its state grows after the second step."""

    def state(self):
        return np.append(self.position, self.position) if self.time > 1 else self.position


def test_no_scope_is_needed_to_know_agents_and_state():
    env = ScopeWrapper(WalkEnv(deaths=True), None)
    assert (env.scope, env.credit, env.state_size) == (None, None, None)
    env.reset()
    assert (env.state_size, env.global_state.tolist()) == (2, [0.0, 0.0])
    env.step({"walker_0": 1, "walker_1": 0})
    assert env.global_state.tolist() == [1.0, 0.0]
    outer = GoalSampling(env, walk_scope(), goals_with(np.ones((1, 2), dtype=np.float32)))
    outer.reset()
    assert outer.global_state.tolist() == [0.0, 0.0]


def test_without_a_scope_agents_and_state_must_stay():
    with pytest.raises(UnsupportedEnvironmentError, match=r"'stranger' is not among possible_agents, \['walker_0'"):
        ScopeWrapper(Growing(), None).reset()
    env = ScopeWrapper(Stretching(), None)
    env.reset()
    env.step({"walker_0": 0, "walker_1": 0})
    with pytest.raises(UnsupportedEnvironmentError, match="a state of length 4 but had 2 before"):
        env.step({"walker_0": 0, "walker_1": 0})
    poisoned = ScopeWrapper(Poisoned(), None)
    poisoned.reset()
    poisoned.step({"walker_0": 0, "walker_1": 0})
    with pytest.raises(NonFiniteError, match="step 2, dimension 0"):
        poisoned.step({"walker_0": 0, "walker_1": 0})


@pytest.mark.parametrize("size", [1, 3])
def test_a_scope_around_a_wrapper_without_one_is_checked_at_the_reset(size):
    scope = InfluenceScope.from_dimensions({f"walker_{i}": [[], [0], [0]] for i in range(2)}, state_size=size)
    env = GoalRecording(ScopeWrapper(WalkEnv(), None), scope, GoalBuffer(size))
    with pytest.raises(ScopeMismatchError, match=f"its state size {size}, here 2"):
        env.reset()


def test_what_a_foreign_environment_calls_env_may_be_anything():
    walk = WalkEnv()
    walk.env = np.zeros((3, 3))  # its map
    wrapped = ScopeWrapper(walk, walk_scope())
    assert next(iter(wrapped.inner_wrappers())) is walk


def test_a_wrapper_can_be_pickled():
    wrapped = GoalRecording(WalkEnv(), walk_scope(), GoalBuffer(state_size=walk_scope().state_size))
    wrapped.reset(seed=0)
    copy = pickle.loads(pickle.dumps(wrapped))
    actions = dict.fromkeys(wrapped.agents, 1)
    for one, other in zip(wrapped.step(actions)[0].values(), copy.step(actions)[0].values(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("action", [1, np.int64(1), np.array(1), np.array([1]), [1], 1.0, True])
def test_one_whole_number_is_an_action_in_whatever_it_comes(action):
    told = read_actions({"walker_0": action, "walker_1": 0}, {"walker_0"}, {"walker_0": 0, "walker_1": 1}, (3, 3), None)
    assert told == ([True, False], [1, 0])


@pytest.mark.parametrize("action", [None, "x", 1.7, np.array([1, 2]), [], float("nan"), float("inf"), 3, -1])
def test_what_is_no_action_is_one_line(action):
    env = InfluenceCountBonus(WalkEnv(), walk_scope())
    env.reset(seed=0)
    with pytest.raises(InvalidValueError, match="action of agent 'walker_0' must be from 0 to 2, got"):
        env.step({"walker_0": action, "walker_1": 0})


@pytest.mark.parametrize("actions", [None, [0, 1], np.array([0, 1])])
def test_actions_that_are_no_dict_are_one_line(actions):
    env = InfluenceCountBonus(WalkEnv(), walk_scope())
    env.reset(seed=0)
    with pytest.raises(InvalidValueError, match="actions must be a dict by agent, got"):
        env.step(actions)


def test_what_was_made_for_a_device_is_refused_around_one_environment():
    pytest.importorskip("torch")
    scope = walk_scope()
    for wrap in (
        lambda: GoalRecording(WalkEnv(), scope, GoalBuffer(2, device="cpu")),
        lambda: GoalSampling(WalkEnv(), scope, GoalBuffer(2, device="cpu")),
        lambda: InfluenceCountBonus(
            WalkEnv(), scope, counter=VisitCounter([scope.common_dims, *scope.special_dims], device="cpu")
        ),
        lambda: RewardWrapper(WalkEnv(), CountBonus(scope, device="cpu")),
        lambda: RewardWrapper(WalkEnv(), StateNovelty(2, device="cpu")),
    ):
        with pytest.raises(
            InvalidValueError, match="made for device 'cpu', but around a ParallelEnv it must use NumPy"
        ):
            wrap()


class Extras(WalkEnv):
    """Tells of the episode beside its agents, names things in arrays, and pays in half precision."""

    state_names = np.array(["one", "other"])
    action_names = np.array(["stay", "left", "right"])

    def step(self, actions):
        observations, rewards, *over, infos = super().step(actions)
        return observations, dict.fromkeys(rewards, np.float16(1.0)), *over, {**infos, "time": 3}


def test_what_infos_hold_beside_agents_names_in_arrays_and_narrow_rewards():
    env = InfluenceCountBonus(Extras(), walk_scope(), mode="add", factor=1e-4)
    env.reset(seed=0)
    _, rewards, _, _, infos = env.step(dict.fromkeys(env.agents, 1))
    assert infos["time"] == 3
    assert 1.0 < rewards["walker_0"] < 1.001, "a bonus that half precision would lose"
