"""What the dead are given as their last action, and what was lost with its game: nothing is made of either."""

from dataclasses import replace

import pytest
import torch
from coma_toys import coma_of, random_batch
from episode_toys import LEAST, q_of, random_episodes
from parallel_toys import WalkEnv
from rollout_toys import MANY, random_rollout

from isa_learners.coma import ComaConfig, ComaLearner
from isa_learners.ppo import PPO, PPOConfig, PPOLearner
from isa_learners.q_learning import QConfig
from isa_learners.q_learning.learner import QLearner
from isa_learners.recurrent.packing import EveryStep, LivingSteps
from isa_learners.rollout import Collector, Sizes
from isa_wrappers import ParallelEnvBatch


class Coming(WalkEnv):
    """The first walker is away in steps 2 and 3 and comes back; the second comes at step 2."""

    def reset(self, seed=None, options=None):
        super().reset(seed, options)
        self.agents = self.possible_agents[:1]
        return self._seen(), self._infos()

    def step(self, actions):
        self.agents = list(self.possible_agents)
        observations, rewards, gone, truncated, infos = super().step(actions)
        here = {0: [0], 1: [0, 1], 2: [1], 3: [1]}.get(self.time, [0, 1])
        if self.agents:
            self.agents = [self.possible_agents[i] for i in here]
        told = set(self.agents) | set(actions)
        parts = (observations, rewards, dict.fromkeys(gone, False), truncated, infos)
        return tuple({agent: part[agent] for agent in told if agent in part} for part in parts)


SMALL = {"num_envs": 1, "rollout_steps": 6, "hidden": 4}


def learners(sizes):
    return {
        "ppo": PPOLearner(sizes, PPOConfig(**SMALL), "cpu", 0),
        "coma": ComaLearner(sizes, ComaConfig(**SMALL, critic_width=4), "cpu", 0),
        "q": QLearner(sizes, QConfig(**SMALL, replay=20, batch=2, episode_steps=9), "cpu", 0),
    }


@pytest.mark.parametrize("greedy", [False, True])
@pytest.mark.parametrize("name", ["ppo", "coma", "q"])
def test_the_last_action_of_who_does_not_act_stands_still(name, greedy):
    env = ParallelEnvBatch([Coming()], "cpu")
    learner, step = learners(Sizes.of(env))[name], env.reset(0)
    memory, noise, own = learner.begin(1), torch.Generator().manual_seed(3), [3, 3]
    for _ in range(6):
        assert memory["last_action"][0].tolist() == own
        decision = learner.act(step, memory, None if greedy else noise)
        own = [int(decision.action[0, i]) if step.alive[0, i] else own[i] for i in range(2)]
        memory, step = decision.memory, env.step(decision.action)


@pytest.mark.parametrize("name", ["ppo", "coma"])
def test_what_is_valued_at_a_rollout_s_end_is_what_is_seen_next(name):
    for steps in range(1, 6):
        env = ParallelEnvBatch([Coming()], "cpu")
        collector = Collector(env, learners(Sizes.of(env))[name], torch.Generator().manual_seed(3), 0)
        first, then = collector.collect(steps), collector.collect(1)
        final = collector.learner.batch(first).final_inputs[-1]
        alive = then.alive[0] > 0
        assert torch.equal(final[alive], then.record["inputs"][0][alive])


@pytest.mark.parametrize("layout", [LivingSteps, EveryStep])
def test_values_are_the_same_whatever_the_dead_were_given_to_do(layout):
    sizes = Sizes(num_agents=2, num_actions=4, obs_size=3, state_size=3)
    q = q_of(sizes, QConfig(**LEAST, hidden=5, mixer="qmix"), dtype=torch.float64)
    q.layout = layout
    episodes = random_episodes(0, sizes, [6, 3, 4], [True, False, True], torch.float64, True, True)
    dead = ~episodes.alive[:-1]
    assert dead.any()
    other = replace(episodes, action=torch.where(dead, 3 - episodes.action, episodes.action))
    (live, ahead), (live_too, ahead_too) = (q._networks(one, one.alive) for one in (episodes, other))
    assert torch.equal(live, live_too)
    assert torch.equal(ahead, ahead_too)


def ppo_of(**settings):
    config = PPOConfig(num_envs=3, rollout_steps=7, hidden=4, minibatches=1, epochs=2, buffer_rollouts=1, **settings)
    ppo = PPO(9, 4, config, "cpu", 0)
    for net in (ppo.actor, ppo.critic, ppo.value_norm):
        net.double()
    return ppo


