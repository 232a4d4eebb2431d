"""Battles that several tests look at: made and played once."""

import numpy as np
import pytest
from smax_play import COPIES, STEPS, fighting

from isa_wrappers.envs.smax.batch import SMAXBatch
from isa_wrappers.envs.smax.game import SMAXGame, smax_game
from isa_wrappers.envs.smax.install import load_jax
from isa_wrappers.envs.smax.options import REWARDS


@pytest.fixture(scope="session")
def jax():
    return load_jax()[0]


@pytest.fixture(scope="session")
def game():
    return smax_game("3m")


@pytest.fixture(scope="session")
def games(game):
    """One game a reward, on one jaxmarl environment: what that has compiled is shared."""
    made = {reward: SMAXGame("3m", reward) for reward in REWARDS}
    for other in made.values():
        other.env = game.env
    return made


@pytest.fixture(scope="session")
def played(game):
    """What the NumPy batch says over whole episodes, each step with the joint actions before it."""
    batch, rng = SMAXBatch(game, COPIES), np.random.default_rng(0)
    told = [(None, batch.reset(seed=3))]
    for _ in range(STEPS):
        joint = fighting(told[-1][1].available, rng)
        told.append((joint, batch.step(joint)))
    return told
