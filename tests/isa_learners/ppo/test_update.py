"""One update of the learner against a slow reference in float64."""

import math

import pytest
import torch
from ppo_reference import Reference
from ppo_reference_net import ACTIONS, AGENTS, BASE, HIDDEN, STATE, D, F, moved
from rollout_toys import ENDLESS, MANY, TERMINATED, TRUNCATED, random_rollout

from isa_learners.ppo import PPO, PPOConfig
from isa_learners.recurrent.packing import EveryStep, LivingSteps


def assert_same_update(net, reference, relative):
    """Every parameter changed, and by the reference's change."""
    for name, parameter in net.named_parameters():
        expected = reference.weights[name].detach()
        wanted = expected - reference.first[name]
        change = parameter.detach().to(D) - reference.first[name]
        assert float(wanted.norm()) > 1e-4, f"{name} hardly moves: the check says nothing"
        assert float((change - wanted).norm() / wanted.norm()) < relative, name
        torch.testing.assert_close(parameter.detach().to(D), expected, rtol=1e-5, atol=1e-6)


def learner(config, dtype=D, seed=3):
    ppo = PPO(F, ACTIONS, config, "cpu", seed, state_size=STATE if config.critic == "state" else 0)
    return moved(ppo, [ppo.actor, ppo.critic], seed, dtype)


LAYOUTS = (LivingSteps, EveryStep)


def check(config, rollouts, dtype=D, relative=1e-5, seed=3):
    """Compare a learner of each layout with the one reference; return the first with its last metrics."""
    learners = [learner(config, dtype, seed) for _ in LAYOUTS]
    reference = Reference(learners[0], config, seed)
    for number, make in enumerate(rollouts):
        rollout = make(learners[0], number)
        expected, expected_hidden = reference.update(rollout)
        for ppo, layout in zip(learners, LAYOUTS, strict=True):
            ppo.layout = layout
            metrics, hidden = ppo.update(rollout)
            assert metrics == pytest.approx(expected, rel=10 * relative, abs=1e-6), layout
            for b in range(config.num_envs):
                for i in range(AGENTS):
                    state = expected_hidden[id(rollout), b, i][: ppo.critic.state_size]
                    torch.testing.assert_close(hidden[b, i].to(D), state, rtol=0, atol=relative)
    for ppo in learners:
        assert_same_update(ppo.actor, reference.actor, relative)
        assert_same_update(ppo.critic, reference.critic, relative)
    return learners[0], metrics


def rollout_of(ends, start=(True, False, False), dtype=D, **options):
    return lambda ppo, number: random_rollout(ppo, 11 + number, ends, list(start), AGENTS, dtype=dtype, **options)


layouts = pytest.mark.parametrize("layout", LAYOUTS)


@pytest.mark.parametrize(
    "ends", [TERMINATED, TRUNCATED, ENDLESS, MANY], ids=["terminated", "truncated", "endless", "many"]
)
def test_one_epoch_equals_the_reference(ends):
    _, metrics = check(PPOConfig(**BASE, buffer_rollouts=1), [rollout_of(ends)])
    assert 0 < metrics["clip_share"] < 1


@pytest.mark.parametrize(("network", "layers"), [("lstm", ()), ("mlp", ()), ("gru", (7, 4))])
def test_every_network_is_trained_as_the_reference_says(network, layers):
    make = rollout_of(MANY, cuts=True, probes=0.2)
    ppo, _ = check(PPOConfig(**BASE, buffer_rollouts=1, network=network, layers=layers), [make])
    assert ppo.critic.state_size == {"lstm": 2 * HIDDEN, "mlp": 0, "gru": HIDDEN}[network]


@pytest.mark.slow
@pytest.mark.parametrize("network", ["lstm", "mlp"])
def test_every_network_with_layers_a_buffer_and_a_critic_on_the_state(network):
    settings = {**BASE, "epochs": 2, "network": network, "layers": (7, 4)}
    config = PPOConfig(**settings, buffer_rollouts=2, minibatches=2, critic="state")
    kinds = [rollout_of(MANY, state_size=STATE), rollout_of(TRUNCATED, (True, True, False), state_size=STATE)]
    check(config, kinds)


@pytest.mark.slow
def test_a_critic_on_the_global_state_and_huber_losses():
    config = PPOConfig(**{**BASE, "epochs": 2}, buffer_rollouts=2, minibatches=2, critic="state", huber=0.3)
    make = rollout_of(MANY, cuts=True, state_size=STATE)
    ppo, _ = check(config, [make, make])
    assert ppo.critic.embed.in_features == ppo.actor.embed.in_features + STATE


