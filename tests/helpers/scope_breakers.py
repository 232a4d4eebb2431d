"""Tasks built to break an estimate of their scope, and further ones; each knows its truth: what every action moves."""

import numpy as np
from scope_tasks import Rules


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


class Floors(Throttle):
    """Further: dials that begin at their floor, which only ``down`` meets often; a counter that goes up or to 0."""

    def move(self, actions):
        dials, counter = actions[:, :2], actions[:, 2]
        self.now[:, :2] = np.clip(self.now[:, :2] + (dials == 1) - (dials == 2), 0, 9)
        self.now[:, 2] = np.where(counter == 2, 0, self.now[:, 2] + (counter == 1))


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


BREAKERS = {"tether": Tether, "turns": Turns, "headings": Headings, "combined": Combined}
FURTHER = {"weak": Weak, "lamps": Lamps, "storm": Storm, "throttle": Throttle, "floors": Floors}
