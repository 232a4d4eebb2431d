"""A loaded policy in loops of others: it does what an evaluation of the run does."""

import numpy as np
import pytest
import torch
from devices import TORCH
from learner_helpers import tiny_config
from policy_helpers import DEATHS_AND_MASKS, NUMBERS, drawn_algorithm, played

import isa_learners
from isa_learners.algorithms import ALGORITHMS
from isa_learners.checkpoint import load_checkpoint
from isa_learners.learner import LEARNERS
from isa_learners.runs.evaluation import evaluate
from isa_learners.runs.policy import RunPolicy, load_policy
from isa_learners.runs.training import train
from isa_wrappers.envs import make_batch, make_parallel
from isa_wrappers.errors import (
    EmptyGoalBufferError,
    FileFormatError,
    InvalidValueError,
    NonFiniteError,
    RunFolderError,
    UnsupportedEnvironmentError,
    UntrustedRunError,
)
from isa_wrappers.wrappers import ScopeWrapper

GRID = "grid/shooting", {"num_agents": 2, "horizon": 9}
LATE = DEATHS_AND_MASKS[0], {**DEATHS_AND_MASKS[1], "late": True}
LINGERING = "border_toys:Lingering", {}
IN_MASKED_OBSERVATIONS = DEATHS_AND_MASKS[0], {**DEATHS_AND_MASKS[1], "masks": "observation"}


def evaluated(algorithm, seed):
    """The states and the return of an evaluation's only episode."""
    env, _ = algorithm.evaluation_env(1, seed)
    states = []
    found = evaluate(env, algorithm.phase.learner, seed, lambda step: states.append(step.final_state[0].cpu().numpy()))
    return np.stack(states), found


def same_as_evaluated(algorithm, env, seeds=range(3)):
    policy = RunPolicy(algorithm)
    for seed in seeds:
        states, rewards, _ = played(policy, make_parallel(env[0], **env[1]), seed)
        wanted, found = evaluated(algorithm, seed)
        np.testing.assert_array_equal(states, wanted)
        assert len(rewards) == found.episode_length
        total = sum(sum(reward.values()) / len(policy.agents) for reward in rewards)
        assert total == pytest.approx(found.return_mean)


@pytest.mark.parametrize("device", TORCH)
@pytest.mark.parametrize("algo", [name for name in ALGORITHMS if name != "isa_reach"])
def test_every_algorithm_acts_as_it_is_evaluated(algo, device):
    same_as_evaluated(drawn_algorithm(algo, device=device), DEATHS_AND_MASKS)


@pytest.mark.parametrize("learner", list(LEARNERS))
def test_every_learner_acts_as_it_is_evaluated(learner):
    same_as_evaluated(drawn_algorithm("isa", GRID, learner=learner), GRID)


@pytest.mark.parametrize("algo", ["isa", "mappo", "happo"])
@pytest.mark.parametrize("settings", [{"network": "lstm"}, {"network": "mlp", "layers": [6]}, {"normalize_obs": True}])
def test_every_network_acts_as_it_is_evaluated(settings, algo):
    same_as_evaluated(drawn_algorithm(algo, ppo=settings), DEATHS_AND_MASKS)


def test_the_scale_of_observations_comes_with_a_run(tmp_path):
    config = tiny_config(*DEATHS_AND_MASKS, algo="ippo", ppo={"network": "lstm", "normalize_obs": True})
    train(config, tmp_path / "run")
    policy = load_policy(tmp_path / "run", trust=True)
    norm, held = policy.learner.norm, load_checkpoint(tmp_path / "run/checkpoints/latest.safetensors")[0]
    assert torch.equal(norm.of_obs.mean, held["learner.norm.of_obs.mean"])
    assert norm.of_obs.count.min() > 0
    before = norm.of_obs.mean.clone()
    algorithm = isa_learners.load(tmp_path / "run", trust=True)
    same_as_evaluated(algorithm, DEATHS_AND_MASKS)
    assert torch.equal(algorithm.phase.learner.norm.of_obs.mean, before)


@pytest.mark.parametrize(
    "env", [IN_MASKED_OBSERVATIONS, NUMBERS, LATE], ids=["masks in observations", "numbers and choices", "latecomers"]
)
@pytest.mark.parametrize("algo", ["isa", "ippo"])
def test_every_kind_of_observation_and_action(env, algo):
    same_as_evaluated(drawn_algorithm(algo, env), env)


