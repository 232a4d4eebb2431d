"""PPO's network written out slowly, in float64: its cell, its output and a step of Adam; and sizes to try it with."""

import math

import torch

F, ACTIONS, AGENTS, HIDDEN, STATE = 5, 4, 2, 6, 3
D = torch.float64
BASE = {"num_envs": 3, "rollout_steps": 7, "epochs": 1, "hidden": HIDDEN, "lr": 3e-3, "entropy_factor": 0.02}


class ReferenceNet:
    """Linear -> ReLU -> GRU -> LayerNorm -> Linear, or another core, a step at a time, for one agent.

    A network without memory hands on what its last layer made, and does not look at it.
    """

    def __init__(self, net):
        self.size = net.state_size
        self.weights = {name: value.detach().clone().to(D).requires_grad_() for name, value in net.named_parameters()}
        self.first = {name: value.detach().clone() for name, value in self.weights.items()}
        self.m = {name: torch.zeros_like(value) for name, value in self.first.items()}
        self.v = {name: torch.zeros_like(value) for name, value in self.first.items()}
        self.updates = 0

    def cell(self, x, h):
        w = self.weights
        x = torch.relu(w["embed.weight"] @ x + w["embed.bias"])
        for i in range(sum(name.startswith("deeper") for name in w) // 2):
            x = torch.relu(w[f"deeper.{i}.weight"] @ x + w[f"deeper.{i}.bias"])
        if "last.weight" in w:
            return torch.relu(w["last.weight"] @ x + w["last.bias"])
        if "lstm.bias_hh_l0" in w:
            return self.lstm_cell(x, h)
        from_input = (w["gru.weight_ih_l0"] @ x + w["gru.bias_ih_l0"]).chunk(3)
        from_hidden = (w["gru.weight_hh_l0"] @ h + w["gru.bias_hh_l0"]).chunk(3)
        reset = 1 / (1 + torch.exp(-from_input[0] - from_hidden[0]))
        update = 1 / (1 + torch.exp(-from_input[1] - from_hidden[1]))
        candidate = torch.tanh(from_input[2] + reset * from_hidden[2])
        return (1 - update) * candidate + update * h

    def lstm_cell(self, x, state):
        w, (h, c) = self.weights, state.chunk(2)
        gates = w["lstm.weight_ih_l0"] @ x + w["lstm.bias_ih_l0"] + w["lstm.weight_hh_l0"] @ h + w["lstm.bias_hh_l0"]
        into, forget, new, out = gates.chunk(4)
        c = c / (1 + torch.exp(-forget)) + torch.tanh(new) / (1 + torch.exp(-into))
        return torch.cat([torch.tanh(c) / (1 + torch.exp(-out)), c])

    def output(self, h):
        w, h = self.weights, h[:HIDDEN]
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


def moved(ppo, nets, seed, dtype):
    """Bring a learner away from zero biases and near-zero outputs, which would hide mistakes."""
    generator = torch.Generator()
    generator.manual_seed(seed)
    with torch.no_grad():
        for net in nets:
            for name, parameter in net.named_parameters():
                scale = 0.5 if name == "head.weight" else 0.1
                parameter += scale * torch.randn(parameter.shape, generator=generator)
    ppo.actor.to(dtype)
    ppo.critic.to(dtype)
    return ppo
