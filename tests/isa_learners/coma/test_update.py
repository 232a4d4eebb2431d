"""One update of COMA against a slow reference in float64.

The reference walks over environments, agents and steps in Python, with a GRU cell, the critic's layers, lambda-returns,
the counterfactual advantage, gradient clipping, RMSprop and Adam written out; only the gradients are torch's.
"""

import math

import pytest
import torch
from coma_toys import SIZES, coma_of, random_batch
from ppo_reference import ENDLESS, MANY

from isa_learners.coma import ComaConfig
from isa_learners.recurrent.packing import EveryStep, LivingSteps

D = torch.float64
ACTIONS, AGENTS = SIZES.num_actions, SIZES.num_agents
BASE = {"num_envs": 3, "rollout_steps": 7, "hidden": 5, "critic_width": 6, "lr": 3e-3, "critic_lr": 2e-3, "gamma": 0.9}
START = [True, False, False]


class ReferenceNet:
    """Parameters by name, and an optimiser written out."""

    def __init__(self, net, lr, config):
        self.config, self.lr, self.count = config, lr, 0
        self.weights = {name: value.detach().clone().to(D).requires_grad_() for name, value in net.named_parameters()}
        self.first = {name: value.detach().clone() for name, value in self.weights.items()}
        self.v = {name: torch.zeros_like(value) for name, value in self.first.items()}
        self.m = {name: torch.zeros_like(value) for name, value in self.first.items()}

    def descend(self, loss):
        gradients = dict(zip(self.weights, torch.autograd.grad(loss, self.weights.values()), strict=True))
        norm = math.sqrt(sum(float(x) ** 2 for gradient in gradients.values() for x in gradient.flatten()))
        scale = min(1.0, self.config.max_grad_norm / (norm + 1e-6))
        self.count += 1
        for name, gradient in gradients.items():
            g = gradient * scale
            if self.config.optimizer == "rmsprop":
                self.v[name] = 0.99 * self.v[name] + 0.01 * g * g
                step = g / (torch.sqrt(self.v[name]) + self.config.optimizer_eps)
            else:
                self.m[name] = 0.9 * self.m[name] + 0.1 * g
                self.v[name] = 0.999 * self.v[name] + 0.001 * g * g
                root = torch.sqrt(self.v[name] / (1 - 0.999**self.count))
                step = self.m[name] / (1 - 0.9**self.count) / (root + self.config.optimizer_eps)
            with torch.no_grad():
                self.weights[name] -= self.lr * step
        return norm


