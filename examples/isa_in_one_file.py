"""ISA in one file: Algorithm 1 (arXiv 2505.08630) built from the library's components.

    pip install -e '.[train]'
    python examples/isa_in_one_file.py                  # solves grid/shooting in about half a minute on one core
    python examples/isa_in_one_file.py --steps 12000    # a short trial

`isa train` adds a run folder, checkpoints, exact resume, presets and other algorithms.
"""

import argparse

import torch

from isa_learners import PPOConfig
from isa_learners.ppo import PPOLearner
from isa_learners.rollout import Collector, Sizes
from isa_learners.runs.evaluation import evaluate
from isa_wrappers import CountConfig, GoalBuffer, GoalConfig, estimate_scope, make_batch
from isa_wrappers.wrappers.batch import GoalRecording, GoalSampling, GoalSegmentReward, InfluenceCountBonus

parser = argparse.ArgumentParser()
parser.add_argument("--task", default="grid/shooting")
parser.add_argument("--steps", type=int, default=600_000)
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()
torch.set_num_threads(1)

settings = PPOConfig(
    num_envs=64, rollout_steps=30, buffer_rollouts=1, epochs=2, minibatches=2, hidden=32, lr=2e-3,
    entropy_factor=0.01, obs_scale=0.1,
)  # fmt: skip


def fresh(env, seed):
    """Return a new learner and a collector that gathers its experience in ``env``."""
    learner = PPOLearner(Sizes.of(env), settings, "cpu", seed)
    return learner, Collector(env, learner, torch.Generator().manual_seed(seed), seed)


# Algorithm 1, line 4: estimate from random steps which dimensions each agent's actions can move.
scope = estimate_scope(make_batch(args.task, num_envs=8), seed=args.seed)
print("all agents move", [scope.dim_name(k) for k in scope.common_dims])
for agent, dims in zip(scope.agents, scope.special_dims, strict=True):
    print(agent, "alone moves", [scope.dim_name(k) for k in dims])
steps = scope.settings["env_steps"]
goals = GoalBuffer(scope.state_size, seed=args.seed, device="cpu")

# Explore the dimensions that agents can move with a count bonus (Eq. 10) until an episode is won.
# The final state of a won episode becomes a goal.
env = make_batch(args.task, settings.num_envs, "cpu")
learner, collector = fresh(InfluenceCountBonus(GoalRecording(env, goals), scope, CountConfig()), args.seed)
while len(goals) == 0 and steps < args.steps:
    rollout = collector.collect(settings.rollout_steps)
    learner.learn(rollout)
    steps += rollout.done.numel()
print(f"first win after {steps:,} steps" if len(goals) else f"no win in {steps:,} steps")

# Reach goals: a new policy observes one goal per episode; each agent is rewarded for progress in the dimensions
# that its own action can move (Eq. 7).
if len(goals):
    env = make_batch(args.task, settings.num_envs, "cpu")
    sampling = GoalSampling(GoalRecording(env, goals), goals, scope, args.seed)
    learner, collector = fresh(GoalSegmentReward(sampling, scope, GoalConfig()), args.seed + 1)
    games = GoalSampling(make_batch(args.task, 32, "cpu"), goals, scope)
    rate = 0.0
    while rate < 0.95 and steps < args.steps:
        for _ in range(10):
            rollout = collector.collect(settings.rollout_steps)
            learner.learn(rollout)
            steps += rollout.done.numel()
        rate = evaluate(games, learner, seed=steps).success_rate
        print(f"{steps:,} steps: greedy success rate {rate:.2f}, {len(goals)} goals")
