"""The batched wrappers on a small grid task, against bookkeeping by hand on the bare environment."""

from collections import Counter, deque
from dataclasses import fields, replace
from math import isnan, sqrt

import numpy as np
import pytest
from devices import DEVICES
from safetensors.numpy import load, save

from isa_wrappers import (
    BatchEnv,
    BatchStep,
    BatchWrapper,
    CountBonus,
    CountConfig,
    GoalBuffer,
    GoalConfig,
    GoalProjection,
    GoalReward,
    InfluenceScope,
)
from isa_wrappers.arrays import to_backend, to_numpy, with_prefix, without_prefix
from isa_wrappers.batch_wrappers import BatchCountBonus, BatchGoals, BatchRecorder
from isa_wrappers.envs import make_batch
from isa_wrappers.errors import EmptyGoalBufferError

B, AGENTS, STEPS = 12, 2, 60
TARGETS = [(1, 0), (0, 2)]


def unlock(device=None, **options):
    """Two agents, two locks, three by three cells, eight steps: random play wins some and times out in others."""
    if device is not None:
        pytest.importorskip("torch")
    options = {"num_agents": AGENTS, "grid": 3, "targets": TARGETS, "horizon": 8, **options}
    return make_batch("grid/unlock", B, device=device, **options)


def apart():
    """The task's true scope: no common dimension."""
    moves = [[[], [2 * i + 1], [2 * i + 1], [2 * i], [2 * i]] for i in range(AGENTS)]
    return InfluenceScope.from_dimensions({f"agent_{i}": moves[i] for i in range(AGENTS)}, state_size=8)


def mixed():
    """A made-up scope with common dimensions {0, 3}, moved by some actions only, and special ones."""
    return InfluenceScope.from_dimensions(
        {"agent_0": [[], [1], [0], [3, 1], []], "agent_1": [[2], [0], [], [2, 3], [3]]}, state_size=8
    )


def plays(seed=0, steps=STEPS):
    """Joint actions of a random team: ``[steps, B, A]``."""
    return np.random.default_rng(seed).integers(0, 5, (steps, B, AGENTS))


def as_numpy(step):
    found = {field.name: getattr(step, field.name) for field in fields(step)}
    return BatchStep(**{name: value if value is None else to_numpy(value).copy() for name, value in found.items()})


def bare(device=None, env=None, seed=0):
    """Steps of the environment without wrappers: the one at the reset, then one a joint action."""
    env = env or unlock(device)
    return [as_numpy(env.reset(0)), *(as_numpy(env.step(to_backend(a, device))) for a in plays(seed))]


def run(env, device=None, seed=0):
    return [as_numpy(env.reset(0)), *(as_numpy(env.step(to_backend(a, device))) for a in plays(seed))]


def assert_same_step(step, other, but=()):
    for field in fields(BatchStep):
        if field.name not in but:
            np.testing.assert_array_equal(getattr(step, field.name), getattr(other, field.name), err_msg=field.name)


class Uneven(BatchWrapper):
    """Agents' rewards differ, so that a mean over them differs from any one of them."""

    def step(self, actions):
        step = self.env.step(actions)
        reward = step.reward * 1.0
        reward[:, 1] = reward[:, 1] * 3 + 0.5
        return replace(step, reward=reward)


class Dying(BatchWrapper):
    """Agent 1 is dead while agent 0 stands right of the leftmost column."""

    def _mark(self, step):
        marked = {}
        for alive, state in (("alive", step.state), ("final_alive", step.final_state)):
            marked[alive] = getattr(step, alive) & True
            marked[alive][:, 1] = state[:, 0] == 0
        return replace(step, **marked)

    def reset(self, seed=None):
        return self._mark(self.env.reset(seed))

    def step(self, actions):
        return self._mark(self.env.step(actions))


def test_the_random_team_wins_some_and_times_out_in_others():
    """What the tests below take for granted."""
    steps = bare()[1:]
    assert sum(step.success.sum() for step in steps) >= 10
    assert sum(step.truncated.sum() for step in steps) >= 10
    assert not any((step.success & step.truncated).any() for step in steps)


