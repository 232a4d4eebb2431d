"""Made-up rollouts for COMA's update."""

import torch
from rollout_toys import random_rollout

from isa_learners.coma import COMA, Batch
from isa_learners.rollout import Sizes

SIZES = Sizes(num_agents=2, num_actions=4, obs_size=3, state_size=3)
INPUTS = SIZES.obs_size + SIZES.num_actions + SIZES.num_agents


def coma_of(config, dtype=torch.float64, seed=3):
    """Networks and optimisers with a target critic that differs from the critic, as it does in training."""
    coma = COMA(SIZES, INPUTS, config, "cpu", seed)
    generator = torch.Generator().manual_seed(1)
    for net in (coma.actor, coma.critic, coma.target_critic):
        net.to(dtype)
    with torch.no_grad():
        for parameter in coma.target_critic.parameters():
            parameter += 0.2 * torch.randn(parameter.shape, generator=generator)
    return coma


def random_batch(coma, seed, ends, start, epsilon=0.2, dtype=torch.float64, **options):
    """Make up a rollout with deaths, masks and ends."""
    made = random_rollout(coma, seed, ends, start, dtype=dtype, state_size=SIZES.state_size, **options)
    kept = {name: value for name, value in vars(made).items() if name in Batch.__dataclass_fields__}
    return Batch(**kept, final_obs=None, record={}, memory={}, hidden=made.actor_hidden[0], epsilon=epsilon)
