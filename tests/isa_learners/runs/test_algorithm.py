"""Algorithm 1: phases, goals in evaluation, and what does not fit."""

import pytest
import torch
from learner_helpers import algorithm_of, collected, tiny_config, until_reach

from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.scopes import scope_for
from isa_wrappers.border.success import success_rule
from isa_wrappers.errors import FileFormatError, ScopeMismatchError
from isa_wrappers.scope.influence import InfluenceScope

EXPLORE, REACH, TRAIN = "explore", "reach", "train"
FAR = {"num_agents": 2, "grid": 5, "targets": [[4, 4], [4, 3]], "horizon": 12}


def weights(algorithm):
    ppo = algorithm.phase.learner.ppo
    return {
        f"{name}.{key}": value.detach().clone()
        for name in ("actor", "critic", "value_norm")
        for key, value in getattr(ppo, name).state_dict().items()
    }


@pytest.mark.slow
def test_steps_are_counted_over_all_environments():
    algorithm = algorithm_of(algo="ippo", ppo={"num_envs": 3, "rollout_steps": 7})
    algorithm.iterate()
    algorithm.iterate()
    assert algorithm.env_steps == 2 * 3 * 7


@pytest.mark.parametrize("phase", [EXPLORE, REACH])
def test_evaluating_leaves_training_as_it_is(phase):
    algorithm = algorithm_of()
    if phase == REACH:
        until_reach(algorithm)
    algorithm.iterate()
    before = {name: torch.as_tensor(value).clone() for name, value in algorithm.state_dict()[0].items()}
    meta = algorithm.state_dict()[1]
    found = algorithm.evaluate(4, 5)
    assert algorithm.evaluate(4, 5) == found
    after, after_meta = algorithm.state_dict()
    assert set(after) == set(before)
    assert all(torch.equal(torch.as_tensor(after[name]), before[name]) for name in before)
    assert after_meta == meta


def test_a_scope_of_another_environment_is_refused():
    config = tiny_config()
    other = InfluenceScope.from_dimensions({"agent_0": [[], [1], [1], [0], [0]]}, state_size=6)
    with pytest.raises(ScopeMismatchError, match="its state size 6, here 4"):
        Algorithm(config, other)
    with pytest.raises(ScopeMismatchError, match="its agents"):
        Algorithm(config, scope_for(tiny_config(env_kwargs=FAR, scope={"transitions": 50}))[0])
    few = InfluenceScope.from_dimensions({"agent_0": [[], [1], [1], [0]]}, state_size=4)
    with pytest.raises(ScopeMismatchError, match="numbers of actions"):
        Algorithm(config, few)


def test_scope_for_says_what_it_took():
    scope, steps = scope_for(tiny_config(env_kwargs=FAR, scope={"transitions": 600}))
    assert steps == 600
    listened = {"transitions": 301, "estimator": "nmi_block", "copies": 4}
    told = []
    cost = scope_for(tiny_config(env_kwargs=FAR, scope=listened), told.append)[1]
    assert cost == told[-1] == 604, "301 for each of two, which two copies each serve in 151 steps"
    assert scope.special_dims == [[0, 1], [2, 3]]
    assert scope.common_dims == []


def test_seeds_make_the_difference():
    one, same, other = (algorithm_of(seed=seed) for seed in (1, 1, 2))
    for algorithm in (one, same, other):
        algorithm.iterate()
    found = [weights(algorithm) for algorithm in (one, same, other)]
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])
    assert any(not torch.equal(found[0][name], found[2][name]) for name in found[0])


def test_a_copy_made_from_the_state_goes_its_own_way():
    """Loading takes nothing that the first one still writes to."""
    algorithm, copy = (algorithm_of(goal={"first_goals": 50}) for _ in range(2))
    algorithm.iterate()
    tensors, meta = algorithm.state_dict()
    copy.load_state_dict(tensors, meta)
    before = weights(algorithm)
    moments = {key: value.clone() for key, value in algorithm.state_dict()[0].items() if "optimizer" in key}
    copy.iterate()
    assert all(torch.equal(value, before[name]) for name, value in weights(algorithm).items())
    now = algorithm.state_dict()[0]
    assert moments
    assert all(torch.equal(now[key], value) for key, value in moments.items())
    assert copy.env_steps == algorithm.env_steps + 10


