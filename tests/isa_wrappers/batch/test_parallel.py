"""ParallelEnvs as a batch: padding, masks, deaths, ends, and what was seen before a reset."""

from copy import copy

import numpy as np
import pytest
from continuous_toys import Components
from devices import TORCH
from gymnasium import spaces
from parallel_toys import WalkEnv

from isa_wrappers import BatchEnv
from isa_wrappers.batch.columns import OWN, PADDING
from isa_wrappers.batch.parallel import ParallelEnvBatch
from isa_wrappers.errors import InvalidValueError, NonFiniteError, UnsupportedEnvironmentError

FORWARD = 1


class Uneven(WalkEnv):
    """Agents with observations and actions of their own: a number of six, and two floats."""

    def observation_space(self, agent):
        return spaces.Discrete(6) if agent == "walker_0" else spaces.Box(-1e3, 1e3, (2,), np.float32)

    def action_space(self, agent):
        return spaces.Discrete(2 if agent == "walker_0" else 3)

    def _seen(self):
        seen = super()._seen()
        return {agent: int(vector[0]) if agent == "walker_0" else vector for agent, vector in seen.items()}


def stepped(batch, *joint_actions):
    for joint in joint_actions:
        step = batch.step(np.array([joint] * batch.num_envs))
    return step


def test_the_shortest_is_padded_and_numbers_become_one_hot():
    batch = ParallelEnvBatch([Uneven(), Uneven()])
    assert isinstance(batch, BatchEnv)
    assert (batch.agents, batch.num_actions, batch.obs_size) == (("walker_0", "walker_1"), (2, 3), 6)
    assert batch.obs_columns.tolist() == [[OWN] * 6, [OWN] * 2 + [PADDING] * 4]
    step = batch.reset(seed=0)
    assert step.obs.tolist() == [[[1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]]] * 2
    assert step.available.tolist() == [[[True, True, False], [True, True, True]]] * 2
    step = stepped(batch, [FORWARD, FORWARD])
    assert step.obs.tolist() == [[[0, 1, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0]]] * 2
    assert step.state.tolist() == [[1, 1]] * 2
    assert (step.obs.dtype, step.state.dtype, step.reward.dtype) == (np.float32,) * 3


@pytest.mark.parametrize("place", ["observation", "info"])
def test_masks_from_observations_and_infos(place):
    batch = ParallelEnvBatch([WalkEnv(masks=place)])
    assert batch.obs_size == 2, "a mask is no observation"
    assert batch.reset().available.tolist() == [[[True, True, False]] * 2]
    assert stepped(batch, [FORWARD, 0]).available.tolist() == [[[True, True, True], [True, True, False]]]


def test_the_dead_observe_zeros_and_have_one_action():
    batch = ParallelEnvBatch([WalkEnv(deaths=True)])
    batch.reset()
    step = stepped(batch, *[[FORWARD, 0]] * 3)
    assert step.alive.tolist() == step.final_alive.tolist() == [[False, True]]
    assert step.obs[0].tolist() == [[3, 3], [0, 3]], "of the step in which it died"
    assert step.available[0].tolist() == [[True, False, False], [True, True, True]]
    assert not step.done.any()
    step = stepped(batch, [2, FORWARD])
    assert step.state.tolist() == [[3, 1]], "an action of the dead is left out"
    assert step.obs[0].tolist() == [[0, 0], [1, 4]]


def test_a_won_episode_terminates_and_the_next_one_begins():
    batch = ParallelEnvBatch([WalkEnv()])
    batch.reset()
    step = stepped(batch, *[[FORWARD, FORWARD]] * 3)
    assert (step.terminated, step.truncated, step.success, step.discarded) == (True, False, True, False)
    assert step.reward.tolist() == [[1, 1]]
    assert (step.final_state.tolist(), step.state.tolist()) == ([[3, 3]], [[0, 0]])
    assert (step.final_obs[0].tolist(), step.obs[0].tolist()) == ([[3, 3], [3, 3]], [[0, 0], [0, 0]])
    assert (step.final_alive.tolist(), step.alive.tolist()) == ([[False, False]], [[True, True]])


def test_who_is_cut_off_had_a_value_that_goes_on():
    """One agent dies on the way, the other meets the horizon."""
    batch = ParallelEnvBatch([WalkEnv(deaths=True, horizon=5)])
    batch.reset()
    step = stepped(batch, *[[FORWARD, 0]] * 5)
    assert (step.terminated, step.truncated) == (False, True)
    assert step.final_alive.tolist() == [[False, True]]


def test_a_missing_state_needs_a_fallback():
    with pytest.raises(UnsupportedEnvironmentError, match=r"no state\(\)"):
        ParallelEnvBatch([WalkEnv(stateless=True)])
    batch = ParallelEnvBatch([WalkEnv(stateless=True)], state_fallback="observations")
    assert batch.reset().state.tolist() == [[0, 0, 0, 0]]
    batch = ParallelEnvBatch([WalkEnv(stateless=True)], state_fallback=lambda env: env.position[:1])
    assert batch.reset().state.tolist() == [[0]]


def test_states_cannot_be_saved():
    batch = ParallelEnvBatch([WalkEnv()])
    batch.reset()
    stepped(batch, [FORWARD, FORWARD])
    assert batch.state_dict() == {}
    assert batch.load_state_dict({}).state.tolist() == [[0, 0]], "it starts afresh"


