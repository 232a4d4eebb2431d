"""HAPPO's product of ratios against a plain loop, and whole updates agent by agent against the reference of PPO."""

import math

import pytest
import torch
from ppo_reference import Reference
from ppo_reference_net import ACTIONS, AGENTS, BASE, STATE, D, F, ReferenceNet, moved
from rollout_toys import MANY, random_rollout

from isa_learners.ppo import PPO, PPOConfig
from isa_learners.ppo.sequential import compound_advantages, policy_ratio
from isa_learners.recurrent.packing import EveryStep, LivingSteps
from isa_wrappers.errors import InvalidValueError

OWN = {**BASE, "epochs": 2, "buffer_rollouts": 2, "minibatches": 2, "share_parameters": False}
HAPPO = {**OWN, "sequential": True, "critic": "state"}


def test_each_advantage_is_times_the_ratios_of_those_before():
    generator = torch.Generator().manual_seed(0)
    advantage = torch.randn(4, 3, 5, generator=generator, dtype=D)
    ratios = torch.rand(4, 3, 5, generator=generator, dtype=D) + 0.5
    order = [3, 0, 4, 1, 2]
    asked = []

    def ratio(agent):
        asked.append(agent)
        return ratios[..., agent]

    seen = []
    for agent, own in compound_advantages(order, advantage, ratio):
        assert asked == order[: len(seen)], "asked for after the agent's update, not before"
        for t in range(4):
            for b in range(3):
                product = 1.0
                for before in order[: len(seen)]:
                    product *= float(ratios[t, b, before])
                assert float(own[t, b, agent]) == pytest.approx(product * float(advantage[t, b, agent]), rel=1e-12)
        seen.append(agent)
    assert seen == order


def test_the_ratio_of_what_nobody_chose_is_1():
    new, old = torch.tensor([-1.0, -1.0, -1e9]), torch.tensor([-2.0, -1e9, -1.0])
    found = policy_ratio(new, old, torch.tensor([1.0, 0.0, 0.0]))
    assert found.tolist() == pytest.approx([math.e, 1.0, 1.0])


class AgentsReference(Reference):
    """PPO whose agents have networks of their own, one agent's steps after the other's."""

    def __init__(self, ppo, config, seed):
        super().__init__(ppo, config, seed)
        self.nets = [ReferenceNet(ppo.actor.of(i)) for i in range(AGENTS)]
        self.order = torch.Generator()
        self.order.manual_seed(seed)

    def gradient_steps(self, streams, parts):
        agents = torch.randperm(AGENTS, generator=self.order).tolist() if self.config.sequential else range(AGENTS)
        said, factor = [], {}
        for agent in agents:
            self.actor = self.nets[agent]
            own = [[stream for stream in part if stream["steps"][0]["i"] == agent] for part in parts]
            for stream in streams:
                for s in stream["steps"]:
                    if s["i"] == agent and "plain" not in s and "normal" in s:
                        s["plain"] = s["normal"]
                        s["normal"] = s["plain"] * factor.get((id(s["rollout"]), s["t"], s["b"]), 1.0)
            said += [self.actor_step(part) for part in own]
            if self.config.sequential:
                self.multiply(factor, [stream for stream in streams if stream["steps"][0]["i"] == agent])
        critic = [self.critic_step(part) for part in parts]
        return said, critic

    def multiply(self, factor, streams):
        """Bring what this agent has become into the factors of those after it."""
        for stream in streams:
            h = stream["actor_h"]
            for s in stream["steps"]:
                t, b, i, rollout = s["t"], s["b"], s["i"], s["rollout"]
                if not rollout.alive[t, b, i]:
                    continue
                h = self.actor.cell(rollout.inputs[t, b, i].to(D), h)
                logits = self.actor.output(h)
                total = sum(torch.exp(logits[a]) for a in range(ACTIONS) if rollout.available[t, b, i, a])
                if not rollout.probe[t, b, i]:
                    new = float((torch.exp(logits[int(rollout.action[t, b, i])]) / total).detach())
                    key = id(rollout), t, b
                    factor[key] = factor.get(key, 1.0) * new / math.exp(float(rollout.log_prob[t, b, i]))


def learner(config, seed=3):
    state = STATE if config.critic == "state" else 0
    ppo = PPO(F, ACTIONS, config, "cpu", seed, state_size=state, num_agents=AGENTS)
    return moved(ppo, [*ppo.actor.nets, ppo.critic], seed, D)


