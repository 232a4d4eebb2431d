"""Tasks whose scope is known, built to stress an estimate; each knows its truth: what every action moves."""

import numpy as np

from isa_wrappers.batch.protocol import BatchStep


class Rules:
    """A batched environment of rules: ``begin()`` gives a state ``[B, K]``, ``move(actions)`` changes ``self.now``.

    ``truth`` holds, for each agent, one list of dimensions per action.
    """

    team = 3
    actions = 5
    size = 1
    horizon = 25

    def __init__(self, num_envs=8):
        self.num_envs, self.device, self.obs_size = num_envs, None, 1
        self.agents = tuple(f"agent_{i}" for i in range(self.team))
        self.num_actions = (self.actions,) * self.team
        self.state_size = self.size
        self.state_names, self.action_names = (), ()

    def begin(self):
        return np.zeros((self.num_envs, self.size))

    def move(self, actions):
        raise NotImplementedError

    def available(self):
        return np.ones((self.num_envs, self.team, self.actions), dtype=bool)

    def reset(self, seed=None):
        self.rng = np.random.default_rng(seed)
        self.time, self.now = 0, self.begin()
        return self._pack(self.now, done=False)

    def step(self, actions):
        self.now = self.now.copy()
        self.move(actions)
        last = self.now
        self.time += 1
        done = self.time == self.horizon
        if done:
            self.time, self.now = 0, self.begin()
        return self._pack(last, done)

    def _pack(self, last, done):
        shape, no = (self.num_envs, self.team), np.zeros(self.num_envs, dtype=bool)
        obs, alive = np.zeros((*shape, 1), dtype=np.float32), np.ones(shape, dtype=bool)
        return BatchStep(
            obs=obs,
            state=self.now.astype(np.float32),
            available=self.available(),
            alive=alive,
            reward=np.zeros(shape, dtype=np.float32),
            terminated=no,
            truncated=no | done,
            success=no,
            final_obs=obs,
            final_state=last.astype(np.float32),
            final_alive=alive,
        )

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        return self.reset()


class Many(Rules):
    """stress1: many kinds of effects beside each other, rare ones, huge ones, tiny ones, and noises nobody makes."""

    actions = 9  # wait, up, down, count, rare, solo, tiny, huge, Cauchy
    size = 3 * 5 + 6  # own place, rare, tiny, huge, Cauchy; counter, solo, three noises, a Cauchy walk

    @property
    def truth(self):
        return [
            [[], [b], [b], [15], [b + 1], [16] if i == 0 else [], [b + 2], [b + 3], [b + 4]]
            for i, b in enumerate(range(0, 15, 5))
        ]

    def available(self):
        mask = super().available()
        mask[:, :, 4] = self.rng.random((self.num_envs, self.team)) < 0.05
        return mask

    def move(self, actions):
        rng, now, size = self.rng, self.now, self.num_envs
        for i in range(3):
            own, a = now[:, 5 * i : 5 * i + 5], actions[:, i]
            own[:, 0] += (a == 1) * 1.0 - (a == 2)
            own[:, 1] += a == 4
            own[:, 2] += (a == 6) * 1e-4
            own[:, 3] += (a == 7) * (1e4 + 1e3 * rng.standard_normal(size))
            own[:, 4] += (a == 8) * rng.standard_cauchy(size)
        now[:, 15] += (actions == 3).sum(axis=1)
        now[:, 16] += actions[:, 0] == 5
        noise = rng.standard_normal((size, 3))
        now[:, 17] = noise[:, 0]
        now[:, 18] = 0.95 * noise[:, 0] + (1 - 0.95**2) ** 0.5 * noise[:, 1]
        now[:, 19] = noise[:, 2]
        now[:, 20] += rng.standard_cauchy(size)


class Faint(Rules):
    """stress2: effects in some states or within noise; a shift of .1 sigma and a push in 2 % of cases do not count."""

    actions = 7  # wait, up, down, sometimes, noisy, pull, negligible
    size = 3 * 6 + 1  # place with walls, sometimes, noisy, pulled, slight, seldom; the state that matters

    @property
    def truth(self):
        return [[[], [b], [b], [b + 1], [b + 2], [b + 3], []] for b in range(0, 18, 6)]

    def begin(self):
        state = super().begin()
        state[:, 0:18:6] = self.rng.integers(0, 4, (self.num_envs, 3))
        return state

    def move(self, actions):
        rng, now, size = self.rng, self.now, self.num_envs
        now[:, 18] = rng.integers(0, 4, size)
        for i in range(3):
            own, a = now[:, 6 * i : 6 * i + 6], actions[:, i]
            own[:, 0] = np.clip(own[:, 0] + (a == 1) * 1.0 - (a == 2), 0, 3)
            own[:, 1] += (a == 3) & (now[:, 18] == 0)
            own[:, 2] += (a == 4) + rng.standard_normal(size)
            own[:, 3] += -0.2 * own[:, 3] + rng.standard_normal(size) * 0.5 + (a == 5)
            own[:, 4] += (a == 6) * 0.1 + rng.standard_normal(size)
            own[:, 5] += (a == 6) & (rng.random(size) < 0.02)


class Later(Rules):
    """stress3: effects that land 2, 3 and 5 steps later."""

    actions = 4
    size = 3 * 3

    @property
    def truth(self):
        return [[[], [b], [b + 1], [b + 2]] for b in range(0, 9, 3)]

    def begin(self):
        self.past = [np.zeros((self.num_envs, self.team), dtype=int)] * 5
        return super().begin()

    def move(self, actions):
        self.past = [actions, *self.past[:4]]
        for what, delay in ((1, 2), (2, 3), (3, 5)):
            self.now[:, what - 1 :: 3] += self.past[delay - 1] == what


class Team(Rules):
    """A agents with a place of their own on a board of 10, a counter that all raise, and a noise."""

    actions = 6

    def __init__(self, num_envs=8, team=3):
        self.team, self.size = team, 2 * team + 2
        super().__init__(num_envs)

    @property
    def truth(self):
        common = 2 * self.team
        return [[[], [b], [b], [b + 1], [b + 1], [common]] for b in range(0, common, 2)]

    def begin(self):
        state = super().begin()
        state[:, : 2 * self.team] = self.rng.integers(0, 10, (self.num_envs, 2 * self.team))
        return state

    def move(self, actions):
        own = self.now[:, : 2 * self.team]
        own[:, 0::2] = np.clip(own[:, 0::2] + (actions == 1) * 1.0 - (actions == 2), 0, 9)
        own[:, 1::2] = np.clip(own[:, 1::2] + (actions == 3) * 1.0 - (actions == 4), 0, 9)
        self.now[:, -2] += (actions == 5).sum(axis=1)
        self.now[:, -1] = self.rng.standard_normal(self.num_envs)


class Doors(Rules):
    """Dials of one's own and a door that all push, of a width; the more agents, the more blurred it is."""

    actions = 4

    def __init__(self, num_envs=8, team=3, width=4):
        self.team, self.size, self.width = team, team + 1, width
        super().__init__(num_envs)

    @property
    def truth(self):
        return [[[], [i], [i], [self.team]] for i in range(self.team)]

    def move(self, actions):
        dials = self.now[:, :-1]
        dials[:] = np.clip(dials + (actions == 1) * 1.0 - (actions == 2), 0, 9)
        self.now[:, -1] = np.minimum(self.now[:, -1] + (actions == 3).sum(axis=1), 10 * self.width)


STRESS = {"stress1": Many, "stress2": Faint, "stress3": Later, "team": Team, "doors": Doors}
