"""MASER's subgoals, rewards and losses against a slow reference in float64, and what its variants train."""

import math
from dataclasses import replace
from functools import partial

import pytest
import torch
from episode_toys import LEAST, q_of, random_episodes
from q_reference import D, Reference, named

from isa_learners.inputs import InputEncoder
from isa_learners.learner import LEARNERS
from isa_learners.q_learning import QConfig, QLearning
from isa_learners.q_learning.maser import Subgoals, subgoal_steps
from isa_learners.q_learning.maser_config import MASER_METRICS, MaserConfig
from isa_learners.recurrent.packing import EveryStep, LivingSteps
from isa_learners.rollout import Sizes
from isa_wrappers.errors import InvalidValueError

SIZES = Sizes(num_agents=2, num_actions=4, obs_size=3, state_size=3)
BASE = {
    **LEAST,
    "hidden": 5,
    "lr": 3e-3,
    "gamma": 0.9,
    "obs_scale": 0.5,
    "reward_scale": 2.0,
    "mixer": "qmix",
    "mixing_width": 3,
    "hypernet_width": 4,
}
LENGTHS, TERMINATED = [6, 3, 1, 4], [True, False, False, True]
STRONG = {
    "alpha": 0.7,
    "subgoal_factor": 0.4,
    "individual_factor": 0.5,
    "divergence_factor": 0.6,
    "distance_factor": 0.8,
    "embedding_width": 6,
}
"""Factors so large that each part is seen."""


class MaserReference(Reference):
    """MASER, written out: episodes, agents and steps one by one."""

    def __init__(self, q, config, maser):
        self.maser = maser
        super().__init__(q, config)
        self.fixed = named("embedding", q.part.embedding)

    def further(self, q):
        return named("embedding", q.part.embedding) if self.maser.variant == "as_written" else {}

    def place(self, obs):
        w = self.weights if self.maser.variant == "as_written" else self.fixed
        hidden = torch.relu(w["embedding.0.weight"] @ (obs * self.config.obs_scale) + w["embedding.0.bias"])
        return w["embedding.2.weight"] @ hidden

    def greedy_value(self, live, ahead, episodes, b, t, i):
        if ahead[t][i] is None:
            return 0.0
        allowed = [a for a in range(4) if self.mask(episodes, t, b, i)[a]]
        return float(ahead[t][i][max(allowed, key=live[t][i].tolist().__getitem__)].detach())

    def add(self, episodes, looks):
        maser = self.maser
        bonus, individual, divergences, distances, goals, rewards = [], [], [], [], [], []
        for b, (live, ahead) in enumerate(looks):
            steps = range(int(episodes.length[b]))
            near = [[0.0 for _ in steps] for _ in range(2)]
            for i in range(2):
                living = [t for t in steps if episodes.alive[t, b, i]]
                score = {}
                for t in living:
                    team = float(self.worth(live, ahead, episodes, b, t)[0].detach())
                    own = self.greedy_value(live, ahead, episodes, b, t, i)
                    score[t] = maser.alpha * own + (1 - maser.alpha) * team / 2
                goal = max(living, key=score.__getitem__)
                goals.append(goal)
                for t in living:
                    gap = self.place(episodes.obs[t, b, i]) - self.place(episodes.obs[goal, b, i])
                    distance = torch.sqrt(sum(x * x for x in gap)) if t != goal else torch.zeros((), dtype=D)
                    near[i][t] = -float(distance.detach()) * self.config.reward_scale
                    rewards.append(near[i][t])
                    one, other = ahead[t][i].tolist(), ahead[goal][i].tolist()
                    dot = sum(x * y for x, y in zip(one, other, strict=True))
                    cosine = dot / math.sqrt(sum(x * x for x in one) * sum(y * y for y in other))
                    distances.append((distance - (1 - cosine)) ** 2)
                    if t >= goal:
                        allowed = [a for a in range(4) if episodes.available[t, b, i, a]]
                        total = sum(torch.exp(live[t][i][a]) for a in allowed)
                        p = [torch.exp(live[t][i][a]) / total for a in allowed]
                        divergences.append(sum(x * torch.log(x * len(allowed)) for x in p))
            bonus.append([maser.subgoal_factor * (near[0][t] + near[1][t]) / 2 for t in steps])
            for i in range(2):
                individual += self.individual(episodes, live, ahead, b, i, near)
        parts = [sum(x) / len(x) for x in (individual, divergences, distances)]
        factors = maser.individual_factor, maser.divergence_factor, maser.distance_factor
        if maser.variant == "as_released":
            factors = factors[0], 0.0, 0.0
        loss = sum(factor * part for factor, part in zip(factors, parts, strict=True))
        means = [sum(goals) / len(goals), sum(rewards) / len(rewards)]
        return bonus, loss, [*means, *(float(part.detach()) for part in parts)]

    def individual(self, episodes, live, ahead, b, i, near):
        """Squared errors of one agent's own values in one episode."""
        errors, following, config, last = [], None, self.config, int(episodes.length[b]) - 1
        for t in range(last, -1, -1):
            share, acting = 0.0, [j for j in range(2) if episodes.alive[t, b, j]]
            if i in acting:
                weights = {j: math.exp(self.greedy_value(live, ahead, episodes, b, t, j)) for j in acting}
                share = weights[i] / sum(weights.values())
            team = config.reward_scale * float(episodes.reward[t, b].mean())
            reward = share * team + self.maser.subgoal_factor * near[i][t]
            then = self.greedy_value(live, ahead, episodes, b, t + 1, i)
            if t == last and episodes.terminated[b]:
                then = 0.0
            later = then if following is None or episodes.cut[t, b, i] else following
            following = reward + config.gamma * ((1 - config.td_lambda) * then + config.td_lambda * later)
            if i in acting:
                errors.append((live[t][i][int(episodes.action[t, b, i])] - following) ** 2)
        return errors


