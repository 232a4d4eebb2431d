"""Observations brought to scale: moments against NumPy, who counts, what goals get, and when it changes."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from learner_helpers import algorithm_of, until_reach
from scripted_env import ScriptedEnv

from isa_learners.ppo import PPOConfig, PPOLearner
from isa_learners.ppo.observations import LARGEST, ObservationNorm, RunningMoments
from isa_learners.rollout import Collector, Sizes
from isa_learners.runs.policy import goals_in
from isa_wrappers.batch.columns import OWN, PADDING

ENDS = ([["", "", ""]] * 3 + [["terminated", "", "truncated"]]) * 6
CONFIG = PPOConfig(num_envs=3, rollout_steps=8, hidden=4, buffer_rollouts=1, epochs=1, normalize_obs=True)
NEAR = {"num_agents": 1, "grid": 3, "targets": [[0, 1]], "horizon": 6}


def test_moments_are_those_of_everything_that_counted():
    rng, moments, kept = np.random.default_rng(0), RunningMoments(3), [[], [], []]
    offset = np.array([0.0, 1e6, -5.0])
    for _ in range(4):
        values = rng.normal(size=(50, 3)) * [1.0, 3.0, 0.01] + offset
        weight = rng.random((50, 3)) < 0.6
        moments.update(torch.tensor(values), torch.tensor(weight))
        for k in range(3):
            kept[k] += values[weight[:, k], k].tolist()
    mean, std = moments.mean_std()
    np.testing.assert_allclose(mean, [np.mean(x) for x in kept], rtol=1e-9)
    np.testing.assert_allclose(std, [np.std(x) for x in kept], rtol=1e-6)
    assert moments.count.tolist() == [len(x) for x in kept]


def test_what_has_not_moved_is_shifted_alone():
    moments = RunningMoments(2)
    moments.update(torch.tensor([[0.1, 1.0], [0.1, 2.0], [0.1, 3.0]]), torch.ones(3, 2))
    moments.update(torch.full((1, 2), float("nan")), torch.zeros(1, 2))
    mean, std = moments.mean_std()
    assert mean.tolist() == pytest.approx([0.1, 2.0])
    assert std.tolist() == pytest.approx([1.0, (2 / 3) ** 0.5])


def norm_of(columns, state_size):
    columns = np.array(columns)
    sizes = Sizes(columns.shape[0], 2, columns.shape[1], state_size, obs_columns=columns)
    return ObservationNorm(sizes, "cpu")


def test_a_place_counts_for_all_who_see_it_and_a_goal_is_scaled_as_the_state():
    """Agent 0 sees two numbers, agent 1 one; each is shown a dimension of the goal."""
    norm = norm_of([[OWN, OWN, 2], [OWN, PADDING, 0]], state_size=3)
    rng = np.random.default_rng(0)
    obs, state = rng.normal(3.0, 2.0, (6, 4, 2, 3)), rng.normal([1.0, 5.0, -4.0], [1.0, 9.0, 0.2], (6, 4, 3))
    obs[:, :, 1, 1] = 0.0
    alive = (rng.random((6, 4, 2)) < 0.7).astype(float)
    raw = torch.tensor(obs).float()
    assert torch.equal(norm.observations(raw), raw.clamp(-LARGEST, LARGEST)), "nothing is known yet"
    norm.update(raw, torch.tensor(state), torch.tensor(alive))
    found, lives = norm.observations(raw).numpy(), alive > 0
    first, second = obs[..., 0][lives], obs[:, :, 0, 1][lives[..., 0]]
    np.testing.assert_allclose(found[..., 0], (obs[..., 0] - first.mean()) / first.std(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        found[:, :, 0, 1], (obs[:, :, 0, 1] - second.mean()) / second.std(), rtol=1e-4, atol=1e-5
    )
    assert not found[:, :, 1, 1].any(), "padding stays as it is"
    flat = state.reshape(-1, 3)
    scaled = ((flat - flat.mean(0)) / flat.std(0)).reshape(6, 4, 3)
    np.testing.assert_allclose(norm.states(torch.tensor(state)), scaled.clip(-10, 10), rtol=1e-4, atol=1e-5)
    for agent, dim in ((0, 2), (1, 0)):
        shown = (obs[:, :, agent, 2] - flat[:, dim].mean()) / flat[:, dim].std()
        np.testing.assert_allclose(found[:, :, agent, 2], shown.clip(-10, 10), rtol=1e-4, atol=1e-5)
    assert norm.observations(1e6 * raw).abs().max() == LARGEST


def test_the_dead_and_what_pads_never_enter():
    columns = [[OWN, OWN], [OWN, PADDING]]
    norm, other = norm_of(columns, 1), norm_of(columns, 1)
    obs, state, alive = torch.randn(5, 3, 2, 2), torch.randn(5, 3, 1), (torch.rand(5, 3, 2) < 0.6).float()
    poisoned = torch.where(alive[..., None] > 0, obs, 1e9)
    poisoned[:, :, 1, 1] = -1e9
    norm.update(obs, state, alive)
    other.update(poisoned, state, alive)
    for name, value in norm.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name


def played(learner, rollouts):
    env = ScriptedEnv(ENDS)
    collector = Collector(env, learner, torch.Generator().manual_seed(0), 0)
    return [(rollout := collector.collect(8), learner.learn(rollout))[0] for _ in range(rollouts)]


def test_a_rollout_is_played_and_learned_from_with_what_was_known_before_it():
    learner = PPOLearner(Sizes.of(ScriptedEnv(ENDS)), CONFIG, "cpu", 0)
    first, second = played(learner, 2)
    obs = first.record["obs"][first.alive > 0].double()
    mean, std = obs.mean(0), obs.std(0, unbiased=False)
    expected = ((second.record["obs"].double() - mean) / std).clamp(-LARGEST, LARGEST)
    size = obs.shape[-1]
    torch.testing.assert_close(second.record["inputs"][..., :size].double(), expected, rtol=1e-4, atol=1e-4)
    kept = learner.ppo.buffer[-1]
    assert torch.equal(kept.inputs, second.record["inputs"]), "probabilities are those of these inputs"
    ended = ((second.final_obs.double() - mean) / std).clamp(-LARGEST, LARGEST)
    over = second.done.clone()
    over[-1] = True  # elsewhere nobody looks
    torch.testing.assert_close(kept.final_inputs[over][..., :size].double(), ended[over], rtol=1e-4, atol=1e-4)
    both = torch.cat([x.record["obs"][x.alive > 0] for x in (first, second)]).double()
    torch.testing.assert_close(learner.norm.of_obs.mean, both.mean(0))


def test_the_first_rollout_is_learned_from_to_scale():
    learner = PPOLearner(Sizes.of(ScriptedEnv(ENDS)), CONFIG, "cpu", 0)
    (rollout,) = played(learner, 1)
    obs = rollout.record["obs"]
    size, kept = obs.shape[-1], learner.ppo.buffer[-1]
    assert float(rollout.record["inputs"][..., :size].max()) == LARGEST, "played unscaled, though within limits"
    torch.testing.assert_close(kept.inputs[..., :size], learner.norm.observations(obs))
    assert torch.equal(kept.inputs[..., size:], rollout.record["inputs"][..., size:])
    assert torch.equal(kept.log_prob, rollout.record["log_prob"])


def test_acting_changes_nothing_and_it_travels_with_the_policy():
    learner = PPOLearner(Sizes.of(ScriptedEnv(ENDS)), CONFIG, "cpu", 0)
    played(learner, 2)
    before = {name: value.clone() for name, value in learner.norm.state_dict().items()}
    env = ScriptedEnv(ENDS)
    step, memory = env.reset(), learner.begin(3)
    for noise in (None, torch.Generator()):
        learner.act(step, memory, noise)
    assert all(torch.equal(value, before[name]) for name, value in learner.norm.state_dict().items())
    other = PPOLearner(Sizes.of(env), CONFIG, "cpu", 1)
    other.load_state_dict(learner.state_dict(), policy_only=True)
    assert other.norm.updated
    torch.testing.assert_close(other.norm.observations(step.obs), learner.norm.observations(step.obs), rtol=0, atol=0)
    fresh = PPOLearner(Sizes.of(env), replace(CONFIG, normalize_obs=False), "cpu", 1)
    assert fresh.norm is None
    assert "norm.of_obs.mean" not in fresh.state_dict()


def test_goals_of_a_run_are_scaled_as_the_state_and_a_phase_starts_anew():
    algorithm = algorithm_of(env_kwargs=NEAR, ppo={"normalize_obs": True})
    explore = until_reach(algorithm)[0].learner.norm
    reach = algorithm.phase.learner
    assert explore.updated
    assert not reach.norm.updated
    algorithm.iterate()
    env = algorithm.phase.collector.env
    sampling = goals_in(env)
    own, goal = env.obs_columns.shape[1] - sampling.projection.size, sampling.projection.dims
    assert env.obs_columns[:, own:].tolist() == goal
    assert (env.obs_columns[:, :own] == OWN).all()
    mean, std = reach.norm.of_state.mean_std()
    wanted = ((sampling.goal.double() - mean) / std)[:, goal[0]].clamp(-LARGEST, LARGEST).float()
    shown = reach.encoder(algorithm.phase.collector.current.obs, reach.begin(2)["last_action"])
    torch.testing.assert_close(shown[:, 0, own : own + len(goal[0])], wanted)


def test_a_critic_on_the_state_sees_it_to_scale():
    algorithm = algorithm_of(env="grid/shooting", env_kwargs={"num_agents": 2, "horizon": 9}, algo="mappo",
                             ppo={"normalize_obs": True})  # fmt: skip
    learner = algorithm.phase.learner
    algorithm.iterate()
    rollout = algorithm.phase.collector.collect(5)
    batch = learner.batch(rollout)
    torch.testing.assert_close(batch.state, learner.norm.states(rollout.state))
    assert not torch.equal(batch.state, rollout.state.float())
