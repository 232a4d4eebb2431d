"""States as wide as the environment gives them: what is told apart there is told apart everywhere."""

import numpy as np
import pytest
from gymnasium import spaces
from parallel_toys import WalkEnv

from isa_wrappers import (
    CountConfig,
    GoalBuffer,
    GoalConfig,
    InfluenceScope,
    ParallelEnvBatch,
    ScopeConfig,
    estimate_scope,
)
from isa_wrappers.border.state import StateReader
from isa_wrappers.errors import UnsupportedEnvironmentError
from isa_wrappers.rewards import VisitCounter
from isa_wrappers.wrappers import GoalSampling, GoalSegmentReward, InfluenceCountBonus, batch
from isa_wrappers.wrappers.goal_recording import GoalRecording

FAR, TENTH = 5_600_000.0, 0.1
RIGHT = {"walker_0": 1, "walker_1": 1}


class Far(WalkEnv):
    """A walk in tenths, far from 0: float32 knows half units there."""

    dtype = np.float64

    def state(self):
        return (FAR + TENTH * self.position.astype(np.float64)).astype(self.dtype)


class Near(Far):
    dtype = np.float32


def told(state):
    """Return an environment whose ``state()`` is this."""

    class Fixed(WalkEnv):
        def state(self):
            return state

    return Fixed()


@pytest.mark.parametrize(
    ("state", "dtype"),
    [
        (np.zeros(2, np.float32), np.float32),
        (np.zeros(2, np.float16), np.float32),
        (np.zeros(2, np.int16), np.float32),
        (np.zeros((1, 2), bool), np.float32),
        (np.zeros(2), np.float64),
        (np.zeros(2, np.int32), np.float64),
        (np.zeros(2, np.uint64), np.float64),
        ([0.5, 1], np.float64),
        ((3, 4), np.float64),
    ],
)
def test_a_state_is_as_wide_as_it_comes(state, dtype):
    env = told(state)
    observations, _ = env.reset(seed=0)
    read = StateReader(env, None)(observations)
    assert read.dtype == dtype
    assert read.shape == (2,)


def test_torch_states_are_as_wide_as_they_come():
    torch = pytest.importorskip("torch")
    for dtype, width in ((torch.float64, np.float64), (torch.float32, np.float32), (torch.int64, np.float64)):
        env = told(torch.zeros(2, dtype=dtype))
        assert StateReader(env, None)(env.reset(seed=0)[0]).dtype == width


@pytest.mark.parametrize(
    ("space", "seen", "dtype"),
    [
        (spaces.Box(0, 1, (1,), np.float32), np.zeros(1, np.float32), np.float32),
        (spaces.Box(0, 1, (1,), np.float32), np.zeros(1), np.float64),
        (spaces.Discrete(9), np.int64(3), np.float32),
        (spaces.Discrete(2**40), 3, np.float64),
        (spaces.MultiDiscrete([3, 2**30]), np.array([0, 1]), np.float64),
        (spaces.Box(0, 255, (1,), np.int64), np.zeros(1, np.int64), np.float32),
        (spaces.Tuple([spaces.Discrete(2), spaces.Box(0, 2**60, (1,), np.int64)]), (0, [2**40]), np.float64),
        (spaces.Dict({"a": spaces.Discrete(2)}), {"a": 1}, np.float32),
    ],
)
def test_observations_that_stand_for_the_state_too(space, seen, dtype):
    class Seen(WalkEnv):
        def observation_space(self, agent):
            return space

    env = Seen()
    assert StateReader(env, "observations")(dict.fromkeys(env.possible_agents, seen)).dtype == dtype


def test_all_states_are_as_wide_as_the_first():
    env = told(np.zeros(2))
    observations, _ = env.reset(seed=0)
    read = StateReader(env, None)
    assert read(observations).dtype == np.float64
    env.state = lambda: np.zeros(2, np.float32)
    assert read(observations).dtype == np.float64


