"""What every wrapper must do around any environment, and the stacks to ask it of."""

from __future__ import annotations

import copy

import numpy as np
from gymnasium.utils.env_checker import data_equivalence
from pettingzoo.test import parallel_api_test, parallel_seed_test

from isa_wrappers import GoalBuffer
from isa_wrappers.border.actions import ActionCode
from isa_wrappers.border.spaces import flatten, inner_observation
from isa_wrappers.border.state import read_state
from isa_wrappers.wrappers import GoalRecording, GoalSampling, GoalSegmentReward, InfluenceCountBonus


def action_mask(obs, info, n):
    """Return ``[n]`` bool: the mask in a Dict observation, else the one in ``info``, else every action."""
    mask = obs.get("action_mask") if isinstance(obs, dict) else None
    mask = info.get("action_mask") if mask is None else mask
    return np.ones(n, dtype=bool) if mask is None else np.asarray(mask, dtype=bool)


def won(env, infos):
    """Take the state after an episode's first step for a won one, so that the goals of later episodes depend on it."""
    return True


def recording(env, scope, goals, state=None):
    return GoalRecording(env, scope, copy.deepcopy(goals), success=won, state_fallback=state)


def sampling(env, scope, goals, state=None):
    return GoalSampling(env, scope, copy.deepcopy(goals), success=won, state_fallback=state)


def full_stack(env, scope, goals, state=None, success=won):
    counting = InfluenceCountBonus(env, scope, state_fallback=state)
    return GoalSegmentReward(GoalSampling(counting, scope, copy.deepcopy(goals), success=success), scope)


STACKS = {
    "count": lambda env, scope, goals, state=None: InfluenceCountBonus(env, scope, state_fallback=state),
    "recording": recording,
    "sampling": sampling,
    "segment": lambda env, scope, goals, state=None: GoalSegmentReward(sampling(env, scope, goals, state), scope),
    "full": full_stack,
}
"""Every wrapper by itself and all together, each with a copy of ``goals``; ``state`` goes to the innermost wrapper, the
others take that one's."""


def visited_goals(env, state=None, steps=5):
    """Take the states of a few random steps for won ones."""
    rng = np.random.default_rng(0)
    observations, infos = env.reset(seed=0)
    visited = [read_state(env, observations, state)]
    while env.agents and len(visited) < steps:
        observations, _, _, _, infos = env.step(random_actions(env, observations, infos, rng))
        visited.append(read_state(env, observations, state))
    goals = GoalBuffer(len(visited[0]))
    goals.add(np.stack(visited), np.ones(len(visited), dtype=bool))
    return goals


def random_actions(env, observations, infos, rng):
    actions = {}
    for agent in env.agents:
        code = ActionCode.of(env.action_space(agent), agent)
        mask = action_mask(observations[agent], infos.get(agent, {}), code.num_actions)
        actions[agent] = code.native(code.draw(rng, mask))
    return actions


def episodes(env, seed, cycles, count=2):
    """Play ``count`` episodes, only the first one seeded; of each step the agents and what ``step`` returned."""
    rng = np.random.default_rng(seed)
    heard = []
    for episode in range(count):
        observations, infos = env.reset(seed=None if episode else seed)
        heard.append(copy.deepcopy((list(env.agents), observations, {}, {}, {}, infos)))
        for _ in range(cycles):
            if not env.agents:
                break
            step = env.step(random_actions(env, observations, infos, rng))
            observations, infos = step[0], step[-1]
            heard.append(copy.deepcopy((list(env.agents), *step)))
    return heard


def check_equal(first, second):
    assert len(first) == len(second)
    for time, steps in enumerate(zip(first, second, strict=True)):
        for name, one, other in zip(
            ("agents", "observations", "rewards", "terminations", "truncations", "infos"), *steps, strict=True
        ):
            assert data_equivalence(one, other), f"{name} differ in step {time}: {one} and {other}"


def check_left_alone(env, bare_env, heard, bare):
    """Who acts and how episodes end is the environment's; what a wrapper hands on still holds what came in."""
    assert len(heard) == len(bare)
    for step, bare_step in zip(heard, bare, strict=True):
        agents, observations, rewards, *ends, infos = step
        bare_agents, bare_observations, bare_rewards, *bare_ends, bare_infos = bare_step
        assert (agents, ends) == (bare_agents, bare_ends)
        assert observations.keys() == bare_observations.keys()
        assert rewards.keys() == bare_rewards.keys()
        for agent, obs in observations.items():
            space, before = bare_env.observation_space(agent), bare_observations[agent]
            assert env.observation_space(agent).contains(obs) or not space.contains(before)
            if not data_equivalence(obs, before):  # then a goal came behind it
                vector, flat = inner_observation(obs), flatten(space, before)
                assert len(vector) > len(flat)
                np.testing.assert_array_equal(vector[: len(flat)], flat.astype(vector.dtype))
        for agent, info in bare_infos.items():
            assert data_equivalence(info, {key: infos[agent].get(key) for key in info})


def check_conformance(make_bare, wrap, cycles=30, seed=0):
    """Check a stack around an environment: PettingZoo's tests, whole episodes twice from one seed, and left alone.

    ``parallel_seed_test`` compares one step and no more: it asks ``any(terminations)`` of a dict, true for its keys.
    """

    def make():
        return wrap(make_bare())

    env = make()
    for i, agent in enumerate(env.possible_agents):
        env.action_space(agent).seed(i)
    parallel_api_test(env, num_cycles=cycles)
    parallel_seed_test(make)
    env, bare_env = make(), make_bare()
    heard = episodes(env, seed, cycles)
    check_equal(heard, episodes(make(), seed, cycles))
    check_left_alone(env, bare_env, heard, episodes(bare_env, seed, cycles))
    return heard
