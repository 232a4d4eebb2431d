"""One update of the learner against a slow reference in float64.

The reference walks over rollouts, environments, agents and steps in Python, with a GRU cell, GAE, value norm, losses,
gradient clipping and Adam written out from their equations; only the gradients are torch's.
"""

import math

import pytest
import torch
from learner_helpers import random_rollout

from isa_learners.ppo import PPO, PPOConfig
from isa_learners.recurrent.packing import EveryStep, LivingSteps

F, ACTIONS, AGENTS, HIDDEN, STATE = 5, 4, 2, 6, 3
D = torch.float64
BASE = {"num_envs": 3, "rollout_steps": 7, "epochs": 1, "hidden": HIDDEN, "lr": 3e-3, "entropy_factor": 0.02}

TERMINATED = [["", "", ""]] * 3 + [["terminated", "", ""]] + [["", "", ""]] * 3
TRUNCATED = [["", "", ""]] * 3 + [["truncated", "", ""]] + [["", "", ""]] * 3
ENDLESS = [["", "", ""]] * 7
MANY = [
    ["", "terminated", ""],
    ["", "", ""],
    ["truncated", "terminated", ""],
    ["", "terminated", ""],
    ["", "", ""],
    ["terminated", "truncated", ""],
    ["truncated", "", "terminated"],
]


class ReferenceNet:
    """Linear -> ReLU -> GRU -> LayerNorm -> Linear, a step at a time, for one agent."""

    def __init__(self, net):
        self.weights = {name: value.detach().clone().to(D).requires_grad_() for name, value in net.named_parameters()}
        self.first = {name: value.detach().clone() for name, value in self.weights.items()}
        self.m = {name: torch.zeros_like(value) for name, value in self.first.items()}
        self.v = {name: torch.zeros_like(value) for name, value in self.first.items()}
        self.updates = 0

    def cell(self, x, h):
        w = self.weights
        x = torch.relu(w["embed.weight"] @ x + w["embed.bias"])
        from_input = (w["gru.weight_ih_l0"] @ x + w["gru.bias_ih_l0"]).chunk(3)
        from_hidden = (w["gru.weight_hh_l0"] @ h + w["gru.bias_hh_l0"]).chunk(3)
        reset = 1 / (1 + torch.exp(-from_input[0] - from_hidden[0]))
        update = 1 / (1 + torch.exp(-from_input[1] - from_hidden[1]))
        candidate = torch.tanh(from_input[2] + reset * from_hidden[2])
        return (1 - update) * candidate + update * h

    def output(self, h):
        w = self.weights
        mean = sum(h) / len(h)
        variance = sum((unit - mean) ** 2 for unit in h) / len(h)
        normal = (h - mean) / torch.sqrt(variance + 1e-5)
        return w["head.weight"] @ (normal * w["norm.weight"] + w["norm.bias"]) + w["head.bias"]

    def descend(self, loss, config):
        """One step of Adam (Kingma and Ba, Algorithm 1) on the gradient, clipped by its norm; return that norm."""
        gradients = dict(zip(self.weights, torch.autograd.grad(loss, self.weights.values()), strict=True))
        norm = math.sqrt(sum(float(x) ** 2 for gradient in gradients.values() for x in gradient.flatten()))
        scale = min(1.0, config.max_grad_norm / (norm + 1e-6))
        self.updates += 1
        for name, gradient in gradients.items():
            g = gradient * scale
            self.m[name] = 0.9 * self.m[name] + 0.1 * g
            self.v[name] = 0.999 * self.v[name] + 0.001 * g * g
            m_hat = self.m[name] / (1 - 0.9**self.updates)
            v_hat = self.v[name] / (1 - 0.999**self.updates)
            with torch.no_grad():
                self.weights[name] -= config.lr * m_hat / (torch.sqrt(v_hat) + config.adam_eps)
        return norm