@pytest.mark.parametrize("workers", [0, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("device", [None, "cpu"])
def test_batches_hand_over_what_the_environment_gave(workers, device):
    if device is not None:
        pytest.importorskip("torch")
    env = ParallelEnvBatch([Far] * 2 if workers else [Far(), Far()], device, workers=workers)
    try:
        env.reset(seed=0)
        step = env.step(np.full((2, 2), 1))
        for state in (step.state, step.final_state):
            assert "float64" in str(state.dtype)
            assert state.tolist() == [[FAR + TENTH] * 2] * 2
        assert "float32" in str(step.obs.dtype)
    finally:
        env.close()


@pytest.mark.slow
@pytest.mark.parametrize("estimator", ["interval_effect", "nmi_pooled"])
def test_the_scope_finds_small_moves_far_from_zero(estimator):
    """In float32 every move of a tenth was no change, or one of a half."""
    config = ScopeConfig(1_000, 0.3, bin_width=0.01, estimator=estimator)
    found = estimate_scope(ParallelEnvBatch([Far() for _ in range(4)]), config)
    assert found.agent_dims == [[0], [1]]


def test_the_buffer_follows():
    goals = GoalBuffer(1, capacity=3)
    goals.add(np.array([[0.5]], np.float32), np.array([True]))
    assert goals.states.dtype == np.float32
    goals.add(np.array([[FAR + TENTH]]), np.array([True]))
    assert goals.states.tolist() == [[0.5], [FAR + TENTH]]
    other = GoalBuffer(1, capacity=3)
    other.load_state_dict(goals.state_dict())
    assert other.states.tolist() == goals.states.tolist()


SCOPE = InfluenceScope.from_dimensions({"walker_0": [[], [0], [0]], "walker_1": [[], [1], [1]]}, state_size=2)


def far_goals(device=None):
    goals = GoalBuffer(2, device=device)
    goals.add(np.array([[FAR + 3 * TENTH] * 2]), np.array([True])) if device is None else None
    return goals


@pytest.mark.parametrize("hamming", [0.0, 1.0])
def test_both_stacks_measure_distances_in_it(hamming):
    config = GoalConfig(alpha1=1.0, alpha2=0.0, hamming=hamming)
    env = GoalSegmentReward(GoalSampling(Far(), SCOPE, far_goals()), SCOPE, config)
    env.reset(seed=0)
    paid = [env.step(RIGHT)[1]["walker_0"] for _ in range(3)]
    np.testing.assert_allclose(paid, [TENTH, TENTH, TENTH + hamming], atol=1e-6)
    assert env.global_state.dtype == np.float64

    both = ParallelEnvBatch([Far()])
    env = batch.GoalSegmentReward(batch.GoalSampling(both, far_goals(), SCOPE), SCOPE, config)
    assert env.reset(seed=0).obs.dtype == np.float32
    paid = [env.step(np.array([[1, 1]])).reward for _ in range(3)]
    assert paid[0].dtype == np.float32
    np.testing.assert_allclose(np.array(paid)[:, 0, 0], [TENTH, TENTH, TENTH + hamming], atol=1e-6)


def test_wins_are_kept_as_they_were():
    goals = GoalBuffer(2)
    env = GoalRecording(Far(), None, goals)
    env.reset(seed=0)
    for _ in range(3):
        env.step(RIGHT)
    assert goals.states.tolist() == [[FAR + 3 * TENTH] * 2]


@pytest.mark.parametrize(("kind", "places"), [(Far, 4), (Near, 2)])
def test_places_a_tenth_apart_are_places(kind, places):
    counter = VisitCounter([[0]], count_scale=10.0)
    env = InfluenceCountBonus(kind(), SCOPE, CountConfig(count_scale=10.0))
    env.reset(seed=0)
    seen = [counter.visit(env.global_state[None])[0, 0]]
    for _ in range(3):
        env.step(RIGHT)
        seen.append(counter.visit(env.global_state[None])[0, 0])
    assert seen.count(1) == places


def test_goals_shown_to_networks_are_float32_on_torch():
    pytest.importorskip("torch")
    import torch

    goals = GoalBuffer(2, device="cpu")
    goals.add(torch.tensor([[FAR + 3 * TENTH] * 2], dtype=torch.float64), torch.tensor([True]))
    inner = batch.GoalSampling(ParallelEnvBatch([Far()], "cpu"), goals, SCOPE)
    env = batch.GoalSegmentReward(inner, SCOPE, GoalConfig(alpha1=1.0, alpha2=0.0, hamming=1.0))
    assert env.reset(seed=0).obs.dtype == torch.float32
    step = env.step(torch.tensor([[1, 1]]))
    assert step.reward.dtype == torch.float32
    np.testing.assert_allclose(step.reward.numpy(), [[TENTH, TENTH]], atol=1e-6)


@pytest.mark.parametrize("state", [np.array([1 + 2j, 3]), ["1.0", "2.0"], np.array(["2020-01-01"], "datetime64[D]")])
def test_what_numpy_would_cut_or_read_into_numbers_is_refused(state):
    with pytest.raises(UnsupportedEnvironmentError, match="must be an array of numbers, got"):
        StateReader(told(state), None)({})


def test_agents_may_be_named_by_whole_numbers():
    class Numbered(WalkEnv):
        def __init__(self):
            super().__init__()
            self.possible_agents = [3, 7]
            self._action_spaces = {agent: spaces.Discrete(3) for agent in self.possible_agents}
            self._observation_space = spaces.Discrete(9)

    assert StateReader(Numbered(), "observations").names == ("3", "7")


@pytest.mark.parametrize("far", [2**53 + 1, -(2**53) - 1, 2**63 - 1])
@pytest.mark.parametrize("kind", [np.array, list])
def test_whole_numbers_that_float64_merges_are_refused(far, kind):
    env = told(kind([7, 2**53]))
    read = StateReader(env, None)
    assert read({}).tolist() == [7, 2**53]
    env.state = lambda: kind([7, far])
    with pytest.raises(UnsupportedEnvironmentError, match=rf"has {far} in dimension 1, .* beyond 2\^53"):
        read({})
    env.state = lambda: kind([7, 2**60])
    assert read({}).tolist() == [7, 2**60], "which is exact"
