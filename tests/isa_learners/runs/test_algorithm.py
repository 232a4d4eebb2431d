"""Algorithm 1: phases, goals in evaluation, and what does not fit."""

import ast
from pathlib import Path

import pytest
import torch
from learner_helpers import tiny_config

import isa_learners
from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.devices import resolve_device
from isa_learners.runs.scopes import read_success, scope_for
from isa_wrappers.errors import DeviceError, FileFormatError, InvalidValueError, ScopeMismatchError
from isa_wrappers.scope.influence import InfluenceScope

EXPLORE, REACH, TRAIN = "explore", "reach", "train"
FAR = {"num_agents": 2, "grid": 5, "targets": [[4, 4], [4, 3]], "horizon": 12}


def algorithm_of(**sections):
    config = tiny_config(**sections)
    return Algorithm(config, scope_for(config)[0])


def weights(algorithm):
    ppo = algorithm.phase.learner.ppo
    return {
        f"{name}.{key}": value.detach().clone()
        for name in ("actor", "critic", "value_norm")
        for key, value in getattr(ppo, name).state_dict().items()
    }


def collected(algorithm, steps):
    """Collect, as PPO keeps it."""
    return algorithm.phase.learner.batch(algorithm.phase.collector.collect(steps))


def until_reach(algorithm, most=30):
    phases = [algorithm.phase]
    for _ in range(most):
        algorithm.iterate()
        if algorithm.phase is not phases[-1]:
            phases.append(algorithm.phase)
        if algorithm.phase.name == REACH:
            return phases
    pytest.fail(f"nothing won in {most} iterations")


def test_exploration_gives_way_to_goals_with_fresh_policies():
    algorithm = algorithm_of()
    first, second = until_reach(algorithm)
    assert (first.name, second.name) == (EXPLORE, REACH)
    assert len(algorithm.shared["goals"]) >= 1
    assert second.learner is not first.learner
    assert (
        second.learner.ppo.actor.embed.in_features == first.learner.ppo.actor.embed.in_features + 2
    )  # D_i = {x, y} of a goal
    assert not second.learner.ppo.actor_optimizer.state, "the optimiser is fresh"
    assert len(second.learner.ppo.buffer) == 0
    assert float(second.learner.ppo.value_norm.weight) == 0.0
    old, new = first.learner.ppo.actor.gru.weight_hh_l0, second.learner.ppo.actor.gru.weight_hh_l0
    assert not torch.allclose(old, new, atol=0.01)
    torch.testing.assert_close(new[:4] @ new[:4].T, torch.eye(4), msg="as initialised: orthogonal")


def test_goals_once_reached_end_only_exploration():
    algorithm = algorithm_of()
    until_reach(algorithm)
    phase, before = algorithm.phase, len(algorithm.shared["goals"])
    for _ in range(3):
        algorithm.iterate()
    assert algorithm.phase is phase
    assert len(algorithm.shared["goals"]) > before, "wins keep feeding the buffer"


def test_exploration_lasts_until_enough_goals_are_there():
    algorithm = algorithm_of(goal={"first_goals": 6})
    held = []
    while algorithm.phase.name == EXPLORE:
        algorithm.iterate()
        held.append(len(algorithm.shared["goals"]))
        assert len(held) < 100
    assert held[-1] >= 6
    assert all(count < 6 for count in held[:-1])


def test_the_goals_are_won_states():
    algorithm = algorithm_of()
    until_reach(algorithm)
    assert algorithm.shared["goals"].states.unique(dim=0).tolist() == [[0.0, 1.0, 0.0, 1.0]]


def test_exploration_learns_from_counts_and_reaching_from_progress():
    """One agent, so all it moves is common. Away from the lock: Eq. 10 pays 1 a first visit; Eq. 7 pays distance."""
    kwargs = {"num_agents": 1, "grid": 9, "targets": [[8, 8]], "horizon": 100}
    algorithm = algorithm_of(env_kwargs=kwargs, ppo={"num_envs": 1, "minibatches": 1}, scope={"transitions": 400})
    assert algorithm.scope.common_dims == [0, 1]
    rollout = collected(algorithm, 12)
    here, visits = (0.0, 0.0), {}
    scale = algorithm.config.ppo.obs_scale
    for t in range(12):
        here = tuple(round(float(x) / scale) for x in rollout.final_inputs[t, 0, 0, :2])
        visits[here] = visits.get(here, 0) + 1
        moved = int(rollout.action[t, 0, 0]) != 0
        assert float(rollout.reward[t, 0, 0]) == pytest.approx(moved * visits[here] ** -0.5, abs=1e-5)
    algorithm.shared["goals"].add(torch.tensor([[8.0, 8.0, 8.0, 8.0]]), torch.tensor([True]))
    algorithm.phase = algorithm.enter(REACH)
    rollout = collected(algorithm, 12)
    for t in range(12):
        before, after = rollout.inputs[t, 0, 0, :2] / scale, rollout.final_inputs[t, 0, 0, :2] / scale
        moved = int(rollout.action[t, 0, 0]) != 0
        progress = float((before - 8.0).norm() - (after - 8.0).norm())
        assert float(rollout.reward[t, 0, 0]) == pytest.approx(moved * progress, abs=1e-4)
        assert (rollout.inputs[t, 0, 0, 4:6] / scale).tolist() == pytest.approx([8.0, 8.0])


