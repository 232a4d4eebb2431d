"""A game of one step as an environment, for learners that learn from what they do."""

import torch

from isa_wrappers.batch import BatchStep


class MatrixGame:
    """Two agents choose a row and a column; both earn the entry, and the episode is over.

    Args:
        payoffs: ``[n, n]``.
        num_envs: copies.
    """

    agents = ("a", "b")
    obs_size, state_size = 1, 1
    horizon = 1
    state_names = ()
    action_names = ()
    device = "cpu"

    def __init__(self, payoffs, num_envs):
        self.payoffs, self.num_envs = torch.tensor(payoffs), num_envs
        self.num_actions = (len(payoffs), len(payoffs))

    def reset(self, seed=None):
        return self._say(torch.zeros(self.num_envs), False)

    def step(self, actions):
        return self._say(self.payoffs[actions[:, 0], actions[:, 1]], True)

    def _say(self, paid, over):
        done = torch.full((self.num_envs,), over)
        obs, state = torch.ones(self.num_envs, 2, 1), torch.ones(self.num_envs, 1)
        everybody = torch.ones(self.num_envs, 2, dtype=torch.bool)
        return BatchStep(
            obs=obs,
            state=state,
            available=torch.ones(self.num_envs, 2, len(self.payoffs), dtype=torch.bool),
            alive=everybody,
            reward=paid[:, None].expand(-1, 2),
            terminated=done,
            truncated=torch.zeros_like(done),
            success=done,
            final_obs=obs,
            final_state=state,
            final_alive=everybody,
        )


def earned(make, payoffs, updates, num_envs=32, steps=4):
    """Learn for so many updates; return what the greedy joint action earns.

    Args:
        make: environment -> learner.
        payoffs: of the game.
        updates: how many.
        num_envs: copies.
        steps: of a rollout.
    """
    from isa_learners.rollout import Collector

    env = MatrixGame(payoffs, num_envs)
    learner = make(env)
    collector = Collector(env, learner, torch.Generator().manual_seed(0), 0)
    for _ in range(updates):
        learner.learn(collector.collect(steps))
    row, column = learner.act(env.reset(), learner.begin(num_envs)).action[0].tolist()
    return payoffs[row][column]
