"""Algorithm 1 with Ray RLlib's PPO, one module for all agents, action masks: pip install 'ray[rllib]' supersuit."""

import ray
import typer
from gymnasium import spaces
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.rl_module.rl_module import RLModuleSpec
from ray.rllib.env.wrappers.pettingzoo_env import ParallelPettingZooEnv
from ray.rllib.examples.rl_modules.classes.action_masking_rlm import ActionMaskingTorchRLModule
from supersuit import observation_lambda_v0

from isa_wrappers import GoalBuffer, GoalConfig, estimate_scope
from isa_wrappers.envs import make_parallel
from isa_wrappers.wrappers import GoalRecording, GoalSampling, GoalSegmentReward, InfluenceCountBonus


def renamed(seen, *_):  # renames the entries of an observation, or of its space, as RLlib's masking module expects
    tenth = spaces.Box(0, 100, seen["observation"].shape) if isinstance(seen, spaces.Dict) else seen["observation"] / 10
    return type(seen)({"observations": tenth, "action_mask": seen["action_mask"]})


def learner(env, gamma, steps, seed):
    class Team(ParallelPettingZooEnv):  # pass a class: RLlib pickles instances, and a copy would not share our goals
        def __init__(self, _):
            super().__init__(observation_lambda_v0(env, renamed, renamed))

        def step(self, actions):
            *told, truncated, infos = super().step(actions)  # RLlib treats singly truncated agents as terminated
            return *told, {"__all__": truncated["__all__"]}, infos

    net = {"fcnet_hiddens": [64, 64], "fcnet_activation": "tanh", "vf_share_layers": False}
    config = PPOConfig().environment(Team, disable_env_checking=True).env_runners(num_env_runners=0)
    config.debugging(seed=seed).multi_agent(policies={"team"}, policy_mapping_fn=lambda *_, **__: "team")
    config.rl_module(rl_module_spec=RLModuleSpec(ActionMaskingTorchRLModule, model_config=net))
    config.training(lr=[[0, 2e-3], [steps, 0.0]], gamma=gamma, lambda_=0.95, entropy_coeff=0.05, clip_param=0.2)
    config.training(train_batch_size_per_learner=600, minibatch_size=600, num_epochs=8, use_kl_loss=False)
    return config.training(vf_clip_param=1e9, vf_loss_coeff=0.5, grad_clip=1.0).build_algo()


def main(steps: int = 100_000, seed: int = 0, episodes: int = 32) -> float:
    with ray.init(address="local", include_dashboard=False, num_cpus=1, log_to_driver=False, logging_level="error"):
        raw, taken = make_parallel("grid/shooting"), 0
        scope = estimate_scope(raw, seed=seed)
        goals = GoalBuffer(scope.state_size)
        explorer = learner(InfluenceCountBonus(GoalRecording(raw, scope, goals), scope), 0.99, steps, seed)
        while taken < steps and not len(goals):
            taken = explorer.train()["num_env_steps_sampled_lifetime"]
        reach = GoalSegmentReward(GoalSampling(raw, scope, goals), scope, GoalConfig(alpha1=1.0))
        policy, reached = learner(reach, 0.9, steps - taken, seed), 0
        while taken + reached < steps:
            reached = policy.train()["num_env_steps_sampled_lifetime"]
        reach.freeze()
        rate = sum(e.is_terminated for e in policy.env_runner.sample(num_episodes=episodes, explore=False)) / episodes
        print(f"{rate:.0%} of {episodes} greedy episodes won after {steps} environment steps")
    return rate


if __name__ == "__main__":
    typer.run(main)
