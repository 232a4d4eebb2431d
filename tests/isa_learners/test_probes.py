"""Marked draws: uniform, of those that act, from a stream of their own, and in the rollout as they were taken."""

import pytest
import torch
from scripted_env import ScriptedEnv

from isa_learners.ppo import PPOConfig, PPOLearner
from isa_learners.probes import Prober, ProbesConfig
from isa_learners.rollout import Collector, Sizes
from isa_learners.runs.following import marked_steps
from isa_wrappers.errors import InvalidValueError

ENDS = [["", ""], ["terminated", ""], ["", "lost"], ["", ""], ["truncated", ""], ["", ""], ["", ""]]


def collector_of(prober=None, ends=ENDS):
    env = ScriptedEnv(ends)
    learner = PPOLearner(Sizes.of(env), PPOConfig(num_envs=env.num_envs, hidden=4), "cpu", 0)
    with torch.no_grad():
        learner.ppo.actor.head.weight.normal_(generator=torch.Generator().manual_seed(0))
    return Collector(env, learner, torch.Generator().manual_seed(1), 0, prober)


def test_draws_are_uniform_among_the_available_and_as_many_as_asked():
    env = ScriptedEnv([["", "", "", ""]])
    prober, step = Prober(0.25, seed=0, device="cpu"), env.reset()
    draws = torch.stack([prober(step) for _ in range(4_000)])
    probed = draws >= 0
    assert not probed[:, ~step.alive].any(), "the dead are not asked"
    share = probed[:, step.alive].float().mean()
    assert share == pytest.approx(0.25, abs=0.01)
    for b in range(4):
        for i in range(2):
            if step.alive[b, i]:
                counts = draws[probed[:, b, i], b, i].bincount(minlength=3)
                assert (counts > 0).tolist() == step.available[b, i].tolist()
                expected = counts.sum() / step.available[b, i].sum()
                # Beyond 5 standard deviations once in a million.
                assert (counts[step.available[b, i]] - expected).abs().max() < 5 * expected.sqrt()


def test_probes_take_the_place_of_the_policys_actions():
    collector = collector_of(Prober(0.5, seed=0, device="cpu"))
    rollout = collector.collect(len(ENDS))
    assert 0.2 < rollout.probe.float().mean() < 0.6
    assert not (rollout.probe & (rollout.alive == 0)).any()
    assert torch.equal(torch.stack(collector.env.actions), rollout.action), "as marked, so done"
    again = Prober(0.5, seed=0, device="cpu")
    env = ScriptedEnv(ENDS)
    step = env.reset()
    for t in range(len(ENDS)):
        drawn = again(step)
        assert torch.equal(rollout.probe[t], drawn >= 0)
        assert torch.equal(rollout.action[t][drawn >= 0], drawn[drawn >= 0])
        step = env.step(rollout.action[t])


def test_what_was_probed_is_the_last_action_that_agents_see():
    collector = collector_of(Prober(1.0, seed=0, device="cpu"), [["", ""]] * 4)
    rollout = collector.collect(4)
    seen, taken = rollout.record["inputs"][1:, ..., 2:5], torch.zeros(2, 2, 3)
    for t, acted in enumerate(rollout.alive[:-1] > 0):
        taken = torch.where(acted[..., None], torch.nn.functional.one_hot(rollout.action[t], 3).float(), taken)
        assert torch.equal(seen[t], taken)


def test_the_recorded_probability_is_the_policys_own():
    collector = collector_of(Prober(1.0, seed=0, device="cpu"), [["", ""]])
    rollout = collector.collect(1)
    learner = collector.learner
    logits, _ = learner.ppo.actor(rollout.record["inputs"][0].flatten(0, 1), torch.zeros(4, 4))
    log_probs = torch.log_softmax(logits.view(2, 2, 3).masked_fill(~rollout.available[0], -1e9), -1)
    wanted = log_probs.gather(-1, rollout.action[0][..., None])[..., 0]
    torch.testing.assert_close(rollout.record["log_prob"][0], wanted)


def test_without_probes_nothing_is_marked_and_no_number_is_drawn():
    with_none, with_few = collector_of(), collector_of(Prober(1e-9, seed=0, device="cpu"))
    one, other = with_none.collect(len(ENDS)), with_few.collect(len(ENDS))
    assert not one.probe.any()
    assert torch.equal(one.action, other.action), "the stream of the probes is no other's"
    assert torch.equal(with_none.noise.get_state(), with_few.noise.get_state())
    assert "probes" not in with_none.state_dict()


def test_the_stream_is_saved_and_restored():
    collector, other = (collector_of(Prober(0.5, seed=s, device="cpu")) for s in (0, 7))
    collector.collect(3)
    other.load_state_dict({name: value.clone() for name, value in collector.state_dict().items()})
    assert torch.equal(collector.prober.get_state(), other.prober.get_state())


def test_marked_steps_leave_out_the_dead_and_lost_games():
    rollout = collector_of(Prober(0.9, seed=0, device="cpu")).collect(len(ENDS))
    steps = marked_steps(rollout)
    assert len(steps) == 2 * len(ENDS)
    acted = steps.acted.reshape(len(ENDS), 2, 2)
    assert not acted[2, 1].any(), "the game was lost"
    kept = rollout.alive > 0
    kept[2, 1] = False
    assert torch.equal(torch.from_numpy(acted), kept)
    assert (steps.marked.reshape(rollout.probe.shape) == rollout.probe.numpy()).all()
    assert (steps.actions.reshape(rollout.action.shape) == rollout.action.numpy()).all()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"share": 1.5}, r"share must be a number in \[0, 1\], got 1.5"),
        ({"share": -0.1}, "share must be"),
        ({"every": 0}, "every must be"),
        ({"memory": 10}, "memory must be"),
    ],
)
def test_settings_out_of_range_are_refused(values, message):
    with pytest.raises(InvalidValueError, match=message):
        ProbesConfig(**values)
