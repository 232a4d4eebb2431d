"""What RewardWrapper does with any reward: modes, parts, saving, and what it refuses."""

import numpy as np
import pytest
from devices import DEVICES
from safetensors.numpy import load, save
from unlock_batch import Uneven, apart, as_numpy, assert_same_step, bare, mixed, plays, run, unlock

from isa_wrappers import BatchEnv, BatchWrapper, CountBonus, CountConfig, GoalBuffer, GoalConfig, GoalReward
from isa_wrappers.arrays import to_backend, to_numpy, with_prefix, without_prefix
from isa_wrappers.batch.wrapper import tells_bonus
from isa_wrappers.errors import InvalidValueError, ScopeMismatchError
from isa_wrappers.rewards import IntrinsicReward, RewardParts
from isa_wrappers.wrappers.batch import EpisodeStatistics, GoalRecording, GoalSampling, RewardWrapper


class Noticing(IntrinsicReward):
    """Pays 2 for the first action and keeps the transitions it saw."""

    name, parts = "noticing", ("pay",)

    def __init__(self):
        self.seen = []

    def __call__(self, transition, update=True):
        self.seen.append(transition)
        pay = 2.0 * (transition.actions == 0) * transition.alive
        return RewardParts(pay + 10.0 * transition.reward, pay, {"pay": pay})


class Renamed(Noticing):
    """May be in one stack with others like it."""

    def __init__(self, number):
        super().__init__()
        self.name = f"noticing-{number}"


def bare_env():
    return Uneven(unlock(None))


@pytest.mark.parametrize("device", DEVICES)
def test_a_reward_sees_the_step_as_it_was_before_any_reset(device):
    expected = bare(device, env=Uneven(unlock(device)))
    reward = Noticing()
    steps = run(RewardWrapper(Uneven(unlock(device)), reward), device)
    assert len(reward.seen) == len(steps) - 1
    for time, transition in enumerate(reward.seen):
        before, after = expected[time], expected[time + 1]
        np.testing.assert_array_equal(to_numpy(transition.s_t), before.state)
        np.testing.assert_array_equal(to_numpy(transition.s_tp1), after.final_state)
        np.testing.assert_array_equal(to_numpy(transition.obs_tp1), after.final_obs)
        np.testing.assert_array_equal(to_numpy(transition.obs_t), before.obs)
        np.testing.assert_array_equal(to_numpy(transition.available), before.available)
        np.testing.assert_array_equal(to_numpy(transition.start), before.done if time else before.done | True)
        np.testing.assert_array_equal(to_numpy(transition.actions), plays()[time])
        np.testing.assert_array_equal(to_numpy(transition.reward), after.reward)
        np.testing.assert_array_equal(to_numpy(transition.alive), before.alive)
        assert transition.goal is None
        assert_same_step(steps[time + 1], after, but=("reward",))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("mode", "factor"), [("replace", 1.0), ("replace", 0.5), ("add", 1.0), ("add", 0.5)])
def test_modes(mode, factor, device):
    env = RewardWrapper(Uneven(unlock(device)), Noticing(), mode, factor)
    assert env.parts == {}
    expected = bare(device, env=Uneven(unlock(device)))
    env.reset(0)
    for actions, plain in zip(plays(), expected[1:], strict=True):
        reward = to_numpy(env.step(to_backend(actions, device)).reward)
        pay = 2.0 * (actions == 0)
        wanted = factor * (pay + 10 * plain.reward) if mode == "replace" else plain.reward + factor * pay
        np.testing.assert_allclose(reward, wanted, rtol=1e-6)
        np.testing.assert_array_equal(to_numpy(env.parts["pay"]), pay)


def test_what_is_added_is_told_apart():
    """By every wrapper that adds, until one replaces the whole reward."""
    plain, adds = run(bare_env()), lambda env, factor: RewardWrapper(env, Renamed(factor), "add", factor)
    once, twice = adds(bare_env(), 0.5), adds(adds(bare_env(), 0.5), 2.0)
    replaced = RewardWrapper(adds(bare_env(), 0.5), Noticing())
    for env, told in ((once, True), (twice, True), (replaced, False)):
        assert tells_bonus(EpisodeStatistics(env)) is told
        for step, before in zip(run(env)[1:], plain[1:], strict=True):
            if told:
                np.testing.assert_allclose(step.reward - step.bonus, before.reward, atol=1e-6)
                assert step.bonus.any()
            else:
                assert step.bonus is None
    assert not tells_bonus(bare_env())


