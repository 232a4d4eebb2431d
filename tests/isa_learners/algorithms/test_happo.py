"""HAPPO in a run: a policy for each agent, of agents of one kind and of mixed action counts."""

import math

import pytest
import torch
from learner_helpers import algorithm_of
from scripted_env import ScriptedEnv

from isa_learners.ppo import PPOConfig, PPOLearner
from isa_learners.ppo.networks import PerAgentNet, RecurrentNet
from isa_learners.rollout import Collector, Sizes
from isa_learners.runs.config_io import make_config

TWO = {"num_agents": 2, "horizon": 9}
TINY = {"num_envs": 2, "rollout_steps": 6, "buffer_rollouts": 1, "epochs": 2, "hidden": 4}
OWN = {"share_parameters": False, "sequential": True}


def test_each_agent_has_a_policy_and_all_learn():
    algorithm = algorithm_of(env="grid/shooting", env_kwargs=TWO, algo="happo")
    ppo = algorithm.phase.learner.ppo
    assert isinstance(ppo.actor, PerAgentNet)
    first, second = ppo.actor.of(0), ppo.actor.of(1)
    assert not torch.equal(first.head.weight, second.head.weight)
    assert ppo.critic.embed.in_features > first.embed.in_features, "the critic sees the state"
    before = [net.head.weight.clone() for net in (first, second)]
    for _ in range(3):
        assert all(math.isfinite(value) for value in algorithm.iterate().values())
    assert not torch.equal(before[0], first.head.weight)
    assert not torch.equal(before[1], second.head.weight)
    assert algorithm.evaluate(4, 0).episodes == 4


def test_agents_act_by_their_own_networks_within_their_own_actions():
    """Agent b has two of three actions: the third is barred, whatever its network says."""
    env = ScriptedEnv([["", ""]] * 40)
    learner = PPOLearner(Sizes.of(env), PPOConfig(**TINY, **OWN), "cpu", 0)
    with torch.no_grad():
        learner.ppo.actor.of(0).head.bias[:] = torch.tensor([0.0, 0.0, 99.0])
        learner.ppo.actor.of(1).head.bias[:] = torch.tensor([0.0, 50.0, 99.0])
    step, seen = env.reset(), [set(), set()]
    for _ in range(30):
        action = learner.act(step, learner.begin(2), torch.Generator().manual_seed(0)).action
        for i, wanted in ((0, 2), (1, 1)):
            for b in range(2):
                seen[i].add(int(action[b, i]))
                if step.available[b, i, wanted]:
                    assert int(action[b, i]) == wanted
        step = env.step(action)
    assert 2 not in seen[1]


def test_a_step_equals_each_agents_network_on_its_own():
    actor = PerAgentNet([RecurrentNet(5, 4, 2) for _ in range(3)])
    inputs, hidden = torch.randn(4 * 3, 5), torch.randn(4 * 3, 4)
    outputs, after = actor(inputs, hidden)
    for b in range(4):
        for i in range(3):
            row = 3 * b + i
            own, own_after = actor.of(i)(inputs[row][None], hidden[row][None])
            torch.testing.assert_close(outputs[row], own[0])
            torch.testing.assert_close(after[row], own_after[0])


def test_mixed_action_counts_are_learned_from():
    env = ScriptedEnv([["", ""]] * 3 + [["terminated", "truncated"]] + [["", ""]] * 30)
    learner = PPOLearner(Sizes.of(env), PPOConfig(**TINY, **OWN), "cpu", 0)
    collector = Collector(env, learner, torch.Generator().manual_seed(0), 0)
    for _ in range(3):
        rollout = collector.collect(6)
        acted = rollout.alive > 0
        assert rollout.available.gather(-1, rollout.action[..., None])[..., 0][acted].all()
        assert all(math.isfinite(value) for value in learner.learn(rollout).values())


@pytest.mark.parametrize("preset", ["paper", "fast"])
def test_presets_keep_what_makes_it_happo(preset):
    ppo = make_config("smax/3m", preset, {"algo": "happo"}).ppo
    assert (ppo.critic, ppo.share_parameters, ppo.sequential) == ("state", False, True)
    if preset == "paper":
        assert (ppo.num_envs, ppo.rollout_steps, ppo.epochs, ppo.hidden) == (20, 200, 5, 128)
        assert (ppo.lr, ppo.clip, ppo.huber, ppo.entropy_factor, ppo.gamma) == (5e-4, 0.2, 10.0, 0.01, 0.99)