def maser_of(config, maser, dtype=D):
    q = q_of(SIZES, config, dtype=dtype, part=partial(Subgoals, SIZES, maser, config))
    with torch.no_grad():  # a target network that differs, as it does in training
        generator = torch.Generator().manual_seed(1)
        for parameter in (*q.target_net.parameters(), *q.target_mixer.parameters()):
            parameter += 0.2 * torch.randn(parameter.shape, generator=generator)
    return q


@pytest.mark.parametrize("layout", [LivingSteps, EveryStep])
@pytest.mark.parametrize(
    ("variant", "settings"),
    [("as_written", {}), ("as_written", {"td_lambda": 0.7, "optimizer": "adam"}), ("as_released", {})],
)
def test_an_update_equals_the_reference(variant, settings, layout):
    config, maser = QConfig(**BASE, **settings), MaserConfig(variant=variant, **STRONG)
    q = maser_of(config, maser)
    q.layout = layout
    reference = MaserReference(q, config, maser)
    for seed in range(2):
        episodes = random_episodes(seed, SIZES, LENGTHS, TERMINATED, D, cuts=bool(settings))
        expected = reference.update(episodes)
        found = q.gradient_step(episodes).tolist()
        assert len(found) == 4 + len(MASER_METRICS)
        assert found == pytest.approx(expected, rel=1e-5)
    trained = {**named("net", q.net), **named("mixer", q.mixer)}
    trained |= named("embedding", q.part.embedding) if variant == "as_written" else {}
    assert set(trained) == set(reference.weights)
    for name, value in trained.items():
        wanted = reference.weights[name].detach() - reference.first[name]
        assert float(wanted.norm()) > 1e-4, f"{name} hardly moves: the check says nothing"
        assert float((value - reference.first[name] - wanted).norm() / wanted.norm()) < 1e-6, name


def test_subgoals_equal_a_loop_over_episodes():
    generator = torch.Generator().manual_seed(0)
    own, team = torch.randn(9, 20, 3, generator=generator), 3 * torch.randn(9, 20, 1, generator=generator)
    acts = torch.rand(9, 20, 3, generator=generator) < 0.7
    found = subgoal_steps(own, team, acts, 0.3)
    for b in range(20):
        for i in range(3):
            score = [
                0.3 * float(own[t, b, i]) + 0.7 * float(team[t, b, 0]) / 3 if acts[t, b, i] else -math.inf
                for t in range(9)
            ]
            assert int(found[b, i]) == score.index(max(score))