def test_what_is_not_finite_is_named():
    broken = WalkEnv()
    broken.state = lambda: broken.position + np.array([0, np.inf if broken.time == 2 else 0])
    batch = ParallelEnvBatch([WalkEnv(), broken])
    batch.reset()
    stepped(batch, [FORWARD, FORWARD])
    with pytest.raises(NonFiniteError, match="state must be finite: environment 1, step 2, dimension 1 is inf"):
        stepped(batch, [FORWARD, 0])


@pytest.mark.parametrize("device", TORCH)
def test_copies_on_a_device(device):
    torch = pytest.importorskip("torch")
    batch = ParallelEnvBatch([WalkEnv()], device)
    batch.reset()
    step = batch.step(torch.tensor([[FORWARD, 0]], device=device))
    assert step.state.tolist() == [[1, 0]]
    assert {value.device.type for value in vars(step).values() if value is not None} == {device}


def test_no_copies():
    with pytest.raises(InvalidValueError, match="num_envs must be an integer at least 1, got 0"):
        ParallelEnvBatch([])


def test_batches_of_neighbouring_seeds_share_no_start():
    class Told(WalkEnv):
        def reset(self, seed=None, options=None):
            seeds.append(seed)
            return super().reset(seed, options)

    told = []
    for seed in range(4):
        seeds = []
        batch = ParallelEnvBatch([Told() for _ in range(5)])
        seeds.clear()
        batch.reset(seed)
        assert seeds[0] == seed, "an episode alone is that of its seed"
        told += seeds
    assert len(set(told)) == 20
    assert all(0 <= seed < 2**31 for seed in told)


class Narrow(WalkEnv):
    def action_space(self, agent):
        return self._narrow

    _narrow = spaces.Discrete(2)


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (Narrow(), r"num_actions of one are \[2, 2\], of the first \[3, 3\]"),
        (WalkEnv(3), r"agents of one are .*walker_2.*, of the first \['walker_0', 'walker_1'\]"),
        (WalkEnv(masks="observation"), None),
    ],
)
def test_copies_are_alike(other, says):
    if says is None:  # a mask is no part of what is observed
        ParallelEnvBatch([WalkEnv(), other])
        return
    with pytest.raises(UnsupportedEnvironmentError, match=f"copies of an environment must be alike: {says}"):
        ParallelEnvBatch([WalkEnv(), other])


def acts(*action_spaces, names=("x", "y")):
    return Components({f"a{i}": space for i, space in enumerate(action_spaces)}, names)


class Longer(WalkEnv):
    def state(self):
        return np.zeros(3, dtype=np.float32)


class Named(WalkEnv):
    def __init__(self, action_names):
        super().__init__()
        self.action_names = action_names


@pytest.mark.parametrize(
    ("first", "other", "says"),
    [
        (acts(spaces.Discrete(4)), acts(spaces.Box(-1, 1, (1,))), r"actions of one are .*Box .*-1.*\['Discrete'\]"),
        (
            acts(spaces.MultiDiscrete([2, 3])),
            acts(spaces.MultiDiscrete([3, 2])),
            r"actions .*0\.\.2, 0\.\.1.*of the fi",
        ),
        (acts(spaces.Box(-1, 1, (1,))), acts(spaces.Box(-10, 10, (1,))), r"actions of one are .*-10\.0\.\.10.*of the"),
        (acts(spaces.Box(0, 1, (2,))), acts(spaces.Box(0, 1, (1, 2))), r"actions of one are .*\(1, 2\).*\(2,\)"),
        (
            acts(spaces.MultiDiscrete([2, 2])),
            acts(spaces.MultiDiscrete([2, 2], start=[0, 5])),
            r"actions of one are .*5\.\.6.*of the first .*0\.\.1",
        ),
        (acts(*[spaces.Discrete(4), spaces.Box(0, 1)]), acts(*[spaces.Box(0, 1), spaces.Discrete(4)]), "actions"),
        (acts(spaces.Discrete(2)), acts(spaces.Discrete(2), names=("y", "x")), r"state_names of one are \['y', 'x'\]"),
        (Named(["stay", "forward", "back"]), Named(["stay", "back", "forward"]), "action_names of one are"),
    ],
)
def test_copies_take_the_same_actions_and_have_the_same_names(first, other, says):
    with pytest.raises(UnsupportedEnvironmentError, match=f"copies of an environment must be alike: {says}"):
        ParallelEnvBatch([first, other])
    assert ParallelEnvBatch([first, copy(first)]).num_envs == 2


@pytest.mark.slow
def test_copies_in_workers_are_alike(tmp_path):
    one, other, later = acts(spaces.Discrete(4)), acts(spaces.Box(-1, 1, (1,))), tmp_path / "later"
    with pytest.raises(UnsupportedEnvironmentError, match="copies of an environment must be alike: actions"):
        ParallelEnvBatch([lambda: one, lambda: other], workers=2)
    with pytest.raises(UnsupportedEnvironmentError, match=r"the state's length of one are \[3\], of the first \[2\]"):
        ParallelEnvBatch([WalkEnv, Longer], workers=2)
    batch = ParallelEnvBatch([lambda: other if later.exists() else one], workers=1)
    batch.reset()
    later.touch()
    batch._copies._workers[0].process.kill()
    with pytest.raises(UnsupportedEnvironmentError, match="copies of an environment must be alike: actions"):
        batch.step(np.array([[0]]))
    batch.close()