@pytest.mark.parametrize("device", DEVICES)
def test_recorder_changes_nothing_and_adds_up_by_hand(device):
    recorder = BatchRecorder(Uneven(unlock(device)))
    steps = run(recorder, device)
    expected = bare(env=Uneven(unlock(device)), device=device)
    episodes = []
    returns, lengths = np.zeros(B), np.zeros(B)
    for step, plain in zip(steps, expected, strict=True):
        assert_same_step(step, plain)
    for step in expected[1:]:
        for b in range(B):
            returns[b] += step.reward[b].mean()
            lengths[b] += 1
            if step.terminated[b] or step.truncated[b]:
                episodes.append((returns[b], lengths[b], bool(step.success[b])))
                returns[b] = lengths[b] = 0
    taken = recorder.take()
    assert taken["episodes"] == len(episodes)
    assert taken["success_rate"] == pytest.approx(np.mean([won for *_, won in episodes]), abs=1e-12)
    assert taken["return_mean"] == pytest.approx(np.mean([total for total, *_ in episodes]), rel=1e-6)
    assert taken["episode_length"] == pytest.approx(np.mean([length for _, length, _ in episodes]), rel=1e-9)
    # Taking starts the totals again, but not the episodes that are under way.
    again = recorder.take()
    assert again["episodes"] == 0
    assert all(isnan(again[name]) for name in ("success_rate", "return_mean", "episode_length"))
    while not (step := as_numpy(recorder.step(to_backend(np.zeros((B, AGENTS), dtype=np.int64), device)))).done.any():
        returns, lengths = returns + step.reward.mean(axis=1), lengths + 1
    returns, lengths = returns + step.reward.mean(axis=1), lengths + 1
    taken = recorder.take()
    assert taken["episodes"] == step.done.sum()
    assert taken["return_mean"] == pytest.approx(returns[step.done].mean(), rel=1e-6)
    assert taken["episode_length"] == lengths[step.done].mean()


def test_recorder_forgets_unfinished_episodes_at_a_reset():
    recorder = BatchRecorder(unlock())
    recorder.reset(0)
    for actions in plays(steps=5):
        recorder.step(actions)
    recorder.take()
    recorder.reset(0)
    for _ in range(8):
        recorder.step(np.zeros((B, AGENTS), dtype=np.int64))
    told = {"episodes": B, "success_rate": 0.0, "return_mean": 0.0, "episode_length": 8.0, "discarded": 0.0}
    assert recorder.take() == told


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("capacity", [5, 1000])
def test_won_states_are_those_before_the_reset(device, capacity):
    steps = bare(device)[1:]
    goals = GoalBuffer(8, capacity, device=device)
    run(BatchRecorder(unlock(device), goals), device)
    won = [tuple(step.final_state[b].tolist()) for step in steps for b in range(B) if step.success[b]]
    assert len(won) > capacity or capacity == 1000
    assert Counter(map(tuple, to_numpy(goals.states).tolist())) == Counter(deque(won, maxlen=capacity))
    # A won state has each agent on its lock; the state after the reset has both at the start.
    for row in to_numpy(goals.states):
        assert row[:4].tolist() == [float(c) for target in TARGETS for c in target]


def test_distinct_won_states_are_told_apart():
    """With random targets each win has a state of its own: the buffer holds the very ones, in any order."""
    env = make_batch("grid/navigation", B, num_agents=1, grid=3, targets="random", horizon=8)
    goals = GoalBuffer(4, 1000)
    env = BatchRecorder(env, goals)
    env.reset(3)
    won = Counter()
    for actions in plays(1):
        step = env.step(actions[:, :1])
        won.update(tuple(row) for row in step.final_state[step.success].tolist())
    assert len(won) > 4
    assert Counter(map(tuple, goals.states.tolist())) == won


def phi(state, dims):
    return tuple(int(state[k]) for k in dims)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("make_scope", [apart, mixed])