@pytest.mark.parametrize(
    ("settings", "layout"),
    [
        (HAPPO, LivingSteps),
        pytest.param(HAPPO, EveryStep, marks=pytest.mark.slow),
        pytest.param(OWN, LivingSteps, marks=pytest.mark.slow),
        pytest.param({**HAPPO, "network": "lstm"}, EveryStep, marks=pytest.mark.slow),
        pytest.param({**HAPPO, "network": "mlp", "layers": (7,)}, LivingSteps, marks=pytest.mark.slow),
    ],
    ids=["happo", "happo-every-step", "own-policies", "happo-lstm", "happo-mlp"],
)
def test_an_update_equals_the_reference(settings, layout):
    config = PPOConfig(**settings)
    ppo = learner(config)
    ppo.layout = layout
    reference = AgentsReference(ppo, config, 3)
    for generator in (ppo.order, reference.order):
        generator.manual_seed(5)  # the second agent first, then the first one
    state = STATE if config.critic == "state" else 0
    for number in range(2):
        rollout = random_rollout(ppo, 11 + number, MANY, [True, False, False], AGENTS, probes=0.2, state_size=state)
        metrics, _ = ppo.update(rollout)
        expected, _ = reference.update(rollout)
        assert metrics == pytest.approx(expected, rel=1e-4, abs=1e-6)
    nets = [(ppo.actor.of(i), reference.nets[i]) for i in range(AGENTS)]
    for net, wanted in [*nets, (ppo.critic, reference.critic)]:
        for name, parameter in net.named_parameters():
            change = wanted.weights[name].detach() - wanted.first[name]
            assert float(change.norm()) > 1e-4, f"{name} hardly moves: the check says nothing"
            assert float((parameter.detach() - wanted.first[name] - change).norm() / change.norm()) < 1e-5, name


def test_no_agents_update_touches_another_agents_policy():
    """An agent that is never alive keeps its policy, whatever the others learn."""
    ppo = learner(PPOConfig(**{**HAPPO, "entropy_factor": 0.0}))
    rollout = random_rollout(ppo, 3, MANY, [True, False, False], AGENTS, state_size=STATE)
    rollout.alive[..., 1] = 0.0
    rollout.next_alive[..., 1] = 0.0
    before = [[parameter.clone() for parameter in ppo.actor.of(i).parameters()] for i in range(AGENTS)]
    ppo.update(rollout)
    same = [
        all(torch.equal(old, new) for old, new in zip(before[i], ppo.actor.of(i).parameters(), strict=True))
        for i in range(AGENTS)
    ]
    assert same == [False, True]


def test_orders_differ_from_update_to_update_and_resume():
    orders = []
    ppo = learner(PPOConfig(**HAPPO))
    for _ in range(12):
        orders.append(tuple(torch.randperm(AGENTS, generator=ppo.order).tolist()))
    assert len(set(orders)) == math.factorial(AGENTS)
    first, second = learner(PPOConfig(**HAPPO)), learner(PPOConfig(**HAPPO), seed=9)
    torch.randperm(AGENTS, generator=first.order)
    second.load_state_dict(first.state_dict(), "cpu")
    assert torch.equal(first.order.get_state(), second.order.get_state())


def test_one_policy_for_all_cannot_be_updated_agent_by_agent():
    with pytest.raises(InvalidValueError, match="sequential must be False if all agents share one policy, got True"):
        PPOConfig(sequential=True)


@pytest.mark.cuda
def test_one_update_on_cuda_agrees_with_cpu():
    config, nets = PPOConfig(**{**HAPPO, "minibatches": 1}), {}  # parts are drawn on the device
    for device in ("cpu", "cuda"):
        ppo = PPO(F, ACTIONS, config, device, 3, state_size=STATE, num_agents=AGENTS)
        made = random_rollout(ppo, 11, MANY, [True, False, False], AGENTS, dtype=torch.float32, state_size=STATE)
        ppo.update(type(made)(**{name: value.to(device) for name, value in vars(made).items()}))
        nets[device] = {name: value.detach().cpu() for name, value in ppo.actor.named_parameters()}
    for name, value in nets["cpu"].items():
        assert float((nets["cuda"][name] - value).norm() / value.norm()) < 1e-5, name
