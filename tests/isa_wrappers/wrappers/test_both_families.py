"""Every listed intrinsic reward pays the same through the wrapper of either family, on every kind of task."""

from importlib.util import find_spec
from typing import NamedTuple

import numpy as np
import pytest
from conformance import won
from continuous_toys import Mixed, SynthC
from learned_rewards import QUICK
from parallel_toys import WalkEnv

from isa_wrappers import GoalBuffer, GoalConfig, InfluenceScope
from isa_wrappers import wrappers as single
from isa_wrappers.batch.parallel import ParallelEnvBatch
from isa_wrappers.border.actions import ActionCode
from isa_wrappers.envs import make_parallel
from isa_wrappers.rewards import REWARDS, IntrinsicReward, RewardContext, RewardParts, RewardSpec, make_reward
from isa_wrappers.scope.credit import CREDIT_RULES, credit_for
from isa_wrappers.wrappers import batch as batched

UNLOCK = {"num_agents": 2, "grid": 3, "targets": [(1, 0), (0, 2)], "horizon": 8}
TASKS = {
    "grid/shooting": lambda: make_parallel("grid/shooting", horizon=12),
    "grid/unlock": lambda: make_parallel("grid/unlock", **UNLOCK),
    "mpe/simple_spread_v3": lambda: make_parallel("mpe/simple_spread_v3", max_cycles=10),
    "smax/3m": lambda: make_parallel("smax/3m"),
    "walk with deaths": lambda: WalkEnv(deaths=True),
    "walk with late ones": lambda: WalkEnv(late=True),
    "walk, mask seen": lambda: WalkEnv(masks="observation", deaths=True),
    "walk, mask told": lambda: WalkEnv(masks="info"),
    "continuous": SynthC,
    "actions of all kinds": Mixed,
}
NEEDS = {"mpe/simple_spread_v3": "mpe2", "smax/3m": "jaxmarl"}
LONGEST = 40


def made_up_scope(batch):
    """Say that every agent's second action moves two common dimensions, and each of the others some of its own."""
    rng, size = np.random.default_rng(0), batch.state_size
    dims = {}
    for i, (agent, count) in enumerate(zip(batch.agents, batch.num_actions, strict=True)):
        own = list(range(i, size, len(batch.agents) + 1))
        dims[agent] = [sorted(set(rng.choice(own, 2).tolist())) for _ in range(count)]
        dims[agent][1] = [0, size - 1]
    return InfluenceScope.from_dimensions(dims, size)


def goals_of(size):
    goals = GoalBuffer(size, capacity=5)
    goals.add(np.random.default_rng(1).integers(0, 4, (1, size)).astype(np.float32), np.array([True]))
    return goals


class Pair(NamedTuple):
    """One stack in each family, over environments of the same kind."""

    env: single.RewardWrapper
    batch: batched.RewardWrapper


def pair(task, name, rule="scope", mode="replace", factor=1.0):
    if task in NEEDS and find_spec(NEEDS[task]) is None:
        pytest.skip(f"needs {NEEDS[task]}")
    env, batch = TASKS[task](), ParallelEnvBatch([TASKS[task]()], success=won)
    spec, config = REWARDS[name], QUICK.get(name)
    credit = credit_for(made_up_scope(batch), rule) if spec.asks_for_scope(config) or spec.needs_goal else None
    if REWARDS[name].needs_goal:
        goals, batch_goals = goals_of(batch.state_size), goals_of(batch.state_size)
        env = single.GoalSampling(env, credit, goals, success=won, selector="latest")
        recording = batched.GoalRecording(batch, batch_goals)
        batch = batched.GoalSampling(recording, batch_goals, credit, selector="latest")
    context = RewardContext.of(batch, credit)
    rewards = make_reward(name, context, config), make_reward(name, context, config)
    return Pair(
        single.RewardWrapper(env, rewards[0], mode, factor), batched.RewardWrapper(batch, rewards[1], mode, factor)
    )


def padded(vectors, batch):
    actions = np.zeros((1, len(vectors), batch.action_code.size), dtype=np.float32)
    for i, vector in enumerate(vectors):
        actions[0, i, : len(vector)] = vector
    return actions


