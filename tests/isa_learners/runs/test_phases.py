"""An intrinsic reward is tried out before a run: what is wrong with its code is met there."""

import numpy as np
import pytest
from learner_helpers import tiny_config

from isa_learners.runs.checks import check_run
from isa_wrappers.blame import blamed_for
from isa_wrappers.errors import InvalidValueError
from isa_wrappers.rewards import REWARDS, IntrinsicReward, RewardParts, RewardSpec
from isa_wrappers.rewards.base import checked


class Mine(IntrinsicReward):
    name, parts = "mine", ("pay",)
    pays = staticmethod(lambda transition: transition.reward)

    def __call__(self, transition, update=True):
        if update:
            raise TypeError("nothing is to be learned from what is made up")
        pay = self.pays(transition)
        return RewardParts(pay, pay, {"pay": pay})


@pytest.fixture
def mine(monkeypatch):
    """Check a run whose reward computes so."""

    def check(pays, **sections):
        monkeypatch.setattr(Mine, "pays", staticmethod(pays))
        check_run(tiny_config(algo="ippo", intrinsic="mine", **sections))

    REWARDS.register("mine", RewardSpec(lambda context, config: Mine(), None, False, False, "mine"))
    yield check
    REWARDS.unregister("mine")


def test_a_sound_one_passes(mine):
    mine(lambda step: step.reward + step.s_tp1[..., :1] + step.obs_tp1[..., 0] + (step.actions == step.alive) * 1.0)
    mine(lambda step: step.reward + step.actions.sum(-1), env="continuous_toys:Mixed", env_kwargs={})


@pytest.mark.parametrize("wrong", [lambda step: step.rewards, lambda step: step.reward + None])
def test_what_is_wrong_with_its_code_is_raised_as_its_own(mine, wrong):
    with pytest.raises((AttributeError, TypeError)) as caught:
        mine(wrong)
    assert blamed_for(caught.value) == "intrinsic reward 'mine'"


def test_what_it_returns_is_looked_at(mine):
    with pytest.raises(
        InvalidValueError, match=r"reward 'mine' must return total \[1, 1\] as given, got ndarray \[3\]"
    ):
        mine(lambda step: np.zeros(3))


@pytest.mark.parametrize("name", [name for name in REWARDS if not REWARDS[name].needs_goal])
@pytest.mark.filterwarnings("error")
def test_what_is_listed_passes(name, monkeypatch):
    tried = []
    monkeypatch.setattr("isa_learners.runs.making.checked", lambda *given: tried.append(checked(*given)))
    check_run(tiny_config(algo="ippo", intrinsic=name, device="cpu", true_scope=True))
    assert len(tried) == 1


def test_a_made_up_state_that_does_not_suit_it_says_nothing(mine):
    mine(lambda step: {}[tuple(step.s_t[0].tolist())])