@pytest.mark.parametrize("inner", [Uneven, Dying])
def test_count_bonus_equals_eq_10_by_hand(device, make_scope, inner):
    scope, config = make_scope(), CountConfig(beta1=0.5, beta2=2.0)
    steps = run(BatchCountBonus(inner(unlock(device)), CountBonus(scope, config, device)), device)
    expected = bare(env=inner(unlock(device)), device=device)
    common, special = Counter(), [Counter() for _ in range(AGENTS)]
    assert_same_step(steps[0], expected[0])
    for time, actions in enumerate(plays()):
        before, plain = expected[time], expected[time + 1]
        assert_same_step(steps[time + 1], plain, but=("reward",))
        reached = plain.final_state  # Before the reset: what the action led to.
        for b in range(B):
            common[phi(reached[b], scope.common_dims)] += 1
            for i in range(AGENTS):
                special[i][phi(reached[b], scope.special_dims[i])] += int(before.alive[b, i])
        rewards = 2.0 * plain.reward.astype(float)
        for b in range(B):
            for i in range(AGENTS):
                if not before.alive[b, i]:
                    continue
                if set(scope.action_dims[f"agent_{i}"][actions[b, i]]) & set(scope.common_dims):
                    rewards[b, i] += 1 / sqrt(common[phi(reached[b], scope.common_dims)])
                if scope.special_dims[i]:
                    rewards[b, i] += 0.5 / sqrt(special[i][phi(reached[b], scope.special_dims[i])])
        np.testing.assert_allclose(steps[time + 1].reward, rewards, rtol=1e-5, atol=1e-6)


def test_counts_go_on_over_resets():
    bonus = CountBonus(apart(), CountConfig())
    env = BatchCountBonus(unlock(), bonus)
    for repeat in range(1, 4):
        env.reset(0)
        env.step(np.zeros((B, AGENTS), dtype=np.int64))
        assert bonus.counter.count(np.zeros(8, dtype=np.float32)).tolist() == [B * repeat] * 3


def goal_pool(device, count=40):
    """A buffer of many different goals, and the goals."""
    rng = np.random.default_rng(9)
    states = rng.integers(0, 50, (count, 8)).astype(np.float32)
    goals = GoalBuffer(8, count, device=device)
    goals.add(to_backend(states, device), to_backend(np.ones(count, dtype=bool), device))
    return goals, {tuple(row) for row in states.tolist()}


def with_goals(device, make_scope=mixed, config=None, reward=True, seed=0, inner=unlock):
    scope = make_scope()
    goals, pool = goal_pool(device)
    reward = GoalReward(scope, config or GoalConfig(hamming=10.0), device) if reward else None
    return BatchGoals(inner(device), goals, GoalProjection(scope, device), reward, seed), pool


@pytest.mark.parametrize("device", DEVICES)
def test_a_goal_is_held_for_an_episode_and_redrawn_after(device):
    unlock(device)
    env, pool = with_goals(device)
    step = env.reset(0)
    drawn = to_numpy(env.goal).tolist()
    redrawn = 0
    for actions in plays():
        before = to_numpy(env.goal).copy()
        step = env.step(to_backend(actions, device))
        after, done = to_numpy(env.goal), to_numpy(step.done)
        np.testing.assert_array_equal(after[~done], before[~done])
        redrawn += int((after[done] != before[done]).any(axis=1).sum())
        drawn += after[done].tolist()
    assert {tuple(row) for row in drawn} <= pool
    episodes = len(drawn) - B
    assert episodes > 60
    # One in forty redraws gives the same again.
    assert redrawn / episodes > 0.85
    # All of the pool comes up: the chance of missing 8 of 40 in so many draws is nil.
    assert len({tuple(row) for row in drawn}) > 32


