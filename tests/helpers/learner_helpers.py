"""Scripted environments, rollouts and tiny configurations for the learner's tests."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from gymnasium import spaces
from pettingzoo import ParallelEnv

from isa_learners.algorithms import ALGORITHMS
from isa_learners.ppo.batch import Batch
from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.config_io import make_config
from isa_learners.runs.scopes import scope_for
from isa_wrappers.batch.protocol import BatchStep

LOCKS = [[0, 1], [2, 0]]
LEARNED = {
    "rnd": {"hidden": 4, "features": 3, "warmup": 2, "interval": 7},
    "noveld": {"hidden": 4, "features": 3, "warmup": 2, "interval": 7},
    "icm": {"hidden": 4, "features": 3, "warmup": 2, "interval": 7},
    "laies": {"external": [0], "hidden": 4, "interval": 7, "epochs": 2},
}
"""Settings of learned rewards; updates are out of step with rollouts."""


def tiny_config(env="grid/unlock", env_kwargs=None, **sections):
    """A run that takes seconds: one agent and one lock a step away, two environments, networks of four units."""
    if env_kwargs is None:
        env_kwargs = {"num_agents": 1, "grid": 3, "targets": [[0, 1]], "horizon": 6}
    base = {
        "env_kwargs": env_kwargs,
        "device": "cpu",
        "steps": 200,
        "eval_interval": 40,
        "eval_episodes": 4,
        "checkpoint_interval": 100_000,
        "scope": {"transitions": 60},
        "count": {"table_bits": 8},
        "ppo": {
            "num_envs": 2,
            "rollout_steps": 5,
            "buffer_rollouts": 1,
            "epochs": 2,
            "minibatches": 1,
            "hidden": 4,
            "lr": 1e-3,
        },
        "coma": {"num_envs": 2, "rollout_steps": 5, "hidden": 4, "critic_width": 4, "lr": 1e-3},
        "q": {"num_envs": 2, "rollout_steps": 5, "replay": 20, "batch": 3, "updates": 2, "hidden": 4, "lr": 1e-3},
    }
    algo = ALGORITHMS[sections.get("algo", "isa")]
    known = {"env_kwargs", "device", "steps", "eval_interval", "eval_episodes", "checkpoint_interval"}
    known.add(sections.get("learner", algo.learner))
    intrinsic = sections.get("intrinsic", algo.intrinsic)
    if intrinsic in LEARNED:
        base[intrinsic] = LEARNED[intrinsic]
        known.add(intrinsic)
    known |= set(algo.sections) | ({"scope"} if algo.needs_scope else set())
    return make_config(env, "fast", {key: value for key, value in base.items() if key in known}, sections)


class ScriptedEnv:
    """Two agents, three actions; what happens is written down beforehand, actions are only remembered.

    ``ends[t][b]`` is ``""``, ``"terminated"``, ``"truncated"`` or ``"lost"`` for step t. Observations
    count up by one a step and by 100 a copy, so that every one is told from every other; those before a reset are
    negative.
    """

    agents = ("a", "b")
    obs_size, state_size = 2, 1
    num_actions = (3, 2)
    horizon = 0
    state_names = ()
    action_names = ()
    device = "cpu"

    def __init__(self, ends, seed=0):
        self.ends, self.num_envs = ends, len(ends[0])
        self.generator = torch.Generator()
        self.generator.manual_seed(seed)
        self.time = 0
        self.actions = []
        self.masks = []
        self.alive = []

    def reset(self, seed=None):
        self.time = 0
        no = torch.zeros(self.num_envs, dtype=torch.bool)
        return self._say(no, no)

    def step(self, actions):
        self.actions.append(actions.clone())
        ends = self.ends[self.time]
        self.time += 1
        terminated = torch.tensor([end == "terminated" for end in ends])
        truncated = torch.tensor([end in ("truncated", "lost") for end in ends])
        return replace(self._say(terminated, truncated), discarded=torch.tensor([end == "lost" for end in ends]))

    def observation(self, final):
        sign = -1.0 if final else 1.0
        number = self.time + 1 + 100.0 * torch.arange(self.num_envs)
        return sign * (number[:, None, None] + torch.tensor([[0.25, 0.5], [0.75, 0.125]]))

    def _say(self, terminated, truncated):
        done = terminated | truncated
        obs = self.observation(final=False)
        final = torch.where(done[:, None, None], self.observation(final=True), obs)
        available = torch.rand(self.num_envs, 2, 3, generator=self.generator) < 0.5
        available[:, 1, 2] = False  # agent b has two actions
        available[..., 0] |= ~available.any(-1)
        alive = torch.rand(self.num_envs, 2, generator=self.generator) < 0.8
        self.masks.append(available)
        self.alive.append(alive)
        state = torch.zeros(self.num_envs, 1)
        reward = torch.full((self.num_envs, 2), float(self.time))
        return BatchStep(
            obs=obs,
            state=state,
            available=available,
            alive=alive,
            reward=reward,
            terminated=terminated,
            truncated=truncated,
            success=terminated,
            final_obs=final,
            final_state=state,
            final_alive=alive,
        )

    def state_dict(self):
        return {"time": torch.tensor(self.time)}

    def load_state_dict(self, state):
        self.time = int(state["time"])
        no = torch.zeros(self.num_envs, dtype=torch.bool)
        return self._say(no, no)


class Countdown(ParallelEnv):
    """Two agents see how many steps are left of seven; nobody wins. Its generator takes 32 bits, as old ones do."""

    metadata = {"name": "countdown"}  # noqa: RUF012

    def __init__(self):
        self.possible_agents = ["a", "b"]
        self.agents = []
        self.left = 0

    def observation_space(self, agent):
        return spaces.Box(0, 7, (1,))

    def action_space(self, agent):
        return spaces.Discrete(3)

    def state(self):
        return np.array([self.left, 1.0], dtype=np.float32)

    def _all(self, value):
        return dict.fromkeys(self.possible_agents, value)

    def reset(self, seed=None, options=None):
        if seed is not None:
            np.random.RandomState(seed)
        self.agents, self.left = list(self.possible_agents), 7
        return self._all(np.array([7.0], dtype=np.float32)), self._all({})

    def step(self, actions):
        self.left -= 1
        over = self.left == 0
        self.agents = [] if over else self.agents
        obs = self._all(np.array([self.left], dtype=np.float32))
        return obs, self._all(1.0), self._all(False), self._all(over), self._all({})


def countdown():
    return Countdown()


def random_rollout(
    ppo, seed, ends, start, num_agents=2, spread=0.3, dtype=torch.float64, cuts=False, probes=0.0, state_size=0
):
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


def algorithm_of(**sections):
    config = tiny_config(**sections)
    return Algorithm(config, scope_for(config)[0])


def collected(algorithm, steps):
    """Collect, as PPO keeps it."""
    return algorithm.phase.learner.batch(algorithm.phase.collector.collect(steps))


def until_reach(algorithm, most=30):
    phases = [algorithm.phase]
    for _ in range(most):
        algorithm.iterate()
        if algorithm.phase is not phases[-1]:
            phases.append(algorithm.phase)
        if algorithm.phase.name == "reach":
            return phases
    pytest.fail(f"nothing won in {most} iterations")
