"""Distributions of every kind of action, against torch's own and against loops."""

import math

import pytest
import torch
from gymnasium import spaces
from torch import tensor
from torch.distributions import Beta
from torch.distributions import Categorical as Reference

from isa_learners.component_head import EDGE, ComponentHead
from isa_learners.heads import Categorical, DiscreteHead, head_for, masked_log_softmax
from isa_learners.rollout import Sizes
from isa_wrappers.border.actions import ActionCode
from isa_wrappers.border.team_actions import TeamCode

TEAMS = {
    "box": [spaces.Box(-2, 4, (3,))] * 2,
    "choices": [spaces.MultiDiscrete([3, 2])] * 2,
    "switches": [spaces.MultiBinary(4)],
    "mixed": [spaces.Box(0, 1, (2,)), spaces.MultiDiscrete([3, 2, 4]), spaces.Discrete(5)],
}


def code_of(team):
    return TeamCode([ActionCode.of(space, f"agent_{i}") for i, space in enumerate(TEAMS[team])])


def generator(seed=0):
    made = torch.Generator()
    made.manual_seed(seed)
    return made


def drawn(team, size=1, seed=0):
    """A head, outputs ``[B, A, size]``, what is available, and the policy of them."""
    code = code_of(team)
    head = ComponentHead(code, "cpu")
    outputs = 2 * torch.randn(size, head.agents, head.size, generator=generator(seed))
    available = torch.zeros(size, head.agents, head.number, dtype=torch.bool)
    for i, own in enumerate(code.codes):
        available[:, i, : own.num_actions] = True
        if own.components[0].parts > 2 and not own.components[0].is_range:
            available[:, i, 1] = False
    return code, head, outputs, available, head.policy(outputs, available, torch.arange(head.agents))


def references(code, head, outputs, available, i):
    """Agent i's distributions by component, as torch has them; choices' logits first, then both numbers of ranges."""
    choices = head.number if code.has_choices else 0
    made = []
    for c, (component, first) in enumerate(zip(code.codes[i].components, code.codes[i].offsets, strict=True)):
        if component.is_range:
            a, b = (torch.nn.functional.softplus(outputs[:, i, choices + c + k]) for k in (0, code.size))
            made.append(Beta(1 + a, 1 + b))
        else:
            part = slice(first, first + component.parts)
            made.append(Reference(logits=outputs[:, i, part].masked_fill(~available[:, i, part], -1e9)))
    return made


@pytest.mark.parametrize("team", TEAMS)
def test_log_probabilities_entropies_and_modes_are_those_of_the_product(team):
    code, head, outputs, available, policy = drawn(team, size=6)
    action = policy.sample(generator(1))
    for i in range(head.agents):
        parts = references(code, head, outputs, available, i)
        log_prob = sum(part.log_prob(action[:, i, c]) for c, part in enumerate(parts))
        torch.testing.assert_close(policy.log_prob(action)[:, i], log_prob)
        torch.testing.assert_close(policy.entropy()[:, i], sum(part.entropy() for part in parts), rtol=1e-4, atol=1e-4)
        for c, part in enumerate(parts):
            torch.testing.assert_close(policy.mode()[:, i, c], part.mode.float())


@pytest.mark.parametrize("team", TEAMS)
def test_draws_have_the_distributions_moments(team):
    code, head, outputs, available, _ = drawn(team)
    many = 20_000
    policy = head.policy(outputs.expand(many, -1, -1), available.expand(many, -1, -1), torch.arange(head.agents))
    action = policy.sample(generator())
    again = policy.sample(generator())
    assert torch.equal(action, again)
    assert not torch.equal(action, policy.sample(generator(1)))
    for i in range(head.agents):
        for c, part in enumerate(references(code, head, outputs, available, i)):
            values = action[:, i, c]
            if isinstance(part, Beta):
                assert EDGE <= float(values.min()) < float(values.max()) <= 1 - EDGE
                assert float(values.mean()) == pytest.approx(float(part.mean), abs=0.01)
                assert float(values.std()) == pytest.approx(float(part.stddev), abs=0.01)
            else:
                shares = torch.bincount(values.long(), minlength=part.logits.shape[-1]) / many
                torch.testing.assert_close(shares, part.probs[0], atol=0.015, rtol=0)


@pytest.mark.parametrize("team", TEAMS)
def test_rows_of_a_rollout_are_told_their_agents(team):
    """What is packed agent by agent, in any order, comes out as it does in a rectangle."""
    _, head, outputs, available, policy = drawn(team, size=5)
    action = policy.sample(generator(1))
    rows = torch.randperm(5 * head.agents, generator=generator(2))
    packed = head.policy(outputs.flatten(0, 1)[rows], available.flatten(0, 1)[rows], rows)
    torch.testing.assert_close(packed.log_prob(action.flatten(0, 1)[rows]), policy.log_prob(action).flatten()[rows])
    torch.testing.assert_close(packed.entropy(), policy.entropy().flatten()[rows])