@pytest.mark.parametrize("device", DEVICES)
def test_observations_carry_the_agents_own_part_of_the_goal(device):
    expected = bare(device)
    env, _ = with_goals(device)
    scope = mixed()
    assert scope.agent_dims == [[0, 1, 3], [0, 2, 3]]
    assert env.obs_size == 4 + 3
    step = as_numpy(env.reset(0))
    for time in range(STEPS + 1):
        plain = expected[time]
        held = to_numpy(env.goal)
        if time:
            before = held.copy()
            step = as_numpy(env.step(to_backend(plays()[time - 1], device)))
            held = to_numpy(env.goal)
        else:
            before = held
        for obs, base, goal in ((step.obs, plain.obs, held), (step.final_obs, plain.final_obs, before)):
            assert obs.shape == (B, AGENTS, 7)
            np.testing.assert_array_equal(obs[..., :4], base)
            for i in range(AGENTS):
                own = scope.common_dims + scope.special_dims[i]
                np.testing.assert_array_equal(obs[:, i, 4 : 4 + len(own)], goal[:, own])
                assert (obs[:, i, 4 + len(own) :] == 0).all()
        assert_same_step(step, plain, but=("obs", "final_obs", "reward"))


def dist(x, g, dims, hamming):
    return hamming * sum(1 for k in dims if x[k] != g[k]) + sqrt(sum(float(x[k] - g[k]) ** 2 for k in dims))


@pytest.mark.parametrize("hamming", [0.0, 10.0, 50.0])
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("make_scope", [apart, mixed])
def test_goal_reward_equals_eq_7_by_hand(device, make_scope, hamming):
    """Nothing leaks across an episode's end: before is this episode's state, after is the one before the reset."""
    scope, config = make_scope(), GoalConfig(alpha1=0.5, alpha2=3.0, hamming=hamming)
    expected = bare(device, env=Uneven(unlock(device)))
    env, _ = with_goals(device, make_scope, config, inner=lambda device: Uneven(unlock(device)))
    env.reset(0)
    ends = 0
    for time, actions in enumerate(plays()):
        goal = to_numpy(env.goal).copy()
        reward = to_numpy(env.step(to_backend(actions, device)).reward)
        before, after = expected[time].state, expected[time + 1].final_state
        ends += int((expected[time].done & (expected[time].final_state != before).any(axis=1)).sum())

        def progress(b, dims, before=before, after=after, goal=goal):
            return dist(before[b], goal[b], dims, hamming) - dist(after[b], goal[b], dims, hamming)

        for b in range(B):
            for i in range(AGENTS):
                total = 0.5 * progress(b, scope.special_dims[i]) + 3.0 * float(expected[time + 1].reward[b, i])
                if set(scope.action_dims[f"agent_{i}"][actions[b, i]]) & set(scope.common_dims):
                    total += progress(b, scope.common_dims)
                # float32 at distances of up to 300: one unit in the last place is 3e-5.
                assert reward[b, i] == pytest.approx(total, abs=3e-4)
    assert ends > 20, "episodes must have ended for this to show anything"


@pytest.mark.parametrize("device", DEVICES)
def test_without_a_goal_reward_the_environments_stays(device):
    unlock(device)
    env, _ = with_goals(device, reward=False)
    for step, plain in zip(run(env, device), bare(device), strict=True):
        np.testing.assert_array_equal(step.reward, plain.reward)


@pytest.mark.parametrize("device", DEVICES)
def test_goals_need_a_won_state_first(device):
    unlock(device)
    env = BatchGoals(unlock(device), GoalBuffer(8, device=device), GoalProjection(mixed(), device))
    with pytest.raises(EmptyGoalBufferError):
        env.reset(0)


def test_goal_draws_depend_on_the_seed_of_the_reset():
    env, _ = with_goals(None, seed=5)
    goals = []
    for seed in (1, 1, 2):
        env.reset(seed)
        goals.append(to_numpy(env.goal).copy())
    np.testing.assert_array_equal(goals[0], goals[1])
    assert not np.array_equal(goals[0], goals[2])
    env.reset()
    assert not np.array_equal(to_numpy(env.goal), goals[2])


def test_the_goal_of_a_win_may_be_the_next_goal():
    """The buffer is fed below the goals, so a first win can be drawn at once; the draw itself is over all of B."""
    goals = GoalBuffer(8, 100)
    goals.add(np.full((1, 8), 7, dtype=np.float32), np.array([True]))
    env = BatchGoals(BatchRecorder(unlock(), goals), goals, GoalProjection(apart()))
    run(env)
    won = [float(c) for target in TARGETS for c in target]
    assert {tuple(row[:4]) for row in env.goal.tolist()} <= {tuple(won), (7.0,) * 4}
    assert any(row[:4] == won for row in env.goal.tolist())


