"""A loaded policy in loops of others: it does what an evaluation of the run does."""

import numpy as np
import pytest
import torch
from devices import TORCH
from learner_helpers import tiny_config
from policy_helpers import DEATHS_AND_MASKS, GRID, NUMBERS, drawn_algorithm, evaluated, played, same_as_evaluated

import isa_learners
from isa_learners.algorithms import ALGORITHMS
from isa_learners.checkpoint import load_checkpoint
from isa_learners.learner import LEARNERS
from isa_learners.runs.policy import RunPolicy, load_policy
from isa_learners.runs.training import train
from isa_wrappers.envs import make_batch, make_parallel
from isa_wrappers.wrappers import ScopeWrapper

LATE = DEATHS_AND_MASKS[0], {**DEATHS_AND_MASKS[1], "late": True}
LINGERING = "border_toys:Lingering", {}
IN_MASKED_OBSERVATIONS = DEATHS_AND_MASKS[0], {**DEATHS_AND_MASKS[1], "masks": "observation"}


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


@pytest.mark.filterwarnings("ignore:agent 'walker_0' of walk was terminated or truncated but stays:UserWarning")
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
    seen, learner = algorithm.evaluation_env(4)[0], algorithm.phase.learner
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