@pytest.mark.slow
def test_probed_steps_teach_the_policy_nothing_and_values_go_on():
    make = rollout_of(MANY, probes=0.4)
    ppo, _ = check(PPOConfig(**{**BASE, "epochs": 2}, buffer_rollouts=2, minibatches=2), [make, make])
    assert 0 < ppo.buffer[-1].probe.float().mean() < 1


@layouts
def test_what_the_policy_would_never_have_done_makes_no_infinity(layout):
    """Its ratio is infinite: masked by a product with 0 it would be no number."""
    ppo = learner(PPOConfig(**BASE, buffer_rollouts=1))
    ppo.layout = layout
    rollout = rollout_of(MANY, probes=0.4)(ppo, 0)
    rollout.log_prob[rollout.probe] = -1e4
    metrics, _ = ppo.update(rollout)
    assert all(math.isfinite(value) for value in metrics.values())
    assert all(bool(parameter.isfinite().all()) for parameter in ppo.actor.parameters())


@layouts
def test_a_rollout_of_probes_alone_leaves_the_policys_choices_alone(layout):
    ppo = learner(PPOConfig(**{**BASE, "entropy_factor": 0.0}, buffer_rollouts=1))
    ppo.layout = layout
    before = [parameter.clone() for parameter in ppo.actor.parameters()]
    critic = ppo.critic.head.weight.clone()
    ppo.update(rollout_of(MANY, probes=1.1)(ppo, 0))
    assert all(torch.equal(old, new) for old, new in zip(before, ppo.actor.parameters(), strict=True))
    assert not torch.equal(critic, ppo.critic.head.weight)


@pytest.mark.slow
@pytest.mark.parametrize("ends", [ENDLESS, MANY], ids=["endless", "many"])
def test_who_is_truncated_alone_has_a_value_that_goes_on(ends):
    make = rollout_of(ends, cuts=True)
    config = PPOConfig(**{**BASE, "epochs": 2}, buffer_rollouts=2, minibatches=2)
    ppo, _ = check(config, [make, make])
    cut = ppo.buffer[-1].cut
    assert cut[:-1].any(), "the check says something"
    assert not cut.all()
    for layout in LAYOUTS:
        found = []
        for cuts in (False, True):
            fresh = learner(config)
            rollout = rollout_of(ends, cuts=cuts)(fresh, 0)
            targets, _ = fresh.prepare(rollout, layout(rollout.alive, rollout.start))
            found.append(targets.target[..., 0])
        moved = (found[0] - found[1]).abs() > 1e-3
        assert moved[make(learner(config), 0).cut].all(), "its last step has another target"


@pytest.mark.parametrize("dead_lambda", [1.0, 0.3])
def test_lambda_may_be_another_where_the_agent_is_dead(dead_lambda):
    make = rollout_of(MANY, cuts=True, bonus=True)
    config = PPOConfig(**BASE, buffer_rollouts=1, bonus_head=True, dead_lambda=dead_lambda)
    ppo, _ = check(config, [make, make])
    assert not ppo.buffer[-1].alive.all()


@pytest.mark.parametrize("ends", [ENDLESS, MANY], ids=["endless", "many"])
def test_a_bonus_has_a_head_whose_return_goes_on_across_episodes(ends):
    config = PPOConfig(**BASE, buffer_rollouts=1, bonus_head=True, bonus_gamma=0.8)
    ppo, _ = check(config, [rollout_of(ends, cuts=True, bonus=True)] * 2)
    assert ppo.critic.head.out_features == 2
    saved, later = {}, []
    for lift in (0.0, 5.0):  # of the bonus in the last step
        fresh = learner(config)
        rollout = rollout_of(ends, bonus=True)(fresh, 0)
        rollout.bonus[-1] += lift
        targets, _ = fresh.prepare(rollout, fresh.layout(rollout.alive, rollout.start))
        saved, later = fresh.state_dict(), [*later, fresh.bonus_norm.denormalize(targets.target[..., 1])]
    assert ((later[1] - later[0])[0] > 0.2).all(), "it is told in the first step, whatever ended in between"
    again = learner(config, seed=4)
    again.load_state_dict(saved, "cpu")
    assert torch.equal(again.bonus_norm.moments, fresh.bonus_norm.moments)