def count_stack(device, seed=0, **options):
    goals = GoalBuffer(8, 20, seed=seed, device=device)
    recorder = BatchRecorder(unlock(device, **options), goals)
    return BatchCountBonus(recorder, CountBonus(mixed(), CountConfig(table_bits=8), device)), recorder


def goal_stack(device, seed=0, **options):
    goals = GoalBuffer(8, 20, seed=seed, device=device)
    goals.add(to_backend(np.eye(8, dtype=np.float32), device), to_backend(np.ones(8, dtype=bool), device))
    recorder = BatchRecorder(unlock(device, **options), goals)
    reward = GoalReward(mixed(), GoalConfig(hamming=10.0), device)
    return BatchGoals(recorder, goals, GoalProjection(mixed(), device), reward, seed), recorder


@pytest.mark.parametrize("stack", [count_stack, goal_stack])
@pytest.mark.parametrize("options", [{}, {"targets": "random"}], ids=["listed", "random"])
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("stop", [0, 13, 29])
def test_going_on_from_a_saved_state_equals_not_having_stopped(stack, options, device, stop):
    unlock(device)
    env, recorder = stack(device, **options)
    env.reset(1)
    actions = [to_backend(a, device) for a in plays(2)]
    step = env.reset(1)
    for time in range(stop):
        step = env.step(actions[time])
    # The goal buffer is not the wrappers' own: whoever made it saves it.
    live = env.state_dict() | with_prefix("buffer", recorder.goals.state_dict())
    stored = save({key: np.ascontiguousarray(to_numpy(value)) for key, value in live.items()})
    uninterrupted = [as_numpy(step), *(as_numpy(env.step(a)) for a in actions[stop:])]

    other, other_recorder = stack(device, seed=77, **options)
    other.reset(55)
    for time in range(7):
        other.step(actions[-time])
    restored = {key: to_backend(value, device) for key, value in load(stored).items()}
    other_recorder.goals.load_state_dict(without_prefix("buffer", restored))
    step = other.load_state_dict(restored)
    resumed = [as_numpy(step), *(as_numpy(other.step(a)) for a in actions[stop:])]
    # The step that was current: what one acts on. Rewards and ends belong to the step before the save.
    past = ("reward", "terminated", "truncated", "success", "final_obs", "final_state", "final_alive")
    assert_same_step(resumed[0], uninterrupted[0], but=past)
    for after, expected in zip(resumed[1:], uninterrupted[1:], strict=True):
        assert_same_step(after, expected)
    assert other_recorder.take() == recorder.take()
    np.testing.assert_array_equal(to_numpy(other_recorder.goals.states), to_numpy(recorder.goals.states))
    np.testing.assert_array_equal(to_numpy(other_recorder.goals.sample(9)), to_numpy(recorder.goals.sample(9)))
    # Going on changed nothing of what had been handed out.
    for key, value in load(stored).items():
        np.testing.assert_array_equal(to_numpy(live[key]), value, err_msg=key)


def test_wrappers_are_batched_environments_themselves():
    env = unlock()
    for wrapper in (BatchWrapper(env), BatchRecorder(env), BatchCountBonus(env, CountBonus(apart()))):
        assert isinstance(wrapper, BatchEnv)
        for name in (
            "num_envs", "agents", "obs_size", "state_size", "num_actions", "horizon", "state_names", "action_names",
            "device",
        ):  # fmt: skip
            assert getattr(wrapper, name) == getattr(env, name)


def test_prefixes_do_not_catch_each_other():
    state = with_prefix("env", {"goal": 1}) | with_prefix("environment", {"goal": 2}) | {"env": 3}
    assert without_prefix("env", state) == {"goal": 1}
    assert without_prefix("environment", state) == {"goal": 2}
    nested = with_prefix("env", with_prefix("env", {"x": 1}))
    assert without_prefix("env", without_prefix("env", nested)) == {"x": 1}