def test_behind_an_episode_there_is_no_subgoal_and_nothing_is_learned():
    config, maser = QConfig(**BASE, td_lambda=0.5), MaserConfig(**STRONG)
    found = []
    for rubbish in (0.0, 1e3):
        q = maser_of(config, maser)
        episodes = random_episodes(0, SIZES, LENGTHS, TERMINATED)
        behind = torch.arange(7)[:, None] > episodes.length
        episodes.obs[behind], episodes.state[behind], episodes.alive[behind] = rubbish, rubbish, True
        episodes.reward[behind[1:]] = rubbish
        found.append(q.gradient_step(episodes))
    torch.testing.assert_close(found[0], found[1], rtol=1e-12, atol=0)


@pytest.mark.parametrize("variant", ["as_written", "as_released"])
def test_the_released_embedding_stays_as_it_was_drawn(variant):
    q = maser_of(QConfig(**BASE), MaserConfig(variant=variant, **STRONG))
    before = [parameter.clone() for parameter in q.part.parameters()]
    for seed in range(3):
        q.gradient_step(random_episodes(seed, SIZES, LENGTHS, TERMINATED))
    same = [torch.equal(old, new) for old, new in zip(before, q.part.parameters(), strict=True)]
    assert all(same) if variant == "as_released" else not any(same)


def test_the_embedding_learns_how_far_values_are_apart():
    """Trained on the distances alone, with values that stand still, its error falls to a tenth."""
    quiet = {**STRONG, "individual_factor": 0.0, "divergence_factor": 0.0, "embedding_width": 64}
    config = QConfig(**{**BASE, "lr": 1e-3, "optimizer": "adam"})
    q = maser_of(config, MaserConfig(**quiet))
    q.optimizer = torch.optim.Adam(q.part.parameters(), lr=1e-3)
    episodes = random_episodes(0, SIZES, [6] * 8, [True] * 8)
    errors = [float(q.gradient_step(episodes)[-1]) for _ in range(300)]
    assert errors[-1] < 0.1 * errors[0]


def test_nobody_alive_is_nothing_to_learn_from():
    q = maser_of(QConfig(**BASE), MaserConfig(**STRONG))
    episodes = random_episodes(0, SIZES, LENGTHS, TERMINATED)
    episodes.alive[:] = False
    own = [*q.net.parameters(), *q.part.parameters()]
    before = [parameter.clone() for parameter in own]
    assert torch.isfinite(q.gradient_step(episodes)).all()
    assert all(torch.equal(old, new) for old, new in zip(before, own, strict=True))


def test_without_a_mixer_of_the_team_it_is_refused():
    sizes = replace(SIZES, horizon=5)
    with pytest.raises(InvalidValueError, match="maser needs a team mixer, such as 'qmix', got 'none'"):
        LEARNERS["q"].make(sizes, QConfig(), "cpu", 0, maser=MaserConfig())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"variant": "released"}, "variant must be one of as_written, as_released"),
        ({"alpha": 1.5}, r"alpha must be a number in \[0, 1\], got 1.5"),
        ({"distance_factor": -1.0}, "distance_factor must be a number at least 0, got -1.0"),
    ],
)
def test_settings_out_of_range(settings, message):
    with pytest.raises(InvalidValueError, match=message):
        MaserConfig(**settings)


@pytest.mark.cuda
@pytest.mark.parametrize("variant", ["as_written", "as_released"])
def test_one_update_on_cuda_agrees_with_cpu(variant):
    config, maser, said = QConfig(**BASE), MaserConfig(variant=variant, **STRONG), {}
    for device in ("cpu", "cuda"):
        encoder = InputEncoder(SIZES, config.obs_scale, device)
        q = QLearning(SIZES, config, encoder, device, 3, part=partial(Subgoals, SIZES, maser, config))
        episodes = random_episodes(0, SIZES, LENGTHS, TERMINATED, torch.float32)
        moved = type(episodes)(**{name: value.to(device) for name, value in vars(episodes).items()})
        said[device] = q.gradient_step(moved).cpu()
    torch.testing.assert_close(said["cuda"], said["cpu"], rtol=1e-4, atol=1e-5)
