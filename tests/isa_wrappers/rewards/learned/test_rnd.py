"""RND's bonus against NumPy, step by step, and what it is for: what was seen often pays little."""

import numpy as np
import pytest
from learned_rewards import forward, random_steps

torch = pytest.importorskip("torch")

from isa_wrappers.errors import InvalidValueError  # noqa: E402
from isa_wrappers.rewards import RewardContext, Transition  # noqa: E402
from isa_wrappers.rewards.learned.rnd import RandomNetworkDistillation  # noqa: E402
from isa_wrappers.rewards.learned.settings import NovelDConfig, RNDConfig  # noqa: E402

CONTEXT = RewardContext(("a", "b"), (3, 3), obs_size=2, state_size=2)


@pytest.mark.parametrize("of", ["observation", "state"])
def test_the_bonus_against_numpy(of):
    config = RNDConfig(of=of, hidden=8, features=4, warmup=3, interval=1000, clip=1.0)
    rnd = RandomNetworkDistillation(CONTEXT, config)
    seen, returns, all_returns = [], 0.0, []
    for time, step in enumerate(random_steps(30)):
        after = step.obs_tp1 if of == "observation" else step.s_tp1[:, None]
        acted = step.alive if of == "observation" else step.alive.any(-1, keepdims=True)
        seen.append(after[acted].astype(np.float64))
        rows = np.concatenate(seen)
        deviation = np.where(rows.std(0) > 0, rows.std(0), 1.0)
        white = np.clip((after - rows.mean(0)) / deviation, -1, 1)
        target, predictor = (rnd.networks[name] for name in ("target", "predictor"))
        error = np.square(forward(target, white) - forward(predictor, white)).mean(-1) * acted
        returns = np.where(acted, 0.99 * returns + error, returns)
        all_returns.append(returns[acted])
        paid = error / np.std(np.concatenate(all_returns)) * (time >= 3) * step.alive
        found = rnd(step)
        np.testing.assert_allclose(found.intrinsic, paid, rtol=1e-3, atol=1e-6)
        np.testing.assert_allclose(found.total, found.intrinsic + step.reward)
        np.testing.assert_array_equal(found.parts["novelty"], found.intrinsic)
    assert np.abs(white).max() == 1.0


def test_what_was_seen_often_pays_little():
    rnd = RandomNetworkDistillation(CONTEXT, RNDConfig(warmup=0, interval=8, lr=3e-3))
    rng = np.random.default_rng(0)

    def at(place):
        seen = (place + 0.1 * rng.normal(size=(16, 2, 2))).astype(np.float32)
        acted, reward = np.ones((16, 2), dtype=bool), np.zeros((16, 2), dtype=np.float32)
        return Transition(None, None, seen, np.zeros((16, 2), dtype=int), reward, acted, obs_t=seen)

    for _ in range(400):
        rnd(at(rng.choice([-1.0, 1.0], size=(16, 2, 1)) * np.array([1.0, 0.0])))
    known = rnd(at(np.array([1.0, 0.0])), update=False).intrinsic.mean()
    new = rnd(at(np.array([0.0, 2.0])), update=False).intrinsic.mean()
    assert new > 10 * known > 0
    first = [parameter.clone() for parameter in rnd.networks["target"].parameters()]
    rnd2 = RandomNetworkDistillation(CONTEXT, RNDConfig())
    for mine, fresh in zip(first, rnd2.networks["target"].parameters(), strict=True):
        assert torch.equal(mine, fresh), "the target is fixed, and drawn from the seed"


def test_the_share_of_samples_that_is_learned_from():
    taken = []
    rnd = RandomNetworkDistillation(CONTEXT, RNDConfig(interval=10, epochs=2, minibatches=1, share=0.5))
    rnd._loss = lambda sample: taken.append(len(sample["weight"])) or rnd.distillation.loss(sample)
    for step in random_steps(10):
        rnd(step)
    assert taken == [30, 30], "half of 10 steps of 3 environments with 2 agents, twice"


def test_what_is_refused():
    with pytest.raises(InvalidValueError, match="of must be one of observation, state"):
        RNDConfig(of="action")
    with pytest.raises(InvalidValueError, match=r"share must be a number in \[0.001, 1\]"):
        RNDConfig(share=0.0)
    with pytest.raises(InvalidValueError, match="config must be RNDConfig"):
        RandomNetworkDistillation(CONTEXT, 3)
    step = next(iter(random_steps(1, obs=5)))
    with pytest.raises(InvalidValueError, match=r"obs_t must be an array of shape \[..., 2\]"):
        RandomNetworkDistillation(CONTEXT)(step)
    with pytest.raises(InvalidValueError, match="s_t must be an array of shape"):
        RandomNetworkDistillation(CONTEXT, RNDConfig(of="state"))(next(iter(random_steps(1, state=4))))
    assert isinstance(NovelDConfig(), RNDConfig)