class Reference:
    """COMA, written out."""

    def __init__(self, coma, config):
        self.config, self.critic_steps = config, 0
        self.actor = ReferenceNet(coma.actor, config.lr, config)
        self.critic = ReferenceNet(coma.critic, config.critic_lr, config)
        self.target = {name: value.detach().clone().to(D) for name, value in coma.target_critic.named_parameters()}

    def cell(self, x, h):
        w = self.actor.weights
        x = torch.relu(w["embed.weight"] @ x + w["embed.bias"])
        from_input = (w["gru.weight_ih_l0"] @ x + w["gru.bias_ih_l0"]).chunk(3)
        from_hidden = (w["gru.weight_hh_l0"] @ h + w["gru.bias_hh_l0"]).chunk(3)
        reset = 1 / (1 + torch.exp(-from_input[0] - from_hidden[0]))
        update = 1 / (1 + torch.exp(-from_input[1] - from_hidden[1]))
        return (1 - update) * torch.tanh(from_input[2] + reset * from_hidden[2]) + update * h

    def policy(self, batch, h, available):
        """Probabilities of the available actions."""
        logits = self.actor.weights["head.weight"] @ h + self.actor.weights["head.bias"]
        total = sum(torch.exp(x) for x in logits)
        mixed = [(1 - batch.epsilon) * torch.exp(x) / total + batch.epsilon / ACTIONS for x in logits]
        kept = {a: mixed[a] for a in range(ACTIONS) if available[a]}
        return {a: p / sum(kept.values()) for a, p in kept.items()}

    def q(self, w, state, own, action, alive, i):
        """Values of all actions of agent i, the others' as given."""
        o, last = SIZES.obs_size, slice(SIZES.obs_size, SIZES.obs_size + ACTIONS)
        others = torch.zeros(AGENTS, ACTIONS, dtype=D)
        for j in range(AGENTS):
            if j != i and alive[j]:
                others[j, int(action[j])] = 1.0
        before = torch.cat([own[j][last] for j in range(AGENTS)])
        x = torch.cat([state, own[i][:o], others.flatten(), before, own[i][o + ACTIONS :]])
        for layer in ("layers.0", "layers.2"):
            x = torch.relu(w[f"{layer}.weight"] @ x + w[f"{layer}.bias"])
        return w["layers.4.weight"] @ x + w["layers.4.bias"]

    def q_at(self, w, batch, t, b, i):
        return self.q(w, batch.state[t, b], batch.inputs[t, b], batch.action[t, b], batch.alive[t, b], i)

    def target_of(self, batch, action_after, b, i):
        """Lambda-returns of one stream; ``action_after`` has everybody's next actions."""
        config, steps, found = self.config, len(batch.done), {}
        for t in range(steps - 1, -1, -1):
            cut, over = bool(batch.cut[t, b, i]), bool(batch.done[t, b])
            ends = over or cut or t == steps - 1
            if not ends:
                then = self.q_at(self.target, batch, t + 1, b, i)[int(batch.action[t + 1, b, i])]
                then = float(then) * float(batch.alive[t + 1, b, i])
            elif cut or (batch.next_alive[t, b, i] and not batch.terminated[t, b]):
                there = [bool(batch.next_alive[t, b, j]) and not batch.cut[t, b, j] for j in range(AGENTS)]
                joint = action_after[t, b]
                values = self.q(self.target, batch.final_state[t, b], batch.final_inputs[t, b], joint, there, i)
                then = float(values[int(joint[i])])
            else:
                then = 0.0
            reward = float(batch.reward[t, b].mean() if config.reward == "team" else batch.reward[t, b, i])
            later = then if ends else found[t + 1]
            found[t] = reward + config.gamma * ((1 - config.td_lambda) * then + config.td_lambda * later)
        return found

    def update(self, batch, action_after):
        config, steps, num_envs = self.config, len(batch.done), batch.done.shape[1]
        streams = [(b, i) for b in range(num_envs) for i in range(AGENTS)]
        target = {stream: self.target_of(batch, action_after, *stream) for stream in streams}
        said, size = [], config.critic_steps or steps
        for part in reversed(torch.arange(steps).tensor_split(size)):
            errors, values = [], []
            for t in part.tolist():
                for b, i in streams:
                    if batch.alive[t, b, i]:
                        value = self.q_at(self.critic.weights, batch, t, b, i)[int(batch.action[t, b, i])]
                        errors.append((value - target[b, i][t]) ** 2)
                        values.append(float(value.detach()))
            loss = sum(errors) / len(errors)
            norm = self.critic.descend(loss)
            said.append([float(loss.detach()), sum(values) / len(values), norm])
            self.critic_steps += 1
            if self.critic_steps % config.target_interval == 0:
                self.target = {name: value.detach().clone() for name, value in self.critic.weights.items()}
        gains, entropies = [], []
        for b, i in streams:
            h = batch.hidden[b, i].to(D)
            for t in range(steps):
                if batch.start[t, b]:
                    h = torch.zeros_like(h)
                if not batch.alive[t, b, i]:
                    continue
                h = self.cell(batch.inputs[t, b, i], h)
                p = self.policy(batch, h, batch.available[t, b, i])
                entropies.append(-sum(x * torch.log(x) for x in p.values()))
                if batch.probe[t, b, i]:
                    continue
                values = self.q_at(self.critic.weights, batch, t, b, i).detach()
                did = int(batch.action[t, b, i])
                advantage = values[did] - sum(x.detach() * values[a] for a, x in p.items())
                gains.append(advantage * torch.log(p[did]))
        loss, entropy = -sum(gains) / len(gains), sum(entropies) / len(entropies)
        norm = self.actor.descend(loss - config.entropy_factor * entropy)
        critic = [sum(column) / len(said) for column in zip(*said, strict=True)]
        return [float(loss.detach()), float(entropy.detach()), norm, *critic]


def drawn(coma, batch):
    """Everybody's actions after each step as the next update will draw them."""
    ends = batch.done.clone()
    ends[-1] = True
    wanted = (ends[..., None] | batch.cut) & ((batch.next_alive > 0) | batch.cut)
    state = coma.generator.get_state()
    with torch.no_grad():
        action, _ = coma._draw(batch, wanted)
    coma.generator.set_state(state)
    return action, wanted


def check(config, layout=LivingSteps, ends=MANY, relative=1e-6, updates=2, dtype=D, **options):
    coma = coma_of(config, dtype)
    coma.layout = layout
    reference = Reference(coma, config)
    for number in range(updates):
        batch = random_batch(coma, 11 + number, ends, START, dtype=dtype, **options)
        after, _ = drawn(coma, batch)
        exact = type(batch)(
            **{name: x.to(D) if getattr(x, "dtype", None) == dtype else x for name, x in vars(batch).items()}
        )
        expected = reference.update(exact, after)
        assert coma.update(batch).tolist() == pytest.approx(expected, rel=10 * relative)
    for net, wanted in ((coma.actor, reference.actor), (coma.critic, reference.critic)):
        for name, value in net.named_parameters():
            change = wanted.weights[name].detach() - wanted.first[name]
            assert float(change.norm()) > 1e-4, f"{name} hardly moves: the check says nothing"
            assert float((value.detach().to(D) - wanted.first[name] - change).norm() / change.norm()) < relative, name
    return coma


