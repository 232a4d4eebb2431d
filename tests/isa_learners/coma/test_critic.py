"""What the central critic sees."""

import torch

from isa_learners.coma.critic import CentralCritic
from isa_learners.rollout import Sizes

SIZES = Sizes(num_agents=2, num_actions=3, obs_size=2, state_size=1)


def test_inputs_are_state_observation_others_actions_last_actions_and_id():
    critic = CentralCritic(SIZES, 4)
    own = torch.tensor([[0.5, 0.25, 1, 0, 0, 1, 0], [0.75, 0.125, 0, 0, 0, 0, 1]])
    found = critic.inputs(torch.tensor([9.0]), own, torch.tensor([1, 2]), torch.ones(2))
    last = [1, 0, 0, 0, 0, 0]
    assert found[0].tolist() == [9.0, 0.5, 0.25, *[0, 0, 0, 0, 0, 1], *last, 1, 0]
    assert found[1].tolist() == [9.0, 0.75, 0.125, *[0, 1, 0, 0, 0, 0], *last, 0, 1]
    assert found.shape[-1] == critic.input_size
    assert critic(found).shape == (2, 3)


def test_the_dead_do_nothing():
    critic = CentralCritic(SIZES, 4)
    own = torch.zeros(2, 7)
    found = critic.inputs(torch.zeros(1), own, torch.tensor([1, 2]), torch.tensor([1.0, 0.0]))
    assert found[0].tolist() == [0.0] * critic.input_size
    assert found[1].tolist() == [0.0] * 3 + [0, 1, 0, 0, 0, 0] + [0.0] * 8
