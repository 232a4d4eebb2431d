"""What RewardWrapper does with any reward, without a scope too."""

import conformance
import numpy as np
import pytest
from parallel_toys import WalkEnv
from walk_stacks import goals_with, walk_scope

from isa_wrappers import CountBonus, GoalBuffer, GoalReward, InfluenceScope
from isa_wrappers.errors import InvalidValueError, NonFiniteError, ScopeMismatchError
from isa_wrappers.rewards import IntrinsicReward, RewardParts
from isa_wrappers.wrappers import GoalSampling, RewardWrapper


class Noticing(IntrinsicReward):
    """Pays 2 for the first action and keeps the transitions it saw; its state is how many."""

    name, parts = "noticing", ("pay", "steps")
    needs_obs = needs_available = True

    def __init__(self):
        self.seen, self.steps = [], 0

    def __call__(self, transition, update=True):
        self.seen.append(transition)
        self.steps += update
        pay = 2.0 * (transition.actions == 0) * transition.alive
        return RewardParts(pay + 10.0 * transition.reward, pay, {"pay": pay, "steps": 0 * pay + self.steps})

    def state_dict(self):
        return {"steps": np.array([self.steps])}

    def load_state_dict(self, state):
        self.steps = int(state["steps"][0])


def test_a_reward_sees_the_step():
    """Observations are flat, without their mask, zeros for the dead; what the dead do is left out."""
    reward = Noticing()
    env = RewardWrapper(WalkEnv(deaths=True, masks="observation"), reward)
    env.reset()
    for _ in range(3):
        env.step({"walker_0": 1, "walker_1": 0})
    _, rewards, _, _, infos = env.step({"walker_1": 1})
    last = reward.seen[-1]
    assert (last.s_t.tolist(), last.s_tp1.tolist()) == ([3.0, 0.0], [3.0, 1.0])
    assert last.obs_tp1.tolist() == [[0.0, 0.0], [1.0, 4.0]]
    assert (last.actions.tolist()[1], last.alive.tolist(), last.goal) == (1, [False, True], None)
    assert (rewards, infos["walker_1"]["isa/noticing_pay"]) == ({"walker_1": 0.0}, 0.0)


@pytest.mark.parametrize("masks", [None, "observation", "info"])
@pytest.mark.parametrize("outer", [False, True])
def test_a_reward_sees_what_was_before_the_step_and_where_episodes_start(masks, outer):
    reward = Noticing()
    env = RewardWrapper(WalkEnv(deaths=True, **({} if masks is None else {"masks": masks})), reward)
    if outer:
        reward = Noticing()
        reward.name = "outer"
        env = RewardWrapper(env, reward)
    free, shown = [], []
    for _ in range(2):
        observations, infos = env.reset()
        for _ in range(3):
            free.append(mask_of(observations["walker_1"], infos["walker_1"]))
            shown.append(observations["walker_1"])
            observations, *_, infos = env.step(dict.fromkeys(env.agents, 0))
    assert [bool(step.start) for step in reward.seen] == [True, False, False] * 2
    assert all(step.start.shape == () for step in reward.seen)
    for step, mask, obs in zip(reward.seen, free, shown, strict=True):
        np.testing.assert_array_equal(step.available[1], mask)
        np.testing.assert_array_equal(step.obs_t[1], obs["observation"] if isinstance(obs, dict) else obs)
    for before, after in zip(reward.seen[:2], reward.seen[1:3], strict=True):
        np.testing.assert_array_equal(before.obs_tp1, after.obs_t)


def mask_of(obs, info):
    mask = obs.get("action_mask") if isinstance(obs, dict) else info.get("action_mask")
    return np.ones(3, bool) if mask is None else np.asarray(mask, bool)


def test_parts_and_the_reward_that_came_in_are_told_from_the_reset_on():
    env = RewardWrapper(WalkEnv(agents=1), Noticing())
    _, infos = env.reset()
    keys = {"isa/noticing_pay", "isa/noticing_steps", "isa/env_reward"}
    assert {key for key in infos["walker_0"] if key.startswith("isa/")} == keys
    for _ in range(3):
        _, rewards, _, _, infos = env.step({"walker_0": 1})
    assert {key: infos["walker_0"][key] for key in keys} == {
        "isa/noticing_pay": 0.0, "isa/noticing_steps": 3.0, "isa/env_reward": 1.0,
    }  # fmt: skip
    assert rewards == {"walker_0": 10.0}


