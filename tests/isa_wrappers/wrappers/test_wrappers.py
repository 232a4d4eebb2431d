"""The PettingZoo wrappers: conformance, equality with the batched path, oddities, order, saving."""

import itertools

import conformance
import numpy as np
import pytest
from gymnasium import spaces
from parallel_toys import WalkEnv, walk_scope_dimensions
from pettingzoo.test import parallel_api_test, parallel_seed_test

from isa_wrappers import CountBonus, GoalBuffer, GoalConfig, GoalReward, InfluenceScope, VisitCounter
from isa_wrappers.batch.parallel import ParallelEnvBatch
from isa_wrappers.batch_wrappers import BatchRecorder
from isa_wrappers.envs import make_batch, make_parallel
from isa_wrappers.errors import (
    EmptyGoalBufferError,
    InvalidValueError,
    NonFiniteError,
    ScopeMismatchError,
    UnsupportedEnvironmentError,
)
from isa_wrappers.wrappers import GoalRecording, GoalSampling, GoalSegmentReward, InfluenceCountBonus

SHOOTING_SCOPE = InfluenceScope.from_dimensions(
    {f"agent_{i}": [[], [2 * i + 1], [2 * i + 1], [2 * i], [2 * i], [6]] for i in range(3)}, state_size=7
)
WON = np.array([[5, 7, 3, 7, 7, 7, 51]], dtype=np.float32)


def goals_with(states):
    goals = GoalBuffer(states.shape[1])
    goals.add(states, np.ones(len(states), dtype=bool))
    return goals


def full_stack(env, scope, goals, **kwargs):
    return GoalSegmentReward(GoalSampling(InfluenceCountBonus(env, scope), scope, goals, **kwargs), scope)


STACKS = {
    "count": lambda env, scope, goals: InfluenceCountBonus(env, scope),
    "recording": lambda env, scope, goals: GoalRecording(env, scope, goals),
    "sampling": lambda env, scope, goals: GoalSampling(env, scope, goals),
    "segment": lambda env, scope, goals: GoalSegmentReward(GoalSampling(env, scope, goals), scope),
    "full": full_stack,
    "count outside": lambda env, scope, goals: InfluenceCountBonus(
        GoalSegmentReward(GoalSampling(env, scope, goals), scope), scope
    ),
}
TOYS = {
    "plain": {},
    "deaths": {"deaths": True},
    "late": {"late": True},
    "dict mask": {"masks": "observation"},
    "info mask": {"masks": "info"},
    "stateless": {"stateless": True},
}


def walk_scope(agents=2):
    return InfluenceScope.from_dimensions(walk_scope_dimensions(agents), state_size=agents)


@pytest.mark.parametrize("stack", STACKS)
def test_grid_stacks_conform(stack):
    def make():
        return STACKS[stack](make_parallel("grid/shooting", horizon=12), SHOOTING_SCOPE, goals_with(WON))

    parallel_api_test(make(), num_cycles=50)
    parallel_seed_test(make, num_cycles=20)


@pytest.mark.parametrize(("stack", "toy"), list(itertools.product(conformance.STACKS, TOYS)))
def test_odd_environments_conform(stack, toy):
    def make():
        return WalkEnv(**TOYS[toy])

    def wrap(env):
        state = (lambda env: env.position) if toy == "stateless" else None
        goals = goals_with(np.array([[3.0, 3.0]], dtype=np.float32))
        return conformance.STACKS[stack](env, walk_scope(), goals, state)

    conformance.check_conformance(make, wrap)
    env = wrap(make())
    for agent in env.possible_agents:
        assert env.observation_space(agent) is env.observation_space(agent)


def test_equals_the_batched_path_step_by_step():
    rng = np.random.default_rng(0)
    env = make_parallel("grid/shooting", horizon=25)
    single = full_stack(env, SHOOTING_SCOPE, goals_with(WON))
    batch = make_batch("grid/shooting", 1, horizon=25)
    bonus, progress = CountBonus(SHOOTING_SCOPE), GoalReward(SHOOTING_SCOPE)
    for _ in range(4):
        observations, infos = single.reset(seed=1)
        step = batch.reset(seed=1)
        while single.agents:
            np.testing.assert_array_equal(observations["agent_1"]["observation"][:3], step.obs[0, 1])
            actions = rng.integers(0, 6, 3)
            before = step
            step = batch.step(actions[None])
            paid = bonus(step.final_state, actions[None], step.reward, before.alive)
            total = progress(before.state, step.final_state, WON, actions[None], paid.total, before.alive)
            observations, rewards, _, _, infos = single.step(dict(zip(single.possible_agents, actions, strict=True)))
            for i, agent in enumerate(single.possible_agents):
                assert rewards[agent] == pytest.approx(total.total[0, i], rel=1e-6)
                assert infos[agent]["isa/progress_common"] == pytest.approx(total.common[0, i], rel=1e-6)
                assert infos[agent]["isa/bonus_special"] == pytest.approx(paid.special[0, i], rel=1e-6)


