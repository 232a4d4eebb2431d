"""The PettingZoo wrappers around environments whose actions are more than a number each."""

import numpy as np
import pytest
from conformance import STACKS, check_conformance, visited_goals
from continuous_toys import Mixed, SynthC
from gymnasium import spaces

from isa_wrappers import CountConfig, InfluenceScope
from isa_wrappers.errors import InvalidValueError, ScopeMismatchError
from isa_wrappers.wrappers import InfluenceCountBonus


def scope_of(make):
    env = make()
    dims = dict(zip(env.possible_agents, env.truth, strict=True))
    return InfluenceScope.from_dimensions(dims, len(env.state_names))


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("make", [SynthC, Mixed])
def test_stacks_conform(make, stack):
    goals = visited_goals(make())
    check_conformance(make, lambda env: STACKS[stack](env, scope_of(make), goals), cycles=10)


@pytest.mark.parametrize(
    ("action", "paid"),
    [([0.0, 0.49, 0, 0], 0.0), ([0.0, 0.51, 0, 0], 1.0), ([9.0, 9.0, 9.0, 9.0], 1.0), ([1.0, -1.0, 1.0, 1.0], 0.0)],
)
def test_the_gate_opens_where_a_component_moves_what_all_move(action, paid):
    env = InfluenceCountBonus(SynthC(), scope_of(SynthC), CountConfig(beta1=0.0))
    env.reset(seed=0)
    idle = np.zeros(4, dtype=np.float32)
    infos = env.step({"agent_0": np.array(action, dtype=np.float32), "agent_1": idle})[-1]
    assert infos["agent_0"]["isa/bonus_common"] == paid
    assert infos["agent_1"]["isa/bonus_common"] == 0.0


def test_what_the_environment_gets_is_what_was_sent():
    env = SynthC()
    wrapped = InfluenceCountBonus(env, scope_of(SynthC))
    wrapped.reset(seed=0)
    sent = {agent: np.array([9.0, 0, 0, 0], dtype=np.float32) for agent in env.possible_agents}
    wrapped.step(sent)
    assert env.seen[0] is sent, "bounds are the environment's to keep"


def test_actions_of_another_shape_and_scopes_of_other_actions_are_refused():
    env = InfluenceCountBonus(SynthC(), scope_of(SynthC))
    env.reset(seed=0)
    with pytest.raises(InvalidValueError, match="action of agent 'agent_0' must be 4 finite numbers, got "):
        env.step({"agent_0": np.zeros(5), "agent_1": np.zeros(4)})
    fewer = InfluenceScope.from_dimensions({"agent_0": [[0]] * 4, "agent_1": [[0]] * 4}, 8)
    with pytest.raises(ScopeMismatchError, match=r"numbers of actions \[4, 4\], here \[16, 16\]"):
        InfluenceCountBonus(SynthC(), fewer)


@pytest.mark.slow
@pytest.mark.parametrize("stack", ["count", "segment"])
def test_stable_baselines_learns_on_boxes(stack):
    supersuit, baselines = pytest.importorskip("supersuit"), pytest.importorskip("stable_baselines3")
    env = STACKS[stack](SynthC(), scope_of(SynthC), visited_goals(SynthC()))
    vectors = supersuit.concat_vec_envs_v1(
        supersuit.pettingzoo_env_to_vec_env_v1(supersuit.pad_observations_v0(env)), 2, base_class="stable_baselines3"
    )
    assert isinstance(vectors.action_space, spaces.Box)
    learner = baselines.PPO("MlpPolicy", vectors, n_steps=16, batch_size=32, device="cpu")
    learner.learn(128)
    assert learner.num_timesteps >= 128