def drive(pair, episodes=3):
    """Play both with the same actions, held against each other; return what was paid for something."""
    env, batch = pair
    rng, agents, paid = np.random.default_rng(2), env.possible_agents, []
    step = batch.reset(5)
    for episode in range(episodes):
        env.reset(seed=None if episode else 5)
        for _ in range(LONGEST):
            assert [agent in env.agents for agent in agents] == step.alive[0].tolist()
            codes = [ActionCode.of(env.action_space(agent), agent) for agent in agents]
            drawn = [code.draw(rng, mask) for code, mask in zip(codes, step.available[0], strict=True)]
            actions = [code.native(vector) for code, vector in zip(codes, drawn, strict=True)]
            step = batch.step(np.array([actions]) if batch.action_code is None else padded(drawn, batch))
            joint = {agent: action for agent, action in zip(agents, actions, strict=True) if agent in env.agents}
            _, rewards, _, _, infos = env.step(joint)
            for agent, reward in rewards.items():
                i = agents.index(agent)
                assert reward == pytest.approx(float(step.reward[0, i]), rel=1e-5, abs=1e-5)
                for part, values in batch.parts.items():
                    told = infos[agent][f"isa/{env.reward.name}_{part}"]
                    assert told == pytest.approx(float(values[0, i]), rel=1e-5, abs=1e-5)
                    paid.append(told)
            np.testing.assert_array_equal(env.global_state, step.final_state[0])
            if not env.agents:
                break
        assert env.agents == [] or episode == episodes - 1, "the episode must end within LONGEST steps"
        assert bool(step.done[0]) == (not env.agents)
        if env.agents:
            break
    return [value for value in paid if value != 0]


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", list(REWARDS))
def test_rewards_and_parts_are_the_same(name, task):
    assert len(drive(pair(task, name))) > 5, "nothing was paid"


@pytest.mark.parametrize("rule", list(CREDIT_RULES))
@pytest.mark.parametrize("name", list(REWARDS))
def test_under_every_credit_rule(name, rule):
    task = "grid/shooting" if rule == "special_only" else "walk with deaths"  # which has no special dimensions here
    assert len(drive(pair(task, name, rule))) > 5


@pytest.mark.parametrize(("mode", "factor"), [("replace", 0.3), ("add", 1.0), ("add", 0.3)])
@pytest.mark.parametrize("name", list(REWARDS))
def test_in_every_mode(name, mode, factor):
    assert len(drive(pair("grid/unlock", name, mode=mode, factor=factor))) > 5


class Surprise(IntrinsicReward):
    """Pays the distance of what an agent sees from the mean of all that was seen: no scope, no goals, it learns."""

    name, parts = "surprise", ("distance",)
    needs_obs = True

    def __init__(self, size):
        self.mean, self.count = np.zeros(size), np.zeros(1)

    def __call__(self, transition, update=True):
        seen = transition.obs_tp1[transition.alive]
        if update and len(seen):
            self.count = self.count + len(seen)
            self.mean = self.mean + (seen - self.mean).sum(axis=0) / self.count
        distance = np.linalg.norm(transition.obs_tp1 - self.mean, axis=-1) * transition.alive
        return RewardParts(distance + transition.reward, distance, {"distance": distance})

    def state_dict(self):
        return {"mean": self.mean, "count": self.count}

    def load_state_dict(self, state):
        self.mean, self.count = state["mean"], state["count"]


@pytest.fixture
def from_outside():
    spec = RewardSpec(lambda context, config: Surprise(context.obs_size), None, False, False, "far from the mean")
    REWARDS.register("surprise", spec)
    yield "surprise"
    REWARDS.unregister("surprise")


@pytest.mark.parametrize("task", TASKS)
def test_a_reward_from_outside(from_outside, task):
    stacks = pair(task, from_outside)
    assert len(drive(stacks)) > 5
    np.testing.assert_allclose(stacks.env.state_dict()["reward.mean"], stacks.batch.state_dict()["reward.mean"])
    assert stacks.batch.reward.count[0] > 0


def test_both_families_bear_the_same_names():
    for name in [name for name in batched.__all__ if isinstance(getattr(batched, name), type)]:
        assert name in single.__all__
        ours, theirs = getattr(single, name).__module__, getattr(batched, name).__module__
        assert ours.rpartition(".")[2] == theirs.rpartition(".")[2], f"{name} lies in another file"


@pytest.mark.parametrize("task", ["grid/unlock", "walk with deaths"])
def test_a_win_counts_for_more_the_more_are_won(task, monkeypatch):
    monkeypatch.setitem(QUICK, "goal_reward", GoalConfig(alpha2=1.0, alpha2_won=7.0))
    made = pair(task, "goal_reward")
    for wrapper in made:  # as after many wins
        wrapper._sampling.goals.ended(np.ones(300, dtype=bool), np.ones(300, dtype=bool))
    drive(made, episodes=4)
    shares = [float(wrapper._sampling.goals.won_share) for wrapper in made]
    assert shares[0] == shares[1]
    assert 0.5 < shares[0] < 0.99, "episodes that ended otherwise came in"
    assert weight_of_a_reward(made.env) == pytest.approx(
        1.0 + 7.0 * (2.0 * float(made.env._sampling.goals.won_share) - 1.0)
    )


def weight_of_a_reward(env):
    """Play until the environment pays; return what one unit of that is worth."""
    rng = np.random.default_rng(3)
    while True:
        if not env.agents:
            env.reset()
        _, rewards, _, _, infos = env.step(
            {agent: int(rng.integers(env.action_space(agent).n)) for agent in env.agents}
        )
        for agent, reward in rewards.items():
            told = infos[agent]
            if told["isa/env_reward"]:
                own = told["isa/progress_common"] + GoalConfig.alpha1 * told["isa/progress_special"]
                return (reward - own) / told["isa/env_reward"]
