"""One update of Q-learning against a slow reference in float64.

The reference walks over episodes, agents and steps in Python, with a GRU cell, mixers, lambda-returns, the loss,
gradient clipping, RMSprop and Adam written out from their equations; only the gradients are torch's.
"""

import math

import pytest
import torch
from episode_toys import LEAST, q_of, random_episodes

from isa_learners.q_learning import QConfig
from isa_learners.recurrent.packing import EveryStep, LivingSteps
from isa_learners.rollout import Sizes

D = torch.float64
SIZES = Sizes(num_agents=2, num_actions=4, obs_size=3, state_size=3)
BASE = {**LEAST, "hidden": 5, "lr": 3e-3, "gamma": 0.9, "obs_scale": 0.5, "reward_scale": 2.0}
LENGTHS, TERMINATED = [6, 3, 1, 4], [True, False, False, True]


class Reference:
    """Q-learning, written out."""

    def __init__(self, q, config):
        self.config = config
        live = {**_named("net", q.net), **_named("mixer", q.mixer)}
        self.weights = {name: value.clone().requires_grad_() for name, value in live.items()}
        self.first = {name: value.detach().clone() for name, value in self.weights.items()}
        self.target = {**_named("net", q.target_net), **_named("mixer", q.target_mixer)}
        self.v = {name: torch.zeros_like(value) for name, value in self.first.items()}
        self.m = {name: torch.zeros_like(value) for name, value in self.first.items()}
        self.count = 0

    def cell(self, w, x, h):
        x = torch.relu(w["net.embed.weight"] @ x + w["net.embed.bias"])
        from_input = (w["net.gru.weight_ih_l0"] @ x + w["net.gru.bias_ih_l0"]).chunk(3)
        from_hidden = (w["net.gru.weight_hh_l0"] @ h + w["net.gru.bias_hh_l0"]).chunk(3)
        reset = 1 / (1 + torch.exp(-from_input[0] - from_hidden[0]))
        update = 1 / (1 + torch.exp(-from_input[1] - from_hidden[1]))
        return (1 - update) * torch.tanh(from_input[2] + reset * from_hidden[2]) + update * h

    def values(self, w, episodes, b):
        """[step][agent] -> values of the actions, or None where nobody is: up to the step after the last."""
        length, found = int(episodes.length[b]), []
        hidden = [torch.zeros(self.config.hidden, dtype=D) for _ in range(2)]
        for t in range(length + 1):
            row = []
            for i in range(2):
                left = t > 0 and bool(episodes.cut[t - 1, b, i])
                if not episodes.alive[t, b, i] and not left:
                    row.append(None)
                    continue
                last = torch.zeros(4, dtype=D)
                if t > 0:
                    last[int(episodes.action[t - 1, b, i])] = 1.0
                who = torch.tensor([1.0 - i, float(i)], dtype=D)
                x = torch.cat([episodes.obs[t, b, i] * self.config.obs_scale, last, who])
                hidden[i] = self.cell(w, x, hidden[i])
                row.append(w["net.head.weight"] @ hidden[i] + w["net.head.bias"])
            found.append(row)
        return found

    def mix(self, w, q, state):
        """Values of the agents (0 for nobody) -> those that are learned."""
        if self.config.mixer == "none":
            return q
        if self.config.mixer == "sum":
            return [q[0] + q[1]]
        s = state * self.config.obs_scale

        def hyper(name):
            hidden = torch.relu(w[f"mixer.{name}.0.weight"] @ s + w[f"mixer.{name}.0.bias"])
            return w[f"mixer.{name}.2.weight"] @ hidden + w[f"mixer.{name}.2.bias"]

        width = self.config.mixing_width
        first, second = hyper("hyper_1").abs(), hyper("hyper_2").abs()
        bias = w["mixer.bias.weight"] @ s + w["mixer.bias.bias"]
        total = hyper("value")[0]
        for m in range(width):
            x = q[0] * first[m] + q[1] * first[width + m] + bias[m]
            total = total + second[m] * (x if x > 0 else torch.exp(x) - 1)
        return [total]

    def mask(self, episodes, t, b, i):
        """Who may do what; where nobody says, as the step before."""
        beyond = t == int(episodes.length[b]) or (t > 0 and bool(episodes.cut[t - 1, b, i]))
        return episodes.available[t - 1 if beyond else t, b, i]

    def worth(self, live, ahead, episodes, b, t):
        """What is ahead at step t, by the target network at what the live one would do."""
        q = []
        for i in range(2):
            if ahead[t][i] is None:
                q.append(torch.zeros((), dtype=D))
                continue
            judge = (live if self.config.double_q else ahead)[t][i].tolist()
            allowed = [a for a in range(4) if self.mask(episodes, t, b, i)[a]]
            q.append(ahead[t][i][max(allowed, key=judge.__getitem__)])
        return self.mix(self.target, q, episodes.state[t, b])

    def update(self, episodes):
        config, errors, values, targets = self.config, [], [], []
        team = config.mixer != "none"
        for b in range(len(episodes.length)):
            live, ahead = self.values(self.weights, episodes, b), self.values(self.target, episodes, b)
            length = int(episodes.length[b])
            following = None
            for t in reversed(range(length)):
                then = self.worth(live, ahead, episodes, b, t + 1)
                if t == length - 1 and episodes.terminated[b]:
                    then = [0.0 * x for x in then]
                if not team:
                    then = [x * (ahead[t + 1][i] is not None) for i, x in enumerate(then)]
                reward = [config.reward_scale * float(x) for x in episodes.reward[t, b]]
                gone = [bool(x) for x in episodes.cut[t, b]]
                if team:
                    reward, gone = [sum(reward) / 2], [any(gone)]
                target = []
                for m, r in enumerate(reward):
                    later = then[m] if following is None or gone[m] else following[m]
                    mixed = (1 - config.td_lambda) * then[m] + config.td_lambda * later
                    target.append(float(r + config.gamma * mixed))
                following = target
                q = [
                    live[t][i][int(episodes.action[t, b, i])] if episodes.alive[t, b, i] else torch.zeros((), dtype=D)
                    for i in range(2)
                ]
                for m, value in enumerate(self.mix(self.weights, q, episodes.state[t, b])):
                    if team or episodes.alive[t, b, m]:
                        errors.append((value - target[m]) ** 2)
                        values.append(float(value.detach()))
                        targets.append(target[m])
        loss = sum(errors) / len(errors)
        norm = self.descend(loss)
        return [float(loss.detach()), sum(values) / len(values), sum(targets) / len(targets), norm]

    def descend(self, loss):
        config = self.config
        gradients = dict(zip(self.weights, torch.autograd.grad(loss, self.weights.values()), strict=True))
        norm = math.sqrt(sum(float(x) ** 2 for gradient in gradients.values() for x in gradient.flatten()))
        scale = min(1.0, config.max_grad_norm / (norm + 1e-6))
        self.count += 1
        for name, gradient in gradients.items():
            g = gradient * scale
            if config.optimizer == "rmsprop":
                self.v[name] = 0.99 * self.v[name] + 0.01 * g * g
                step = g / (torch.sqrt(self.v[name]) + config.optimizer_eps)
            else:
                self.m[name] = 0.9 * self.m[name] + 0.1 * g
                self.v[name] = 0.999 * self.v[name] + 0.001 * g * g
                root = torch.sqrt(self.v[name] / (1 - 0.999**self.count))
                step = self.m[name] / (1 - 0.9**self.count) / (root + config.optimizer_eps)
            with torch.no_grad():
                self.weights[name] -= config.lr * step
        if self.count % config.target_interval == 0:
            self.target = {name: value.detach().clone() for name, value in self.weights.items()}
        return norm


