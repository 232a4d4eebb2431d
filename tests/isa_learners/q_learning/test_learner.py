"""Q-learning as a learner: how it acts, what it keeps, what it saves."""

import math
import warnings
from dataclasses import replace

import pytest
import torch
from compiled_library import kernels, switch  # noqa: F401
from scripted_env import ScriptedEnv

from isa_learners.learner import LEARNERS
from isa_learners.q_learning import METRICS, Episodes, QConfig, QLearner
from isa_learners.q_learning.replay_size import check_fits, free_bytes
from isa_learners.rollout import Collector, Sizes
from isa_wrappers.errors import InvalidValueError

TINY = {"num_envs": 2, "rollout_steps": 4, "replay": 12, "batch": 2, "updates": 2, "hidden": 4, "episode_steps": 5}
ENDS = [["", ""], ["terminated", ""], ["", "lost"], ["", ""]] * 8


def learner_of(env, seed=0, **settings):
    return QLearner(Sizes.of(env), QConfig(**{**TINY, **settings}), "cpu", seed)


def collector_of(env, learner, seed=0):
    return Collector(env, learner, torch.Generator().manual_seed(seed), seed)


def test_greedy_actions_are_the_best_available_and_draw_nothing():
    env = ScriptedEnv(ENDS)
    learner, step = learner_of(env), env.reset()
    memory = learner.begin(2)
    inputs = learner.encoder(step.obs, memory["last_action"]).flatten(0, 1)
    values, hidden = learner.q.net(inputs, torch.zeros(4, 4))
    decision = learner.act(step, memory)
    assert decision.record == {}
    for b in range(2):
        for i in range(2):
            allowed = [a for a in range(3) if step.available[b, i, a]]
            assert int(decision.action[b, i]) == max(allowed, key=values[2 * b + i].tolist().__getitem__)
            kept = hidden[2 * b + i] if step.alive[b, i] else torch.zeros(4)
            torch.testing.assert_close(decision.memory["hidden"][b, i], kept)


def test_exploration_takes_any_available_action_as_often_and_epsilon_of_the_time():
    env = ScriptedEnv([[""] * 400])
    learner, step, noise = learner_of(env, epsilon_start=0.6), env.reset(), torch.Generator().manual_seed(0)
    step = replace(step, obs=torch.zeros_like(step.obs), available=torch.ones_like(step.available))
    memory = learner.begin(400)
    best = learner.act(step, memory).action
    counts, n = torch.zeros(3), 0
    for _ in range(20):
        action = learner.act(step, memory, noise).action
        n += action.numel()
        counts += torch.stack([((action - best) % 3 == k).sum() for k in range(3)])
    assert (counts / n).tolist() == pytest.approx([0.6, 0.2, 0.2], abs=0.02)
    masked = replace(step, available=torch.tensor([False, True, False]).expand_as(step.available))
    assert (learner.act(masked, memory, noise).action == 1).all()


def test_probes_are_taken_in_the_place_of_the_policys_actions():
    env = ScriptedEnv(ENDS)
    learner, step = learner_of(env), env.reset()
    probes = torch.tensor([[-1, 2], [0, -1]])
    decision = learner.act(step, learner.begin(2), torch.Generator().manual_seed(0), probes)
    assert (decision.action[0, 1], decision.action[1, 0]) == (2, 0)
    assert torch.equal(decision.memory["last_action"], decision.action)


def test_hidden_states_of_the_update_are_those_of_acting():
    """Along an episode the update's values are the ones that the learner acted by."""
    env = ScriptedEnv([["", ""]] * 4 + [["truncated", "truncated"]])
    learner = learner_of(env, batch=3)  # which are not there yet: nothing is learned
    step, memory, acted, seen = env.reset(), learner.begin(2), [], []
    for _ in range(5):
        inputs = learner.encoder(step.obs, memory["last_action"])
        values, _ = learner.q.net(inputs.flatten(0, 1), memory["hidden"].flatten(0, 1))
        acted.append(values.view(2, 2, 3))
        seen.append(step.alive)
        decision = learner.act(step, memory, torch.Generator().manual_seed(0))
        step, memory = env.step(decision.action), decision.memory
    env = ScriptedEnv(env.ends)
    collector = Collector(env, learner, torch.Generator().manual_seed(0), 0)
    learner.act = lambda step, memory, noise, own=learner.act: own(step, memory, torch.Generator().manual_seed(0))
    learner.learn(collector.collect(5))
    episodes = learner.replay.sample(2, torch.Generator().manual_seed(0))
    live, _ = learner.q._networks(episodes, episodes.alive)
    order = [0, 1] if float(episodes.obs[0, 0, 0, 0]) < 100 else [1, 0]
    for t in range(5):
        for k, b in enumerate(order):
            for i in range(2):
                if seen[t][b, i]:
                    torch.testing.assert_close(live[t, k, i], acted[t][b, i])


