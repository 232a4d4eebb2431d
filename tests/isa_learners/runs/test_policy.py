"""A loaded policy: its goals, its draws, the folder and the device it comes from."""

import numpy as np
import pytest
import torch
from devices import TORCH
from learner_helpers import tiny_config
from policy_helpers import GRID, drawn_algorithm, evaluated, played

import isa_learners
from isa_learners.learner import LEARNERS
from isa_learners.runs.policy import RunPolicy, load_policy
from isa_learners.runs.training import train
from isa_wrappers.envs import make_parallel
from isa_wrappers.errors import FileFormatError, RunFolderError, UnsupportedEnvironmentError, UntrustedRunError


def test_goals_are_drawn_from_the_runs_own():
    policy = RunPolicy(drawn_algorithm(env=GRID))
    env = make_parallel(GRID[0], **GRID[1])
    assert policy.goals.shape == (5, 5)
    assert policy.goal is None
    drawn = []
    for seed in (3, 4, 3, None):
        observations, infos = env.reset(seed=0)
        policy.reset(seed)
        assert policy.goal is None, "that of the episode before is no more pursued"
        policy.act(observations, infos)
        drawn.append(policy.goal[0].tolist())
        policy.act(observations, infos)
        assert policy.goal[0].tolist() == drawn[-1], "held through the episode"
    assert all(goal in policy.goals.tolist() for goal in drawn)
    assert drawn[0] == drawn[2]
    assert len({tuple(goal) for goal in drawn}) > 1


def test_a_goal_of_ones_own_is_shown_to_the_agents():
    """The first observation of the learner ends with the agents' own dimensions of it, until the next reset."""
    algorithm = drawn_algorithm(env=GRID)
    policy, env = RunPolicy(algorithm), make_parallel(GRID[0], **GRID[1])
    shown, act = [], algorithm.phase.learner.act
    policy.learner.act = lambda step, *rest: (shown.append(step.obs[0]), act(step, *rest))[1]
    observations, infos = env.reset(seed=0)
    goal = np.arange(5.0) + 0.5
    first, other = goal, -goal
    policy.act(observations, infos, goal=first)
    policy.act(observations, infos)
    policy.act(observations, infos, goal=other)
    policy.reset()
    policy.act(observations, infos)
    credit = algorithm.credit
    wanted = [first[credit.common_dims + special] for special in credit.special_dims]
    for i, own in enumerate(wanted):
        np.testing.assert_allclose(shown[0][i, -len(own) :], own)
        np.testing.assert_allclose(shown[1][i, -len(own) :], own)
        np.testing.assert_allclose(shown[2][i, -len(own) :], -own)
    assert policy.goal[0].tolist() in policy.goals.tolist()


@pytest.mark.parametrize("learner", list(LEARNERS))
def test_without_greed_it_draws_from_its_own_seed(learner):
    policy, env = RunPolicy(drawn_algorithm(env=GRID, learner=learner)), make_parallel(GRID[0], **GRID[1])
    before = torch.get_rng_state()
    one, other, third = (played(policy, env, seed, greedy=False)[2] for seed in (1, 1, 2))
    assert one == other
    assert one != third
    assert torch.equal(before, torch.get_rng_state())


def test_an_environment_that_is_batched_by_itself_is_played_as_a_batch():
    """Nobody knows how one of its copies would speak."""
    policy = RunPolicy(drawn_algorithm("ippo", ("border_toys:PoisonedBatch", {})))
    assert policy.act(np.zeros((2, 2, 2), np.float32)).shape == (2, 2)
    with pytest.raises(UnsupportedEnvironmentError, match="is batched, so it provides no single ParallelEnv"):
        policy.act({"walker_0": np.zeros(2)})


def test_an_episode_that_is_over_asks_for_nothing():
    assert RunPolicy(drawn_algorithm()).act({}) == {}


def test_a_run_is_loaded_and_global_settings_stay(tmp_path):
    """It acts as the run's own evaluation, from its folder alone; neither generators nor threads are touched."""
    folder = tmp_path / "run"
    config = tiny_config("toy_envs:Walk", {}, algo="isa", steps=120, threads=1)
    train(config, folder)
    with pytest.raises(UntrustedRunError):
        load_policy(folder)
    torch.set_num_threads(2)
    before = torch.get_rng_state()
    policy = isa_learners.load_policy(folder, trust=True, device="cpu")
    assert torch.get_num_threads() == 2
    assert torch.equal(before, torch.get_rng_state())
    torch.set_num_threads(1)
    algorithm = isa_learners.load(folder, env="toy_envs:Walk")
    states, rewards, _ = played(policy, make_parallel("toy_envs:Walk"), 7)
    wanted, found = evaluated(algorithm, 7)
    np.testing.assert_array_equal(states, wanted)
    assert len(rewards) == found.episode_length
    (folder / "checkpoints" / "latest.safetensors").unlink()
    (folder / "checkpoints" / "best.safetensors").unlink(missing_ok=True)
    with pytest.raises(FileFormatError, match="no checkpoint at"):
        load_policy(folder, env="toy_envs:Walk")
    with pytest.raises(RunFolderError, match="holds no run"):
        load_policy(tmp_path)


@pytest.mark.parametrize("asked", TORCH)
@pytest.mark.parametrize("trained", TORCH)
def test_a_run_of_one_device_acts_on_another(tmp_path, trained, asked):
    """What is done is the same, but where two actions are all but equally good."""
    config = tiny_config("grid/shooting", GRID[1], algo="isa", steps=200, device=trained)
    train(config, tmp_path / "run")
    policies = [load_policy(tmp_path / "run", device=device) for device in (trained, asked)]
    assert str(policies[1].device) == asked
    env = make_parallel(*GRID[:1], **GRID[1])
    states = [played(policy, env, 3)[0] for policy in policies]
    np.testing.assert_array_equal(*states)


def goals_of(policy, episodes=6, copies=None):
    """The goals of so many episodes, each begun by ``reset()``; of one copy, or of a batch."""
    seen = []
    for _ in range(episodes):
        policy.reset()
        policy.act(np.zeros((copies or 1, len(policy.agents), policy.task.obs_size), np.float32))
        seen += policy.goal.tolist()
    return seen


def test_a_seed_holds_until_an_episode_has_begun_with_it():
    """``reset()`` comes before each episode, the first too."""
    one, same, other = (goals_of(RunPolicy(drawn_algorithm(), seed)) for seed in (1, 1, 2))
    assert one == same
    assert one != other
    one, other = (goals_of(RunPolicy(drawn_algorithm(), seed), 1, copies=16) for seed in (1, 2))
    assert one != other


def test_goals_go_on_where_the_number_of_environments_changes():
    def after(seed):
        policy = RunPolicy(drawn_algorithm(), seed)
        goals_of(policy, 2, copies=4)
        return goals_of(policy, 4, copies=3)

    assert after(1) == after(1)
    assert after(1) != after(2)
