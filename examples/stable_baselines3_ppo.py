"""Algorithm 1 with Stable-Baselines3's PPO; action masks are only inputs: pip install stable-baselines3 supersuit.

python examples/stable_baselines3_ppo.py --steps 150000 --seed 0
"""

from functools import partial

import supersuit as ss
import typer
from stable_baselines3 import PPO
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.utils import set_random_seed
from supersuit.vector import ConcatVecEnv
from supersuit.vector.sb3_vector_wrapper import SB3VecEnvWrapper

from isa_wrappers import GoalBuffer, VisitCounter, estimate_scope
from isa_wrappers.envs import make_parallel
from isa_wrappers.wrappers import GoalRecording, GoalSampling, GoalSegmentReward, InfluenceCountBonus

SETTINGS = {"learning_rate": lambda left: left / 1000, "n_steps": 120, "batch_size": 720, "ent_coef": 0.01}


class Team(SB3VecEnvWrapper):
    """All copies' agents as one vector env; ss.concat_vec_envs_v1 would pickle copies, which then share no goals."""

    def __init__(self, copies: list) -> None:
        super().__init__(ConcatVecEnv([partial(ss.pettingzoo_env_to_vec_env_v1, env) for env in copies]))

    def step_wait(self) -> tuple:
        observations, rewards, terminated, truncated, infos = self.venv.step_wait()
        infos = [{**info, "TimeLimit.truncated": bool(cut)} for info, cut in zip(infos, truncated, strict=True)]
        return observations, rewards, (terminated | truncated).astype(bool), infos


def algorithm_1(ppo: partial, team: type, steps: int, seed: int) -> tuple:
    """Explore until an episode is won, then train a new policy to reach goals; return it and an evaluation env."""
    set_random_seed(seed)
    raw = [make_parallel("grid/shooting") for _ in range(16)]
    scope = estimate_scope(raw[0], seed=seed)
    goals, counter = GoalBuffer(scope.state_size), VisitCounter([scope.common_dims, *scope.special_dims])
    explore = [InfluenceCountBonus(GoalRecording(env, scope, goals), scope, counter=counter) for env in raw[:8]]
    reach = [GoalSegmentReward(GoalSampling(env, scope, goals, seed=i), scope) for i, env in enumerate(raw[8:])]
    budget = len(scope.agents) * steps  # Stable-Baselines3 counts the steps of every agent
    explorer = ppo(team(explore), n_epochs=2, gamma=0.99).learn(budget, callback=lambda *_: len(goals) == 0)
    policy = ppo(team(reach), n_epochs=8, gamma=0.95).learn(budget - explorer.num_timesteps)
    return policy, reach[0].env


def main(steps: int = 150_000, seed: int = 0, episodes: int = 32) -> float:
    """Run both phases; return the greedy success rate, which is the mean return, since a won episode pays 1."""
    policy, judge = algorithm_1(partial(PPO, "MultiInputPolicy", device="cpu", **SETTINGS), Team, steps, seed)
    judge.freeze()
    rate, _ = evaluate_policy(policy, Team([judge]), episodes * judge.max_num_agents, warn=False)
    print(f"{rate:.0%} of {episodes} greedy episodes won after {steps} environment steps")
    return rate


if __name__ == "__main__":
    typer.run(main)
