"""Q-learning written out slowly, in float64.

It walks over episodes, agents and steps in Python, with a GRU cell, mixers, lambda-returns, the loss, gradient
clipping, RMSprop and Adam written out from their equations; only the gradients are torch's.
"""

import math

import torch

D = torch.float64


class Reference:
    """Q-learning, written out."""

    def __init__(self, q, config):
        self.config = config
        live = {**named("net", q.net), **named("mixer", q.mixer), **self.further(q)}
        self.weights = {name: value.clone().requires_grad_() for name, value in live.items()}
        self.first = {name: value.detach().clone() for name, value in self.weights.items()}
        self.target = {**named("net", q.target_net), **named("mixer", q.target_mixer)}
        self.v = {name: torch.zeros_like(value) for name, value in self.first.items()}
        self.m = {name: torch.zeros_like(value) for name, value in self.first.items()}
        self.count = 0

    def further(self, q):
        """What else is trained."""
        return {}

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
        taken = [torch.zeros(4, dtype=D) for _ in range(2)]
        for t in range(length + 1):
            row = []
            for i in range(2):
                left = t > 0 and bool(episodes.cut[t - 1, b, i])
                if not episodes.alive[t, b, i] and not left:
                    row.append(None)
                    continue
                last = taken[i]
                who = torch.tensor([1.0 - i, float(i)], dtype=D)
                x = torch.cat([episodes.obs[t, b, i] * self.config.obs_scale, last, who])
                after = self.cell(w, x, hidden[i])
                row.append(w["net.head.weight"] @ after + w["net.head.bias"])
                if episodes.alive[t, b, i]:  # else its state and its last action stand still, as in acting
                    hidden[i] = after
                    if t < length:
                        taken[i] = torch.eye(4, dtype=D)[int(episodes.action[t, b, i])]
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

    def add(self, episodes, looks):
        """What an algorithm adds: rewards of the team by episode and step, a loss, figures."""
        return [[0.0] * int(length) for length in episodes.length], 0.0, []

    def update(self, episodes):
        config, errors, values, targets = self.config, [], [], []
        team = config.mixer != "none"
        looks = [
            (self.values(self.weights, episodes, b), self.values(self.target, episodes, b))
            for b in range(len(episodes.length))
        ]
        bonus, added, figures = self.add(episodes, looks)
        for b, (live, ahead) in enumerate(looks):
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
                    reward, gone = [sum(reward) / 2 + bonus[b][t]], [any(gone)]
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
        norm = self.descend(loss + added)
        return [float(loss.detach()), sum(values) / len(values), sum(targets) / len(targets), norm, *figures]

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


def named(prefix, module):
    return {f"{prefix}.{name}": value.detach().clone().to(D) for name, value in module.named_parameters()}
