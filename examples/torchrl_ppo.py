"""Algorithm 1 with TorchRL's PPO: one policy for all agents, with action masks: pip install torchrl."""

import torch
import typer
from tensordict.nn import TensorDictModule
from torchrl.envs import ExplorationType, PettingZooWrapper, set_exploration_type
from torchrl.modules import MaskedCategorical, MultiAgentMLP, ProbabilisticActor
from torchrl.objectives import ClipPPOLoss

from isa_wrappers import GoalBuffer, estimate_scope
from isa_wrappers.envs import make_parallel
from isa_wrappers.wrappers import GoalRecording, GoalSampling, GoalSegmentReward, InfluenceCountBonus


def learn(env, steps, epochs, gamma, seed, enough=lambda: False):
    obs, names = ("agent", "observation", "observation"), {"sample_log_prob": "action_log_prob", "value": "state_value"}
    env, taken = PettingZooWrapper(env, seed=seed), 0
    agents, size = env.observation_spec[obs].shape
    mlp = {"n_agents": agents, "centralized": False, "share_params": True, "depth": 2, "num_cells": 64}
    logits = TensorDictModule(MultiAgentMLP(size, 6, **mlp), [obs], [("agent", "logits")])
    critic = TensorDictModule(MultiAgentMLP(size, 1, **mlp), [obs], [("agent", "state_value")])
    keys, masked = {"logits": ("agent", "logits"), "mask": ("agent", "action_mask")}, MaskedCategorical
    actor = ProbabilisticActor(logits, keys, [("agent", "action")], distribution_class=masked, return_log_prob=True)
    loss = ClipPPOLoss(actor, critic, entropy_coeff=0.01, loss_critic_type="l2", normalize_advantage=True)
    loss.set_keys(**{key: ("agent", names.get(key, key)) for key in ("action", "reward", "done", "terminated", *names)})
    loss.make_value_estimator(gamma=gamma, lmbda=0.95)
    adam = torch.optim.Adam(loss.parameters(), lr=1e-3)
    while taken < steps and not enough():
        with torch.no_grad(), set_exploration_type(ExplorationType.RANDOM):
            data = loss.value_estimator(env.rollout(960, actor, break_when_any_done=False))
        taken += len(data)
        for batch in (batch for _ in range(epochs) for batch in data[torch.randperm(len(data))].split(240)):
            adam.zero_grad()
            sum(value for name, value in loss(batch).items() if name.startswith("loss")).backward()
            torch.nn.utils.clip_grad_norm_(loss.parameters(), 0.5)
            adam.step()
    return actor, env, taken


def main(steps: int = 150_000, seed: int = 0, episodes: int = 32) -> float:
    """Run both phases; return the greedy success rate."""
    torch.manual_seed(seed)
    raw = make_parallel("grid/shooting")
    scope = estimate_scope(raw, seed=seed)
    goals = GoalBuffer(scope.state_size)
    explore = InfluenceCountBonus(GoalRecording(raw, scope, goals), scope)
    *_, taken = learn(explore, steps, 2, 0.99, seed, enough=lambda: len(goals) > 0)
    reach = GoalSegmentReward(GoalSampling(raw, scope, goals), scope)
    actor, env, _ = learn(reach, steps - taken, 8, 0.95, seed)
    reach.freeze()
    with torch.no_grad(), set_exploration_type(ExplorationType.DETERMINISTIC):
        rate = sum(bool(env.rollout(60, actor)["next", "terminated"].any()) for _ in range(episodes)) / episodes
    print(f"{rate:.0%} of {episodes} greedy episodes won after {steps} environment steps")
    return rate


if __name__ == "__main__":
    typer.run(main)
