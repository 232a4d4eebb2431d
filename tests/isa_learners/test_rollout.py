"""Collecting experience from scripted environments."""

import math

import pytest
import torch
from learner_helpers import tiny_config
from scripted_env import ScriptedEnv

from isa_learners.inputs import InputEncoder
from isa_learners.ppo import Batch, PPOConfig, PPOLearner
from isa_learners.rollout import Collector, Sizes
from isa_learners.runs.algorithm import Algorithm
from isa_wrappers.envs import make_batch

ENDS = [
    ["", ""],
    ["terminated", ""],
    ["", "truncated"],
    ["", ""],
    ["truncated", "terminated"],
    ["", ""],
    ["", ""],
]
N = 3  # actions


def collector_of(ends=ENDS, seed=0, scale=1.0):
    env = ScriptedEnv(ends, seed)
    config = PPOConfig(num_envs=env.num_envs, hidden=4, obs_scale=scale)
    learner = PPOLearner(Sizes.of(env), config, "cpu", seed)
    torch.manual_seed(seed)
    with torch.no_grad():
        learner.ppo.actor.head.weight.normal_()  # A policy with preferences
    generator = torch.Generator()
    generator.manual_seed(seed)
    return Collector(env, learner, generator, seed)


def collect(collector, steps):
    """Collect, as PPO keeps it."""
    return collector.learner.batch(collector.collect(steps))


@pytest.fixture(scope="module")
def played():
    collector = collector_of()
    return collector, collect(collector, len(ENDS))


def one_hot(action):
    return [float(a == action) for a in range(N)]


def test_inputs_hold_observation_last_action_and_id(played):
    _, rollout = played
    for b in range(2):
        taken = [[0.0] * N] * 2
        for t, ends in enumerate(ENDS):
            for i in range(2):
                obs, last, agent = rollout.inputs[t, b, i].split([2, N, 2])
                base = t + 1 + 100.0 * b
                assert obs.tolist() == [[base + 0.25, base + 0.5], [base + 0.75, base + 0.125]][i]
                assert last.tolist() == taken[i], "its own last one, of a step in which it acted"
                assert agent.tolist() == [[1.0, 0.0], [0.0, 1.0]][i]
            for i in range(2):
                if ends[b]:
                    taken = [[0.0] * N] * 2
                elif rollout.alive[t, b, i]:
                    taken = [one_hot(int(rollout.action[t, b, i])) if i == j else taken[j] for j in range(2)]
    assert rollout.start.tolist() == [[True, True], *[[end != "" for end in row] for row in ENDS[:-1]]]


def test_final_inputs_are_from_before_the_reset_and_only_where_something_ends(played):
    _, rollout = played
    for t, ends in enumerate(ENDS):
        for b in range(2):
            for i in range(2):
                obs, last, agent = rollout.final_inputs[t, b, i].split([2, N, 2])
                if ends[b] == "" and t + 1 < len(ENDS):
                    assert not rollout.final_inputs[t, b, i].any(), "nobody looks"
                    continue
                assert bool((obs < 0).all()) == (ends[b] != ""), "observations before a reset are negative here"
                acted = bool(rollout.alive[t, b, i])
                before = rollout.inputs[t, b, i].split([2, N, 2])[1].tolist()
                assert last.tolist() == (one_hot(int(rollout.action[t, b, i])) if acted else before)
                assert agent.tolist() == [[1.0, 0.0], [0.0, 1.0]][i]


def test_final_inputs_of_who_is_truncated_alone_are_there():
    collector = collector_of([["", ""]] * 4)
    rollout = collector.collect(4)
    rollout.cut[1, 0, 1] = True
    after = collector.learner.encoder.after(rollout, rollout.action)
    whole = collector.learner.encoder(rollout.final_obs, rollout.action)
    assert torch.equal(after[1, 0], whole[1, 0])
    assert torch.equal(after[3], whole[3])
    assert after.flatten(2).any(-1).nonzero().tolist() == [[1, 0], [3, 0], [3, 1]]


def test_large_rollouts_are_the_same_as_small_ones(monkeypatch):
    small = collector_of().collect(7)
    monkeypatch.setattr("isa_learners.stacks.LARGE", 0)
    large = collector_of().collect(7)
    assert small.bonus is large.bonus is None
    for name, value in vars(small).items():
        if name == "bonus":
            continue
        there = getattr(large, name)
        pairs = [(value, there)] if isinstance(value, torch.Tensor) else [(value[k], there[k]) for k in value]
        for one, other in pairs:
            assert one.dtype == other.dtype, name
            assert torch.equal(one, other), name


def test_hidden_states_start_afresh_with_every_episode():
    """Replaying single steps with zeros at episode starts gives the stored log-probabilities and the last state."""
    collector = collector_of(scale=0.01)  # small inputs, so that gates stay open and the past shows
    rollout = collect(collector, len(ENDS))
    hidden = torch.zeros(2, 2, 4)
    for t, ends in enumerate(ENDS):
        for b in range(2):
            for i in range(2):
                if rollout.start[t, b]:
                    hidden[b, i] = 0.0
                logits, after = collector.learner.ppo.actor(rollout.inputs[t, b, i][None], hidden[b, i][None])
                if rollout.alive[t, b, i]:  # the state of the dead stands still
                    hidden[b, i] = after[0].detach()
                logits = logits[0].detach().masked_fill(~rollout.available[t, b, i], -math.inf)
                expected = torch.log_softmax(logits, 0)[rollout.action[t, b, i]]
                assert float(rollout.log_prob[t, b, i]) == pytest.approx(float(expected), abs=1e-5), (t, b, i, ends)
    assert ENDS[-1] == ["", ""]
    torch.testing.assert_close(collector.memory["actor_hidden"], hidden)


