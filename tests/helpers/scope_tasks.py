"""Tasks whose scope is known, built to stress an estimate; each knows its truth: what every action moves."""

import numpy as np

from isa_wrappers.batch.protocol import BatchStep
from isa_wrappers.envs import true_task_scope


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


class Tether(Rules):
    """Breaker 1: who moves drags all others along, by a thousandth or less."""

    size = 6

    @property
    def truth(self):
        return [[[], [b], [b], [b + 1], [b + 1]] for b in range(0, 6, 2)]

    def move(self, actions):
        x, y = (actions == 1) * 1.0 - (actions == 2), (actions == 3) * 1.0 - (actions == 4)
        for axis, own in ((0, x), (1, y)):
            self.now[:, axis::2] += own + 1e-3 * (own.sum(axis=1, keepdims=True) - own)


class Turns(Rules):
    """Breaker 2: agents act in turn, without a mask; what the others choose meanwhile does nothing."""

    team = 12
    size = 24

    @property
    def truth(self):
        return [[[], [b], [b], [b + 1], [b + 1]] for b in range(0, 24, 2)]

    def move(self, actions):
        i = self.time % self.team
        a = actions[:, i]
        self.now[:, 2 * i] += (a == 1) * 1.0 - (a == 2)
        self.now[:, 2 * i + 1] += (a == 3) * 1.0 - (a == 4)


class Headings(Rules):
    """Breaker 3: moves relative to a heading that the state does not tell; nobody can rest."""

    actions = 3  # ahead, turn left and go, turn right and go
    size = 6

    @property
    def truth(self):
        return [[[b, b + 1]] * 3 for b in range(0, 6, 2)]

    def begin(self):
        self.heading = self.rng.integers(0, 4, (self.num_envs, 3))
        return super().begin()

    def move(self, actions):
        self.heading = (self.heading + (actions == 1) - (actions == 2)) % 4
        self.now[:, 0::2] += np.array([1, 0, -1, 0])[self.heading]
        self.now[:, 1::2] += np.array([0, 1, 0, -1])[self.heading]