def _named(prefix, module):
    return {f"{prefix}.{name}": value.detach().clone().to(D) for name, value in module.named_parameters()}


def check(config, layout=LivingSteps, dtype=D, relative=1e-6, cuts=False, updates=2):
    q = q_of(SIZES, config, dtype=dtype)
    with torch.no_grad():  # a target network that differs, as it does in training
        generator = torch.Generator().manual_seed(1)
        for parameter in (*q.target_net.parameters(), *q.target_mixer.parameters()):
            parameter += 0.2 * torch.randn(parameter.shape, generator=generator)
    q.layout = layout
    reference = Reference(q, config)
    for seed in range(updates):
        episodes = random_episodes(seed, SIZES, LENGTHS, TERMINATED, D, cuts)
        expected = reference.update(episodes)
        if dtype != D:
            episodes = random_episodes(seed, SIZES, LENGTHS, TERMINATED, D, cuts)
            for name in ("obs", "state", "reward"):
                setattr(episodes, name, getattr(episodes, name).to(dtype))
        assert q.gradient_step(episodes).tolist() == pytest.approx(expected, rel=10 * relative)
    for name, value in {**_named("net", q.net), **_named("mixer", q.mixer)}.items():
        wanted = reference.weights[name].detach() - reference.first[name]
        assert float(wanted.norm()) > 1e-4, f"{name} hardly moves: the check says nothing"
        change = value - reference.first[name]
        assert float((change - wanted).norm() / wanted.norm()) < relative, name