@pytest.mark.parametrize(
    "sections",
    [
        {"ppo": {"hidden": 5}},
        {"ppo": {"num_envs": 3}},
        {"goal": {"capacity": 7, "first_goals": 7}},
        {"count": {"count_scale": 2.0}},
        {"env_kwargs": {"num_agents": 2, "grid": 3, "targets": [[0, 1], [1, 0]], "horizon": 6}},
    ],
    ids=["hidden", "num_envs", "capacity", "count_scale", "agents"],
)
def test_a_checkpoint_of_another_configuration_is_refused(sections):
    algorithm = algorithm_of(goal={"first_goals": 7})
    algorithm.iterate()
    assert algorithm.phase.name == EXPLORE
    tensors, meta = algorithm.state_dict()
    other = algorithm_of(**{"goal": {"first_goals": 7}, **sections})
    with pytest.raises(FileFormatError, match="does not fit this run's configuration") as caught:
        other.load_state_dict(tensors, meta)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "lost",
    [
        "collector.noise",
        "learner.ppo.actor.head.bias",
        "shared.goals.states",
        "collector.start",
        "learner.ppo.generator",
    ],
)
def test_a_checkpoint_with_something_missing_is_refused(lost):
    algorithm = algorithm_of()
    algorithm.iterate()
    tensors, meta = algorithm.state_dict()
    del tensors[lost]
    with pytest.raises(FileFormatError, match="does not fit"):
        algorithm_of().load_state_dict(tensors, meta)


def test_episodes_that_cannot_be_saved_start_afresh_with_nothing_carried_over():
    """A PettingZoo environment starts anew on resuming: so must last action, hidden states and episode starts."""
    sections = {
        "env": "scripted_env:countdown",
        "env_kwargs": {},
        "ppo": {"num_envs": 2, "rollout_steps": 3},
        "algo": "ippo",
    }
    algorithm = algorithm_of(**sections)
    algorithm.iterate()
    assert not algorithm.phase.collector.start.any(), "saved within an episode"
    assert algorithm.phase.collector.memory["actor_hidden"].abs().sum() > 0
    copy = algorithm_of(**sections)
    copy.load_state_dict(*algorithm.state_dict())
    collector = copy.phase.collector
    assert collector.current.obs[..., 0].unique().tolist() == [7.0]
    assert collector.start.all()
    assert collector.memory["last_action"].unique().tolist() == [3], "none yet"
    assert collector.memory["actor_hidden"].abs().sum() == 0
    rollout = collected(copy, 3)
    assert rollout.start[0].all()
    assert rollout.critic_hidden.abs().sum() == 0


def test_environments_with_generators_of_32_bits_can_be_seeded():
    algorithm = algorithm_of(env="scripted_env:countdown", env_kwargs={}, algo="ippo", seed=2**31 - 1)
    algorithm.iterate()
    assert algorithm.evaluate(2, 0).episode_length == 7.0


@pytest.mark.cuda
def test_algorithm_on_cuda():
    algorithm = algorithm_of(device="cuda")
    assert next(algorithm.phase.learner.ppo.actor.parameters()).is_cuda
    until_reach(algorithm)
    metrics = algorithm.iterate()
    assert all(value == value for value in metrics.values())
    assert algorithm.phase.collector.current.obs.is_cuda
    assert 0.0 <= algorithm.evaluate(8, 0).success_rate <= 1.0
    copy = algorithm_of(device="cuda")
    copy.load_state_dict(*algorithm.state_dict())
    one, other = algorithm.iterate(), copy.iterate()
    assert one == pytest.approx(other, rel=1e-4)


@pytest.mark.parametrize(("text", "rule"), [("success", "success"), ("1.5", 1.5), ("-3", -3.0), ("has won", "has won")])
def test_success_rules_are_read(text, rule):
    assert success_rule(text) == rule


def test_annealing_falls_linearly_over_the_run():
    config = tiny_config(ppo={"anneal_to": 0.25, "lr": 0.1, "entropy_factor": 0.4}, steps=40)
    algorithm = Algorithm(config, scope_for(config)[0])
    rates = []
    for _ in range(5):
        algorithm.iterate()
        ppo = algorithm.phase.learner.ppo
        rates.append((ppo.actor_optimizer.param_groups[0]["lr"], ppo.critic_optimizer.param_groups[0]["lr"]))
        if algorithm.env_steps == 20:
            assert rates[-1] == (pytest.approx(0.0625), pytest.approx(0.0625))
    assert algorithm.env_steps == 50
    assert rates[-1][0] == pytest.approx(0.025)  # no further beyond the end


def test_a_resumed_run_does_not_replay_the_random_numbers_that_it_began_with():
    """Where an environment cannot be saved; one that is stopped often would see the same start again and again."""
    sections = {"env": "random_starts:Start", "env_kwargs": {}, "algo": "ippo"}
    begun = algorithm_of(**sections)
    starts = [begun.phase.collector.current.obs.clone()]
    for _ in range(2):
        begun.iterate()
        resumed = algorithm_of(**sections)
        resumed.load_state_dict(*begun.state_dict())
        starts.append(resumed.phase.collector.current.obs)
    assert len({tuple(start.flatten().tolist()) for start in starts}) == 3
