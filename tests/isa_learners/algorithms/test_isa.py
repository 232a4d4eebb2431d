"""Algorithm 1: exploration gives way to goals, each with its reward."""

import pytest
import torch
from learner_helpers import algorithm_of, collected, tiny_config, until_reach

from isa_learners.checkpoint import set_global_generators
from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.config_io import make_config
from isa_learners.runs.scopes import scope_for
from isa_wrappers.errors import InvalidValueError
from isa_wrappers.rewards.stitched import StitchedGoals

EXPLORE, REACH, TRAIN = "explore", "reach", "train"
FAR = {"num_agents": 2, "grid": 5, "targets": [[4, 4], [4, 3]], "horizon": 12}


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


def after(rollout, t):
    """Return what is seen after a step of the one agent's one episode."""
    return rollout.inputs[t + 1, 0, 0] if t + 1 < len(rollout.inputs) else rollout.final_inputs[t, 0, 0]


def test_exploration_learns_from_counts_and_reaching_from_progress():
    """One agent, so all it moves is common. Away from the lock: Eq. 10 pays 1 a first visit; Eq. 7 pays distance."""
    kwargs = {"num_agents": 1, "grid": 9, "targets": [[8, 8]], "horizon": 100}
    algorithm = algorithm_of(env_kwargs=kwargs, ppo={"num_envs": 1, "minibatches": 1}, scope={"transitions": 400})
    assert algorithm.scope.common_dims == [0, 1]
    rollout = collected(algorithm, 12)
    here, visits = (0.0, 0.0), {}
    scale = algorithm.config.ppo.obs_scale
    for t in range(12):
        here = tuple(round(float(x) / scale) for x in after(rollout, t)[:2])
        visits[here] = visits.get(here, 0) + 1
        moved = int(rollout.action[t, 0, 0]) != 0
        assert float(rollout.reward[t, 0, 0]) == pytest.approx(moved * visits[here] ** -0.5, abs=1e-5)
    algorithm.shared["goals"].add(torch.tensor([[8.0, 8.0, 8.0, 8.0]]), torch.tensor([True]))
    algorithm.phase = algorithm.enter(REACH)
    rollout = collected(algorithm, 12)
    for t in range(12):
        before, then = rollout.inputs[t, 0, 0, :2] / scale, after(rollout, t)[:2] / scale
        moved = int(rollout.action[t, 0, 0]) != 0
        progress = float((before - 8.0).norm() - (then - 8.0).norm())
        assert float(rollout.reward[t, 0, 0]) == pytest.approx(moved * progress, abs=1e-4)
        assert (rollout.inputs[t, 0, 0, 4:6] / scale).tolist() == pytest.approx([8.0, 8.0])


def test_isa_needs_a_scope():
    with pytest.raises(InvalidValueError, match="algo 'isa' needs a scope"):
        Algorithm(tiny_config(), None)


def test_an_empty_scope_is_refused():
    listening = {"transitions": 300, "estimator": "nmi_block"}
    scope = scope_for(tiny_config(env_kwargs=FAR, scope=listening))[0].with_delta(0.999)
    with pytest.raises(InvalidValueError, match=r"scope is empty: delta is 0.999 and the largest influence 0\.\d+"):
        Algorithm(tiny_config(env_kwargs=FAR), scope)


def test_evaluation_plays_with_goals_from_the_buffer_and_the_environments_reward():
    algorithm = algorithm_of(env_kwargs=FAR, scope={"transitions": 400})
    env, base = algorithm.evaluation_env(4)
    assert env is base, "no goals while exploring"
    won = torch.tensor([[4.0, 4.0, 4.0, 3.0, 4.0, 4.0, 4.0, 3.0], [4.0, 4.0, 0.0, 3.0, 4.0, 4.0, 4.0, 3.0]])
    algorithm.shared["goals"].add(won, torch.tensor([True, True]))
    algorithm.phase = algorithm.enter(REACH)
    env, base = algorithm.evaluation_env(40)
    step = env.reset(0)
    drawn = step.obs[:, :, 4:]
    assert drawn.shape == (40, 2, 2)
    assert {tuple(goal.tolist()) for goal in drawn[:, 1]} == {(4.0, 3.0), (0.0, 3.0)}
    assert {tuple(goal.tolist()) for goal in drawn[:, 0]} == {(4.0, 4.0)}
    for b in range(40):
        assert any(torch.equal(env.goal[b], state) for state in won)
    assert torch.equal(env.step(torch.full((40, 2), 2)).reward, torch.zeros(40, 2))
    assert algorithm.evaluate(4, 0).episodes == 4