layouts = pytest.mark.parametrize("layout", [LivingSteps, EveryStep])


@layouts
@pytest.mark.parametrize("mixer", ["none", "sum", "qmix"])
def test_an_update_equals_the_reference(mixer, layout):
    check(QConfig(**BASE, mixer=mixer), layout)


@pytest.mark.slow
@layouts
@pytest.mark.parametrize("mixer", ["none", "sum", "qmix"])
def test_lambda_returns_who_left_alone_and_new_targets(mixer, layout):
    small = {"mixing_width": 3, "hypernet_width": 4} if mixer == "qmix" else {}
    config = QConfig(**BASE, mixer=mixer, td_lambda=0.7, target_interval=2, optimizer="adam", **small)
    check(config, layout, cuts=True, updates=3)


def test_without_double_q_and_with_a_clipped_gradient():
    check(QConfig(**BASE, mixer="sum", double_q=False, max_grad_norm=0.05))


def test_in_single_precision():
    check(QConfig(**BASE, mixer="qmix", td_lambda=0.5), dtype=torch.float32, relative=2e-3)


def test_what_is_cut_and_what_ends_changes_the_targets():
    """The cases above differ: the same steps with another end, or with nobody truncated alone, have other targets."""
    q = q_of(SIZES, QConfig(**BASE), dtype=D)
    made = [random_episodes(0, SIZES, LENGTHS, ends, D, cuts)
            for ends, cuts in ((TERMINATED, True), ([False] * 4, True), (TERMINATED, False))]  # fmt: skip
    assert made[0].cut.any()
    ended, endless, uncut = (q.values(episodes)[1] for episodes in made)
    assert not torch.allclose(ended[5, 0], endless[5, 0])
    assert not torch.allclose(ended[made[0].cut], uncut[made[0].cut])


def test_behind_an_episode_nothing_is_learned():
    """Whatever lies in the padding, values, targets and gradients of the steps before are the same."""
    config = QConfig(**BASE, mixer="qmix", td_lambda=0.5)
    found = []
    for rubbish in (0.0, 1e3):
        q = q_of(SIZES, config, dtype=D)
        episodes = random_episodes(0, SIZES, LENGTHS, TERMINATED)
        behind = torch.arange(7)[:, None] > episodes.length
        episodes.obs[behind], episodes.state[behind], episodes.alive[behind] = rubbish, rubbish, True
        episodes.reward[behind[1:]] = rubbish
        episodes.cut[behind[1:]] = rubbish > 0
        found.append(q.gradient_step(episodes))
    torch.testing.assert_close(found[0], found[1], rtol=1e-12, atol=0)


def test_nobody_alive_is_nothing_to_learn_from():
    q = q_of(SIZES, QConfig(**BASE))
    episodes = random_episodes(0, SIZES, LENGTHS, TERMINATED, torch.float32)
    episodes.alive[:] = False
    before = [parameter.clone() for parameter in q.parameters]
    assert torch.isfinite(q.gradient_step(episodes)).all()
    assert all(torch.equal(old, new) for old, new in zip(before, q.parameters, strict=True))


@pytest.mark.cuda
def test_one_update_on_cuda_agrees_with_cpu():
    from isa_learners.inputs import InputEncoder
    from isa_learners.q_learning import QLearning

    config = QConfig(**BASE, mixer="qmix", td_lambda=0.5)
    said = {}
    for device in ("cpu", "cuda"):
        q = QLearning(SIZES, config, InputEncoder(SIZES, config.obs_scale, device), device, 3)
        episodes = random_episodes(0, SIZES, LENGTHS, TERMINATED, torch.float32)
        moved = type(episodes)(**{name: value.to(device) for name, value in vars(episodes).items()})
        said[device] = q.gradient_step(moved).cpu()
    torch.testing.assert_close(said["cuda"], said["cpu"], rtol=1e-4, atol=1e-5)
