"""Every wrapper and the full stack on the environments of PettingZoo's families butterfly and sisl.

Discrete actions: cooperative_pong, pistonball with ``continuous=False``, knights_archers_zombies (whose agents die) and
pursuit; continuous ones: multiwalker, pistonball as it comes, and waterworld where PettingZoo still has it.
"""

import numpy as np
import pytest
from conformance import STACKS, check_conformance, visited_goals

pytest.importorskip("pygame")
pytest.importorskip("supersuit")

from butterfly_sisl import NOT_TRIED, SETUPS, SMALL_MAP, installed, module_of, own_rows, pong_state, scope_of
from pettingzoo.utils.conversions import aec_to_parallel, parallel_to_aec
from supersuit import (
    black_death_v3,
    concat_vec_envs_v1,
    frame_stack_v1,
    pad_observations_v0,
    pettingzoo_env_to_vec_env_v1,
)

from isa_wrappers.batch.parallel import ParallelEnvBatch
from isa_wrappers.errors import UnsupportedEnvironmentError
from isa_wrappers.wrappers import GoalSampling, InfluenceCountBonus

pytestmark = pytest.mark.slow

ALONE = ("pursuit", "multiwalker")
"""Under each wrapper alone too, one of discrete and one of continuous actions; all are under the full stack."""


@pytest.mark.parametrize(
    ("setup", "stack"), [(setup, stack) for setup in SETUPS for stack in STACKS if stack == "full" or setup in ALONE]
)
def test_stacks_conform(setup, stack):
    known, scope = SETUPS[setup], scope_of(setup)
    goals = visited_goals(known.make(), known.state)
    heard = check_conformance(known.make, lambda env: STACKS[stack](env, scope, goals, state=known.state), known.cycles)
    teams = {len(agents) for agents, *_ in heard}
    assert (len(teams) > 2) == known.deaths, "agents die one by one, or else all at once"


@pytest.mark.parametrize("setup", [name for name, setup in SETUPS.items() if setup.own])
def test_a_few_transitions_find_what_agents_move(setup):
    scope = scope_of(setup)
    for i, own in enumerate(SETUPS[setup].own):
        assert [set(own) <= set(special) for special in scope.special_dims] == [
            i == j for j in range(len(scope.agents))
        ]


def test_every_environment_is_tried():
    assert set(installed()) <= {setup.name for setup in SETUPS.values()} | set(NOT_TRIED)


def test_observations_of_every_kind():
    known, scope = SETUPS["pong"], scope_of("pong")
    images = module_of("cooperative_pong").parallel_env(**known.kwargs)
    env = GoalSampling(images, scope, visited_goals(images, pong_state), state_fallback=pong_state)
    observations, _ = env.reset(seed=0)
    size = np.prod(images.observation_space("paddle_0").shape)
    assert observations["paddle_0"].shape == env.observation_space("paddle_0").shape == (size + 1,)
    sequences = module_of("knights_archers_zombies").parallel_env(obs_method="vector-sequence")
    env = InfluenceCountBonus(sequences, own_rows(sequences))
    env.reset(seed=0)
    _, rewards, *_ = env.step(dict.fromkeys(env.agents, 0))
    assert rewards == dict.fromkeys(env.agents, pytest.approx(0.2))
    with pytest.raises(UnsupportedEnvironmentError, match=r"Sequence.*no fixed length"):
        GoalSampling(sequences, own_rows(sequences), visited_goals(sequences))


def test_the_other_forms_of_an_environment():
    known, scope = SETUPS["pursuit"], scope_of("pursuit")
    in_turns = InfluenceCountBonus(module_of("pursuit").env(**SMALL_MAP), scope, state_fallback=known.state)
    in_turns.reset(seed=0)
    assert set(in_turns.step(dict.fromkeys(in_turns.agents, 0))[1]) == set(in_turns.possible_agents), "all at once"
    goals = visited_goals(known.make(), known.state)

    def stack(env):
        return STACKS["full"](env, scope, goals, state=known.state)

    one_by_one = pettingzoo_env_to_vec_env_v1(known.make())
    for vectorised in (one_by_one, concat_vec_envs_v1(one_by_one, 2)):
        with pytest.raises(UnsupportedEnvironmentError, match="it is vectorised: wrap the environments first"):
            stack(vectorised)
        with pytest.raises(UnsupportedEnvironmentError, match="it is vectorised: wrap the environments first"):
            ParallelEnvBatch([vectorised])
    there_and_back = aec_to_parallel(parallel_to_aec(stack(known.make())))
    assert isinstance(there_and_back, type(stack(known.make())))
    vector = concat_vec_envs_v1(pettingzoo_env_to_vec_env_v1(stack(known.make())), 2)
    observations, _ = vector.reset(seed=0)
    assert observations.shape == (6, 3 * 3 * 3 + 2)
    assert vector.step(np.zeros(6, dtype=np.int64))[1].shape == (6,)


def test_supersuit_outside_as_well():
    known, scope = SETUPS["pursuit"], scope_of("pursuit")
    goals = visited_goals(known.make(), known.state)
    inner = STACKS["full"](known.make(), scope, goals, state=known.state)
    env = frame_stack_v1(black_death_v3(pad_observations_v0(inner)), 2)
    plain = STACKS["full"](known.make(), scope, goals, state=known.state)
    observations, before = env.reset(seed=1)[0], plain.reset(seed=1)[0]
    for action in (1, 2, 4):
        actions = dict.fromkeys(env.agents, action)
        (observations, rewards, *_), last = env.step(actions), before
        before, paid, *_ = plain.step(actions)
        assert rewards == paid
        for agent, obs in observations.items():
            np.testing.assert_array_equal(obs.reshape(-1), np.concatenate([last[agent], before[agent]]))