class Combined(Rules):
    """Breaker 4: nine combined moves with inertia; resting on an axis is not moving it."""

    actions = 9
    size = 12  # x, y, vx, vy of each agent

    @property
    def truth(self):
        moved = [[b, b + 2] for b in range(0, 12, 4)], [[b + 1, b + 3] for b in range(0, 12, 4)]
        return [
            [sorted((moved[0][i] if a % 3 != 1 else []) + (moved[1][i] if a // 3 != 1 else [])) for a in range(9)]
            for i in range(3)
        ]

    def begin(self):
        return self.rng.standard_normal((self.num_envs, 12))

    def move(self, actions):
        push = actions % 3 - 1.0, actions // 3 - 1.0
        for axis in (0, 1):
            place, speed = self.now[:, axis::4], self.now[:, axis + 2 :: 4]
            place += 0.1 * speed
            speed *= 0.75
            speed += 0.5 * push[axis]


class Weak(Rules):
    """Further: all fill one tank, agent 0 by 30 at once, the others by 1; it is everybody's all the same."""

    actions = 3
    size = 4

    @property
    def truth(self):
        return [[[], [i], [3]] for i in range(3)]

    def move(self, actions):
        self.now[:, :3] += actions == 1
        self.now[:, 3] += (actions == 2) @ np.array([30.0, 1.0, 1.0])


class Lamps(Rules):
    """Further: a switch that two must throw differently (exclusive or), and a toggle of one's own."""

    actions = 3
    team = 2
    size = 3

    @property
    def truth(self):
        return [[[], [i], [2]] for i in range(2)]

    def move(self, actions):
        self.now[:, :2] = (self.now[:, :2] + (actions == 1)) % 2
        self.now[:, 2] = (actions[:, 0] == 2) ^ (actions[:, 1] == 2)


class Storm(Rules):
    """Further: an action that only widens a noise, and one that pushes within a drift that depends on the state."""

    actions = 3
    size = 6

    @property
    def truth(self):
        return [[[], [b], [b + 1]] for b in range(0, 6, 2)]

    def move(self, actions):
        noise = self.rng.standard_normal((self.num_envs, 3))
        self.now[:, 0::2] += noise * np.where(actions == 1, 4.0, 1.0)
        self.now[:, 1::2] += np.sin(3 * self.now[:, 1::2]) + (actions == 2) * 0.5


class Throttle(Rules):
    """Further: three speeds under inertia, 0, 1 and 2: only the first is rest."""

    actions = 3
    size = 3

    @property
    def truth(self):
        return [[[], [i], [i]] for i in range(3)]

    def move(self, actions):
        self.now[:] = 0.8 * self.now + actions + 0.3 * self.rng.standard_normal(self.now.shape)


class Nothing(Rules):
    """Nobody moves anything: noises, a walk, a clock, a switch that flips by itself."""

    actions = 6
    size = 20
    truth = ((((),) * 6),) * 3

    def available(self):
        mask = super().available()
        mask[..., 5] = self.now[:, :1] > 0.5  # depends on the state
        return mask

    def move(self, actions):
        rng, now, size = self.rng, self.now, self.num_envs
        now[:, :8] = 0.5 * now[:, :8] + rng.standard_normal((size, 8))
        now[:, 8:12] += rng.integers(-1, 2, (size, 4))
        now[:, 12] += 1
        now[:, 13:20] = (now[:, 13:20] + (rng.random((size, 7)) < 0.1)) % 2


STRESS = {"stress1": Many, "stress2": Faint, "stress3": Later, "team": Team, "doors": Doors}
BREAKERS = {"tether": Tether, "turns": Turns, "headings": Headings, "combined": Combined}
FURTHER = {"weak": Weak, "lamps": Lamps, "storm": Storm, "throttle": Throttle}


def named_truth(name, scope):
    """Return the truth of a task of the library by its names, from its rules: per agent one list per action."""
    if name.startswith("grid/"):
        return list(true_task_scope(name, **scope.settings["env_kwargs"]).action_dims.values())
    at = {name: k for k, name in enumerate(scope.state_names)}
    truth = []
    for agent, number in zip(scope.agents, scope.num_actions, strict=True):
        if name.startswith("smax/"):  # one's own cooldown is left to whoever compares
            enemies = [dim.removesuffix(".health") for dim in at if dim.startswith("enemy") and dim.endswith(".health")]
            moves = {"north": "y", "south": "y", "east": "x", "west": "x"}
            rows = [[f"{agent}.{moves[action]}"] if action in moves else [] for action in scope.action_names[:5]]
            rows += [[f"{enemy}.health"] for enemy in enemies]
        elif name.startswith("mpe/"):
            rows = [mpe_moves(name, agent, number, at, a) for a in range(number)]
        else:
            rows = [[], [f"dial_{agent[-1]}"], [f"dial_{agent[-1]}"], ["door"]]
        truth.append([sorted(at[dim] for dim in row) for row in rows])
    return truth


def mpe_moves(name, agent, number, at, a):
    """A move changes the axis pushed and its velocity; what is said, its own place in the message."""
    says = sum(dim.startswith(f"{agent}.says_") for dim in at)
    moves = number // max(says, 1) == 5 or not says
    move, word = (a % 5, a // 5) if moves else (0, a)
    axis = {1: "x", 2: "x", 3: "y", 4: "y"}.get(move)
    return ([f"{agent}.{axis}", f"{agent}.v{axis}"] if axis else []) + ([f"{agent}.says_{word}"] if says else [])


def misses(scope, truth, left_out=()):
    """Tell what is wrong: (false cells, missing cells) of D(a_i), of D_i, and of D_c. All zero is exact."""
    real = np.zeros(scope.action_mask.shape, dtype=bool)
    for i, actions in enumerate(truth):
        for a, dims in enumerate(actions):
            real[i, a, list(dims)] = True
    seen = scope.action_mask.copy()
    seen[..., list(left_out)] = False
    pairs = (seen, real), (seen.any(axis=1), real.any(axis=1))
    pairs += ((seen.any(axis=1).all(axis=0), real.any(axis=1).all(axis=0)),)
    return tuple(int(n) for one, other in pairs for n in ((one & ~other).sum(), (other & ~one).sum()))
