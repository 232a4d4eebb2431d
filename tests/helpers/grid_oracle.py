"""The rules of the paper's grid tasks once more, naively read from its table, and play to compare with."""

from __future__ import annotations

import numpy as np

from isa_wrappers.envs.grid.rules import (
    MOVES,
    advance,
    available_actions,
    global_state,
    grid_task,
    observe,
    start_state,
)

STAY, DOWN, UP, LEFT, RIGHT, SHOOT = range(6)


class Oracle:
    """The rules once more, agent by agent in plain Python."""

    def __init__(self, name, agents, side, targets):
        self.name, self.agents, self.side, self.targets = name, agents, side, targets
        start = (1, 1) if name == "shooting" else (0, 0)
        self.place = [start] * agents
        self.holder = {}  # target -> the agent that holds it
        self.bullets = 0

    def allowed(self, i):
        x, y = self.place[i]
        if i in self.holder.values():
            moves = []
        else:
            reach = {DOWN: (x, y - 1), UP: (x, y + 1), LEFT: (x - 1, y), RIGHT: (x + 1, y)}
            moves = [a for a, (u, v) in reach.items() if 0 <= u < self.side and 0 <= v < self.side]
        return [STAY, *moves] + ([SHOOT] if self.name == "shooting" and y > 5 else [])

    def step(self, actions):
        taken = 0
        for i, action in enumerate(actions):
            if action not in self.allowed(i):
                action = STAY
            x, y = self.place[i]
            if action == SHOOT:
                self.bullets += 1
            elif action != STAY:
                dx, dy = {DOWN: (0, -1), UP: (0, 1), LEFT: (-1, 0), RIGHT: (1, 0)}[action]
                self.place[i] = (x + dx, y + dy)
            if i in self.holder.values():
                continue
            for t, target in enumerate(self.targets):
                if self.place[i] == target and t not in self.holder and (self.name != "unlock" or t == i):
                    self.holder[t] = i
                    taken += 1
        success = len(self.holder) == self.agents
        if self.name == "shooting":
            success = success and self.bullets > 50
            return float(success), success
        return float(taken), success

    def observation(self, i):
        if self.name == "shooting":
            return [*self.place[i], self.bullets]
        seen = [self.targets[i]] if self.name == "unlock" else self.targets
        return [c for place in [self.place[i], *seen] for c in place]

    def state(self):
        places = [c for place in self.place for c in place]
        return places + ([self.bullets] if self.name == "shooting" else [c for t in self.targets for c in t])


def play(task, *joint_actions, state=None):
    """Return the states after each joint action, the rewards and the successes."""
    state = start_state(task, np.array(task.targets, dtype=np.int32)) if state is None else state
    states, rewards, wins = [], [], []
    for actions in joint_actions:
        state, reward, success = advance(task, state, np.array(actions), np.array(MOVES, dtype=np.int32))
        states.append(state)
        rewards.append(float(reward))
        wins.append(bool(success))
    return states, rewards, wins


def draw_task(name, agents, side, rng, horizon=60):
    side = max(side, 7) if name == "shooting" else side
    start = (1, 1) if name == "shooting" else (0, 0)
    cells = [(x, y) for x in range(side) for y in range(side) if (x, y) != start]
    chosen = [cells[k] for k in rng.permutation(len(cells))[:agents]]
    return grid_task(name, agents, side, horizon, chosen)


def compare_with_oracle(task, rng, steps, shoot_often):
    """Play at random, legal or not, and compare all that can be seen; return how often a target was taken and a win."""
    oracle = Oracle(task.name, task.num_agents, task.grid, list(task.targets))
    state = start_state(task, np.array(task.targets, dtype=np.int32))
    won = False
    for _ in range(steps):
        mask = available_actions(task, state)
        for i in range(task.num_agents):
            assert np.flatnonzero(mask[i]).tolist() == oracle.allowed(i)
            assert observe(task, state)[i].tolist() == oracle.observation(i)
        assert global_state(task, state).tolist() == oracle.state()
        actions = rng.integers(0, task.num_actions, task.num_agents)
        if task.shoots and shoot_often:
            actions = np.where(rng.random(task.num_agents) < 0.5, SHOOT, actions)
        (state,), (reward,), (success,) = play(task, actions, state=state)
        assert (reward, success) == oracle.step(actions.tolist())
        assert np.flatnonzero(state.held).tolist() == sorted(oracle.holder)
        assert np.flatnonzero(state.frozen).tolist() == sorted(oracle.holder.values())
        won = won or success
        if success:
            break
    return len(oracle.holder), won
