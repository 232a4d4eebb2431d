"""COMA written out slowly, in float64.

It walks over environments, agents and steps in Python, with a GRU cell, the critic's layers, lambda-returns, the
counterfactual advantage, gradient clipping, RMSprop and Adam written out; only the gradients are torch's.
"""

import math

import torch
from coma_toys import SIZES

D = torch.float64
ACTIONS, AGENTS = SIZES.num_actions, SIZES.num_agents


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
