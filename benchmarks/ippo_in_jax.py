"""IPPO on SMAX: ISA's torch learner against the same algorithm in JAX, with the whole training loop compiled.

    taskset -c 0 python benchmarks/ippo_in_jax.py [--rounds 5] [--iterations 10] [--threads 1] [--json FILE]
    python benchmarks/ippo_in_jax.py --check --rounds 8

Both sides use the settings of one RunConfig (``smax/3m``, preset ``fast``, dense reward) and the same compiled battle,
split minibatches by environments, and run the GRU through the whole rollout, with resets inside it. There is one
difference: JAX has fixed shapes and computes every step, ours only the steps at which agents are alive. ``--check``
fails if the return of either side does not rise.

On CPU, JAX uses as many threads as the process has cores; torch uses ``--threads`` per operation and updates actor and
critic in parallel. taskset restricts both sides to the same cores: ``taskset -c 0`` to one.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax
import torch
from jax.nn.initializers import orthogonal

from isa_learners.ppo import PPOConfig
from isa_learners.ppo.networks import OUTPUT_GAIN
from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.config_io import make_config, parse_overrides
from isa_learners.runs.devices import resolve_device
from isa_learners.runs.run_folder import versions
from isa_wrappers.envs.smax.game import SMAXGame, smax_game

DECAY = 0.99  # of the moving average in value normalisation
Tree = dict[str, Any]


def per_gate(key: Any, shape: tuple[int, int], dtype: Any = jnp.float32) -> Any:
    """Return orthogonal weights for each of the GRU's three gates, side by side."""
    each = (shape[0], shape[1] // 3)
    return jnp.concatenate([orthogonal()(k, each, dtype) for k in jax.random.split(key, 3)], axis=1)


class Net(nn.Module):
    """Linear -> ReLU -> GRU as in torch -> LayerNorm -> Linear; non-recurrent parts are one product for all steps."""

    hidden: int
    outputs: int

    @nn.compact
    def __call__(self, inputs: Any, hidden: Any, start: Any) -> tuple[Any, Any]:
        """Map ``inputs [T, N, F]``, ``hidden [N, H]``, ``start [T, N]`` to outputs and states ``[T, N, _]``."""
        embedded = nn.relu(nn.Dense(self.hidden, kernel_init=orthogonal(2**0.5))(inputs))
        given = nn.Dense(3 * self.hidden, kernel_init=per_gate)(embedded)
        kernel = self.param("kernel", per_gate, (self.hidden, 3 * self.hidden))
        bias = self.param("bias", nn.initializers.zeros, (3 * self.hidden,))

        def cell(h: Any, row: Any) -> tuple[Any, Any]:
            h = jnp.where(row[1][:, None], 0.0, h)
            (r, z, n), (r_h, z_h, n_h) = jnp.split(row[0], 3, -1), jnp.split(h @ kernel + bias, 3, -1)
            z, n = nn.sigmoid(z + z_h), jnp.tanh(n + nn.sigmoid(r + r_h) * n_h)
            h = (1.0 - z) * n + z * h
            return h, h

        states = jax.lax.scan(cell, hidden, (given, start))[1]
        return nn.Dense(self.outputs, kernel_init=orthogonal(OUTPUT_GAIN))(nn.LayerNorm(epsilon=1e-5)(states)), states


class JaxIPPO:
    """The learner; ``train(runner, iterations)`` returns the runner and the episode statistics of each iteration."""

    def __init__(self, game: SMAXGame, config: PPOConfig) -> None:
        if config.buffer_rollouts != 1 or config.num_envs % config.minibatches:
            raise SystemExit("the JAX side needs buffer_rollouts=1 and minibatches that divide num_envs")
        self.game, self.config = game, config
        self.nets = {"actor": Net(config.hidden, game.num_actions), "critic": Net(config.hidden, 1)}
        adam = optax.adam(config.lr, eps=config.adam_eps)
        descent = optax.chain(optax.clip_by_global_norm(config.max_grad_norm), adam)
        # Two transforms, so that each network's gradient is clipped by its own norm.
        self.optimizer = optax.multi_transform(dict.fromkeys(self.nets, descent), {name: name for name in self.nets})
        self.train = jax.jit(
            lambda runner, iterations: jax.lax.scan(lambda now, _: self._iterate(now), runner, None, iterations),
            static_argnums=1,
            donate_argnums=0,
        )

    def begin(self, seed: int, device: Any) -> Tree:
        """Return new networks and battles on a device."""
        game, envs, agents = self.game, self.config.num_envs, self.game.num_allies
        key, *keys = jax.random.split(jax.random.PRNGKey(seed), 4)
        battle, seen = game.reset_all(jax.random.split(keys[0], envs))
        now = {"obs": seen.obs, "available": seen.available, "alive": seen.alive, "start": jnp.ones(envs, bool)}
        now |= {"last": jnp.full((envs, agents), game.num_actions), "earned": jnp.zeros(envs)}
        hidden, fresh = jnp.zeros((envs * agents, self.config.hidden)), jnp.ones((1, envs * agents), bool)
        inputs = self._inputs(seen.obs, now["last"])[None]
        nets = zip(keys[1:], self.nets.items(), strict=True)
        params = {name: net.init(each, inputs, hidden, fresh) for each, (name, net) in nets}
        runner = {"params": params, "optimizer": self.optimizer.init(params), "key": key, "battle": battle}
        runner |= {"now": now | dict.fromkeys(self.nets, hidden), "moments": jnp.zeros(2), "weight": jnp.zeros(())}
        # Copies, because they are donated, with the strict types that train() returns; otherwise it compiles twice.
        return jax.device_put(jax.tree.map(lambda x: jnp.array(x, dtype=x.dtype, copy=True), runner), device)

    def _inputs(self, obs: Any, last: Any) -> Any:
        """Return own observation, last action and agent id, ``[B * A, F]``; action n means none and is all zeros."""
        ids = jnp.broadcast_to(jnp.eye(obs.shape[-2]), (*obs.shape[:-1], obs.shape[-2]))
        parts = [obs * self.config.obs_scale, jax.nn.one_hot(last, self.game.num_actions), ids]
        return jnp.concatenate(parts, axis=-1).reshape(obs.shape[0] * obs.shape[1], -1)

    def _step(self, params: Tree, carry: tuple[Any, ...], _: None) -> tuple[tuple[Any, ...], Tree]:
        key, battle, now = carry
        shape = now["alive"].shape
        key, key_act = jax.random.split(key)
        inputs, fresh = self._inputs(now["obs"], now["last"]), jnp.repeat(now["start"], shape[1])
        available = now["available"].reshape(inputs.shape[0], -1)
        logits, states = self.nets["actor"].apply(params["actor"], inputs[None], now["actor"], fresh[None])
        log_probs = log_softmax(logits[0], available)
        action = jax.random.categorical(key_act, log_probs)
        battle, seen = self.game.step_all(battle, action.reshape(shape))
        done, earned = seen.terminated | seen.truncated, now["earned"] + seen.reward.mean(-1)
        row = {
            "inputs": inputs, "available": available, "action": action, "log_prob": picked(log_probs, action),
            "final_inputs": self._inputs(seen.final_obs, action.reshape(shape)), "start": fresh,
            "alive": now["alive"].reshape(-1).astype(jnp.float32), "reward": seen.reward.reshape(-1),
            "next_alive": seen.final_alive.reshape(-1).astype(jnp.float32), "done": done, "won": seen.success & done,
            "ended": seen.terminated, "earned": earned * done,
        }  # fmt: skip
        now = now | {"obs": seen.obs, "available": seen.available, "alive": seen.alive, "start": done}
        now |= {"last": jnp.where(done[:, None], self.game.num_actions, action.reshape(shape))}
        return (key, battle, now | {"actor": states[0], "earned": earned * ~done}), row

    def _iterate(self, runner: Tree) -> tuple[Tree, Tree]:
        config, params, began, critic = self.config, runner["params"], runner["now"], self.nets["critic"]
        carry = runner["key"], runner["battle"], runner["now"]
        (key, battle, now), rows = jax.lax.scan(partial(self._step, params), carry, None, config.rollout_steps)
        done, ended = (jnp.repeat(rows[name], self.game.num_allies, axis=1) for name in ("done", "ended"))
        # Current values, including those of the final observations before a reset, one step after a known state.
        value, states = critic.apply(params["critic"], rows["inputs"], began["critic"], rows["start"])
        value, flat = value[..., 0], (1, done.size, -1)
        none = jnp.zeros(flat[:2], bool)
        final = critic.apply(params["critic"], rows["final_inputs"].reshape(flat), states.reshape(flat)[0], none)[0]
        mean, std = mean_std(runner["moments"], runner["weight"])
        mask = rows["alive"]
        v_t = (value * std + mean) * mask
        v_tp1 = (final.reshape(done.shape) * std + mean) * rows["next_alive"] * ~ended
        delta, keep = rows["reward"] + config.gamma * v_tp1 - v_t, config.gamma * config.gae_lambda * ~done

        def back(later: Any, row: Any) -> tuple[Any, Any]:
            later = row[0] + row[1] * later
            return later, later

        advantage = jax.lax.scan(back, jnp.zeros_like(delta[0]), (delta, keep), reverse=True)[1]
        returns = advantage + v_t
        batch = jnp.stack([masked_mean(returns, mask), masked_mean(returns**2, mask)])
        moments, weight = DECAY * runner["moments"] + (1 - DECAY) * batch, DECAY * runner["weight"] + 1 - DECAY
        new_mean, new_std = mean_std(moments, weight)
        centred = advantage - masked_mean(advantage, mask)
        data = {name: rows[name] for name in ("inputs", "available", "action", "log_prob", "start", "alive")} | {
            "advantage": centred / (jnp.sqrt(masked_mean(centred**2, mask)) + 1e-5),
            "value": (value * std + mean - new_mean) / new_std,
            "target": (returns - new_mean) / new_std,
            "hidden": {name: began[name][None] for name in self.nets},
        }
        key, key_epochs = jax.random.split(key)
        learned, keys = (params, runner["optimizer"]), jax.random.split(key_epochs, config.epochs)
        (params, optimizer), _ = jax.lax.scan(partial(self._epoch, data), learned, keys)
        runner = {"params": params, "optimizer": optimizer, "key": key, "battle": battle, "moments": moments}
        runner |= {"weight": weight, "now": now | {"critic": states[-1]}}
        return runner, {"episodes": rows["done"].sum(), "return": rows["earned"].sum(), "won": rows["won"].sum()}

    def _epoch(self, data: Tree, learned: tuple[Tree, Any], key: Any) -> tuple[tuple[Tree, Any], None]:
        parts, agents = self.config.minibatches, self.game.num_allies
        order = jax.random.permutation(key, self.config.num_envs).reshape(parts, -1, 1) * agents + jnp.arange(agents)

        def minibatch(learned: tuple[Tree, Any], streams: Any) -> tuple[tuple[Tree, Any], None]:
            params, state = learned
            part = data if parts == 1 else jax.tree.map(lambda x: x[:, streams], data)
            updates, state = self.optimizer.update(jax.grad(self._loss)(params, part), state)
            return (optax.apply_updates(params, updates), state), None

        return jax.lax.scan(minibatch, learned, order.reshape(parts, -1))

    def _loss(self, params: Tree, part: Tree) -> Any:
        """Return the sum of both networks' losses; they share no parameters."""
        config, mask, old = self.config, part["alive"], part["value"]
        logits, value = (
            net.apply(params[name], part["inputs"], part["hidden"][name][0], part["start"])[0]
            for name, net in self.nets.items()
        )
        log_probs, value = log_softmax(logits, part["available"]), value[..., 0]
        ratio = jnp.exp(picked(log_probs, part["action"]) - part["log_prob"])
        clipped = jnp.clip(ratio, 1 - config.clip, 1 + config.clip)
        gain = jnp.minimum(ratio * part["advantage"], clipped * part["advantage"])
        spread = -(jnp.exp(log_probs) * log_probs).sum(-1)
        near = old + jnp.clip(value - old, -config.clip, config.clip)
        worse = jnp.maximum((value - part["target"]) ** 2, (near - part["target"]) ** 2)
        return masked_mean(config.critic_factor * worse - gain - config.entropy_factor * spread, mask)


def log_softmax(logits: Any, available: Any) -> Any:
    return jax.nn.log_softmax(jnp.where(available, logits, -1e9))


def picked(log_probs: Any, action: Any) -> Any:
    return jnp.take_along_axis(log_probs, action[..., None], axis=-1)[..., 0]


def masked_mean(x: Any, mask: Any) -> Any:
    return (x * mask).sum() / jnp.maximum(mask.sum(), 1.0)


def mean_std(moments: Any, weight: Any) -> tuple[Any, Any]:
    """Return mean and standard deviation of the returns; 0 and 1 before the first update."""
    mean, square = moments / jnp.maximum(weight, 1e-8)
    std = jnp.sqrt(jnp.maximum(square - mean**2, 1e-6))
    return jnp.where(weight > 0, mean, 0.0), jnp.where(weight > 0, std, 1.0)


def main() -> None:
    """Measure both sides in turn, print, and write JSON if requested."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--map", default="3m")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--iterations", type=int, default=10, help="iterations of each side per round")
    parser.add_argument("--threads", type=int, default=1, help="torch threads per operation")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or auto")
    parser.add_argument("--set", action="append", default=[], help="configuration override, key=value")
    parser.add_argument("--check", action="store_true", help="fail unless both returns rise by 0.2")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    device = resolve_device(args.device, "smax/3m")
    place = jax.devices("cuda" if device.startswith("cuda") else "cpu")[0]
    own = {"algo": "ippo", "device": device, "threads": args.threads, "env_kwargs": {"reward": "dense"}}
    constant = parse_overrides(["ppo.anneal_to=1.0"])  # the JAX side does not anneal
    config = make_config(f"smax/{args.map}", "fast", own, constant, parse_overrides(args.set))
    ours, theirs = Algorithm(config, None), JaxIPPO(smax_game(args.map, reward="dense"), config.ppo)
    with jax.default_device(place):
        runner = theirs.begin(config.seed, place)

    def ours_round() -> dict[str, float]:
        for _ in range(args.iterations):
            ours.iterate()
        return ours.phase.statistics.take()

    def jax_round() -> dict[str, float]:
        nonlocal runner
        runner, found = theirs.train(runner, args.iterations)
        episodes, earned, won = (float(found[name].sum()) for name in ("episodes", "return", "won"))
        return {"episodes": episodes, "return_mean": earned / episodes, "success_rate": won / episodes}

    steps = config.ppo.num_envs * config.ppo.rollout_steps * args.iterations
    result: dict[str, Any] = {
        "env": config.env,
        "device": device,
        "device_names": [torch.cuda.get_device_name() if device.startswith("cuda") else "cpu", place.device_kind],
        "cores": len(os.sched_getaffinity(0)),
        "torch_threads": args.threads,
        "versions": versions() | {name: version(name) for name in ("jax", "jaxlib", "jaxmarl", "flax", "optax")},
        "ppo": asdict(config.ppo),
        "rounds": [],
    }
    print(", ".join(f"{name} {result[name]}" for name in ("env", "device_names", "cores", "torch_threads", "ppo")))
    print(f"{'round':>6} {'ours steps/s':>13} {'JAX steps/s':>12} {'ours/JAX':>9} {'return ours':>12} {'JAX':>6}")
    for index in range(args.rounds + 1):
        row: dict[str, Any] = {}
        for name, play in (("ours", ours_round), ("jax", jax_round)):
            began = time.perf_counter()
            found = play()
            row |= {name: steps / (time.perf_counter() - began), f"{name}_episodes": found}
        ours_return, jax_return = (row[f"{name}_episodes"]["return_mean"] for name in ("ours", "jax"))
        row["ratio"] = row["ours"] / row["jax"]
        print(f"{index or 'warm':>6} {row['ours']:>13,.0f} {row['jax']:>12,.0f} {row['ratio']:>9.2f}", end="")
        print(f"{ours_return:>13.2f} {jax_return:>6.2f}", flush=True)
        result["rounds"].append(row)
    # The first round includes compilation and is left out.
    result |= {name: statistics.median(row[name] for row in result["rounds"][1:]) for name in ("ours", "jax", "ratio")}
    print(f"median {result['ours']:>13,.0f} {result['jax']:>12,.0f} {result['ratio']:>9.2f}")
    if args.json:
        args.json.write_text(json.dumps(result, indent=2) + "\n")
    first, last = result["rounds"][0], result["rounds"][-1]
    names = ("ours_episodes", "jax_episodes")
    if args.check and any(last[name]["return_mean"] < first[name]["return_mean"] + 0.2 for name in names):
        raise SystemExit("the return of at least one side did not rise by 0.2")


if __name__ == "__main__":
    main()
