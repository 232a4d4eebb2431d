"""From a ``ParallelEnv`` to the returns: truncated alone or with the episode, an agent's value goes on alike."""

import pytest
import torch
from border_toys import Alone
from parallel_toys import WalkEnv

from isa_learners.ppo import PPOConfig, PPOLearner
from isa_learners.rollout import Collector, Sizes
from isa_wrappers import ParallelEnvBatch


def returns_of(env, steps, workers=0):
    """Returns ``[T, A]`` where every value is 1, gamma 0.9, and whether each step is an agent's."""
    batch = ParallelEnvBatch([env], "cpu", workers=workers)
    learner = PPOLearner(Sizes.of(batch), PPOConfig(num_envs=1, hidden=4, gamma=0.9), "cpu", 0)
    with torch.no_grad():
        learner.ppo.critic.head.weight.zero_()
        learner.ppo.critic.head.bias.fill_(1.0)
    rollout = Collector(batch, learner, torch.Generator(), 0).collect(steps)
    data = learner.batch(rollout)
    targets, _ = learner.ppo.prepare(data, learner.ppo.layout(data.alive, data.start))
    returns = learner.ppo.value_norm.denormalize(targets.target)[:, 0, :, 0]
    batch.close()
    return returns.tolist(), data.alive[:, 0].tolist()


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 1])
def test_who_is_truncated_alone_gets_as_much(workers):
    returns, alive = returns_of(Alone if workers else Alone(), 2, workers)
    assert alive == [[1, 1], [0, 1]]
    assert returns[0][0] == pytest.approx(0.9, abs=1e-5), "alone"
    assert returns[1][1] == pytest.approx(0.9, abs=1e-5), "with the episode"
    together, _ = returns_of(Alone(together=True), 1)
    assert together[0] == pytest.approx([0.9, 0.9], abs=1e-5)


def test_who_dies_gets_nothing_from_beyond():
    class Dying(WalkEnv):
        def step(self, actions):
            observations, rewards, terminated, truncated, infos = super().step(actions)
            terminated["walker_0"] = True
            self.agents = [agent for agent in self.agents if agent != "walker_0"]
            return observations, rewards, terminated, truncated, infos

    returns, alive = returns_of(Dying(), 1)
    assert alive == [[1, 1]]
    assert returns[0] == pytest.approx([0.0, 0.9], abs=1e-5)
