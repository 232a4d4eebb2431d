"""LAIES against enumeration in NumPy: counterfactual actions one by one, a GRU by hand, clips and annealing."""

from dataclasses import replace

import numpy as np
import pytest
from gymnasium import spaces
from learned_rewards import random_steps

torch = pytest.importorskip("torch")

from isa_wrappers import InfluenceScope  # noqa: E402
from isa_wrappers.border.actions import ActionCode  # noqa: E402
from isa_wrappers.border.team_actions import TeamCode  # noqa: E402
from isa_wrappers.errors import InvalidValueError  # noqa: E402
from isa_wrappers.rewards import RewardContext, Transition  # noqa: E402
from isa_wrappers.rewards.learned.laies import LAIESReward, external_dimensions  # noqa: E402
from isa_wrappers.rewards.learned.predictor import influences  # noqa: E402
from isa_wrappers.rewards.learned.settings import LAIESConfig  # noqa: E402
from isa_wrappers.scope.credit import credit_for  # noqa: E402

CONTEXT = RewardContext(("a", "b"), (3, 2), obs_size=2, state_size=3, state_names=("a.x", "door.x", "door.y"))
OPEN = LAIESConfig(external=(0, 2), hidden=5, interval=999, beta1=3.0, beta2=50.0, idi_clip=1e9, cdi_clip=1e9, clip=1e9)


def weights(module):
    return {name: value.detach().double().numpy() for name, value in module.named_parameters()}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def predicted(p, state, encoded, hidden):
    """The change of the external state, and the GRU's state after the step; ``encoded`` ``[A, n]``."""
    x = np.maximum(p["linear.weight"] @ np.concatenate([state, encoded.reshape(-1)]) + p["linear.bias"], 0)
    of_x = np.split(p["gru.weight_ih"] @ x + p["gru.bias_ih"], 3)
    of_h = np.split(p["gru.weight_hh"] @ hidden + p["gru.bias_hh"], 3)
    reset, keep = sigmoid(of_x[0] + of_h[0]), sigmoid(of_x[1] + of_h[1])
    after = (1 - keep) * np.tanh(of_x[2] + reset * of_h[2]) + keep * hidden
    return p["last.weight"] @ after + p["last.bias"], after


def one_hot(actions, alive):
    """``[A, n]``; whoever did not act did nothing."""
    return np.array([[float(alive[i] and b in np.atleast_1d(actions[i])) for b in range(3)] for i in range(len(alive))])


def step_by_hand(p, step, hidden, counts=(3, 2)):
    """IDI of each agent ``[N, A]``, the change and the hidden states after; unclipped."""
    envs, agents = step.alive.shape
    influence, after, changes = np.zeros((envs, agents)), np.zeros_like(hidden), []
    for e in range(envs):
        before = np.zeros_like(hidden[e]) if step.start[e] else hidden[e]
        taken = one_hot(step.actions[e], step.alive[e])
        change, after[e] = predicted(p, step.s_t[e], taken, before)
        changes.append(change)
        for i in range(agents):
            others = []
            for b in range(counts[i]):
                if step.available[e, i, b]:
                    instead = taken.copy()
                    instead[i] = np.eye(3)[b]
                    others.append(predicted(p, step.s_t[e], instead, before)[0])
            if step.alive[e, i] and others:
                influence[e, i] = np.square(change - np.mean(others, axis=0)).sum()
    return influence, np.array(changes), after


def test_influences_and_changes_against_enumeration():
    laies = LAIESReward(CONTEXT, OPEN)
    p, hidden = weights(laies.predictor), np.zeros((3, 5))
    for step in random_steps(15, state=3):
        influence, _, hidden = step_by_hand(p, step, hidden)
        found = laies(step)
        individual = 3.0 * influence.sum(-1, keepdims=True) * step.alive
        moved = np.square(step.s_tp1 - step.s_t)[:, [0, 2]].sum(-1, keepdims=True)
        np.testing.assert_allclose(found.parts["individual"], individual, rtol=1e-3, atol=1e-6)
        np.testing.assert_allclose(found.parts["collective"], 50.0 * moved / 100 * step.alive, rtol=1e-5)
        np.testing.assert_allclose(found.intrinsic, found.parts["individual"] + found.parts["collective"], rtol=1e-6)
        assert (influence[step.alive] > 0).any()