THREE = {"num_agents": 3, "grid": 5, "targets": [[0, 3], [3, 0], [3, 3]], "horizon": 7}


def stitching(seed=0):
    """A run at goals that are stitched: each agent has opened its lock at times, all of them never."""
    algorithm = algorithm_of(env_kwargs=THREE, seed=seed, ppo={"num_envs": 32, "rollout_steps": 7})
    for _ in range(100):
        algorithm.iterate()
        if algorithm.phase.name == REACH:
            break
    return algorithm


@pytest.mark.slow
def test_goals_are_stitched_before_anything_is_won():
    algorithm = stitching()
    goals = algorithm.shared["goals"]
    assert (algorithm.phase.name, len(goals)) == (REACH, 0)
    assert goals.stitches
    wanted = torch.tensor([0.0, 3.0, 3.0, 0.0, 3.0, 3.0])
    assert (goals.sample(400)[:, :6] == wanted).float().mean() > 0.5
    evaluation = algorithm.evaluate(8, seed=3)
    assert evaluation.episode_length > 0
    for _ in range(200):
        algorithm.iterate()
        if len(goals):
            break
    assert len(goals), "it is reached, though nobody had won before"
    assert not goals.stitches
    assert (goals.sample(20)[:, :6] == wanted).all()


@pytest.mark.slow
def test_stitched_goals_resume_number_for_number():
    algorithm = stitching()
    algorithm.iterate()
    tensors, meta = algorithm.state_dict()
    again = Algorithm(algorithm.config, algorithm.scope)
    again.load_state_dict({name: value.clone() for name, value in tensors.items()}, meta)
    for run in (algorithm, again):
        set_global_generators(meta["generators"])
        for _ in range(4):
            run.iterate()
        run.evaluate(4, seed=1)
        run.iterate()
    first, second = algorithm.state_dict()[0], again.state_dict()[0]
    assert first.keys() == second.keys()
    for name, value in first.items():
        torch.testing.assert_close(second[name], value, rtol=0, atol=0, equal_nan=True, msg=name)


@pytest.mark.slow
def test_where_only_a_win_is_rewarded_nothing_changes():
    shooting = {"num_agents": 2, "horizon": 9}
    runs = [algorithm_of(env="grid/shooting", env_kwargs=shooting, goal={"stitched": on}) for on in (True, False)]
    assert isinstance(runs[0].shared["goals"], StitchedGoals)
    for _ in range(6):
        first, second = (run.iterate() for run in runs)
        assert first == pytest.approx(second, rel=0, abs=0, nan_ok=True)


@pytest.mark.parametrize(("preset", "stitched"), [("paper", False), ("fast", True)])
def test_the_papers_goals_are_won_states_alone(preset, stitched):
    assert make_config("grid/unlock", preset).goal.stitched is stitched
    assert isinstance(algorithm_of(goal={"stitched": stitched}).shared["goals"], StitchedGoals) is stitched


def test_goals_are_recorded_of_the_environments_own_reward_whatever_is_added_to_it():
    """A bonus for whatever is new would make every place one that is rewarded."""
    settings = {"env_kwargs": THREE, "ppo": {"num_envs": 32, "rollout_steps": 7}}
    plain, added = (algorithm_of(**settings, **more) for more in ({}, {"intrinsic": "count_state"}))
    seen = []
    for algorithm in (plain, added):
        algorithm.iterate()  # both play alike before they learn
        seen.append(algorithm.shared["goals"].places.state_dict())
    assert seen[0].keys() == seen[1].keys()
    for name, value in seen[0].items():
        assert torch.equal(torch.as_tensor(value), torch.as_tensor(seen[1][name])), name
