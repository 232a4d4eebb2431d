"""Environments of other packages: refused in a line that names the converter."""

import pytest
from gymnasium import spaces

from isa_wrappers.border.spaces import as_parallel
from isa_wrappers.errors import UnsupportedEnvironmentError


def of_package(module, **attributes):
    base = type("Base", (), {"__module__": module})
    return type("Env", (base,), {"__module__": "mine", **attributes})()


@pytest.mark.parametrize(
    ("module", "says"),
    [
        ("gym.core", r"shimmy\.GymV21CompatibilityV0\(env=\.\.\.\), or with GymV26CompatibilityV0"),
        ("meltingpot.utils.substrates.substrate", r"shimmy\.MeltingPotCompatibilityV0\(env=\.\.\.\)"),
        ("dm_control.rl.control", r"shimmy\.DmControlMultiAgentCompatibilityV0\(env=\.\.\.\)"),
        ("ray.rllib.env.multi_agent_env", "it belongs to RLlib: pass the environment inside its PettingZooEnv"),
        ("pyspiel", "agents take turns, but"),
        ("gymnastics", "it has no possible_agents"),
    ],
)
def test_the_converter_is_named(module, says):
    for attributes in ({}, {"action_space": spaces.Tuple([spaces.Discrete(2)] * 2)}):
        with pytest.raises(UnsupportedEnvironmentError, match=says) as caught:
            as_parallel(of_package(module, **attributes))
        assert "\n" not in str(caught.value)
