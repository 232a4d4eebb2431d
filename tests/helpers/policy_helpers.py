"""Policies of runs that were never trained: networks drawn at random, so that what is done depends on what is seen."""

import numpy as np
import pytest
import torch
from learner_helpers import tiny_config

from isa_learners.algorithms import ALGORITHMS
from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.evaluation import evaluate
from isa_learners.runs.policy import RunPolicy
from isa_learners.runs.scopes import scope_for
from isa_wrappers.envs import make_parallel

DEATHS_AND_MASKS = "parallel_toys:WalkEnv", {"agents": 3, "horizon": 15, "deaths": True, "masks": "info"}
NUMBERS = "continuous_toys:Mixed", {}
GRID = "grid/shooting", {"num_agents": 2, "horizon": 9}


def drawn_algorithm(algo="isa", env=DEATHS_AND_MASKS, seed=1, **options):
    """An algorithm in its last phase, with goals where it has any."""
    config = tiny_config(*env, algo=algo, **options)
    algorithm = Algorithm(config, scope_for(config)[0])
    if "goals" in algorithm.shared:
        goals = 5.0 * np.random.default_rng(seed).normal(size=(5, algorithm.phase.context.env.state_size))
        device = algorithm.phase.context.env.device
        won = torch.ones(5, dtype=torch.bool, device=device)
        algorithm.shared["goals"].add(torch.tensor(goals, dtype=torch.float32, device=device), won)
        algorithm.phase = algorithm.enter(ALGORITHMS[algo].phase_names[-1])
    generator = torch.Generator()
    generator.manual_seed(seed)
    learner = algorithm.phase.learner
    network = {"ppo": lambda: learner.ppo.actor, "q": lambda: learner.q.net, "coma": lambda: learner.coma.actor}[
        algorithm.config.learner
    ]()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    if (norm := getattr(learner, "norm", None)) is not None:
        team, sizes = learner.sizes.num_agents, learner.sizes
        drawn = (
            torch.randn(5, 4, *shape, generator=generator) for shape in ((team, sizes.obs_size), (sizes.state_size,))
        )
        norm.update(*(3.0 + 2.0 * values for values in drawn), torch.ones(5, 4, team))
    return algorithm


def played(policy, env, seed, **options):
    """Play one episode with a policy in a plain PettingZoo loop; return its states, rewards and actions."""
    observations, infos = env.reset(seed=seed)
    policy.reset(seed)
    states, rewards, chosen = [env.state()], [], []
    while env.agents:
        chosen.append(policy.act({agent: observations[agent] for agent in env.agents}, infos, **options))
        assert list(chosen[-1]) == env.agents
        observations, reward, _, _, infos = env.step(chosen[-1])
        states.append(env.state())
        rewards.append(reward)
    return np.stack(states), rewards, chosen


def evaluated(algorithm, seed):
    """The states and the return of an evaluation's only episode."""
    env, _ = algorithm.evaluation_env(1)
    states = []
    found = evaluate(env, algorithm.phase.learner, seed, lambda step: states.append(step.final_state[0].cpu().numpy()))
    return np.stack(states), found


def same_as_evaluated(algorithm, env, seeds=range(3)):
    policy = RunPolicy(algorithm)
    for seed in seeds:
        states, rewards, _ = played(policy, make_parallel(env[0], **env[1]), seed)
        wanted, found = evaluated(algorithm, seed)
        np.testing.assert_array_equal(states, wanted)
        assert len(rewards) == found.episode_length
        total = sum(sum(reward.values()) / len(policy.agents) for reward in rewards)
        assert total == pytest.approx(found.return_mean)