@pytest.mark.parametrize("learner", ["ppo", "coma"])
def test_a_lost_step_is_worth_what_its_state_is_worth(learner):
    """Nothing of it, or of what was thought of it, reaches the steps before; nor is anything made of its reward."""
    found = []
    for reward in (0.0, 50.0):
        if learner == "ppo":
            ppo = ppo_of()
            batch = random_rollout(ppo, 1, MANY, [True, False, False])
            batch.alive, batch.next_alive = torch.ones_like(batch.alive), torch.ones_like(batch.next_alive)
        else:
            coma = coma_of(ComaConfig(td_lambda=0.8))
            batch = random_batch(coma, 1, MANY, [True, False, False])
            batch.alive, batch.next_alive = torch.ones_like(batch.alive), torch.ones_like(batch.next_alive)
            batch.lost = torch.zeros_like(batch.done)
        batch.lost[3, 1] = True
        assert batch.done[3, 1]
        batch.reward[3, 1] = reward
        if learner == "ppo":
            targets, _ = ppo.prepare(batch, LivingSteps(batch.alive, batch.start))
            value, target = targets.value[..., 0], targets.target[..., 0]
        else:
            seen = coma.critic.inputs(batch.state, batch.inputs, batch.action, batch.alive)
            value = coma.target_critic(seen).gather(-1, batch.action[..., None])[..., 0].detach()
            target = coma.targets(batch, seen)
        torch.testing.assert_close(target[3, 1], value[3, 1])
        found.append(target)
    assert torch.equal(*found)


@pytest.mark.parametrize("learner", ["ppo", "coma"])
def test_the_action_of_a_lost_step_teaches_nothing(learner):
    def learned(action):
        torch.manual_seed(0)
        trained = ppo_of() if learner == "ppo" else coma_of(ComaConfig())
        batch = (random_rollout if learner == "ppo" else random_batch)(trained, 1, MANY, [True, False, False])
        batch.lost = torch.zeros_like(batch.done)
        batch.lost[3, 1] = True
        batch.available[3, 1] = True
        batch.action[3, 1] = action
        trained.update(batch)
        nets = (trained.actor, trained.critic)
        return torch.cat([weight.flatten() for net in nets for weight in net.parameters()])

    assert torch.equal(learned(0), learned(3))


@pytest.mark.parametrize("layout", [LivingSteps, EveryStep])
@pytest.mark.parametrize("sequential", [False, True])
@pytest.mark.parametrize("first", [False, True])
def test_a_policy_of_its_own_stands_still_where_its_agent_did_nothing(layout, sequential, first):
    """Earlier momentum must not move it; nor may a step on nothing begin it."""
    config = PPOConfig(
        num_envs=3, rollout_steps=7, hidden=4, minibatches=2, epochs=2, buffer_rollouts=1, share_parameters=False,
        sequential=sequential,
    )  # fmt: skip
    ppo = PPO(9, 4, config, "cpu", 0, num_agents=2)
    ppo.layout = layout
    if not first:
        ppo.update(random_rollout(ppo, 1, MANY, [True, False, False], dtype=torch.float32))
    batch = random_rollout(ppo, 2, MANY, [True, False, False], dtype=torch.float32)
    batch.alive[..., 1] = batch.next_alive[..., 1] = 0.0
    before = {name: value.clone() for name, value in ppo.actor.of(1).state_dict().items()}
    other = {name: value.clone() for name, value in ppo.actor.of(0).state_dict().items()}
    moments = [
        value.clone() for weight in ppo.actor.of(1).parameters() for value in ppo.actor_optimizer.state[weight].values()
    ]
    metrics, _ = ppo.update(batch)
    assert all(torch.equal(value, before[name]) for name, value in ppo.actor.of(1).state_dict().items())
    assert any(not torch.equal(value, other[name]) for name, value in ppo.actor.of(0).state_dict().items())
    after = [value for weight in ppo.actor.of(1).parameters() for value in ppo.actor_optimizer.state[weight].values()]
    was = moments or [torch.zeros_like(value) for value in after]
    assert all(torch.equal(now, old) for now, old in zip(after, was, strict=True))
    assert all(value == value for value in metrics.values())


@pytest.mark.parametrize("name", ["ppo", "coma", "q"])
def test_an_episode_starts_from_nothing_whatever_was_remembered(name):
    env = ParallelEnvBatch([Coming()], "cpu")
    learner = learners(Sizes.of(env))[name]
    fresh = learner.begin(1)
    lost = {
        key: torch.full_like(value, float("nan")) if value.is_floating_point() else value
        for key, value in fresh.items()
    }
    forgotten = learner.forget(lost, torch.tensor([True]))
    assert list(forgotten) == list(fresh) == list(learner.act(env.reset(0), fresh).memory), "in one order"
    assert all(torch.equal(forgotten[key], fresh[key]) for key in fresh)


def test_a_lost_step_moves_no_scale_of_returns():
    ppo, seen = ppo_of(), []
    batch = random_rollout(ppo, 1, MANY, [True, False, False])
    batch.lost[3, 1] = True
    batch.alive[3, 1] = 1.0
    ppo.value_norm.update = lambda returns, counted: seen.append(counted)
    ppo.prepare(batch, LivingSteps(batch.alive, batch.start))
    assert not seen[0][3, 1].any()
    assert torch.equal(seen[0][:3], batch.alive[:3])