class Reference:
    """The learner, written out."""

    def __init__(self, ppo, config, seed):
        self.config = config
        self.actor, self.critic = ReferenceNet(ppo.actor), ReferenceNet(ppo.critic)
        self.moments, self.weight = [0.0, 0.0], 0.0
        self.generator = torch.Generator()
        self.generator.manual_seed(seed)
        self.rollouts = []

    def mean_std(self):
        if self.weight == 0:
            return 0.0, 1.0
        mean = self.moments[0] / self.weight
        return mean, math.sqrt(max(self.moments[1] / self.weight - mean**2, 1e-6))

    def episodes(self):
        """Every stretch of steps within one episode: (rollout, environment, first step, step after the last)."""
        for rollout in self.rollouts:
            steps, num_envs = rollout.done.shape
            for b in range(num_envs):
                first = 0
                for t in range(steps):
                    if rollout.done[t, b] or t == steps - 1:
                        yield rollout, b, first, t + 1
                        first = t + 1

    def seen(self, rollout, t, b, i, final=False):
        """What the critic sees: its agent's inputs, then the state, if any."""
        inputs, state = (rollout.final_inputs, rollout.final_state) if final else (rollout.inputs, rollout.state)
        return torch.cat([inputs[t, b, i].to(D), state[t, b].to(D)])

    def streams(self):
        """What is to be learned from: a list of streams, each a list of steps of one agent in one episode."""
        found, hidden_after = [], {}
        for rollout, b, first, end in self.episodes():
            for i in range(AGENTS):
                start = torch.zeros(HIDDEN, dtype=D)
                h = rollout.critic_hidden[0, b, i].to(D) if first == 0 else start
                actor_h = rollout.actor_hidden[0, b, i].to(D) if first == 0 else start
                steps, critic_h = [], h
                for t in range(first, end):
                    if rollout.alive[t, b, i]:  # the state of the dead stands still
                        h = self.critic.cell(self.seen(rollout, t, b, i), h).detach()
                    value = self.denormalized(h) if rollout.alive[t, b, i] else 0.0
                    steps.append({"t": t, "rollout": rollout, "b": b, "i": i, "value": value})
                    if rollout.cut[t, b, i]:  # truncated by itself: what would have come is what the critic expects
                        seen = self.seen(rollout, t, b, i, final=True)
                        steps[-1]["bootstrap"] = self.denormalized(self.critic.cell(seen, h).detach())
                hidden_after[id(rollout), b, i] = torch.zeros_like(h) if rollout.done[end - 1, b] else h
                last = self.seen(rollout, end - 1, b, i, final=True)
                bootstrap = self.denormalized(self.critic.cell(last, h).detach())
                if rollout.terminated[end - 1, b] or not rollout.next_alive[end - 1, b, i]:
                    bootstrap = 0.0
                self.estimate(steps, rollout, bootstrap)
                found.append({"steps": steps, "actor_h": actor_h, "critic_h": critic_h, "rollout": rollout, "b": b})
        return found, hidden_after

    def denormalized(self, h):
        mean, std = self.mean_std()
        return float(self.critic.output(h)[0].detach()) * std + mean

    def estimate(self, steps, rollout, bootstrap):
        """GAE by its recursion, from the last step back."""
        advantage, following = 0.0, bootstrap
        for step in reversed(steps):
            reward = float(rollout.reward[step["t"], step["b"], step["i"]])
            if "bootstrap" in step:
                advantage, following = 0.0, step["bootstrap"]
            delta = reward + self.config.gamma * following - step["value"]
            advantage = delta + self.config.gamma * self.config.gae_lambda * advantage
            step["advantage"], step["return"] = advantage, advantage + step["value"]
            following = step["value"]

    def update(self, rollout):
        config = self.config
        self.rollouts = [*self.rollouts, rollout][-config.buffer_rollouts :]
        streams, hidden_after = self.streams()
        living = [s for stream in streams for s in stream["steps"] if s["rollout"].alive[s["t"], s["b"], s["i"]]]
        returns = [step["return"] for step in living]
        self.moments[0] = 0.99 * self.moments[0] + 0.01 * sum(returns) / len(returns)
        self.moments[1] = 0.99 * self.moments[1] + 0.01 * sum(r * r for r in returns) / len(returns)
        self.weight = 0.99 * self.weight + 0.01
        mean, std = self.mean_std()
        chosen = [s for s in living if not s["rollout"].probe[s["t"], s["b"], s["i"]]]
        average = sum(step["advantage"] for step in chosen) / len(chosen)
        spread = math.sqrt(sum((step["advantage"] - average) ** 2 for step in chosen) / len(chosen))
        for step in living:
            step["normal"] = (step["advantage"] - average) / (spread + 1e-5)
            step["old_value"] = (step["value"] - mean) / std
            step["target"] = (step["return"] - mean) / std
        said = []
        num_envs = rollout.done.shape[1]
        orders = [self.minibatches(num_envs * len(self.rollouts)) for _ in range(config.epochs)]
        for part in [part for order in orders for part in order]:
            envs = [(id(self.rollouts[env // num_envs]), env % num_envs) for env in part]
            batch = [stream for stream in streams if (id(stream["rollout"]), stream["b"]) in envs]
            said.append({**self.actor_step(batch), **self.critic_step(batch)})
        metrics = {name: sum(one[name] for one in said) / len(said) for name in said[0]}
        return metrics, hidden_after

    def minibatches(self, count):
        if self.config.minibatches == 1:
            return [range(count)]
        order = torch.randperm(count, generator=self.generator)
        return [part.tolist() for part in order.tensor_split(self.config.minibatches)]

    def actor_step(self, batch):
        clip = self.config.clip
        gains, entropies, divergences, clipped = [], [], [], []
        for stream in batch:
            h = stream["actor_h"]
            for s in stream["steps"]:
                t, b, i, rollout = s["t"], s["b"], s["i"], s["rollout"]
                if not rollout.alive[t, b, i]:
                    continue
                h = self.actor.cell(rollout.inputs[t, b, i].to(D), h)
                logits = self.actor.output(h)
                allowed = [a for a in range(ACTIONS) if rollout.available[t, b, i, a]]
                total = sum(torch.exp(logits[a]) for a in allowed)
                p = {a: torch.exp(logits[a]) / total for a in allowed}
                entropies.append(-sum(q * torch.log(q) for q in p.values()))
                if rollout.probe[t, b, i]:  # not the policy's doing: nothing is learned of it
                    continue
                chosen, old = p[int(rollout.action[t, b, i])], math.exp(float(rollout.log_prob[t, b, i]))
                ratio = chosen / old
                limited = torch.clamp(ratio, 1 - clip, 1 + clip)
                gains.append(torch.minimum(ratio * s["normal"], limited * s["normal"]))
                divergences.append(float(ratio.detach()) - 1 - math.log(float(ratio.detach())))
                clipped.append(float(abs(ratio.detach() - 1) > clip))
        loss = -sum(gains) / len(gains)
        entropy = sum(entropies) / len(entropies)
        norm = self.actor.descend(loss - self.config.entropy_factor * entropy, self.config)
        return {
            "policy_loss": float(loss.detach()),
            "entropy": float(entropy.detach()),
            "approx_kl": sum(divergences) / len(divergences),
            "clip_share": sum(clipped) / len(clipped),
            "actor_grad_norm": norm,
        }

    def loss(self, error):
        huber = self.config.huber
        if huber == 0:
            return error**2
        return error**2 / 2 if abs(error) <= huber else huber * (abs(error) - huber / 2)

    def critic_step(self, batch):
        clip = self.config.clip
        errors = []
        for stream in batch:
            h = stream["critic_h"]
            for s in stream["steps"]:
                t, b, i, rollout = s["t"], s["b"], s["i"], s["rollout"]
                if not rollout.alive[t, b, i]:
                    continue
                h = self.critic.cell(self.seen(rollout, t, b, i), h)
                value = self.critic.output(h)[0]
                near = s["old_value"] + torch.clamp(value - s["old_value"], -clip, clip)
                errors.append(torch.maximum(self.loss(value - s["target"]), self.loss(near - s["target"])))
        loss = sum(errors) / len(errors)
        return {
            "value_loss": float(loss.detach()),
            "critic_grad_norm": self.critic.descend(self.config.critic_factor * loss, self.config),
        }


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
    """A learner away from zero biases and near-zero outputs, which would hide mistakes."""
    ppo = PPO(F, ACTIONS, config, "cpu", seed, state_size=STATE if config.critic == "state" else 0)
    generator = torch.Generator()
    generator.manual_seed(seed)
    with torch.no_grad():
        for net in (ppo.actor, ppo.critic):
            for name, parameter in net.named_parameters():
                scale = 0.5 if name == "head.weight" else 0.1
                parameter += scale * torch.randn(parameter.shape, generator=generator)
    ppo.actor.to(dtype)
    ppo.critic.to(dtype)
    return ppo


def check(config, rollouts, dtype=D, relative=1e-5, seed=3, layout=LivingSteps):
    ppo = learner(config, dtype, seed)
    ppo.layout = layout
    reference = Reference(ppo, config, seed)
    for number, make in enumerate(rollouts):
        rollout = make(ppo, number)
        metrics, hidden = ppo.update(rollout)
        expected, expected_hidden = reference.update(rollout)
        assert metrics == pytest.approx(expected, rel=10 * relative, abs=1e-6)
        for b in range(config.num_envs):
            for i in range(AGENTS):
                torch.testing.assert_close(
                    hidden[b, i].to(D), expected_hidden[id(rollout), b, i], rtol=0, atol=relative
                )
    assert_same_update(ppo.actor, reference.actor, relative)
    assert_same_update(ppo.critic, reference.critic, relative)
    return ppo, metrics


def rollout_of(ends, start=(True, False, False), dtype=D, **options):
    return lambda ppo, number: random_rollout(ppo, 11 + number, ends, list(start), AGENTS, dtype=dtype, **options)


layouts = pytest.mark.parametrize("layout", [LivingSteps, EveryStep])


@layouts
@pytest.mark.parametrize(
    "ends", [TERMINATED, TRUNCATED, ENDLESS, MANY], ids=["terminated", "truncated", "endless", "many"]
)
def test_one_epoch_equals_the_reference(ends, layout):
    _, metrics = check(PPOConfig(**BASE, buffer_rollouts=1), [rollout_of(ends)], layout=layout)
    assert 0 < metrics["clip_share"] < 1


@pytest.mark.slow
@layouts
def test_a_critic_on_the_global_state_and_huber_losses(layout):
    config = PPOConfig(**{**BASE, "epochs": 2}, buffer_rollouts=2, minibatches=2, critic="state", huber=0.3)
    make = rollout_of(MANY, cuts=True, state_size=STATE)
    ppo, _ = check(config, [make, make], layout=layout)
    assert ppo.critic.embed.in_features == ppo.actor.embed.in_features + STATE


@pytest.mark.slow
@layouts
def test_probed_steps_teach_the_policy_nothing_and_values_go_on(layout):
    make = rollout_of(MANY, probes=0.4)
    ppo, _ = check(PPOConfig(**{**BASE, "epochs": 2}, buffer_rollouts=2, minibatches=2), [make, make], layout=layout)
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
@layouts
@pytest.mark.parametrize("ends", [ENDLESS, MANY], ids=["endless", "many"])
def test_who_is_truncated_alone_has_a_value_that_goes_on(ends, layout):
    make = rollout_of(ends, cuts=True)
    config = PPOConfig(**{**BASE, "epochs": 2}, buffer_rollouts=2, minibatches=2)
    ppo, _ = check(config, [make, make], layout=layout)
    cut = ppo.buffer[-1].cut
    assert cut[:-1].any(), "the check says something"
    assert not cut.all()
    found = []
    for cuts in (False, True):
        fresh = learner(config)
        rollout = rollout_of(ends, cuts=cuts)(fresh, 0)
        targets, _ = fresh.prepare(rollout, layout(rollout.alive, rollout.start))
        found.append(targets.target)
    moved = (found[0] - found[1]).abs() > 1e-3
    assert moved[make(learner(config), 0).cut].all(), "its last step has another target"


def test_one_epoch_in_single_precision():
    check(PPOConfig(**BASE, buffer_rollouts=1), [rollout_of(MANY, dtype=torch.float32)], torch.float32, 1e-3)


@pytest.mark.slow
@layouts
def test_a_buffer_of_rollouts_keeps_their_probabilities_and_hidden_states(layout):
    """Three rollouts through a buffer of two: the first is dropped; Adam and the value norm go on."""
    kinds = [rollout_of(MANY), rollout_of(ENDLESS, (False, False, True)), rollout_of(TRUNCATED, (True, True, False))]
    ppo, _ = check(PPOConfig(**BASE, buffer_rollouts=2), kinds, layout=layout)
    assert len(ppo.buffer) == 2


@pytest.mark.slow
@layouts
def test_minibatches_and_epochs(layout):
    config = PPOConfig(**{**BASE, "epochs": 2}, buffer_rollouts=2, minibatches=3)
    check(config, [rollout_of(MANY), rollout_of(TRUNCATED)], layout=layout)


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
        found.append(float(targets.target[3, 0, 0]))
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