def test_each_part_is_clipped_and_then_the_sum():
    clipped = replace(OPEN, idi_clip=1e-4, cdi_clip=0.5, clip=0.25)
    laies, parts = LAIESReward(CONTEXT, clipped), LAIESReward(CONTEXT, OPEN)
    p, hidden, met = weights(laies.predictor), np.zeros((3, 5)), set()
    for step in random_steps(40, state=3):
        influence, _, hidden = step_by_hand(p, step, hidden)
        individual = 3.0 * np.minimum(influence, 1e-4).sum(-1)
        moved = np.square(step.s_tp1 - step.s_t)[:, [0, 2]].sum(-1)
        total = individual + 50.0 * np.minimum(moved, 0.5) / 100
        met |= {bool(value) for value in total > 0.25}
        paid = laies(step)
        np.testing.assert_allclose(paid.intrinsic, np.minimum(total, 0.25)[:, None] * step.alive, rtol=1e-3, atol=1e-7)
    assert met == {True, False}
    assert parts.external == [0, 2]


def test_one_component_is_put_in_anothers_place():
    """Two choices an action: three elementary actions of the first, two of the second."""
    code = TeamCode([ActionCode.of(spaces.MultiDiscrete([2, 1]), "a"), ActionCode.of(spaces.Discrete(2), "b")])
    context = replace(CONTEXT, num_actions=(3, 2), action_code=code)
    laies = LAIESReward(context, OPEN)
    assert laies.predictor.component.tolist() == [[0, 0, 1], [0, 0, 0]]
    actions = np.array([[[1, 2], [1, 1]]])
    step = next(iter(random_steps(1, envs=1, state=3)))
    step = step._replace(actions=actions, alive=np.ones((1, 2), bool), available=np.ones((1, 2, 3), bool))
    found = laies(step, update=False).parts["individual"]
    p, hidden = weights(laies.predictor), np.zeros(5)
    taken = np.array([[0.0, 1.0, 1.0], [0.0, 1.0, 0.0]])
    change = predicted(p, step.s_t[0], taken, hidden)[0]
    instead = [[[1, 0, 1], [0, 1, 1], [0, 1, 1]], [[1, 0, 0], [0, 1, 0]]]
    total = 0.0
    for i, options in enumerate(instead):
        others = [predicted(p, step.s_t[0], np.insert(np.delete(taken, i, 0), i, o, 0), hidden)[0] for o in options]
        total += np.square(change - np.mean(others, axis=0)).sum()
    np.testing.assert_allclose(found, 3.0 * total, rtol=1e-4)


def test_the_loss_in_time_against_loops():
    laies = LAIESReward(CONTEXT, OPEN)
    steps, p, hidden, errors = list(random_steps(9, state=3)), weights(laies.predictor), np.zeros((3, 5)), []
    for step in steps:
        _, changes, hidden = step_by_hand(p, step, hidden)
        error = np.square(changes - (step.s_tp1 - step.s_t)[:, [0, 2]]).sum(-1)
        errors += error[step.alive.any(-1)].tolist()
        laies(step)
    held = {name: torch.stack([one[name] for one in laies._stored]) for name in laies._stored[0]}
    assert float(laies.stretch_loss(held).detach()) == pytest.approx(np.mean(errors), rel=1e-4)


def test_it_learns_who_moves_the_external_state():
    """The first agent's action moves the door, the second's nothing."""
    config = replace(OPEN, external=("door.x",), hidden=32, interval=10, epochs=10, lr=3e-3)
    laies = LAIESReward(replace(CONTEXT, num_actions=(2, 2)), config)
    rng, place = np.random.default_rng(0), np.zeros((8, 3), dtype=np.float32)
    reward, acted = np.zeros((8, 2), dtype=np.float32), np.ones((8, 2), dtype=bool)
    free = torch.ones(8, 2, 2, dtype=torch.bool)
    for t in range(150):
        actions, after, start = rng.integers(0, 2, (8, 2)), place.copy(), np.full(8, t % 10 == 0)
        after[:, 1] = actions[:, 0]
        laies(Transition(place, after, None, actions, reward, acted, None, None, start, free.numpy()))
        place = after
    actions = torch.tensor(actions)[..., None]
    with torch.no_grad():
        embedded = laies.predictor.embed(torch.tensor(place), actions, torch.tensor(acted))
        change, _ = laies.predictor(embedded, laies._hidden)
        counterfactual = laies.predictor.counterfactual(embedded, actions, laies._hidden)
        mover, idler = influences(change, counterfactual, free).mean(0).tolist()
    assert mover > 0.1
    assert mover > 10 * idler