@pytest.mark.parametrize("on", [False, True])
@pytest.mark.parametrize("fixed_shapes", ["never", "always"])
@pytest.mark.parametrize("cut_alone", [False, True])
def test_who_joins_again_is_trained_on_the_hidden_state_that_acted(cut_alone, fixed_shapes, on, switch):  # noqa: F811
    switch(on)
    env = ScriptedEnv([["", ""]] * 4)
    learner, first, noise = learner_of(env, fixed_shapes=fixed_shapes), env.reset(), torch.Generator().manual_seed(0)
    obs = torch.randn(5, *first.obs.shape, generator=noise)
    alive = torch.ones(5, 2, 2, dtype=torch.bool)
    alive[1:3, 0, 0] = False
    cut = torch.zeros(4, 2, 2, dtype=torch.bool)
    cut[0, 0, 0] = cut_alone
    available = torch.ones_like(first.available).expand(5, -1, -1, -1)
    memory, acted, actions = learner.begin(2), [], []
    for t in range(5):
        inputs = learner.encoder(obs[t], memory["last_action"])
        acted.append(learner.q.net(inputs.flatten(0, 1), memory["hidden"].flatten(0, 1))[0].view(2, 2, 3))
        step = replace(first, obs=obs[t], alive=alive[t], available=available[t])
        memory = learner.act(step, memory, noise).memory
        actions.append(memory["last_action"])
    length, state = torch.full((2,), 4), first.state.expand(5, -1, -1)
    action, reward = torch.stack(actions[:4]), torch.zeros(4, 2, 2)
    found = learner.q.look(Episodes(obs, state, available, alive, action, reward, cut, length, length > 0))
    here = alive.clone()
    here[1, 0, 0] = cut_alone
    torch.testing.assert_close(found.live[here], torch.stack(acted)[here])
    assert torch.equal(found.valued, here)


def test_it_learns_once_a_batch_is_held_and_says_so():
    env = ScriptedEnv(ENDS)
    learner = learner_of(env)
    collector = collector_of(env, learner)
    before = [parameter.clone() for parameter in learner.q.parameters]
    said = [learner.learn(collector.collect(4)) for _ in range(4)]
    assert tuple(said[0]) == METRICS
    assert said[0]["replay_episodes"] == 1.0
    assert (said[0]["td_loss"], learner.q.count) == (0.0, 2 * sum(row["replay_episodes"] >= 2 for row in said))
    assert said[-1]["td_loss"] > 0
    assert all(math.isfinite(value) for row in said for value in row.values())
    assert not all(torch.equal(old, new) for old, new in zip(before, learner.q.parameters, strict=True))
    assert [row["epsilon"] for row in said] == pytest.approx([learner.config.epsilon(8 * k) for k in range(4)])


def test_lost_episodes_do_not_enter():
    env = ScriptedEnv([["", "lost"]] * 8)
    learner = learner_of(env, rollout_steps=4)
    collector = collector_of(env, learner)
    learner.learn(collector.collect(4))
    assert len(learner.replay) == 0
    learner.learn(collector.collect(4))
    assert len(learner.replay) == 1, "the piece of five steps of the first environment"


def test_what_is_saved_learns_on_as_it_was():
    def begun():
        env = ScriptedEnv(ENDS)
        learner = learner_of(env)
        collector = collector_of(env, learner)
        return learner, collector, [learner.learn(collector.collect(4)) for _ in range(3)]

    whole, collector, _ = begun()
    first, _, _ = begun()
    second = learner_of(ScriptedEnv(ENDS), seed=9)
    second.load_state_dict({name: value.clone() for name, value in first.state_dict().items()})
    rollouts = [collector.collect(4) for _ in range(3)]
    for rollout in rollouts:
        assert whole.learn(rollout) == second.learn(rollout)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name


def test_to_act_no_replay_is_needed():
    learner = learner_of(ScriptedEnv(ENDS))
    fresh = learner_of(ScriptedEnv(ENDS), seed=9)
    fresh.load_state_dict(learner.state_dict(), policy_only=True)
    assert fresh.replay is None
    step = ScriptedEnv(ENDS).reset()
    assert torch.equal(fresh.act(step, fresh.begin(2)).action, learner.act(step, learner.begin(2)).action)


def test_an_environment_without_a_horizon_needs_to_be_told(monkeypatch):
    sizes = Sizes.of(ScriptedEnv(ENDS))
    spec = LEARNERS["q"]
    with pytest.raises(InvalidValueError, match="has no horizon; set episode_steps"):
        spec.check(sizes, QConfig(), "cpu")
    spec.check(sizes, QConfig(episode_steps=10), "cpu")
    spec.check(replace(sizes, horizon=10), QConfig(), "cpu")


def test_a_replay_that_cannot_fit_is_refused_with_both_sizes():
    sizes = replace(Sizes.of(ScriptedEnv(ENDS)), horizon=999)
    with pytest.raises(InvalidValueError, match=r"needs [\d,]{7,} MiB on 'cpu' and [\d,]+ MiB more while a"):
        LEARNERS["q"].check(sizes, QConfig(replay=10**7), "cpu")
    assert free_bytes("cpu") is None or free_bytes("cpu") > 2**20
    check_fits(100, None, "cpu")
    check_fits(100, 300, "cpu")
    check_fits(100, 100, "cuda")
    with pytest.raises(InvalidValueError):
        check_fits(100, 299, "cpu")


def test_a_mixer_without_a_state_and_actions_of_another_kind_are_refused():
    sizes = replace(Sizes.of(ScriptedEnv(ENDS)), horizon=9)
    with pytest.raises(InvalidValueError, match="mixer 'qmix' needs a global state"):
        LEARNERS["q"].check(replace(sizes, state_size=0), QConfig(mixer="qmix"), "cpu")
    LEARNERS["q"].check(replace(sizes, state_size=0), QConfig(mixer="sum"), "cpu")
    with pytest.raises(InvalidValueError, match=r"needs one of n actions per agent .* use learner ppo"):
        LEARNERS["q"].make(replace(sizes, code=object()), QConfig(), "cpu", 0)


@pytest.mark.parametrize(("batch", "warned"), [(4, 0), (5, 1)])
def test_a_batch_beyond_what_is_surely_held_is_warned_of(batch, warned):
    sizes = replace(Sizes.of(ScriptedEnv(ENDS)), horizon=9)
    learner = QLearner(sizes, QConfig(num_envs=2, rollout_steps=1, replay=6, batch=batch), "cpu", 0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        learner._make_replay()
    assert len([one for one in caught if "updates may be rare or never happen" in str(one.message)]) == warned