layouts = pytest.mark.parametrize("layout", [LivingSteps, EveryStep])


@layouts
@pytest.mark.parametrize("ends", [ENDLESS, MANY], ids=["endless", "many"])
def test_an_update_equals_the_reference(ends, layout):
    check(ComaConfig(**BASE), layout, ends)


@pytest.mark.slow
@layouts
def test_parts_new_targets_own_rewards_probes_and_who_left_alone(layout):
    config = ComaConfig(
        **BASE, critic_steps=3, target_interval=4, reward="own", optimizer="adam", entropy_factor=0.1, td_lambda=0.5
    )
    check(config, layout, cuts=True, probes=0.3, updates=3)


@pytest.mark.slow
def test_a_large_gradient_is_clipped():
    check(ComaConfig(**BASE, max_grad_norm=0.01))


def test_in_single_precision():
    check(ComaConfig(**BASE), dtype=torch.float32, relative=2e-3, updates=1)


def test_what_comes_after_a_rollout_is_drawn_from_the_policy():
    """In a rollout of one step, often repeated: the shares are those of the mixed policy, and the draws differ."""
    coma = coma_of(ComaConfig(**BASE))
    batch = random_batch(coma, 5, [["", "truncated", ""]], START)
    batch.alive[:], batch.next_alive[:] = 1.0, 1.0
    counts = torch.zeros(3, AGENTS, ACTIONS)
    _, wanted = drawn(coma, batch)
    assert wanted.all()
    with torch.no_grad():
        for _ in range(2_000):
            action, _ = coma._draw(batch, wanted)
            counts += torch.nn.functional.one_hot(action[0], ACTIONS)
        reference = Reference(coma, coma.config)
        for b in range(3):
            for i in range(AGENTS):
                h = reference.cell(batch.inputs[0, b, i], batch.hidden[b, i] * (not batch.start[0, b]))
                p = reference.policy(batch, reference.cell(batch.final_inputs[0, b, i], h), batch.available[0, b, i])
                shares = [float(p.get(a, 0.0)) for a in range(ACTIONS)]
                assert (counts[b, i] / 2_000).tolist() == pytest.approx(shares, abs=0.05)


def test_more_steps_of_the_critic_than_steps_in_time():
    found = []
    for critic_steps in (None, 12):
        coma = coma_of(ComaConfig(**BASE, critic_steps=critic_steps))
        found.append((coma.update(random_batch(coma, 3, MANY, START)), coma.count))
    assert found[0][1] == found[1][1] == 7
    assert torch.equal(found[0][0], found[1][0])


def test_the_way_an_episode_ends_changes_what_the_critic_learns():
    found = []
    for end in ("terminated", "truncated", ""):
        coma = coma_of(ComaConfig(**BASE))
        batch = random_batch(coma, 3, [["", "", ""]] * 3 + [[end, "", ""]] + [["", "", ""]] * 3, START)
        batch.alive[:], batch.next_alive[:] = 1.0, 1.0
        seen = coma.critic.inputs(batch.state, batch.inputs, batch.action, batch.alive)
        found.append(float(coma.targets(batch, seen)[3, 0, 0]))
    assert min(abs(found[0] - found[1]), abs(found[0] - found[2]), abs(found[1] - found[2])) > 1e-3


@layouts
def test_nobody_alive_is_nothing_to_learn_from(layout):
    coma = coma_of(ComaConfig(**BASE), torch.float32)
    coma.layout = layout
    batch = random_batch(coma, 3, MANY, START, dtype=torch.float32)
    batch.alive.zero_()
    batch.next_alive.zero_()
    nets = [*coma.actor.parameters(), *coma.critic.parameters()]
    before = [parameter.clone() for parameter in nets]
    assert torch.isfinite(coma.update(batch)).all()
    assert all(torch.equal(old, new) for old, new in zip(before, nets, strict=True))


@pytest.mark.cuda
def test_one_update_on_cuda_agrees_with_cpu():
    from coma_toys import INPUTS

    from isa_learners.coma import COMA

    said = {}
    for device in ("cpu", "cuda"):
        coma = COMA(SIZES, INPUTS, ComaConfig(**BASE), device, 3)
        made = random_batch(coma, 3, [["terminated"] * 3 if t == 6 else ["", "", ""] for t in range(7)], START,
                            dtype=torch.float32)  # fmt: skip
        moved = {name: value.to(device) if hasattr(value, "to") else value for name, value in vars(made).items()}
        said[device] = coma.update(type(made)(**moved)).cpu()
    torch.testing.assert_close(said["cuda"], said["cpu"], rtol=1e-4, atol=1e-5)