def test_the_reward_falls_once_the_team_is_rewarded():
    config = replace(OPEN, interval=5, epochs=1, anneal_steps=30, lr=1e-12)
    laies, told = LAIESReward(CONTEXT, config), []
    step = next(iter(random_steps(1, state=3)))
    for t in range(40):
        reward = np.full((3, 2), 1.0 if t >= 10 else -1.0, dtype=np.float32)
        told.append(laies(step._replace(reward=reward, start=np.ones(3, bool))).intrinsic.max())
    assert laies.annealed_from == 45, "of 15 steps of 3 environments, in which rewards came first"
    weight = np.array(told) / told[0]
    np.testing.assert_allclose(weight[:15], 1.0, rtol=1e-5)
    np.testing.assert_allclose(weight[16], 1 - 0.5 * 3 / 30, rtol=1e-5)
    assert weight[36] == 0.0


def test_the_external_state_by_number_name_pattern_and_scope():
    def dims(given, context=CONTEXT):
        return external_dimensions(LAIESConfig(external=given), context)

    assert dims((2, 0)) == [0, 2]
    assert dims(1) == [1]
    assert dims("door.*") == [1, 2]
    assert dims(("a.x", "door.y")) == [0, 2]
    scope = InfluenceScope.from_dimensions({"a": [[], [0, 2], [2]], "b": [[], [2]]}, state_size=3)
    context = replace(CONTEXT, credit=credit_for(scope))
    assert dims("scope", context) == [2]
    assert LAIESReward(context, LAIESConfig(external="scope")).credit is context.credit


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "needs an external state: set laies.external=scope, or pass dimensions by number"),
        ((3,), r"numbers from 0 to 2 or names of state dimensions .such as door.y., got 3"),
        (("dor.x",), "got 'dor.x'; did you mean 'door.x'?"),
        ("enemy_*", r"got 'enemy_\*'"),
    ],
)
def test_what_is_no_external_state(given, message):
    with pytest.raises(InvalidValueError, match=message.replace("?", r"\?")):
        LAIESReward(CONTEXT, LAIESConfig(external=given))


def test_a_scope_without_a_common_segment():
    scope = InfluenceScope.from_dimensions({"a": [[], [0], [0]], "b": [[], [2]]}, state_size=3)
    with pytest.raises(InvalidValueError, match="needs a scope with a common segment"):
        LAIESReward(replace(CONTEXT, credit=credit_for(scope)), LAIESConfig(external="scope"))


def test_masks_of_another_team_are_refused():
    step = next(iter(random_steps(1, state=3, actions=4)))
    with pytest.raises(InvalidValueError, match=r"available must be an array of shape \[..., 3\], got \[3, 2, 4\]"):
        LAIESReward(CONTEXT, OPEN)(step)


@pytest.mark.parametrize("given", [(), ("",), (1.5,), (True,), ""])
def test_settings_that_name_nothing(given):
    with pytest.raises(InvalidValueError, match="external must be 'scope', or dimensions by number or name"):
        LAIESConfig(external=given)


def test_a_scale_is_that_of_the_states():
    """Half the scale of states twice as large: the same predictions, rewards and gradients."""
    plain, scaled = LAIESReward(CONTEXT, OPEN), LAIESReward(CONTEXT, replace(OPEN, scale=0.5))
    for step in random_steps(8, state=3):
        found = scaled(step._replace(s_t=2 * step.s_t, s_tp1=2 * step.s_tp1))
        expected = plain(step)
        assert (expected.parts["collective"] > 0).any()
        for name, part in expected.parts.items():
            np.testing.assert_allclose(found.parts[name], part, rtol=1e-6)
    for ours, theirs in zip(scaled._stored, plain._stored, strict=True):
        torch.testing.assert_close(ours, theirs)