def test_plain_ippo_learns_from_the_environments_reward():
    algorithm = algorithm_of(algo="ippo")
    rollout = collected(algorithm, 30)
    assert algorithm.phase.name == TRAIN
    assert rollout.inputs.shape[-1] == 4 + 5 + 1
    assert rollout.reward[..., 0].tolist() == rollout.terminated.float().tolist()
    assert int(rollout.terminated.sum()) > 0
    assert algorithm.phase.statistics.won_any()
    assert algorithm.shared == {}, "nobody keeps goals"
    for _ in range(5):
        algorithm.iterate()
    assert algorithm.phase.name == TRAIN, "no goal phase"


def test_steps_are_counted_over_all_environments():
    algorithm = algorithm_of(algo="ippo", ppo={"num_envs": 3, "rollout_steps": 7})
    algorithm.iterate()
    algorithm.iterate()
    assert algorithm.env_steps == 2 * 3 * 7


def test_evaluation_plays_with_goals_from_the_buffer_and_the_environments_reward():
    algorithm = algorithm_of(env_kwargs=FAR, scope={"transitions": 400})
    env, base = algorithm.evaluation_env(4, seed=0)
    assert env is base, "no goals while exploring"
    won = torch.tensor([[4.0, 4.0, 4.0, 3.0, 4.0, 4.0, 4.0, 3.0], [4.0, 4.0, 0.0, 3.0, 4.0, 4.0, 4.0, 3.0]])
    algorithm.shared["goals"].add(won, torch.tensor([True, True]))
    algorithm.phase = algorithm.enter(REACH)
    env, base = algorithm.evaluation_env(40, seed=0)
    step = env.reset(0)
    drawn = step.obs[:, :, 4:]
    assert drawn.shape == (40, 2, 2)
    assert {tuple(goal.tolist()) for goal in drawn[:, 1]} == {(4.0, 3.0), (0.0, 3.0)}
    assert {tuple(goal.tolist()) for goal in drawn[:, 0]} == {(4.0, 4.0)}
    for b in range(40):
        assert any(torch.equal(env.goal[b], state) for state in won)
    assert torch.equal(env.step(torch.full((40, 2), 2)).reward, torch.zeros(40, 2))
    assert algorithm.evaluate(4, 0).episodes == 4


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


def test_isa_needs_a_scope():
    with pytest.raises(InvalidValueError, match="algo 'isa' needs a scope"):
        Algorithm(tiny_config(), None)


def test_scope_for_says_what_it_took():
    scope, steps = scope_for(tiny_config(env_kwargs=FAR, scope={"transitions": 300}))
    assert steps == 600
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
        "env": "learner_helpers:countdown",
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
    algorithm = algorithm_of(env="learner_helpers:countdown", env_kwargs={}, algo="ippo", seed=2**31 - 1)
    algorithm.iterate()
    assert algorithm.evaluate(2, 0).episode_length == 7.0


def test_devices():
    assert resolve_device("cpu") == "cpu"
    assert resolve_device("auto") == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_a_device_that_is_absent_is_refused():
    with pytest.raises(DeviceError, match="'cuda' was asked for but torch sees no CUDA device"):
        Algorithm(tiny_config(device="cuda", algo="ippo"), None)


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


PACKAGE = Path(isa_learners.__file__).parent
LEARNER = [
    *(PACKAGE / f"{name}.py" for name in ("rollout", "learner", "inputs")),
    *sorted((PACKAGE / "ppo").glob("*.py")),
]
METHOD = {"scope", "rewards", "wrappers"}


@pytest.mark.parametrize("path", LEARNER, ids=lambda path: path.stem)
def test_the_learner_knows_nothing_of_the_method(path):
    """Of ISA's modules it imports neither goals nor scopes nor rewards, nor any wrapper class."""
    if path.name == "__init__.py":
        return
    imports = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert imports
    for node in imports:
        names = [alias.name for alias in node.names]
        modules = names if isinstance(node, ast.Import) else [node.module, *(f"{node.module}.{n}" for n in names)]
        for name in modules:
            assert not METHOD & set(name.split(".")), f"{path} imports {name}"
            assert name.split(".")[:2] not in (["isa_learners", "runs"], ["isa_learners", "algorithms"]), path


def test_an_empty_scope_is_refused():
    scope = scope_for(tiny_config(env_kwargs=FAR, scope={"transitions": 300}))[0].with_delta(0.999)
    with pytest.raises(InvalidValueError, match=r"scope is empty: delta is 0.999 and the largest information 0\.\d+"):
        Algorithm(tiny_config(env_kwargs=FAR), scope)


@pytest.mark.parametrize(("text", "rule"), [("success", "success"), ("1.5", 1.5), ("-3", -3.0), ("has won", "has won")])
def test_success_rules_are_read(text, rule):
    assert read_success(text) == rule


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
