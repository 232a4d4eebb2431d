"""Made-up rollouts, and ways in which their episodes end."""

import torch

from isa_learners.ppo.batch import Batch

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


def random_rollout(
    ppo, seed, ends, start, num_agents=2, spread=0.3, dtype=torch.float64, cuts=False, probes=0.0, state_size=0,
    bonus=False,
):  # fmt: skip
    """Make up a rollout in which ``ends[t][b]`` ("", "terminated", "truncated") ends episodes.

    Old log-probabilities are those of ``ppo``'s actor moved by noise of ``spread``, so that some ratios are clipped.

    Args:
        ppo: gives the sizes and the policy.
        seed: of everything made up.
        ends: how episodes end.
        start: ``[B]`` bool, whether an episode starts with the rollout; elsewhere hidden states are carried over.
        num_agents: A.
        spread: of the noise.
        dtype: of the floats.
        cuts: half of those that leave while the episode goes on were truncated by themselves.
        probes: share of the steps that were drawn uniformly.
        state_size: K of what the critic sees besides.
        bonus: there is one.
    """
    generator = torch.Generator()
    generator.manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    steps, num_envs = len(ends), len(ends[0])
    net = ppo.actor.of(0) if hasattr(ppo.actor, "of") else ppo.actor
    num_inputs, n, hidden_size = net.embed.in_features, net.head.out_features, net.state_size
    terminated = torch.tensor([[end == "terminated" for end in row] for row in ends])
    done = torch.tensor([[end != "" for end in row] for row in ends])
    starts = torch.cat([torch.tensor([start]), done[:-1]])
    inputs = normal(steps, num_envs, num_agents, num_inputs)
    following = torch.cat([inputs[1:], normal(1, num_envs, num_agents, num_inputs)])
    last = normal(steps, num_envs, num_agents, num_inputs)
    final = torch.where(done[..., None, None], last, following)
    available = torch.rand(steps, num_envs, num_agents, n, generator=generator) < 0.6
    available[..., 1] |= ~available.any(-1)
    weights = torch.rand(steps, num_envs, num_agents, n, generator=generator) * available
    action = weights.argmax(-1)
    alive = (torch.rand(steps, num_envs, num_agents, generator=generator) < 0.75).to(torch.float64)
    # Whoever is alive at a step was so after the one before; across ends and beyond the rollout anything goes.
    fate = (torch.rand(steps, num_envs, num_agents, generator=generator) < 0.75).to(torch.float64)
    next_alive = torch.where(done[..., None], fate, torch.cat([alive[1:], fate[-1:]]))
    kept = (~starts[0]).double()[None, :, None, None]
    actor_hidden = normal(1, num_envs, num_agents, hidden_size).tanh() * kept
    critic_hidden = normal(1, num_envs, num_agents, hidden_size).tanh() * kept
    log_prob = torch.log_softmax(0.5 * normal(steps, num_envs, num_agents, n).masked_fill(~available, -1e9), -1)
    log_prob = log_prob.gather(-1, action[..., None])[..., 0] + spread * normal(steps, num_envs, num_agents)
    reward = normal(steps, num_envs, num_agents) + 2.0
    floats = {
        "inputs": inputs,
        "final_inputs": final,
        "alive": alive,
        "next_alive": next_alive,
        "log_prob": log_prob,
        "reward": reward,
        "actor_hidden": actor_hidden,
        "critic_hidden": critic_hidden,
    }
    if state_size:
        floats |= {name: normal(steps, num_envs, state_size) for name in ("state", "final_state")}
    if bonus:
        floats["bonus"] = normal(steps, num_envs, num_agents) - 0.5
    leaves = (alive > 0) & (next_alive == 0) & ~done[..., None]
    cut = leaves & (torch.rand(steps, num_envs, num_agents, generator=generator) < 0.5) & cuts
    return Batch(
        **{name: value.to(dtype) for name, value in floats.items()},
        available=available,
        action=action,
        start=starts,
        terminated=terminated,
        done=done,
        cut=cut,
        probe=torch.rand(steps, num_envs, num_agents, generator=generator) < probes,
    )
