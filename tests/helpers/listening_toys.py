"""A batched environment to be filled in, for listening to one agent at a time, and what is heard of it."""

from functools import partial

import numpy as np

from isa_wrappers import ScopeConfig
from isa_wrappers.batch.protocol import BatchStep
from isa_wrappers.scope import nmi

per_block = partial(ScopeConfig, estimator="nmi_block")


class Toy:
    """A batched environment in NumPy, to be filled in: ``dynamics`` moves ``self.now`` ``[B, K]``.

    Episodes last ``horizon`` steps. All actions are available and all agents alive unless a subclass says otherwise.
    Joint actions, and the step they were taken in, are written down.
    """

    agents: tuple[str, ...] = ("a", "b")
    num_actions: tuple[int, ...] = (2, 2)
    state_size = 2
    horizon = 10
    state_names: tuple[str, ...] = ()
    action_names: tuple[str, ...] = ()
    obs_size = 1
    device = None

    def __init__(self, num_envs=8):
        self.num_envs = num_envs
        self.taken, self.times, self.masks = [], [], []

    def start(self):
        return np.zeros((self.num_envs, self.state_size), dtype=np.float32)

    def dynamics(self, actions):
        self.now = self.now + actions.astype(np.float32)

    def available(self):
        n = max(self.num_actions)
        rows = np.arange(n) < np.array(self.num_actions)[:, None]
        return np.broadcast_to(rows, (self.num_envs, len(self.agents), n)).copy()

    def alive(self):
        return np.ones((self.num_envs, len(self.agents)), dtype=bool)

    def reset(self, seed=None):
        self.random = np.random.default_rng(seed)
        self.time, self.now = 0, self.start()
        return self.pack(self.now, self.alive(), done=False)

    def step(self, actions):
        assert actions.shape == (self.num_envs, len(self.agents))
        self.masks.append(self.available())
        assert np.take_along_axis(self.masks[-1], actions[..., None], axis=-1).all(), "an unavailable action was sent"
        self.taken.append(actions.copy())
        self.times.append(self.time)
        self.dynamics(actions)
        self.time += 1
        last, last_alive, done = self.now, self.alive(), self.time == self.horizon
        if done:
            self.last_actions = actions
            self.time, self.now = 0, self.start()
        return self.pack(last, last_alive, done)

    def pack(self, last, last_alive, done):
        size, team = self.num_envs, len(self.agents)
        obs, no = np.zeros((size, team, 1), dtype=np.float32), np.zeros(size, dtype=bool)
        state = np.array(self.now, dtype=np.float32)
        reward = np.zeros((size, team), dtype=np.float32)
        return BatchStep(
            obs=obs,
            state=state,
            available=self.available(),
            alive=self.alive(),
            reward=reward,
            terminated=no,
            truncated=no | done,
            success=no,
            final_obs=obs,
            final_state=np.array(last),
            final_alive=last_alive,
        )

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        return self.reset()


def spy(monkeypatch):
    """Write down what goes into the mutual information: (changes, actions, blocks, valid) of one agent each.

    What is computed for chance, from shuffled actions, is left out.
    """
    seen, real = [], nmi.normalized_mutual_information

    def watched(changes, actions, blocks, valid, *rest):
        seen.append((changes[0], actions[0], blocks[0], valid[0]))
        return real(changes, actions, blocks, valid, *rest)

    monkeypatch.setattr(nmi, "normalized_mutual_information", watched)
    monkeypatch.setattr(nmi.NMIEstimator, "chance", lambda *given: None)
    return seen
