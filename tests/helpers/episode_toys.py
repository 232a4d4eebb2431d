"""Made-up episodes and small games for the tests of Q-learning."""

import itertools
from functools import partial

import torch

from isa_learners.inputs import InputEncoder
from isa_learners.q_learning import Episodes, QConfig, QLearning
from isa_learners.q_learning.maser import Subgoals
from isa_learners.rollout import Sizes

LEAST = {"num_envs": 1, "rollout_steps": 1, "replay": 100, "batch": 4}


def q_of(sizes, config, seed=3, dtype=torch.float32, part=None):
    """Networks, mixers and optimiser; their parameters are cast in place, so that the optimiser holds them."""
    q = QLearning(sizes, config, InputEncoder(sizes, config.obs_scale, "cpu"), "cpu", seed, part)
    for name in q._modules:
        getattr(q, name).to(dtype)
    return q


def random_episodes(seed, sizes, lengths, terminated, dtype=torch.float64, cuts=False, back=False):
    """Make up episodes with deaths, masks, and rubbish behind each episode's end.

    Args:
        seed: of everything.
        sizes: A, n, O and K.
        lengths: steps of each episode.
        terminated: how each ends.
        dtype: of the floats.
        cuts: half of those that leave while the episode goes on were truncated by themselves.
        back: whoever leaves misses one step and joins again.
    """
    generator = torch.Generator()
    generator.manual_seed(seed)
    steps, count, agents, n = max(lengths), len(lengths), sizes.num_agents, sizes.num_actions

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)

    def uniform(*shape):
        return torch.rand(*shape, generator=generator)

    available = uniform(steps + 1, count, agents, n) < 0.6
    available[..., 1] |= ~available.any(-1)
    for b, length in enumerate(lengths):  # after the last step nobody says
        available[length, b] = available[length - 1, b]
    alive = (uniform(steps + 1, count, agents) < 0.85).byte().cummin(0).values > 0
    alive[0] = True
    length = torch.tensor(lengths)
    leaves = alive[:-1] & ~alive[1:] & (torch.arange(steps)[:, None] < length - 1)[..., None]
    if back:
        alive[2:] |= leaves[:-1]
    return Episodes(
        obs=normal(steps + 1, count, agents, sizes.obs_size),
        state=normal(steps + 1, count, sizes.state_size),
        available=available,
        alive=alive,
        action=(uniform(steps, count, agents, n) * available[:-1]).argmax(-1),
        reward=normal(steps, count, agents) + 1.0,
        cut=leaves & (uniform(steps, count, agents) < 0.5) & cuts,
        length=length,
        terminated=torch.tensor(terminated),
    )


def game(payoffs, states=None):
    """Every joint play of a game of two agents that see nothing, once each.

    Args:
        payoffs: ``[n, n]`` for one step, or ``(chosen, after)``: the first agent's first action picks the second step's
            table among ``after`` ``[2, n, n]``, which alone pays.
        states: none.
    """
    tables = torch.as_tensor(payoffs, dtype=torch.float32)
    if tables.ndim == 2:
        n = len(tables)
        joint = torch.tensor(list(itertools.product(range(n), repeat=2)))
        return _episodes(joint[None], tables[joint[:, 0], joint[:, 1]][None], torch.ones(2, len(joint), 1))
    n = tables.shape[-1]
    plays = torch.tensor(list(itertools.product(range(n), repeat=4)))
    table = plays[:, 0].clamp(max=1)
    paid = tables[table, plays[:, 2], plays[:, 3]]
    where = torch.nn.functional.one_hot(torch.stack([0 * table, 1 + table, 0 * table]), 3).float()
    return _episodes(plays.view(-1, 2, 2).transpose(0, 1), torch.stack([0 * paid, paid]), where)


def _episodes(action, paid, state):
    steps, count, agents = action.shape
    n = int(action.max()) + 1
    return Episodes(
        obs=state[:, :, None].expand(-1, -1, agents, -1).contiguous(),
        state=state,
        available=torch.ones(steps + 1, count, agents, n, dtype=torch.bool),
        alive=torch.ones(steps + 1, count, agents, dtype=torch.bool),
        action=action,
        reward=paid[..., None].expand(-1, -1, agents),
        cut=torch.zeros(steps, count, agents, dtype=torch.bool),
        length=torch.full((count,), steps),
        terminated=torch.ones(count, dtype=torch.bool),
    )


def solved(episodes, mixer, steps, maser=None, **settings):
    """Train on all plays at once; return the learner and ``Q_tot`` ``[T, plays]`` as it then is."""
    _, _, agents, n = episodes.available.shape
    sizes = Sizes(agents, n, episodes.obs.shape[-1], episodes.state.shape[-1])
    base = {"hidden": 8, "optimizer": "adam", "lr": 5e-3, "gamma": 1.0, "target_interval": 25, "mixer": mixer}
    config = QConfig(**LEAST, **{**base, **settings})
    q = q_of(sizes, config, part=None if maser is None else partial(Subgoals, sizes, maser, config))
    for _ in range(steps):
        q.gradient_step(episodes)
    with torch.no_grad():
        return q, q.values(episodes)[0][..., 0]


def greedy(q, episodes):
    """Return each agent's best action ``[T, plays, A]`` along the plays."""
    with torch.no_grad():
        live, _ = q._networks(episodes, episodes.alive)
    return live[:-1].argmax(-1)