def test_masks_and_living_agents_are_those_the_action_was_taken_with(played):
    collector, rollout = played
    env = collector.env
    for t in range(len(ENDS)):
        assert torch.equal(rollout.available[t], env.masks[t])
        assert torch.equal(rollout.alive[t].bool(), env.alive[t])
        assert torch.equal(rollout.action[t], env.actions[t])
        assert rollout.reward[t].unique().tolist() == [t + 1.0]
    assert rollout.terminated.tolist() == [[end == "terminated" for end in row] for row in ENDS]
    assert rollout.done.tolist() == [[end != "" for end in row] for row in ENDS]


def test_never_an_unavailable_action():
    collector = collector_of([["", "truncated"]] * 200, seed=4)
    rollout = collect(collector, 200)
    assert rollout.available.gather(-1, rollout.action[..., None]).all()
    assert not rollout.available.all()
    assert rollout.action.unique().tolist() == [0, 1, 2]


@pytest.mark.slow
def test_actions_are_drawn_with_the_policys_probabilities():
    """A policy of 0.2, 0.3 and 0.5 wherever all is available."""
    collector = collector_of([["", ""]] * 1000, seed=2)
    p = torch.tensor([0.2, 0.3, 0.5])
    with torch.no_grad():
        collector.learner.ppo.actor.head.weight.zero_()
        collector.learner.ppo.actor.head.bias.copy_(p.log())
    rollout = collect(collector, 1000)
    free = rollout.available.all(-1)
    assert int(free.sum()) > 150
    share = torch.bincount(rollout.action[free], minlength=3) / free.sum()
    assert share.tolist() == pytest.approx(p.tolist(), abs=0.1)


def test_episodes_go_on_from_rollout_to_rollout():
    one, two = collector_of(), collector_of()
    whole = collect(one, 7)
    first, second = collect(two, 4), collect(two, 3)
    for name in ("inputs", "action", "log_prob", "reward", "start"):
        torch.testing.assert_close(
            getattr(whole, name), torch.cat([getattr(first, name), getattr(second, name)]), msg=name
        )
    assert not second.start[0].any()
    assert second.actor_hidden.abs().sum() > 0
    assert first.actor_hidden.abs().sum() == 0


def test_observations_are_scaled():
    plain, tenth = collect(collector_of(), 2), collect(collector_of(scale=0.1), 2)
    torch.testing.assert_close(tenth.inputs[0, ..., :2], 0.1 * plain.inputs[0, ..., :2])
    assert torch.equal(tenth.inputs[0, ..., 2:], plain.inputs[0, ..., 2:])


def test_the_encoder_knows_its_size():
    env = make_batch("grid/shooting", 1, "cpu")
    encoder = InputEncoder(Sizes.of(env), 1.0, "cpu")
    step = env.reset()
    none = torch.full((1, 3), encoder.none)
    assert encoder(step.obs, none).shape[-1] == encoder.size == 3 + 6 + 3


def test_join_puts_rollouts_side_by_side():
    first, second = collect(collector_of(seed=0), 3), collect(collector_of(seed=1), 3)
    joined = Batch.join([first, second])
    assert torch.equal(joined.action[:, :2], first.action)
    assert torch.equal(joined.action[:, 2:], second.action)
    assert joined.actor_hidden.shape[1] == 4
    rows = torch.tensor([3, 0, 20])
    for _ in range(2):  # what was given before is written over
        rows = rows.flip(0)
        assert torch.equal(joined.actor_inputs(rows), joined.inputs.flatten(0, 2)[rows])
        assert torch.equal(joined.critic_inputs(rows), joined.inputs.flatten(0, 2)[rows])
        assert torch.equal(joined.critic_inputs(rows, final=True), joined.final_inputs.flatten(0, 2)[rows])
    assert joined.actor_inputs(rows).data_ptr() != joined.critic_inputs(rows).data_ptr(), "both learn side by side"


def test_what_a_batch_is_joined_to_is_not_saved():
    """The buffer of a learner is what goes into a checkpoint."""
    batch = collect(collector_of(), 3)
    held = set(vars(batch))
    joined = Batch.join([batch])
    joined.actor_inputs(torch.tensor([1, 0]))
    assert set(vars(batch)) == held
    assert joined.inputs is batch.inputs


def test_the_critics_hidden_state_goes_on_but_not_into_the_next_episode():
    """What :meth:`PPO.update` hands back is stored with the next rollout: zero where an episode just ended."""
    algorithm = Algorithm(tiny_config(algo="ippo", env_kwargs={"num_agents": 1, "horizon": 10}), None)
    phase = algorithm.phase
    for _ in range(3):
        rollout = phase.collector.collect(5)
        batch = phase.learner.batch(rollout)
        phase.learner.learn(rollout)
        carried = (phase.learner.state_dict()["critic_hidden"].abs().sum((1, 2)) > 0).tolist()
        assert carried == [not done for done in rollout.done[-1].tolist()]
    assert batch.critic_hidden.abs().sum() == 0  # two rollouts make an episode of ten steps


def test_the_global_state_comes_along():
    """``state`` is what the action was taken in, ``final_state`` what it led to, before any reset."""
    algorithm = Algorithm(tiny_config(algo="ippo", env_kwargs={"num_agents": 1, "horizon": 3}), None)
    first = algorithm.phase.collector.current.state
    rollout = algorithm.phase.collector.collect(6)
    assert torch.equal(rollout.state[0], first)
    assert torch.equal(rollout.state[1:3], rollout.final_state[:2])
    assert rollout.done[2].all()
    assert not torch.equal(rollout.state[3], rollout.final_state[2]) or torch.equal(rollout.final_state[2], first)
    assert torch.equal(rollout.state[3], first), "the next episode starts where all do"
