"""The Stable-Baselines3 examples in a short form: two agents that find their locks, watched from outside."""

import sys
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from pettingzoo.utils import BaseParallelWrapper

from isa_wrappers import GoalBuffer, InfluenceScope, ScopeConfig, estimate_scope
from isa_wrappers.envs import make_parallel
from isa_wrappers.wrappers import GoalRecording

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[2] / "examples"


class Watched(BaseParallelWrapper):
    """Pays 1 for a won episode, and notes of every action whether it was available."""

    def __init__(self, noted):
        super().__init__(make_parallel("grid/unlock", num_agents=2, grid=3, targets=[[0, 2], [2, 1]], horizon=12))
        self.noted = noted

    def reset(self, seed=None, options=None):
        self.seen, infos = self.env.reset(seed, options)
        return self.seen, infos

    def step(self, actions):
        self.noted += [bool(self.seen[agent]["action_mask"][action]) for agent, action in actions.items()]
        self.seen, _, terminations, truncations, infos = self.env.step(actions)
        rewards = {agent: float(info["success"]) for agent, info in infos.items()}
        return self.seen, rewards, terminations, truncations, infos


@pytest.fixture
def example(monkeypatch):
    """Return a function that loads an example on the small task; it also returns what is noted of its actions."""
    pytest.importorskip("supersuit")
    pytest.importorskip("stable_baselines3")
    monkeypatch.syspath_prepend(EXAMPLES)

    def load(name):
        if name == "maskable_ppo":
            pytest.importorskip("sb3_contrib")
        module, noted = import_module(name), []
        shared = sys.modules["stable_baselines3_ppo"]
        monkeypatch.setattr(shared, "make_parallel", lambda _: Watched(noted))
        monkeypatch.setattr(shared, "estimate_scope", partial(estimate_scope, config=ScopeConfig(1_500)))
        return module, noted

    return load


@pytest.mark.parametrize(("name", "masked"), [("stable_baselines3_ppo", False), ("maskable_ppo", True)])
def test_short_form_runs_both_phases(example, capsys, name, masked):
    module, noted = example(name)
    rate = module.main(steps=1_500, seed=0, episodes=4)
    assert rate in (0.0, 0.25, 0.5, 0.75, 1.0)
    assert f"{rate:.0%} of 4 greedy episodes won" in capsys.readouterr().out
    assert len(noted) > 2 * 1_500
    assert all(noted) == masked  # the watch sees what plain PPO does, so it would see it here


def test_sabotaged_masks_are_noticed(example, monkeypatch):
    module, noted = example("maskable_ppo")
    monkeypatch.setattr(module.MaskedTeam, "env_method", lambda team, *_, **__: list(np.ones_like(team.masks)))
    with pytest.raises(ValueError, match="unavailable"):
        module.main(steps=2_000)
    assert all(noted)  # refused before it is taken


def won_team(module, make):
    """Make a team of two copies of a one-step task, each winning; return their goals."""
    scope = InfluenceScope.from_dimensions({"agent_0": [[], [1], [1], [0], [0]]}, state_size=4)
    goals = GoalBuffer(state_size=4)
    env = partial(make_parallel, "grid/unlock", num_agents=1, targets=[[0, 1]], horizon=2)
    team = make([GoalRecording(env(), scope, goals) for _ in range(2)])
    team.reset()
    return team, goals


def test_wins_of_all_copies_reach_one_buffer(example):
    module, _ = example("stable_baselines3_ppo")
    team, goals = won_team(module, module.Team)
    _, _, dones, infos = team.step(np.array([2, 2]))
    assert len(goals) == 2
    assert dones.tolist() == [True, True]
    assert [info["TimeLimit.truncated"] for info in infos] == [False, False]


def test_copies_by_supersuit_win_for_themselves(example):
    """Why the example does not use ss.concat_vec_envs_v1: should SuperSuit stop pickling, it can."""
    import supersuit as ss

    module, _ = example("stable_baselines3_ppo")
    vectorised = lambda envs: ss.concat_vec_envs_v1(  # noqa: E731
        ss.pettingzoo_env_to_vec_env_v1(envs[0]), 1, base_class="stable_baselines3"
    )
    team, goals = won_team(module, vectorised)
    team.step(np.array([2]))
    assert len(goals) == 0


def test_truncation_is_told(example):
    module, _ = example("stable_baselines3_ppo")
    team, _ = won_team(module, module.Team)
    team.step(np.array([0, 2]))
    _, _, dones, infos = team.step(np.array([0, 0]))
    assert dones.tolist() == [True, False]
    assert [info["TimeLimit.truncated"] for info in infos] == [True, False]
    assert infos[0]["terminal_observation"]["observation"].tolist() == [0.0, 0.0, 0.0, 1.0]
