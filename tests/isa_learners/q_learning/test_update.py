"""One update of Q-learning against a slow reference in float64."""

import pytest
import torch
from episode_toys import LEAST, q_of, random_episodes
from q_reference import Reference, named

from isa_learners.q_learning import QConfig
from isa_learners.recurrent.packing import EveryStep, LivingSteps
from isa_learners.rollout import Sizes

D = torch.float64
SIZES = Sizes(num_agents=2, num_actions=4, obs_size=3, state_size=3)
BASE = {**LEAST, "hidden": 5, "lr": 3e-3, "gamma": 0.9, "obs_scale": 0.5, "reward_scale": 2.0}
LENGTHS, TERMINATED = [6, 3, 1, 4], [True, False, False, True]


def check(config, layout=LivingSteps, dtype=D, relative=1e-6, cuts=False, updates=2, back=False):
    q = q_of(SIZES, config, dtype=dtype)
    with torch.no_grad():  # a target network that differs, as it does in training
        generator = torch.Generator().manual_seed(1)
        for parameter in (*q.target_net.parameters(), *q.target_mixer.parameters()):
            parameter += 0.2 * torch.randn(parameter.shape, generator=generator)
    q.layout = layout
    reference = Reference(q, config)
    for seed in range(updates):
        episodes = random_episodes(seed, SIZES, LENGTHS, TERMINATED, D, cuts, back)
        expected = reference.update(episodes)
        if dtype != D:
            episodes = random_episodes(seed, SIZES, LENGTHS, TERMINATED, D, cuts, back)
            for name in ("obs", "state", "reward"):
                setattr(episodes, name, getattr(episodes, name).to(dtype))
        assert q.gradient_step(episodes).tolist() == pytest.approx(expected, rel=10 * relative)
    for name, value in {**named("net", q.net), **named("mixer", q.mixer)}.items():
        wanted = reference.weights[name].detach() - reference.first[name]
        assert float(wanted.norm()) > 1e-4, f"{name} hardly moves: the check says nothing"
        change = value - reference.first[name]
        assert float((change - wanted).norm() / wanted.norm()) < relative, name


layouts = pytest.mark.parametrize("layout", [LivingSteps, EveryStep])


@layouts
@pytest.mark.parametrize("mixer", ["none", "sum", "qmix"])
def test_an_update_equals_the_reference(mixer, layout):
    check(QConfig(**BASE, mixer=mixer), layout)


@pytest.mark.slow
@layouts
@pytest.mark.parametrize("mixer", ["none", "sum", "qmix"])
def test_lambda_returns_who_left_alone_and_new_targets(mixer, layout):
    small = {"mixing_width": 3, "hypernet_width": 4} if mixer == "qmix" else {}
    config = QConfig(**BASE, mixer=mixer, td_lambda=0.7, target_interval=2, optimizer="adam", **small)
    check(config, layout, cuts=True, updates=3)


@layouts
@pytest.mark.parametrize("mixer", ["none", "qmix"])
def test_who_was_truncated_alone_and_joins_again(mixer, layout):
    made = random_episodes(1, SIZES, LENGTHS, TERMINATED, D, cuts=True, back=True)
    acts = made.alive & (torch.arange(7)[:, None] < made.length)[..., None]
    assert (made.cut[:-1] & ~acts[1:-1] & acts[2:]).any()
    check(QConfig(**BASE, mixer=mixer, td_lambda=0.7), layout, cuts=True, back=True)


def test_without_double_q_and_with_a_clipped_gradient():
    check(QConfig(**BASE, mixer="sum", double_q=False, max_grad_norm=0.05))


def test_in_single_precision():
    check(QConfig(**BASE, mixer="qmix", td_lambda=0.5), dtype=torch.float32, relative=2e-3)


def test_what_is_cut_and_what_ends_changes_the_targets():
    """The cases above differ: the same steps with another end, or with nobody truncated alone, have other targets."""
    q = q_of(SIZES, QConfig(**BASE), dtype=D)
    made = [random_episodes(0, SIZES, LENGTHS, ends, D, cuts)
            for ends, cuts in ((TERMINATED, True), ([False] * 4, True), (TERMINATED, False))]  # fmt: skip
    assert made[0].cut.any()
    ended, endless, uncut = (q.values(episodes)[1] for episodes in made)
    assert not torch.allclose(ended[5, 0], endless[5, 0])
    assert not torch.allclose(ended[made[0].cut], uncut[made[0].cut])


def test_behind_an_episode_nothing_is_learned():
    """Whatever lies in the padding, values, targets and gradients of the steps before are the same."""
    config = QConfig(**BASE, mixer="qmix", td_lambda=0.5)
    found = []
    for rubbish in (0.0, 1e3):
        q = q_of(SIZES, config, dtype=D)
        episodes = random_episodes(0, SIZES, LENGTHS, TERMINATED)
        behind = torch.arange(7)[:, None] > episodes.length
        episodes.obs[behind], episodes.state[behind], episodes.alive[behind] = rubbish, rubbish, True
        episodes.reward[behind[1:]] = rubbish
        episodes.cut[behind[1:]] = rubbish > 0
        found.append(q.gradient_step(episodes))
    torch.testing.assert_close(found[0], found[1], rtol=1e-12, atol=0)


def test_nobody_alive_is_nothing_to_learn_from():
    q = q_of(SIZES, QConfig(**BASE))
    episodes = random_episodes(0, SIZES, LENGTHS, TERMINATED, torch.float32)
    episodes.alive[:] = False
    before = [parameter.clone() for parameter in q.parameters]
    assert torch.isfinite(q.gradient_step(episodes)).all()
    assert all(torch.equal(old, new) for old, new in zip(before, q.parameters, strict=True))


@pytest.mark.cuda
def test_one_update_on_cuda_agrees_with_cpu():
    from isa_learners.inputs import InputEncoder
    from isa_learners.q_learning import QLearning

    config = QConfig(**BASE, mixer="qmix", td_lambda=0.5)
    said = {}
    for device in ("cpu", "cuda"):
        q = QLearning(SIZES, config, InputEncoder(SIZES, config.obs_scale, device), device, 3)
        episodes = random_episodes(0, SIZES, LENGTHS, TERMINATED, torch.float32)
        moved = type(episodes)(**{name: value.to(device) for name, value in vars(episodes).items()})
        said[device] = q.gradient_step(moved).cpu()
    torch.testing.assert_close(said["cuda"], said["cpu"], rtol=1e-4, atol=1e-5)