@pytest.mark.filterwarnings("ignore:agent 'walker_0' of walk was terminated or truncated and stays:UserWarning")
@pytest.mark.parametrize("algo", ["isa", "ippo"])
def test_who_is_over_and_stays_listed_is_taken_out_by_a_wrapper(algo):
    """PettingZoo's own test of an environment refuses such lists; training takes them, and sends the idle action."""
    moved = False
    for seed in range(4):
        algorithm = drawn_algorithm(algo, LINGERING, seed=seed)
        env = ScopeWrapper(make_parallel(LINGERING[0]), None)
        states, _, chosen = played(RunPolicy(algorithm), env, 3)
        assert [len(actions) for actions in chosen] == [2, 2, 1, 1]
        np.testing.assert_array_equal(states, evaluated(algorithm, 3)[0])
        moved |= bool(states.any())
    assert moved


def test_what_is_done_hangs_on_what_is_remembered_and_pursued():
    """Else the tests above could not fail."""
    policy, env = RunPolicy(drawn_algorithm()), make_parallel(DEATHS_AND_MASKS[0], **DEATHS_AND_MASKS[1])
    as_it_is = [played(policy, env, seed)[2] for seed in range(6)]
    assert any(one != as_it_is[0] for one in as_it_is), "goals differ from seed to seed"
    forgetful = RunPolicy(drawn_algorithm())
    forgetful.learner.forget = lambda memory, done: forgetful.learner.begin(1)
    assert [played(forgetful, env, seed)[2] for seed in range(6)] != as_it_is
    assert len({tuple(sorted(actions)) for actions in as_it_is[0]}) > 1, "some die on the way"


def batch_play(policy, env, seed, told):
    """Let a policy play in a batch, told by ``told``; return all actions and states."""
    step, record = env.reset(seed), []
    policy.reset(seed)
    for _ in range(40):
        actions = told(policy, step)
        step = env.step(actions)
        record += [torch.as_tensor(actions), torch.as_tensor(step.state)]
    return record


def by_step(policy, step):
    return policy.act(step)


def by_arrays(policy, step):
    return policy.act(step.obs, {"action_mask": step.available, "alive": step.alive, "done": step.done})


@pytest.mark.parametrize("env", [DEATHS_AND_MASKS, NUMBERS], ids=["deaths and masks", "numbers and choices"])
def test_a_batch_is_played_as_training_would(env):
    """Steps and arrays, of NumPy and torch, do what the learner does in an environment of the run's own."""
    algorithm = drawn_algorithm(env=env)
    seen, learner = algorithm.evaluation_env(4, 5)[0], algorithm.phase.learner
    with torch.no_grad():
        step, memory, wanted = seen.reset(5), learner.begin(4), []
        for _ in range(40):
            decision = learner.act(step, memory)
            step = seen.step(decision.action)
            memory = learner.forget(decision.memory, step.done)
            wanted += [decision.action, step.state]
    policy = RunPolicy(algorithm)
    for device in ("cpu", None):
        for told in (by_step, by_arrays):
            found = batch_play(policy, make_batch(env[0], 4, device, **env[1]), 5, told)
            assert all(torch.equal(one, other) for one, other in zip(found[1::2], wanted[1::2], strict=True))
            assert all(torch.equal(one, other) for one, other in zip(found[::2], wanted[::2], strict=True))
    assert isinstance(policy.act(np.zeros((4, len(policy.agents), policy.task.obs_size), np.float32)), np.ndarray)


def test_goals_are_drawn_from_the_runs_own():
    policy = RunPolicy(drawn_algorithm(env=GRID))
    env = make_parallel(GRID[0], **GRID[1])
    assert policy.goals.shape == (5, 5)
    assert policy.goal is None
    drawn = []
    for seed in (3, 4, 3, None):
        observations, infos = env.reset(seed=0)
        policy.reset(seed)
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


def observed(**changes):
    env = make_parallel(DEATHS_AND_MASKS[0], **DEATHS_AND_MASKS[1])
    return env.reset(seed=0)[0] | changes


