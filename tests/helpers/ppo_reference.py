"""PPO written out slowly, in float64.

It walks over rollouts, environments, agents and steps in Python, with GAE, value norm, losses and minibatches written
out from their equations, on networks of ``ppo_reference_net``; only the gradients are torch's.
"""

import math

import torch
from ppo_reference_net import ACTIONS, AGENTS, D, ReferenceNet

from isa_learners.ppo.networks import PerAgentNet


class Reference:
    """The learner, written out."""

    def __init__(self, ppo, config, seed):
        self.config = config
        if not isinstance(ppo.actor, PerAgentNet):
            self.actor = ReferenceNet(ppo.actor)
        self.critic = ReferenceNet(ppo.critic)
        self.heads = range(1 + config.bonus_head)  # of the critic: the environment's reward, and a bonus
        self.moments, self.weight = [[0.0, 0.0] for _ in self.heads], 0.0
        self.generator = torch.Generator()
        self.generator.manual_seed(seed)
        self.rollouts = []

    def mean_std(self, head=0):
        if self.weight == 0:
            return 0.0, 1.0
        first, second = self.moments[head]
        mean = first / self.weight
        return mean, math.sqrt(max(second / self.weight - mean**2, 1e-6))

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
                start = torch.zeros(self.critic.size, dtype=D)
                h = rollout.critic_hidden[0, b, i].to(D) if first == 0 else start
                actor_h = rollout.actor_hidden[0, b, i].to(D) if first == 0 else start
                steps, critic_h = [], h
                for t in range(first, end):
                    if rollout.alive[t, b, i]:  # the state of the dead stands still
                        h = self.critic.cell(self.seen(rollout, t, b, i), h).detach()
                    value = [self.denormalized(h, head) if rollout.alive[t, b, i] else 0.0 for head in self.heads]
                    steps.append({"t": t, "rollout": rollout, "b": b, "i": i, "value": value})
                    if rollout.cut[t, b, i]:  # truncated by itself: what would have come is what the critic expects
                        seen = self.seen(rollout, t, b, i, final=True)
                        steps[-1]["bootstrap"] = self.denormalized(self.critic.cell(seen, h).detach())
                hidden_after[id(rollout), b, i] = torch.zeros_like(h) if rollout.done[end - 1, b] else h
                last = self.seen(rollout, end - 1, b, i, final=True)
                last_h = self.critic.cell(last, h).detach()
                bootstrap = self.denormalized(last_h)
                if rollout.terminated[end - 1, b] or not rollout.next_alive[end - 1, b, i]:
                    bootstrap = 0.0
                self.estimate(steps, rollout, bootstrap)
                what = {"steps": steps, "actor_h": actor_h, "critic_h": critic_h, "rollout": rollout, "b": b, "i": i}
                found.append({**what, "last_h": last_h})
        if self.config.bonus_head:
            self.estimate_bonus(found)
        return found, hidden_after

    def estimate_bonus(self, streams):
        """GAE of the bonus over the whole rollout, whatever ends in it, from the last step back."""
        last = [stream for stream in streams if stream["steps"][-1]["t"] == len(stream["rollout"].done) - 1]
        for end in last:
            rollout, b, i = end["rollout"], end["b"], end["i"]
            here = [s for s in streams if s["rollout"] is rollout and (s["b"], s["i"]) == (b, i)]
            steps = sorted((step for stream in here for step in stream["steps"]), key=lambda step: step["t"])
            goes_on = rollout.next_alive[-1, b, i] or rollout.cut[-1, b, i]
            advantage, passing, following = 0.0, 0.0, self.denormalized(end["last_h"], 1) if goes_on else 0.0
            for step in reversed(steps):
                bonus, value = float(rollout.bonus[step["t"], b, i]), step["value"][1]
                delta = bonus + self.config.bonus_gamma * following - value
                advantage = delta + self.config.bonus_gamma * passing * advantage
                step["advantage"] += advantage
                step["return"].append(advantage + value)
                following, passing = value, self.passing(step, 1.0)

    def denormalized(self, h, head=0):
        mean, std = self.mean_std(head)
        return float(self.critic.output(h)[head].detach()) * std + mean

    def estimate(self, steps, rollout, bootstrap):
        """GAE by its recursion, from the last step back."""
        advantage, following, passing = 0.0, bootstrap, 0.0
        for step in reversed(steps):
            reward = float(rollout.reward[step["t"], step["b"], step["i"]])
            if "bootstrap" in step:
                advantage, following = 0.0, step["bootstrap"]
            value = step["value"][0]
            delta = reward + self.config.gamma * following - value
            advantage = delta + self.config.gamma * passing * advantage
            step["advantage"], step["return"] = advantage, [advantage + value]
            following, passing = value, self.passing(step, self.config.dead_lambda)

    def passing(self, step, dead):
        """Return lambda before a step."""
        lives = dead is None or step["rollout"].alive[step["t"], step["b"], step["i"]]
        return self.config.gae_lambda if lives else dead

    def update(self, rollout):
        config = self.config
        self.rollouts = [*self.rollouts, rollout][-config.buffer_rollouts :]
        streams, hidden_after = self.streams()
        living = [s for stream in streams for s in stream["steps"] if s["rollout"].alive[s["t"], s["b"], s["i"]]]
        for head, moments in enumerate(self.moments):
            returns = [step["return"][head] for step in living]
            moments[0] = 0.99 * moments[0] + 0.01 * sum(returns) / len(returns)
            moments[1] = 0.99 * moments[1] + 0.01 * sum(r * r for r in returns) / len(returns)
        self.weight = 0.99 * self.weight + 0.01
        norms = [self.mean_std(head) for head in self.heads]
        chosen = [s for s in living if not s["rollout"].probe[s["t"], s["b"], s["i"]]]
        average = sum(step["advantage"] for step in chosen) / len(chosen)
        spread = math.sqrt(sum((step["advantage"] - average) ** 2 for step in chosen) / len(chosen))
        for step in living:
            step["normal"] = (step["advantage"] - average) / (spread + 1e-5)
            step["old_value"] = [(v - mean) / std for v, (mean, std) in zip(step["value"], norms, strict=True)]
            step["target"] = [(r - mean) / std for r, (mean, std) in zip(step["return"], norms, strict=True)]
        num_envs = rollout.done.shape[1]
        orders = [self.minibatches(num_envs * len(self.rollouts)) for _ in range(config.epochs)]
        parts = []
        for part in [part for order in orders for part in order]:
            envs = [(id(self.rollouts[env // num_envs]), env % num_envs) for env in part]
            parts.append([stream for stream in streams if (id(stream["rollout"]), stream["b"]) in envs])
        metrics = {}
        for said in self.gradient_steps(streams, parts):
            metrics |= {name: sum(one[name] for one in said) / len(said) for name in said[0]}
        return metrics, hidden_after

    def gradient_steps(self, streams, parts):
        """What the actor's steps say, and the critic's."""
        return [self.actor_step(part) for part in parts], [self.critic_step(part) for part in parts]

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
        errors = [[] for _ in self.heads]
        for stream in batch:
            h = stream["critic_h"]
            for s in stream["steps"]:
                t, b, i, rollout = s["t"], s["b"], s["i"], s["rollout"]
                if not rollout.alive[t, b, i]:
                    continue
                h = self.critic.cell(self.seen(rollout, t, b, i), h)
                for head, value in enumerate(self.critic.output(h)):
                    old, target = s["old_value"][head], s["target"][head]
                    near = old + torch.clamp(value - old, -clip, clip)
                    errors[head].append(torch.maximum(self.loss(value - target), self.loss(near - target)))
        loss = sum(sum(head) / len(head) for head in errors)
        return {
            "value_loss": float(loss.detach()),
            "critic_grad_norm": self.critic.descend(self.config.critic_factor * loss, self.config),
        }
