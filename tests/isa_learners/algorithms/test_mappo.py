"""MAPPO: a critic that sees the state as it was before each step, and after the last one."""

from dataclasses import replace

import pytest
import torch
from learner_helpers import algorithm_of
from scripted_env import ScriptedEnv

from isa_learners.learner import LEARNERS
from isa_learners.ppo import PPOConfig
from isa_learners.rollout import Sizes
from isa_learners.runs.config_io import make_config
from isa_wrappers.errors import InvalidValueError

TWO = {"num_agents": 2, "horizon": 9}


def test_the_critic_sees_the_state_and_its_agents_own_inputs():
    algorithm = algorithm_of(env="grid/shooting", env_kwargs=TWO, algo="mappo", ppo={"obs_scale": 0.5})
    rollout = algorithm.phase.collector.collect(12)
    batch = algorithm.phase.learner.batch(rollout)
    rows = torch.arange(12 * 2 * 2)
    for final, inputs, state in (
        (False, batch.inputs, rollout.state),
        (True, batch.final_inputs, rollout.final_state),
    ):
        seen = batch.critic_inputs(rows, final).view(12, 2, 2, -1)
        size = inputs.shape[-1]
        assert torch.equal(seen[..., :size], inputs)
        for i in range(2):
            torch.testing.assert_close(seen[:, :, i, size:], 0.5 * state.float())
    ends = rollout.done.nonzero()[0]
    assert not torch.equal(rollout.final_state[tuple(ends)], rollout.state[tuple(ends)])
    assert algorithm.phase.learner.ppo.actor.embed.in_features == size


def test_a_critic_without_a_state_is_refused():
    sizes = replace(Sizes.of(ScriptedEnv([["", ""]])), state_size=0)
    LEARNERS["ppo"].check(sizes, PPOConfig(), "cpu")
    with pytest.raises(InvalidValueError, match="critic 'state' needs a global state"):
        LEARNERS["ppo"].check(sizes, PPOConfig(critic="state"), "cpu")


def test_the_papers_preset_is_the_published_table():
    ppo = make_config("smax/3m", "paper", {"algo": "mappo"}).ppo
    assert (ppo.num_envs, ppo.rollout_steps, ppo.epochs, ppo.hidden, ppo.minibatches) == (8, 400, 15, 64, 1)
    assert (ppo.clip, ppo.huber, ppo.entropy_factor, ppo.gamma, ppo.lr) == (0.2, 10.0, 0.01, 0.99, 5e-4)
    assert make_config("smax/5m_vs_6m", "paper", {"algo": "mappo"}).ppo.epochs == 10
    assert make_config("smax/3s_vs_5z", "paper", {"algo": "mappo"}).ppo.clip == 0.05