BAD = {
    "a longer observation": (
        lambda policy: policy.act(observed(walker_1=np.zeros(3, np.float32))),
        UnsupportedEnvironmentError,
        "the observation of agent 'walker_1' at the reset is not what its space .* declares: 3 numbers for 2",
    ),
    "NaN": (
        lambda policy: (policy.act(observed()), policy.act(observed(walker_0=np.float32([0, np.nan])))),
        NonFiniteError,
        "the observation of agent 'walker_0' in step 1, place 1 must be finite, holds nan",
    ),
    "agents of another task": (
        lambda policy: policy.act({"agent_0": np.zeros(2)}),
        InvalidValueError,
        r"observations must be of agents walker_0, walker_1, walker_2, got those of \['agent_0'\]",
    ),
    "infos that are none": (lambda policy: policy.act(observed(), [1]), InvalidValueError, "infos must be Mapping"),
    "a mask that forbids all": (
        lambda policy: policy.act(observed(), {"walker_0": {"action_mask": [0, 0, 0]}}),
        UnsupportedEnvironmentError,
        "the action mask of agent 'walker_0' at the reset forbids all of its 3 actions",
    ),
    "a short goal": (
        lambda policy: policy.act(observed(), goal=[1.0, 2.0]),
        InvalidValueError,
        r"goal must be an array of shape \[\.\.\., 3\], got \[2\]",
    ),
    "goals of more environments": (
        lambda policy: policy.act(observed(), goal=np.zeros((2, 3))),
        InvalidValueError,
        r"goal must be an array of shape \[3\] or \[1, 3\], got \[2, 3\]",
    ),
    "a goal with NaN": (
        lambda policy: policy.act(observed(), goal=[0, np.nan, 0]),
        NonFiniteError,
        "goal must be finite, got .*nan",
    ),
    "a goal that is none": (
        lambda policy: policy.act(observed(), goal="there"),
        InvalidValueError,
        "goal must be an arr",
    ),
    "another batch": (
        lambda policy: (policy.act(np.zeros((2, 3, 2))), policy.act(np.zeros((4, 3, 2)))),
        InvalidValueError,
        "observations must be of 2 environments, as before, got 4",
    ),
    "a batch of other agents": (
        lambda policy: policy.act(np.zeros((2, 4, 2))),
        InvalidValueError,
        r"observations must be an array of shape \[any, 3, 2\], got \[2, 4, 2\]",
    ),
    "infos of a batch": (
        lambda policy: policy.act(np.zeros((2, 3, 2)), {"masks": 1}),
        InvalidValueError,
        "infos beside an array of observations must be action_mask, alive, done; got 'masks'",
    ),
    "a batch's mask that forbids all": (
        lambda policy: policy.act(np.zeros((2, 3, 2)), {"action_mask": np.zeros((2, 3, 3))}),
        InvalidValueError,
        "the action mask of agent 'walker_0' in environment 0 must leave an action, got none",
    ),
    "no observations": (lambda policy: policy.act(None), InvalidValueError, "observations must be an array"),
    "a seed": (lambda policy: policy.reset(-1), InvalidValueError, "seed must be a whole number from 0 to"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_told_in_one_line(name):
    do, kind, says = BAD[name]
    with pytest.raises(kind, match=says) as caught:
        do(RunPolicy(drawn_algorithm()))
    assert "\n" not in str(caught.value)


def test_a_policy_without_goals_takes_none():
    policy = RunPolicy(drawn_algorithm("ippo"))
    assert policy.goals.shape == (0, 3)
    assert not policy.pursues_goals
    with pytest.raises(
        InvalidValueError, match="phase 'train' of algorithm 'ippo' pursues no goals: goal must be left"
    ):
        policy.act(observed(), goal=np.zeros(3))


def test_nothing_won_and_nothing_to_pursue():
    algorithm = drawn_algorithm()
    algorithm.shared["goals"]._added *= 0
    policy = RunPolicy(algorithm)
    with pytest.raises(EmptyGoalBufferError):
        policy.act(observed())
    assert set(policy.act(observed(), goal=np.zeros(3))) == set(policy.agents)


def test_an_environment_that_is_batched_by_itself_is_played_as_a_batch():
    """Nobody knows how one of its copies would speak."""
    policy = RunPolicy(drawn_algorithm("ippo", ("border_toys:PoisonedBatch", {})))
    assert policy.act(np.zeros((2, 2, 2), np.float32)).shape == (2, 2)
    with pytest.raises(UnsupportedEnvironmentError, match="is batched and makes no single ParallelEnv"):
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
