"""One update of COMA against a slow reference in float64."""

import pytest
import torch
from coma_reference import ACTIONS, AGENTS, D, Reference
from coma_toys import SIZES, coma_of, random_batch
from rollout_toys import ENDLESS, MANY

from isa_learners.coma import ComaConfig
from isa_learners.recurrent.packing import EveryStep, LivingSteps

BASE = {"num_envs": 3, "rollout_steps": 7, "hidden": 5, "critic_width": 6, "lr": 3e-3, "critic_lr": 2e-3, "gamma": 0.9}
START = [True, False, False]


def drawn(coma, batch):
    """Everybody's actions after each step as the next update will draw them."""
    ends = batch.done.clone()
    ends[-1] = True
    wanted = (ends[..., None] | batch.cut) & ((batch.next_alive > 0) | batch.cut)
    state = coma.generator.get_state()
    with torch.no_grad():
        action, _ = coma._draw(batch, wanted)
    coma.generator.set_state(state)
    return action, wanted


def check(config, layout=LivingSteps, ends=MANY, relative=1e-6, updates=2, dtype=D, **options):
    coma = coma_of(config, dtype)
    coma.layout = layout
    reference = Reference(coma, config)
    for number in range(updates):
        batch = random_batch(coma, 11 + number, ends, START, dtype=dtype, **options)
        after, _ = drawn(coma, batch)
        exact = type(batch)(
            **{name: x.to(D) if getattr(x, "dtype", None) == dtype else x for name, x in vars(batch).items()}
        )
        expected = reference.update(exact, after)
        assert coma.update(batch).tolist() == pytest.approx(expected, rel=10 * relative)
    for net, wanted in ((coma.actor, reference.actor), (coma.critic, reference.critic)):
        for name, value in net.named_parameters():
            change = wanted.weights[name].detach() - wanted.first[name]
            assert float(change.norm()) > 1e-4, f"{name} hardly moves: the check says nothing"
            assert float((value.detach().to(D) - wanted.first[name] - change).norm() / change.norm()) < relative, name
    return coma


layouts = pytest.mark.parametrize("layout", [LivingSteps, EveryStep])


@layouts
@pytest.mark.parametrize("ends", [ENDLESS, MANY], ids=["endless", "many"])
def test_an_update_equals_the_reference(ends, layout):
    check(ComaConfig(**BASE), layout, ends)


@pytest.mark.slow
@layouts
def test_parts_new_targets_own_rewards_probes_and_who_left_alone(layout):
    config = ComaConfig(
        **BASE, critic_steps=3, target_interval=4, reward="own", optimizer="adam", entropy_factor=0.1, td_lambda=0.5
    )
    check(config, layout, cuts=True, probes=0.3, updates=3)


@pytest.mark.slow
def test_a_large_gradient_is_clipped():
    check(ComaConfig(**BASE, max_grad_norm=0.01))


def test_in_single_precision():
    check(ComaConfig(**BASE), dtype=torch.float32, relative=2e-3, updates=1)


def test_what_comes_after_a_rollout_is_drawn_from_the_policy():
    """In a rollout of one step, often repeated: the shares are those of the mixed policy, and the draws differ."""
    coma = coma_of(ComaConfig(**BASE))
    batch = random_batch(coma, 5, [["", "truncated", ""]], START)
    batch.alive[:], batch.next_alive[:] = 1.0, 1.0
    counts = torch.zeros(3, AGENTS, ACTIONS)
    _, wanted = drawn(coma, batch)
    assert wanted.all()
    with torch.no_grad():
        for _ in range(2_000):
            action, _ = coma._draw(batch, wanted)
            counts += torch.nn.functional.one_hot(action[0], ACTIONS)
        reference = Reference(coma, coma.config)
        for b in range(3):
            for i in range(AGENTS):
                h = reference.cell(batch.inputs[0, b, i], batch.hidden[b, i] * (not batch.start[0, b]))
                p = reference.policy(batch, reference.cell(batch.final_inputs[0, b, i], h), batch.available[0, b, i])
                shares = [float(p.get(a, 0.0)) for a in range(ACTIONS)]
                assert (counts[b, i] / 2_000).tolist() == pytest.approx(shares, abs=0.05)


def test_more_steps_of_the_critic_than_steps_in_time():
    found = []
    for critic_steps in (None, 12):
        coma = coma_of(ComaConfig(**BASE, critic_steps=critic_steps))
        found.append((coma.update(random_batch(coma, 3, MANY, START)), coma.count))
    assert found[0][1] == found[1][1] == 7
    assert torch.equal(found[0][0], found[1][0])


def test_the_way_an_episode_ends_changes_what_the_critic_learns():
    found = []
    for end in ("terminated", "truncated", ""):
        coma = coma_of(ComaConfig(**BASE))
        batch = random_batch(coma, 3, [["", "", ""]] * 3 + [[end, "", ""]] + [["", "", ""]] * 3, START)
        batch.alive[:], batch.next_alive[:] = 1.0, 1.0
        seen = coma.critic.inputs(batch.state, batch.inputs, batch.action, batch.alive)
        found.append(float(coma.targets(batch, seen)[3, 0, 0]))
    assert min(abs(found[0] - found[1]), abs(found[0] - found[2]), abs(found[1] - found[2])) > 1e-3


@layouts
def test_nobody_alive_is_nothing_to_learn_from(layout):
    coma = coma_of(ComaConfig(**BASE), torch.float32)
    coma.layout = layout
    batch = random_batch(coma, 3, MANY, START, dtype=torch.float32)
    batch.alive.zero_()
    batch.next_alive.zero_()
    nets = [*coma.actor.parameters(), *coma.critic.parameters()]
    before = [parameter.clone() for parameter in nets]
    assert torch.isfinite(coma.update(batch)).all()
    assert all(torch.equal(old, new) for old, new in zip(before, nets, strict=True))


@pytest.mark.cuda
def test_one_update_on_cuda_agrees_with_cpu():
    from coma_toys import INPUTS

    from isa_learners.coma import COMA

    said = {}
    for device in ("cpu", "cuda"):
        coma = COMA(SIZES, INPUTS, ComaConfig(**BASE), device, 3)
        made = random_batch(coma, 3, [["terminated"] * 3 if t == 6 else ["", "", ""] for t in range(7)], START,
                            dtype=torch.float32)  # fmt: skip
        moved = {name: value.to(device) if hasattr(value, "to") else value for name, value in vars(made).items()}
        said[device] = coma.update(type(made)(**moved)).cpu()
    torch.testing.assert_close(said["cuda"], said["cpu"], rtol=1e-4, atol=1e-5)