@pytest.mark.slow
def test_a_bonus_head_with_minibatches_a_buffer_and_huber_losses():
    settings = {**BASE, "epochs": 2, "bonus_head": True, "huber": 0.5, "gae_lambda": 0.7}
    make = rollout_of(MANY, bonus=True)
    check(PPOConfig(**settings, buffer_rollouts=2, minibatches=3), [make, make])


def test_one_epoch_in_single_precision():
    check(PPOConfig(**BASE, buffer_rollouts=1), [rollout_of(MANY, dtype=torch.float32)], torch.float32, 1e-3)


@pytest.mark.slow
def test_a_buffer_of_rollouts_keeps_their_probabilities_and_hidden_states():
    """Three rollouts through a buffer of two: the first is dropped; Adam and the value norm go on."""
    kinds = [rollout_of(MANY), rollout_of(ENDLESS, (False, False, True)), rollout_of(TRUNCATED, (True, True, False))]
    ppo, _ = check(PPOConfig(**BASE, buffer_rollouts=2), kinds)
    assert len(ppo.buffer) == 2


@pytest.mark.slow
def test_minibatches_and_epochs():
    config = PPOConfig(**{**BASE, "epochs": 2}, buffer_rollouts=2, minibatches=3)
    check(config, [rollout_of(MANY), rollout_of(TRUNCATED)])


@pytest.mark.slow
def test_a_large_gradient_is_clipped():
    config = PPOConfig(**BASE, buffer_rollouts=1, max_grad_norm=0.05)
    _, metrics = check(config, [rollout_of(MANY), rollout_of(TERMINATED)])
    assert metrics["actor_grad_norm"] > 0.05
    assert metrics["critic_grad_norm"] > 0.05


def test_the_way_an_episode_ends_changes_what_is_learned():
    """The cases above differ: at the step before the end, the same rollout ended otherwise has another target."""
    found = []
    for ends in (TERMINATED, TRUNCATED, ENDLESS):
        ppo = learner(PPOConfig(**BASE, buffer_rollouts=1))
        rollout = rollout_of(ends)(ppo, 0)
        targets, _ = ppo.prepare(rollout, ppo.layout(rollout.alive, rollout.start))
        found.append(float(targets.target[3, 0, 0, 0]))
    assert min(abs(found[0] - found[1]), abs(found[0] - found[2]), abs(found[1] - found[2])) > 0.01


def test_more_minibatches_than_environments():
    """The first rollouts may hold fewer environments than a full buffer has minibatches: no steps on nothing."""
    nets, metrics = [], []
    for minibatches in (3, 12):
        ppo = PPO(F, ACTIONS, PPOConfig(**BASE, buffer_rollouts=4, minibatches=minibatches), "cpu", 3)
        metrics.append(ppo.update(rollout_of(ENDLESS, dtype=torch.float32)(ppo, 0))[0])
        nets.append(ppo.actor.head.weight.detach())
    assert metrics[0] == pytest.approx(metrics[1])
    assert torch.equal(nets[0], nets[1])


@layouts
def test_nobody_alive_is_nothing_to_learn_from(layout):
    ppo = PPO(F, ACTIONS, PPOConfig(**BASE, buffer_rollouts=1, minibatches=2), "cpu", 3)
    ppo.layout = layout
    rollout = rollout_of(MANY, dtype=torch.float32)(ppo, 0)
    rollout.alive.zero_()
    rollout.next_alive.zero_()
    before = {name: value.clone() for name, value in ppo.actor.named_parameters()}
    metrics, hidden = ppo.update(rollout)
    assert all(math.isfinite(value) for value in metrics.values())
    assert torch.isfinite(hidden).all()
    for name, value in ppo.actor.named_parameters():
        assert torch.equal(value, before[name])


@pytest.mark.cuda
def test_one_update_on_cuda_agrees_with_cpu():
    config = PPOConfig(**BASE, buffer_rollouts=1)
    nets = {}
    for device in ("cpu", "cuda"):
        ppo = PPO(F, ACTIONS, config, device, 3)
        cpu = random_rollout(ppo, 11, MANY, [True, False, False], AGENTS, dtype=torch.float32)
        ppo.update(type(cpu)(**{name: value.to(device) for name, value in vars(cpu).items()}))
        nets[device] = {
            f"{part}.{name}": value.detach().cpu()
            for part, net in (("actor", ppo.actor), ("critic", ppo.critic))
            for name, value in net.named_parameters()
        }
    for name, value in nets["cpu"].items():
        difference = float((nets["cuda"][name] - value).norm() / value.norm())
        assert difference < 1e-5, (name, difference)