@pytest.mark.parametrize("team", TEAMS)
@pytest.mark.parametrize("scale", [1.0, 40.0])
def test_gradients_are_finite_wherever_the_networks_go(team, scale):
    _, head, outputs, available, policy = drawn(team, size=8)
    action = policy.sample(generator())
    outputs = (scale * outputs).requires_grad_()
    policy = head.policy(outputs, available, torch.arange(head.agents))
    (policy.log_prob(action) + policy.entropy()).sum().backward()
    assert torch.isfinite(outputs.grad).all()
    assert torch.isfinite(policy.mode()).all()
    assert (outputs.grad != 0).any()


@pytest.mark.parametrize("team", ["box", "mixed"])
def test_a_range_too_flat_for_a_float_peaks_in_the_middle(team):
    _, head, outputs, available, _ = drawn(team)
    policy = head.policy(torch.full_like(outputs, -200.0), available, torch.arange(head.agents))
    ranges = policy.is_range.expand_as(policy.mode())
    assert ranges.any()
    assert (policy.mode()[ranges] == 0.5).all()
    assert torch.isfinite(policy.mode()).all()


@pytest.mark.parametrize("team", TEAMS)
def test_actions_as_the_environment_takes_them(team):
    code, head, *_, policy = drawn(team, size=50)
    action = policy.sample(generator())
    native = head.native(action)
    assert native.dtype == torch.float32
    for i, (own, space) in enumerate(zip(code.codes, TEAMS[team], strict=True)):
        for vector in native[:, i].tolist():
            assert space.contains(own.native(vector))
        for c, component in enumerate(own.components):
            wanted = component.low + action[:, i, c] * component.width if component.is_range else action[:, i, c]
            torch.testing.assert_close(native[:, i, c], wanted)


@pytest.mark.parametrize("team", TEAMS)
def test_last_actions_as_inputs(team):
    code, head, *_, policy = drawn(team, size=10)
    action = policy.sample(generator())
    encoded = head.encode(action)
    assert encoded.shape == (10, head.agents, head.encoded)
    choices = head.number if code.has_choices else 0
    for i, own in enumerate(code.codes):
        for b in range(10):
            expected = torch.zeros(head.encoded)
            for c, (component, first) in enumerate(zip(own.components, own.offsets, strict=True)):
                if component.is_range:
                    expected[choices + c] = 2 * action[b, i, c] - 1
                else:
                    expected[first + int(action[b, i, c])] = 1
            torch.testing.assert_close(encoded[b, i], expected)
    none = torch.full((10, head.agents, *head.shape), head.none, dtype=head.dtype)
    assert not head.encode(none).any()


def test_plain_actions_have_the_plain_head():
    head = head_for(Sizes(2, 3, 4, 5), "cpu")
    assert isinstance(head, DiscreteHead)
    assert head.encode(tensor([[0, 2, head.none]])).tolist() == [[[1, 0, 0], [0, 0, 1], [0, 0, 0]]]
    assert isinstance(head_for(Sizes(2, 8, 4, 5, code_of("box")), "cpu"), ComponentHead)


def test_unavailable_actions_have_no_probability():
    available = tensor([[True, False, True, False], [False, False, False, True]])
    probabilities = masked_log_softmax(tensor([[1.0, 50.0, 1.0, 2.0], [-3.0, 9.0, 9.0, -80.0]]), available).exp()
    assert probabilities.tolist() == [[0.5, 0.0, 0.5, 0.0], [0.0, 0.0, 0.0, 1.0]]


def test_masked_log_softmax_is_a_softmax_of_the_rest():
    logits = tensor([0.5, 3.0, -1.0])
    found = masked_log_softmax(logits, tensor([True, False, True]))
    torch.testing.assert_close(found[[0, 2]], torch.log_softmax(logits[[0, 2]], 0))


def test_entropy():
    """Uniform over 2 of 4 actions has log 2, a sure action 0."""
    available = tensor([[True, True, False, False], [True, False, False, False]])
    policy = Categorical(masked_log_softmax(torch.zeros(2, 4), available))
    assert policy.entropy().tolist() == pytest.approx([math.log(2), 0.0])


def test_entropy_of_masked_logits_has_a_finite_gradient():
    logits = torch.zeros(1, 3, requires_grad=True)
    Categorical(masked_log_softmax(logits, tensor([[True, False, True]]))).entropy().sum().backward()
    assert torch.isfinite(logits.grad).all()


@pytest.mark.cuda
@pytest.mark.parametrize("team", TEAMS)
def test_cuda_agrees_with_cpu(team):
    code, _, outputs, available, here = drawn(team, 50)
    there = ComponentHead(code, "cuda")
    policy = there.policy(outputs.cuda(), available.cuda(), torch.arange(there.agents, device="cuda"))
    action = here.sample(generator())
    for found, expected in (
        (policy.log_prob(action.cuda()), here.log_prob(action)),
        (policy.entropy(), here.entropy()),
        (there.native(policy.mode()), ComponentHead(code, "cpu").native(here.mode())),
    ):
        torch.testing.assert_close(found.cpu(), expected, rtol=1e-4, atol=1e-5)
