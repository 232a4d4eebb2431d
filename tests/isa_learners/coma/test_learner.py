"""COMA as a learner: how it acts, what it learns from, what it saves."""

import math
from dataclasses import replace

import pytest
import torch
from learner_helpers import algorithm_of
from scripted_env import ScriptedEnv

from isa_learners.coma import METRICS, ComaConfig, ComaLearner
from isa_learners.coma.policy import mixed_log_probs
from isa_learners.learner import LEARNERS
from isa_learners.rollout import Collector, Sizes
from isa_wrappers.errors import InvalidValueError

TINY = {"num_envs": 2, "rollout_steps": 4, "hidden": 4, "critic_width": 4}
ENDS = [["", ""], ["terminated", ""], ["", "truncated"], ["", ""]] * 8


def learner_of(env, seed=0, **settings):
    return ComaLearner(Sizes.of(env), ComaConfig(**{**TINY, **settings}), "cpu", seed)


def collector_of(env, learner, seed=0):
    return Collector(env, learner, torch.Generator().manual_seed(seed), seed)


def test_greedy_actions_are_the_actors_likeliest_available_and_draw_nothing():
    env = ScriptedEnv(ENDS)
    learner, step = learner_of(env, epsilon_start=1.0), env.reset()
    memory = learner.begin(2)
    inputs = learner.encoder(step.obs, memory["last_action"]).flatten(0, 1)
    logits, hidden = learner.coma.actor(inputs, torch.zeros(4, 4))
    decision = learner.act(step, memory)
    assert decision.record == {}
    for b in range(2):
        for i in range(2):
            allowed = [a for a in range(3) if step.available[b, i, a]]
            assert int(decision.action[b, i]) == max(allowed, key=logits[2 * b + i].tolist().__getitem__)
            kept = hidden[2 * b + i] if step.alive[b, i] else torch.zeros(4)
            torch.testing.assert_close(decision.memory["hidden"][b, i], kept)


def test_actions_are_drawn_from_the_mixed_policy():
    env = ScriptedEnv([[""] * 500])
    learner, step, noise = learner_of(env, epsilon_start=0.6), env.reset(), torch.Generator().manual_seed(0)
    step = replace(step, obs=torch.zeros_like(step.obs), available=torch.ones_like(step.available))
    step.available[:, 1, 2] = False
    with torch.no_grad():
        learner.coma.actor.head.bias[:] = torch.tensor([2.0, 0.0, -1.0])
        memory = learner.begin(500)
        inputs = learner.encoder(step.obs, memory["last_action"]).flatten(0, 1)
        logits, _ = learner.coma.actor(inputs, memory["hidden"].flatten(0, 1))
        drawn = torch.stack([learner.act(step, memory, noise).action for _ in range(10)])
    wanted = mixed_log_probs(logits.view(500, 2, 3), step.available, 0.6).exp()[0]
    for i in range(2):
        shares = [float((drawn[..., i] == a).float().mean()) for a in range(3)]
        assert shares == pytest.approx(wanted[i].tolist(), abs=0.03)


def test_epsilon_of_an_update_is_that_of_its_rollout():
    env = ScriptedEnv(ENDS)
    learner = learner_of(env, epsilon_steps=20)
    collector = collector_of(env, learner)
    said = [learner.learn(collector.collect(4)) for _ in range(4)]
    assert tuple(said[0]) == METRICS
    assert [row["epsilon"] for row in said] == pytest.approx([learner.config.epsilon(8 * k) for k in range(4)])
    assert all(math.isfinite(value) for row in said for value in row.values())


def test_probes_are_taken_in_the_place_of_the_policys_actions():
    env = ScriptedEnv(ENDS)
    learner, step = learner_of(env), env.reset()
    probes = torch.tensor([[-1, 2], [0, -1]])
    decision = learner.act(step, learner.begin(2), torch.Generator().manual_seed(0), probes)
    assert (decision.action[0, 1], decision.action[1, 0]) == (2, 0)
    assert torch.equal(decision.memory["last_action"], decision.action)


def test_the_critic_sees_the_state_before_each_step_and_after_it():
    algorithm = algorithm_of(
        env="grid/shooting", env_kwargs={"num_agents": 2, "horizon": 9}, algo="coma", coma={"obs_scale": 0.5}
    )
    rollout, following = (algorithm.phase.collector.collect(12) for _ in range(2))
    batch = algorithm.phase.learner.batch(rollout)
    torch.testing.assert_close(batch.state, 0.5 * rollout.state.float())
    torch.testing.assert_close(batch.final_state, 0.5 * rollout.final_state.float())
    last = slice(rollout.final_obs.shape[-1], -2)
    over = rollout.done[-1]
    assert not over.all()
    assert torch.equal(batch.final_inputs[-1][~over], following.record["inputs"][0][~over])
    assert float(batch.inputs[rollout.start][..., last].abs().sum()) == 0.0, "no action before an episode"


def test_what_is_saved_learns_on_as_it_was():
    def begun():
        env = ScriptedEnv(ENDS)
        learner = learner_of(env, target_interval=5)
        collector = collector_of(env, learner)
        return learner, collector, [learner.learn(collector.collect(4)) for _ in range(3)]

    whole, collector, _ = begun()
    first, _, _ = begun()
    second = learner_of(ScriptedEnv(ENDS), seed=9, target_interval=5)
    second.load_state_dict({name: value.clone() for name, value in first.state_dict().items()})
    rollouts = [collector.collect(4) for _ in range(3)]
    for rollout in rollouts:
        assert whole.learn(rollout) == second.learn(rollout)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name


def test_the_policy_alone_can_be_loaded():
    learner = learner_of(ScriptedEnv(ENDS))
    learner.learn(collector_of(ScriptedEnv(ENDS), learner).collect(4))
    fresh = learner_of(ScriptedEnv(ENDS), seed=9)
    fresh.load_state_dict(learner.state_dict(), policy_only=True)
    step = ScriptedEnv(ENDS).reset()
    assert torch.equal(fresh.act(step, fresh.begin(2)).action, learner.act(step, learner.begin(2)).action)
    assert fresh.steps == learner.steps == 8, "epsilon follows them: it draws as the trained one does"


def test_no_state_and_actions_of_another_kind_are_refused():
    sizes = Sizes.of(ScriptedEnv(ENDS))
    LEARNERS["coma"].check(sizes, ComaConfig(), "cpu")
    with pytest.raises(InvalidValueError, match="learner 'coma' needs a global state"):
        LEARNERS["coma"].check(replace(sizes, state_size=0), ComaConfig(), "cpu")
    with pytest.raises(InvalidValueError, match=r"needs one of n actions per agent .* use learner ppo"):
        LEARNERS["coma"].make(replace(sizes, code=object()), ComaConfig(), "cpu", 0)
