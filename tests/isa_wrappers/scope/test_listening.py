"""Who does what while one agent is listened to, and the blocks that teammates' actions make."""

import numpy as np
import pytest
from listening_toys import Toy, per_block, spy

from isa_wrappers import estimate_scope


class Team(Toy):
    """Three agents with 3, 2 and 4 actions; agent c's last action is missing in the second half of an episode."""

    agents = ("a", "b", "c")
    num_actions = (3, 2, 4)
    state_size = 3

    def available(self):
        available = super().available()
        available[:, 2, 3] = self.time < self.horizon // 2
        return available


@pytest.mark.slow
@pytest.mark.parametrize("num_envs", [1, 12])
def test_teammates_hold_one_action_an_episode_while_one_agent_is_free(num_envs):
    env = Team(num_envs)
    estimate_scope(env, per_block(transitions=1200))
    taken, times = np.stack(env.taken), np.array(env.times)
    per_agent = len(taken) // 3 if num_envs == 1 else len(taken)
    held_in_an_episode = {i: [] for i in range(3)}
    for b in range(num_envs):
        for part in range(3 if num_envs == 1 else 1):
            listened = part if num_envs == 1 else b % 3
            rows = slice(part * per_agent, (part + 1) * per_agent)
            own, teammates, at = taken[rows, b], [i for i in range(3) if i != listened], times[rows]
            for begin in np.flatnonzero(at == 0):
                episode = own[begin : begin + env.horizon]
                if len(episode) < env.horizon:
                    continue
                for i in teammates:
                    first = episode[0, i]
                    held_in_an_episode[i].append(int(first))
                    expected = np.full(env.horizon, first)
                    if i == 2 and first == 3:
                        # Not available any more: its first available one instead.
                        expected[env.horizon // 2 :] = 0
                    np.testing.assert_array_equal(episode[:, i], expected)
    for i, held in held_in_an_episode.items():
        # Drawn anew each episode, among all actions: within five standard deviations of uniform.
        share = np.bincount(held, minlength=env.num_actions[i]) / len(held)
        p = 1 / env.num_actions[i]
        assert (abs(share - p) < 5 * (p * (1 - p) / len(held)) ** 0.5).all()


@pytest.mark.slow
def test_the_agent_listened_to_acts_uniformly_among_what_is_available(monkeypatch):
    seen = spy(monkeypatch)
    monkeypatch.setattr(Team, "horizon", 2)
    env = Team(num_envs=3)
    estimate_scope(env, per_block(transitions=2000))
    taken, times = np.stack(env.taken), np.array(env.times)
    for time, allowed in ((0, 4), (1, 3)):
        actions = taken[times == time, 2, 2]
        share = np.bincount(actions, minlength=4) / len(actions)
        expected = np.where(np.arange(4) < allowed, 1 / allowed, 0)
        assert abs(share - expected).max() < 5 * (0.25 * 0.75 / len(actions)) ** 0.5
        assert share[allowed:].sum() == 0
    # Blocks are the joint actions drawn, two episodes with the same one share a block: at most 2 * 4 for agent a.
    assert [len(set(blocks[valid].tolist())) for _, _, blocks, valid in seen] == [8, 12, 6]


def test_pooled_puts_everything_into_one_block(monkeypatch):
    seen = spy(monkeypatch)
    estimate_scope(Team(num_envs=3), per_block(transitions=300, estimator="nmi_pooled"))
    assert [set(blocks.tolist()) for _, _, blocks, _ in seen] == [{0}] * 3


class Exclusive(Toy):
    """Dimension 0 changes by the exclusive or of both actions: given the teammate's, it tells one's own."""

    def dynamics(self, actions):
        self.now = self.now.copy()
        self.now[:, 0] += actions[:, 0] ^ actions[:, 1]


def test_blocks_find_what_pooling_hides():
    block = estimate_scope(Exclusive(), per_block(transitions=500, estimator="nmi_block"))
    assert block.common_dims == [0]
    assert block.influence[:, :, 0].min() == pytest.approx(1.0, abs=1e-9)
    pooled = estimate_scope(Exclusive(), per_block(transitions=500, estimator="nmi_pooled"))
    assert pooled.common_dims == []