def test_the_goal_of_a_finished_episode_goes_with_its_last_step():
    goals = GoalBuffer(8, 20)
    goals.add(np.eye(8, dtype=np.float32), np.ones(8, dtype=bool))
    reward = Noticing()
    env = RewardWrapper(GoalSampling(unlock(), goals, mixed()), reward)
    env.reset(0)
    changed = 0
    for actions in plays():
        held = env.env.goal.copy()
        step = env.step(actions)
        np.testing.assert_array_equal(reward.seen[-1].goal, held)
        changed += int((env.env.goal != held).any(axis=1)[step.done].sum())
    assert changed > 20


def count_stack(device, seed=0, **options):
    goals = GoalBuffer(8, 20, seed=seed, device=device)
    recorder = EpisodeStatistics(GoalRecording(unlock(device, **options), goals))
    return RewardWrapper(recorder, CountBonus(mixed(), CountConfig(table_bits=8), device)), recorder, goals


def goal_stack(device, seed=0, **options):
    goals = GoalBuffer(8, 20, seed=seed, device=device)
    goals.add(to_backend(np.eye(8, dtype=np.float32), device), to_backend(np.ones(8, dtype=bool), device))
    recorder = EpisodeStatistics(GoalRecording(unlock(device, **options), goals))
    sampling = GoalSampling(recorder, goals, mixed(), seed)
    return RewardWrapper(sampling, GoalReward(mixed(), GoalConfig(hamming=10.0), device)), recorder, goals


@pytest.mark.parametrize("stack", [count_stack, goal_stack])
@pytest.mark.parametrize("options", [{}, {"targets": "random"}], ids=["listed", "random"])
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("stop", [0, 13, 29])
def test_resuming_from_a_saved_state_equals_not_having_stopped(stack, options, device, stop):
    unlock(device)
    env, recorder, goals = stack(device, **options)
    env.reset(1)
    actions = [to_backend(a, device) for a in plays(2)]
    step = env.reset(1)
    for time in range(stop):
        step = env.step(actions[time])
    # The goal buffer is not the wrappers' own: whoever made it saves it.
    live = env.state_dict() | with_prefix("buffer", goals.state_dict())
    stored = save({key: np.ascontiguousarray(to_numpy(value)) for key, value in live.items()})
    uninterrupted = [as_numpy(step), *(as_numpy(env.step(a)) for a in actions[stop:])]

    other, other_recorder, other_goals = stack(device, seed=77, **options)
    other.reset(55)
    for time in range(7):
        other.step(actions[-time])
    restored = {key: to_backend(value, device) for key, value in load(stored).items()}
    other_goals.load_state_dict(without_prefix("buffer", restored))
    step = other.load_state_dict(restored)
    resumed = [as_numpy(step), *(as_numpy(other.step(a)) for a in actions[stop:])]
    # The step that was current: what one acts on. Rewards and ends belong to the step before the save.
    past = ("reward", "terminated", "truncated", "success", "final_obs", "final_state", "final_alive")
    assert_same_step(resumed[0], uninterrupted[0], but=past)
    for after, expected in zip(resumed[1:], uninterrupted[1:], strict=True):
        assert_same_step(after, expected)
    assert other_recorder.take() == recorder.take()
    np.testing.assert_array_equal(to_numpy(other_goals.states), to_numpy(goals.states))
    np.testing.assert_array_equal(to_numpy(other_goals.sample(9)), to_numpy(goals.sample(9)))
    # Resuming changed nothing of what had been handed out.
    for key, value in load(stored).items():
        np.testing.assert_array_equal(to_numpy(live[key]), value, err_msg=key)


def test_wrappers_are_batched_environments_themselves():
    env = unlock()
    for wrapper in (BatchWrapper(env), EpisodeStatistics(env), RewardWrapper(env, CountBonus(apart()))):
        assert isinstance(wrapper, BatchEnv)
        for name in (
            "num_envs", "agents", "obs_size", "state_size", "num_actions", "horizon", "state_names", "action_names",
            "device",
        ):  # fmt: skip
            assert getattr(wrapper, name) == getattr(env, name)


def test_what_does_not_fit_is_named():
    with pytest.raises(InvalidValueError, match="mode must be one of replace, add; got 'ad'; did you mean 'add'"):
        RewardWrapper(unlock(), Noticing(), mode="ad")
    with pytest.raises(InvalidValueError, match="factor must be a number at least 0, got -1"):
        RewardWrapper(unlock(), Noticing(), factor=-1)
    with pytest.raises(InvalidValueError, match="inner wrapper already pays the intrinsic reward 'noticing'"):
        RewardWrapper(RewardWrapper(unlock(), Noticing()), Noticing())
    with pytest.raises(ScopeMismatchError, match="its state size 8, here 4"):
        RewardWrapper(unlock(num_agents=1, targets=[(1, 0)]), CountBonus(one_of(apart())))


def one_of(scope):
    """Return the scope of the first agent alone, over the same state."""
    agent = scope.agents[0]
    return type(scope).from_dimensions({agent: scope.action_dims[agent]}, scope.state_size)
