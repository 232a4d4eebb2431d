"""Every stack of wrappers conforms to PettingZoo around every toy, computes what arrays do, and resumes."""

import itertools

import conformance
import numpy as np
import pytest
from border_toys import Flat
from parallel_toys import WalkEnv
from pettingzoo.test import parallel_api_test, parallel_seed_test
from walk_stacks import SHOOTING_SCOPE, WON, full_stack, goals_with, walk_scope

from isa_wrappers import CountBonus, GoalReward
from isa_wrappers.envs import make_batch, make_parallel
from isa_wrappers.errors import ScopeMismatchError
from isa_wrappers.rewards import Transition
from isa_wrappers.wrappers import GoalRecording, GoalSampling, GoalSegmentReward, InfluenceCountBonus

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
MORE = {
    **STACKS,
    "count around recording": lambda env, scope, goals: InfluenceCountBonus(GoalRecording(env, scope, goals), scope),
    "count around goals": lambda env, scope, goals: InfluenceCountBonus(GoalSampling(env, scope, goals), scope),
}

TOYS = {
    "plain": {},
    "deaths": {"deaths": True},
    "late": {"late": True},
    "dict mask": {"masks": "observation"},
    "flat mask": {},
    "info mask": {"masks": "info"},
    "stateless": {"stateless": True},
}


@pytest.mark.parametrize("stack", STACKS)
def test_grid_stacks_conform(stack):
    def make():
        return STACKS[stack](make_parallel("grid/shooting", horizon=12), SHOOTING_SCOPE, goals_with(WON))

    parallel_api_test(make(), num_cycles=50)
    parallel_seed_test(make, num_cycles=20)


@pytest.mark.parametrize(("stack", "toy"), list(itertools.product(conformance.STACKS, TOYS)))
def test_odd_environments_conform(stack, toy):
    def make():
        return (Flat if toy == "flat mask" else WalkEnv)(**TOYS[toy])

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
            taken = Transition(before.state, step.final_state, None, actions[None], step.reward, before.alive, WON)
            paid = bonus(taken)
            total = progress(taken._replace(reward=paid.total))
            observations, rewards, _, _, infos = single.step(dict(zip(single.possible_agents, actions, strict=True)))
            for i, agent in enumerate(single.possible_agents):
                # A batch's distances, of up to 50, are float32: their differences are off by some millionths.
                assert rewards[agent] == pytest.approx(total.total[0, i], rel=1e-6, abs=1e-5)
                assert infos[agent]["isa/progress_common"] == pytest.approx(
                    total.parts["common"][0, i], rel=1e-6, abs=1e-5
                )
                assert infos[agent]["isa/bonus_special"] == pytest.approx(paid.parts["special"][0, i], rel=1e-6)


def test_saved_state_resumes_the_same():
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


@pytest.mark.parametrize(
    ("saved", "stack", "says"),
    [
        ("count", "sampling", "contains 'reward'"),
        ("recording", "sampling", "lacks 'goal'"),
        ("sampling", "count outside", "contains 'goals'"),
        ("recording", "full", "contains 'goals'"),
        ("sampling", "recording", "contains 'goal'"),
        ("count around recording", "count", "contains 'env'"),
        ("count outside", "count", "contains 'env'"),
        ("count around recording", "count around goals", "lacks 'goal'"),
        ("count", "count around recording", "lacks 'states'"),
    ],
)
def test_a_state_of_another_stack_is_refused(saved, stack, says):
    goals = goals_with(np.arange(20, dtype=np.float32).reshape(10, 2))
    state = MORE[saved](WalkEnv(), walk_scope(), goals).state_dict()
    with pytest.raises(ScopeMismatchError, match=f"the saved state does not fit this [A-Z].*: it {says}") as caught:
        MORE[stack](WalkEnv(), walk_scope(), goals).load_state_dict(state)
    assert "\n" not in str(caught.value)
    MORE[saved](WalkEnv(), walk_scope(), goals).load_state_dict(state)
