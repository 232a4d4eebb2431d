"""Every wrapper and the full stack on every particle environment of mpe2."""

import pytest
from conformance import STACKS, check_conformance, visited_goals

pytest.importorskip("mpe2")

from isa_wrappers import InfluenceScope
from isa_wrappers.envs import make_parallel
from isa_wrappers.envs.mpe import mpe_names

pytestmark = pytest.mark.slow


def own_motion(env):
    """Say that every action moves its agent's own position."""
    dims = {}
    for agent in env.possible_agents:
        own = [env.state_names.index(f"{agent}.{axis}") for axis in "xy"]
        dims[agent] = [own] * int(env.action_space(agent).n)
    return InfluenceScope.from_dimensions(dims, state_size=len(env.state_names))


ALONE = ("simple_spread_v3", "simple_speaker_listener_v4")
"""Under each wrapper alone too, one of agents that are alike and one of others; all are under the full stack."""


@pytest.mark.parametrize(
    ("name", "stack"), [(name, stack) for name in mpe_names() for stack in STACKS if stack == "full" or name in ALONE]
)
def test_stacks_conform(name, stack):
    def make():
        return make_parallel(f"mpe/{name}")

    check_conformance(make, lambda env: STACKS[stack](env, own_motion(env), visited_goals(make())), cycles=30)
