"""Settings with which learned rewards pay and learn within a few steps, and steps to give them."""

import numpy as np

from isa_wrappers.rewards import Transition
from isa_wrappers.rewards.learned.settings import ICMConfig, LAIESConfig, NovelDConfig, RNDConfig

QUICK = {
    "rnd": RNDConfig(hidden=8, features=4, warmup=0, interval=4, minibatches=2, lr=1e-2),
    "noveld": NovelDConfig(hidden=8, features=4, warmup=0, interval=4, minibatches=2, lr=1e-2),
    "icm": ICMConfig(hidden=8, features=4, warmup=0, interval=4, minibatches=2, lr=1e-2),
    "laies": LAIESConfig(external=(0,), hidden=8, interval=4, epochs=2, lr=1e-2),
}
"""Name -> configuration; what is not here has the default one."""


def random_steps(count, envs=3, agents=2, actions=3, state=2, obs=2, seed=0, components=None):
    """Steps of ``envs`` environments that follow on each other; episodes start anew and agents die at random."""
    rng = np.random.default_rng(seed)
    states, seen = rng.integers(0, 3, (envs, state)), rng.integers(0, 3, (envs, agents, obs))
    start = np.ones(envs, dtype=bool)
    shape = (envs, agents) if components is None else (envs, agents, components)
    for _ in range(count):
        new_state, new_seen = rng.integers(0, 3, states.shape), rng.integers(0, 3, seen.shape)
        available = rng.random((envs, agents, actions)) < 0.7
        available[..., 0] |= ~available.any(-1)
        yield Transition(
            s_t=states.astype(np.float32),
            s_tp1=new_state.astype(np.float32),
            obs_tp1=new_seen.astype(np.float32),
            actions=rng.integers(0, actions, shape),
            reward=rng.normal(size=(envs, agents)).astype(np.float32),
            alive=rng.random((envs, agents)) < 0.8,
            obs_t=seen.astype(np.float32),
            start=start,
            available=available,
        )
        start = rng.random(envs) < 0.2
        states = np.where(start[:, None], rng.integers(0, 3, states.shape), new_state)
        seen = np.where(start[:, None, None], rng.integers(0, 3, seen.shape), new_seen)


def forward(network, x):
    """A network of linear layers and ReLU, in float64."""
    layers = [layer for layer in network if hasattr(layer, "weight")]
    for layer in layers:
        x = x @ layer.weight.detach().double().numpy().T + layer.bias.detach().double().numpy()
        x = x if layer is layers[-1] else np.maximum(x, 0)
    return x
