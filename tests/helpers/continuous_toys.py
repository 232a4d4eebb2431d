"""Environments whose actions are more than a number each, with known scopes."""

import numpy as np
from gymnasium import spaces
from pettingzoo import ParallelEnv


class Components(ParallelEnv):
    """Agents with an action space each; subclasses move ``self.now`` and say what it holds.

    ``seen`` keeps every action as it came.
    """

    metadata = {"name": "components", "render_modes": []}  # noqa: RUF012
    render_mode = None
    horizon = 25
    action_names = ()

    def __init__(self, action_spaces, state_names):
        self.possible_agents = list(action_spaces)
        self.agents = []
        self.action_spaces, self.state_names = action_spaces, tuple(state_names)
        self.state_space = spaces.Box(-1e4, 1e4, (len(self.state_names),), np.float32)
        self.observation_spaces = dict.fromkeys(self.possible_agents, self.state_space)

    def observation_space(self, agent):
        return self.observation_spaces[agent]

    def action_space(self, agent):
        return self.action_spaces[agent]

    def state(self):
        return self.now.astype(np.float32)

    def begin(self):
        return np.zeros(len(self.state_names))

    def move(self, actions):
        raise NotImplementedError

    def won(self):
        return False

    def infos(self, won=False):
        return {agent: {"success": won} for agent in self.agents}

    def reset(self, seed=None, options=None):
        if seed is not None or not hasattr(self, "rng"):
            self.rng = np.random.default_rng(seed)
        self.agents, self.time, self.now = self.possible_agents[:], 0, self.begin()
        self.seen = []
        return dict.fromkeys(self.agents, self.state()), self.infos()

    def step(self, actions):
        self.seen.append(actions)
        self.move(actions)
        self.time += 1
        won, over = self.won(), self.time >= self.horizon
        told = [dict.fromkeys(self.agents, x) for x in (self.state(), float(won), won, over and not won)]
        infos = self.infos(won)
        if won or over:
            self.agents = []
        return *told, infos


class SynthC(Components):
    """Each agent's four numbers: the first moves its x; the second pulls a common lever above 0.5; the third widens a
    noise; the signs of first and fourth together move "xor". Another noise is nobody's.
    """

    def __init__(self, agents=2):
        names = [f"{what}_{i}" for i in range(agents) for what in ("x", "wide", "xor")]
        spaces_of = {f"agent_{i}": spaces.Box(-1, 1, (4,), np.float32) for i in range(agents)}
        super().__init__(spaces_of, [*names, "lever", "noise"])

    @property
    def truth(self):
        """D(a_i) of every agent's elementary actions, by component and quarter of the range."""
        lever = len(self.state_names) - 2
        every = []
        for x in range(0, lever, 3):
            first, second, third, fourth = [x, x + 2], [[], [], [], [lever]], [x + 1], [x + 2]
            every.append([*[first] * 4, *second, *[third] * 4, *[fourth] * 4])
        return every

    def move(self, actions):
        for i, agent in enumerate(self.possible_agents):
            a, own = actions[agent], self.now[3 * i : 3 * i + 3]
            own[0] += a[0]
            own[1] = abs(a[2]) * self.rng.standard_normal()
            own[2] += np.sign(a[0] * a[3])
            self.now[-2] += a[1] > 0.5
        self.now[-1] = self.rng.standard_normal()


class Mixed(Components):
    """A pusher with a number of its own, a crane of two choices, a panel of switches, a walker with plain actions.

    The pusher's number is added to x; the crane's first choice (from 1 to 3, 2 for rest) turns, its second lifts when
    it is 1; the panel's switches light lamps; the walker's actions are wait, left and right. Pushes above 0, lifts, the
    second switch and steps tick a counter.
    """

    names = ("x", "turned", "lifted", "lamp_0", "lamp_1", "place", "ticks")

    def __init__(self):
        spaces_of = {
            "pusher": spaces.Box(-2.0, 2.0, (1,), np.float64),
            "crane": spaces.MultiDiscrete([3, 2], start=[1, 0]),
            "panel": spaces.MultiBinary(2),
            "walker": spaces.Discrete(3),
        }
        self.action_names = {"walker": ["wait", "left", "right"], "crane": ["turn", "lift"], "pusher": ["push"]}
        super().__init__(spaces_of, self.names)

    truth = (
        [[0], [0], [0, 6], [0, 6]],
        [[1], [], [1], [], [2, 6]],
        [[], [3], [], [4, 6]],
        [[], [5, 6], [5, 6]],
    )

    def move(self, actions):
        now, push, crane, panel, step = self.now, *(actions[agent] for agent in self.possible_agents)
        assert all(self.action_spaces[agent].contains(action) for agent, action in actions.items())
        now[0] += push[0]
        now[1] += crane[0] - 2
        now[2] += crane[1]
        now[3:5] += panel
        now[5] += (0, -1, 1)[step]
        now[6] += (push[0] > 0) + crane[1] + int(panel[1]) + (step > 0)


class Reach(Components):
    """Two agents on a line each, won once both are beyond 2.5; one moves by a number, a switch has to be on as well.

    The other one's lever is pulled left, rested or pulled right.
    """

    horizon = 12

    def __init__(self):
        walker = spaces.Box(np.float32([-1, 0]), np.float32([1, 1]))
        super().__init__({"walker": walker, "winch": spaces.MultiDiscrete([3])}, ["x", "rope"])

    def move(self, actions):
        step, switch = actions["walker"]
        self.now += [step * (switch > 0.5), actions["winch"][0] - 1]

    def won(self):
        return bool((self.now > 2.5).all())


class Unbounded(Reach):
    """The same with a number that may be anything."""

    def __init__(self):
        super().__init__()
        self.action_spaces["walker"] = spaces.Box(-np.inf, np.inf, (2,), np.float32)


class Stays(Components):
    """The first agent is terminated after a step and stays among the agents; masks bar as they are told."""

    def __init__(self, mask=None):
        self.mask = mask
        spaces_of = {"a": spaces.Box(0.5, 1, (2,), np.float32), "b": spaces.MultiDiscrete([2, 3])}
        super().__init__(spaces_of, ["x"])

    def infos(self, won=False):
        infos = super().infos(won)
        return infos if self.mask is None else {**infos, self.mask[0]: {"action_mask": self.mask[1]}}

    def move(self, actions):
        self.now[0] += actions["a"].sum()

    def step(self, actions):
        observations, rewards, terminations, truncations, infos = super().step(actions)
        return observations, rewards, {**terminations, "a": True}, truncations, infos