def test_adding_keeps_the_environments_reward():
    scope = walk_scope(1)
    env = InfluenceCountBonus(WalkEnv(agents=1), scope, mode="add", factor=0.5)
    env.reset()
    rewards, infos = [], {}
    for action in (1, 1, 1):
        _, reward, _, _, infos = env.step({"walker_0": action})
        rewards.append(reward["walker_0"])
    # One agent: its dimension is common, each position new, the last step won.
    assert rewards == pytest.approx([0.5, 0.5, 1.5])
    assert infos["walker_0"]["isa/env_reward"] == 1.0


def test_frozen_counts_and_records_nothing():
    scope, goals = walk_scope(1), GoalBuffer(1)
    env = InfluenceCountBonus(GoalRecording(WalkEnv(agents=1), scope, goals), scope)
    env.freeze()
    env.reset()
    for _ in range(3):
        env.step({"walker_0": 1})
    assert len(goals) == 0
    assert int(env.bonus.counter.table.sum()) == 0
    env.freeze(False)
    env.reset()
    for _ in range(3):
        env.step({"walker_0": 1})
    assert goals.states.tolist() == [[3.0]]
    assert int(env.bonus.counter.table.sum()) == 6  # three steps, a common and an (empty) special segment


def test_the_dead_visit_nothing():
    scope = walk_scope()
    env = InfluenceCountBonus(WalkEnv(deaths=True), scope)
    env.reset()
    for _ in range(3):
        env.step({"walker_0": 1, "walker_1": 0})
    assert env.agents == ["walker_1"]
    _, rewards, _, _, infos = env.step({"walker_1": 0})
    assert set(rewards) == set(infos) == {"walker_1"}
    special = env.bonus.counter.count(np.array([3.0, 0.0], dtype=np.float32))
    assert special[1:].tolist() == [1, 4]


@pytest.mark.parametrize(
    "rule", ["success", 0.5, lambda env, infos: bool((env.state() >= 3).all())], ids=["info", "return", "function"]
)
def test_success_rules_agree(rule):
    goals = GoalBuffer(2)
    env = GoalRecording(WalkEnv(), walk_scope(), goals, success=rule)
    for moves, won in (((1, 1, 1), 1), ((1, 0, 0, 0, 0, 0, 0, 0), 1), ((1, 1, 1), 2)):
        env.reset()
        for move in moves:
            env.step(dict.fromkeys(env.agents, move))
        assert len(goals) == won


def test_goals_extend_observations_and_bounds():
    goals = goals_with(np.array([[3.0, 4.0]], dtype=np.float32))
    env = GoalSampling(WalkEnv(masks="observation"), walk_scope(), goals)
    space = env.observation_space("walker_1")
    assert isinstance(space, spaces.Dict)
    assert space["observation"].shape == (3,)
    assert space["observation"].high.tolist() == [1e3] * 3
    observations, infos = env.reset(seed=3)
    assert observations["walker_1"]["observation"].tolist() == [0.0, 0.0, 4.0]
    assert infos["walker_0"]["isa/goal"].tolist() == [3.0]
    assert observations["walker_0"]["action_mask"].tolist() == [1, 1, 0]
    while env.agents:
        observations, *_ = env.step(dict.fromkeys(env.agents, 0))
        assert observations["walker_0"]["observation"][2] == 3.0


def test_one_goal_an_episode_from_the_seed():
    goals = goals_with(np.arange(40, dtype=np.float32).reshape(20, 2))
    env = GoalSampling(WalkEnv(), walk_scope(), goals)

    def drawn(seed):
        env.reset(seed=seed)
        first = env.goal.tolist()
        for _ in range(3):
            env.step(dict.fromkeys(env.agents, 0))
            assert env.goal.tolist() == first
        return [first] + [env.reset() and env.goal.tolist() for _ in range(5)]

    assert drawn(1) == drawn(1) != drawn(2)


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
    with pytest.raises(UnsupportedEnvironmentError, match=r"has no state\(\); pass state_fallback='observations'"):
        InfluenceCountBonus(WalkEnv(stateless=True), walk_scope()).reset()


def test_a_shared_counter_counts_both_environments():
    scope = walk_scope()
    counter = VisitCounter([scope.common_dims, *scope.special_dims])
    for _ in range(2):
        env = InfluenceCountBonus(WalkEnv(), scope, counter=counter)
        env.reset()
        env.step({"walker_0": 1, "walker_1": 0})
    assert counter.count(np.array([1.0, 0.0], dtype=np.float32)).tolist() == [2, 2, 2]


def test_saved_state_goes_on_the_same():
    goals = goals_with(np.arange(20, dtype=np.float32).reshape(10, 2))

    def make():
        return full_stack(WalkEnv(), walk_scope(), goals_with(np.zeros((1, 2), dtype=np.float32)))

    env = full_stack(WalkEnv(), walk_scope(), goals)
    env.reset(seed=0)
    for _ in range(3):
        env.step(dict.fromkeys(env.agents, 1))
    other = make()
    other.reset(seed=9)
    other.load_state_dict(env.state_dict())

    def onwards(any_env):
        heard = []
        for _ in range(3):
            observations, _ = any_env.reset()
            heard.append(observations["walker_0"].tolist())
            while any_env.agents:
                observations, rewards, *_ = any_env.step(dict.fromkeys(any_env.agents, 1))
                heard += [observations["walker_0"].tolist(), rewards]
        return heard

    assert onwards(env) == onwards(other)