@pytest.mark.parametrize(("mode", "factor"), [("replace", 1.0), ("replace", 0.5), ("add", 1.0), ("add", 0.5)])
def test_modes(mode, factor):
    env = RewardWrapper(WalkEnv(agents=1), Noticing(), mode, factor)
    env.reset()
    paid = [env.step({"walker_0": action})[1]["walker_0"] for action in (1, 0, 1, 1)]
    came_in, pay = [0.0, 0.0, 0.0, 1.0], [0.0, 2.0, 0.0, 0.0]
    pairs = zip(came_in, pay, strict=True)
    wanted = [factor * (p + 10 * r) if mode == "replace" else r + factor * p for r, p in pairs]
    assert paid == wanted


def test_goals_inside_reach_the_reward():
    reward = Noticing()
    goals = goals_with(np.array([[3.0, 4.0]], dtype=np.float32))
    env = RewardWrapper(GoalSampling(WalkEnv(), walk_scope(), goals), reward)
    env.reset()
    env.step({"walker_0": 1, "walker_1": 1})
    assert reward.seen[-1].goal.tolist() == [3.0, 4.0]
    assert reward.seen[-1].obs_tp1.tolist() == [[1.0, 1.0, 3.0], [1.0, 1.0, 4.0]], "goals are part of what is seen"


def test_frozen_updates_nothing_and_what_is_saved_comes_back():
    reward, other = Noticing(), RewardWrapper(WalkEnv(), Noticing())
    env = RewardWrapper(WalkEnv(), reward)
    env.reset()
    env.step({"walker_0": 1, "walker_1": 1})
    env.freeze()
    env.step({"walker_0": 1, "walker_1": 1})
    assert reward.steps == 1
    other.load_state_dict(env.state_dict())
    assert other.reward.steps == 1


@pytest.mark.parametrize("options", [{}, {"deaths": True}, {"late": True}, {"masks": "observation"}, {"masks": "info"}])
def test_any_reward_conforms_without_a_scope(options):
    conformance.check_conformance(lambda: WalkEnv(**options), lambda env: RewardWrapper(env, Noticing()))
    conformance.check_conformance(
        lambda: WalkEnv(**options),
        lambda env: RewardWrapper(RewardWrapper(env, CountBonus(walk_scope()), "add"), Noticing(), "add", 0.5),
    )


def test_what_does_not_fit_is_named():
    with pytest.raises(InvalidValueError, match="factor must be a number at least 0, got -1"):
        RewardWrapper(WalkEnv(), Noticing(), factor=-1)
    with pytest.raises(InvalidValueError, match="inner wrapper already pays the intrinsic reward 'noticing'"):
        RewardWrapper(RewardWrapper(WalkEnv(), Noticing()), Noticing())
    with pytest.raises(ScopeMismatchError, match="its agents"):
        RewardWrapper(WalkEnv(agents=3), CountBonus(walk_scope()))
    with pytest.raises(ScopeMismatchError, match="its agents"):
        RewardWrapper(WalkEnv(agents=3), Noticing(), scope=walk_scope())


def test_a_reward_that_has_followed_its_scope_is_held_against_the_goals_that_are_shown():
    scope, bigger = (
        walk_scope(),
        InfluenceScope.from_dimensions({f"walker_{i}": [[], [0, 1], [i]] for i in range(2)}, 2),
    )
    reward = GoalReward(scope)
    env = RewardWrapper(GoalSampling(WalkEnv(), scope, goals_with(np.ones((1, 2), dtype=np.float32))), reward)
    env.reset(seed=0)
    reward.follow(bigger)
    with pytest.raises(ScopeMismatchError):
        env.reset(seed=0)


def test_plain_rewards_that_are_not_finite_are_refused_as_arrays_are():
    class Far(WalkEnv):
        def state(self):
            return self.position.astype(np.float64) * 1e200

    goals = GoalBuffer(2)
    goals.add(np.array([[1e200, 1e200]]), np.array([True]))
    env = RewardWrapper(GoalSampling(Far(), walk_scope(), goals), GoalReward(walk_scope()))
    env.reset(seed=0)
    with pytest.raises(NonFiniteError, match="reward 'progress' must be finite"):
        env.step(dict.fromkeys(env.agents, 1))
