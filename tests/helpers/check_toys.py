"""Environments with one fault each, for the report on environments."""

import numpy as np
from gymnasium import spaces
from parallel_toys import WalkEnv


class Drawing(WalkEnv):
    """Draws from a generator that no seed reaches."""

    def state(self):
        return np.append(self.position, np.random.default_rng().random())


class Mapped(WalkEnv):
    """Its state is a map of cells."""

    def state(self):
        cells = np.zeros((2, 9), dtype=np.float32)
        cells[[0, 1], np.minimum(self.position, 8).astype(int)] = 1
        return cells.reshape(-1)


class Still(WalkEnv):
    def state(self):
        return np.zeros(3)


class Tiny(WalkEnv):
    def state(self):
        return self.position * 1e-3


class Idle(WalkEnv):
    """Its state does not hold what the second agent does."""

    def state(self):
        return np.array([self.position[0], self.time])


class Growing(WalkEnv):
    def state(self):
        return np.zeros(2 + self.time)


class Broken(WalkEnv):
    def state(self):
        return np.array([0.0, np.nan if self.time == 2 else 0.0])


class Strewn(WalkEnv):
    """Hardly two of its changes are alike."""

    def state(self):
        return np.append(self.position, np.random.default_rng().normal(0, 10))


class Silent(WalkEnv):
    """Tells one agent's reward, and ends with fractions."""

    def step(self, actions):
        observations, rewards, _, truncated, infos = super().step(actions)
        shares = {agent: 0.5 * over for agent, over in truncated.items()}
        return observations, {"walker_0": rewards["walker_0"]}, {}, shares, infos


class Mute(WalkEnv):
    def _infos(self, won=False):
        return {agent: {} for agent in self.agents}


class Raising(WalkEnv):
    """Raises by itself, or where it calls a library."""

    def __init__(self, where):
        super().__init__()
        self.where = where

    def reset(self, seed=None, options=None):
        if self.where == "reset":
            raise KeyError("level")
        return super().reset(seed=seed, options=options)

    def step(self, actions):
        if self.where == "step":
            np.stack([])
        return super().step(actions)


class Flagged(WalkEnv):
    def step(self, actions):
        observations, rewards, *_, infos = super().step(actions)
        flags = dict.fromkeys(rewards, np.array([False, False]))
        return observations, rewards, flags, flags, infos


class Unwritten(WalkEnv):
    def step(self, actions):
        raise NotImplementedError


class Leaving(WalkEnv):
    def step(self, actions):
        raise SystemExit(3)


class Numbered(WalkEnv):
    def action_space(self, agent):
        return 4


class Seedless(WalkEnv):
    def reset(self):
        return super().reset()


class NeverClosed(WalkEnv):
    """Has nothing to close, and says so by having no such method."""

    def __getattribute__(self, name):
        if name == "close":
            raise AttributeError(name)
        return super().__getattribute__(name)


class Wide(WalkEnv):
    """Sees more than it declares."""

    def _seen(self):
        return {agent: seen * 1e4 - 2e3 for agent, seen in super()._seen().items()}


class Misdeclared(WalkEnv):
    """Declares a state of another shape, or within other bounds."""

    def __init__(self, shape=(2,)):
        super().__init__()
        self.state_space = spaces.Box(0, 1, shape, np.float32)


class Misnamed(WalkEnv):
    """Names too few actions; names of its state as they are given."""

    action_names = ("stay", "go")

    def __init__(self, *names):
        super().__init__()
        self.state_names = names