def test_senseless_orders_are_refused():
    scope, goals = walk_scope(), goals_with(np.zeros((1, 2), dtype=np.float32))
    with pytest.raises(InvalidValueError, match=r"needs goals: wrap .* with GoalSampling first"):
        GoalSegmentReward(WalkEnv(), scope)
    segment = GoalSegmentReward(GoalSampling(WalkEnv(), scope, goals), scope)
    with pytest.raises(InvalidValueError, match="leave one of the two out"):
        GoalSampling(segment, scope, goals)
    with pytest.raises(InvalidValueError, match="already"):
        GoalSegmentReward(segment, scope)
    with pytest.raises(InvalidValueError, match="already"):
        InfluenceCountBonus(InfluenceCountBonus(WalkEnv(), scope), scope)


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
    with pytest.raises(EmptyGoalBufferError, match="explore until an episode is won"):
        GoalSampling(WalkEnv(), scope, GoalBuffer(2)).reset()
    poisoned = InfluenceCountBonus(Poisoned(), scope)
    poisoned.reset()
    poisoned.step({"walker_0": 0, "walker_1": 0})
    with pytest.raises(NonFiniteError, match="step 2, dimension 0"):
        poisoned.step({"walker_0": 0, "walker_1": 0})
    with pytest.raises(InvalidValueError, match="mode must be one of replace, add"):
        InfluenceCountBonus(WalkEnv(), scope, mode="ad")


def test_aec_and_vectorised_environments_are_refused():
    class Aec:
        possible_agents = ("a",)

        def agent_iter(self):
            return iter(())

    class Vectorised:
        num_envs = 4

    with pytest.raises(UnsupportedEnvironmentError, match="aec_to_parallel"):
        InfluenceCountBonus(Aec(), walk_scope())
    with pytest.raises(UnsupportedEnvironmentError, match="already vectorised"):
        InfluenceCountBonus(Vectorised(), walk_scope())


def test_a_won_episode_gives_one_goal_however_often_success_is_told():
    class Lasting(WalkEnv):
        def step(self, actions):
            observations, rewards, _, _, infos = super().step(actions)
            over = self.time >= self.horizon
            self.agents = [] if over else self.possible_agents[:]
            return observations, rewards, dict.fromkeys(rewards, False), dict.fromkeys(rewards, over), infos

    goals = GoalBuffer(1)
    scope = walk_scope(1)
    env = GoalRecording(Lasting(agents=1), scope, goals)
    for episode in (1, 2):
        env.reset()
        while env.agents:
            env.step({"walker_0": 1})
        assert goals.states.tolist() == [[3.0]] * episode
    batch = BatchRecorder(ParallelEnvBatch([Lasting(agents=1)]), GoalBuffer(1))
    batch.reset()
    for _ in range(16):
        batch.step(np.array([[1]]))
    assert (batch.take()["episodes"], batch.goals.states.tolist()) == (2.0, [[3.0], [3.0]])
    batch.reset()
    for _ in range(8):
        batch.step(np.array([[1]]))
    assert batch.take()["success_rate"] == 1.0


def test_who_does_not_act_is_paid_no_progress():
    goals = goals_with(np.array([[3.0, 3.0]], dtype=np.float32))
    env = GoalSegmentReward(GoalSampling(WalkEnv(late=True), walk_scope(), goals), walk_scope(), GoalConfig(1.0, 1.0))
    env.reset()
    env.env.env.position[1] = 1.0  # the world moves it before it joins
    _, rewards, *_ = env.step({"walker_0": 1, "walker_1": 1})
    assert rewards == {"walker_0": 1.0, "walker_1": 0.0}


def test_recorders_and_buffers_must_fit():
    scope, goals = walk_scope(), GoalBuffer(2)
    with pytest.raises(InvalidValueError, match="leave one of the two out"):
        GoalRecording(GoalRecording(WalkEnv(), scope, goals), scope, goals)
    with pytest.raises(ScopeMismatchError, match="states of 3 dimensions, the scope has 2"):
        GoalRecording(WalkEnv(), scope, GoalBuffer(3))
    with pytest.raises(ScopeMismatchError, match="shared counter counts segments"):
        InfluenceCountBonus(WalkEnv(), scope, counter=VisitCounter([[0], [1]]))


def test_the_hamming_weight_reaches_the_reward():
    goals = goals_with(np.array([[2.0, 1.0]], dtype=np.float32))
    env = GoalSegmentReward(GoalSampling(WalkEnv(), walk_scope(), goals), walk_scope(), GoalConfig(1.0, 0.0, 10.0))
    env.reset()
    _, rewards, *_ = env.step({"walker_0": 1, "walker_1": 1})
    assert rewards == {"walker_0": 1.0, "walker_1": 11.0}
