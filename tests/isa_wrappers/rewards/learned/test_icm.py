"""ICM's bonus and loss against NumPy in float64, and what it is for."""

import numpy as np
import pytest
from learned_rewards import forward, random_steps

torch = pytest.importorskip("torch")

from isa_wrappers.rewards import RewardContext, Transition  # noqa: E402
from isa_wrappers.rewards.learned.icm import IntrinsicCuriosityModule  # noqa: E402
from isa_wrappers.rewards.learned.settings import ICMConfig  # noqa: E402

CONTEXT = RewardContext(("a", "b"), (3, 2), obs_size=2, state_size=2)


def both_errors(icm, before, after, actions):
    """``-log p(a | phi, phi')`` and ``|| phi^ - phi' ||^2 / 2`` of one agent's step; ``actions`` are its components."""
    mean, deviation = icm.seen.mean.numpy(), icm.seen.deviation.numpy()
    phi, phi_next = (
        forward(icm.networks["encoder"], np.clip((obs - mean) / deviation, -5, 5)) for obs in (before, after)
    )
    logits = forward(icm.networks["inverse"], np.concatenate([phi, phi_next]))
    log_p = logits - np.log(np.exp(logits).sum())
    taken = np.array([float(a in actions) for a in range(3)])
    foreseen = forward(icm.networks["forward_model"], np.concatenate([phi, taken]))
    return -np.mean([log_p[a] for a in actions]), 0.5 * np.square(foreseen - phi_next).sum()


@pytest.mark.parametrize("components", [None, 2])
def test_loss_and_bonus_against_numpy(components):
    icm = IntrinsicCuriosityModule(CONTEXT, ICMConfig(hidden=8, features=5, beta=0.3, eta=2.0, warmup=0, interval=999))
    returns, all_returns = np.zeros((3, 2)), []
    for step in random_steps(12, components=components):
        found = icm(step).intrinsic
        errors = np.zeros((2, 3, 2))
        for place in np.ndindex(3, 2):
            actions = np.atleast_1d(step.actions[place])
            errors[(slice(None), *place)] = both_errors(icm, step.obs_t[place], step.obs_tp1[place], actions)
        inverse, surprise = errors[0], errors[1] * step.alive
        returns = np.where(step.alive, 0.99 * returns + surprise, returns)
        all_returns.append(returns[step.alive])
        np.testing.assert_allclose(found, 2.0 * surprise / np.std(np.concatenate(all_returns)), rtol=1e-3, atol=1e-5)
        acted = step.alive.sum()
        loss = 0.7 * (inverse * step.alive).sum() / acted + 0.3 * surprise.sum() / acted
        assert float(icm._loss(icm._stored[-1]).detach()) == pytest.approx(loss, rel=1e-4)


def test_it_learns_what_an_action_does_and_is_surprised_by_chance():
    """Agents see what they did last: the first as it was, the second a number of chance instead."""
    icm = IntrinsicCuriosityModule(CONTEXT, ICMConfig(warmup=0, interval=4, epochs=4, hidden=32, features=8))
    rng, seen = np.random.default_rng(0), np.zeros((16, 2, 2), dtype=np.float32)
    acted, reward = np.ones((16, 2), dtype=bool), np.zeros((16, 2), dtype=np.float32)
    told = []
    for _ in range(200):
        actions = rng.integers(0, 2, (16, 2))
        after = np.stack([actions, actions], -1).astype(np.float32)
        after[:, 1, 1] = rng.normal(size=16)
        paid = icm(Transition(None, None, after, actions, reward, acted, obs_t=seen)).intrinsic
        told.append(paid.mean(0))
        seen = after
    with torch.no_grad():
        inverse, _ = icm.errors(torch.tensor(seen), torch.tensor(after), torch.tensor(actions)[..., None])
    known, chance = np.mean(told[-20:], axis=0)
    assert chance > 4 * known
    assert float(inverse.mean()) < 0.1, "which action it was is read off what is seen"
