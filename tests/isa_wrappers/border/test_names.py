"""Names of dimensions and actions, alike for all agents or each agent's own."""

import numpy as np
import pytest

from isa_wrappers import InfluenceScope, load_scope, save_scope, scope_table
from isa_wrappers.batch.env_copy import read_spec
from isa_wrappers.border.names import action_name, read_action_names, read_state_names
from isa_wrappers.envs import make_parallel
from isa_wrappers.errors import InvalidValueError

AGENTS = ("a", "b")
OWN = (("stay", "go"), ("stay", "shoot"))


@pytest.mark.parametrize(
    "given", [{"a": ["stay", "go"], "b": ("stay", "shoot")}, [["stay", "go"], ["stay", "shoot"]], OWN]
)
def test_names_of_each_agent(given):
    assert read_action_names(given, AGENTS) == OWN
    assert action_name(OWN, 1, 1) == "shoot"
    assert action_name(OWN, 1, 2) == "2", "it has no third"


def test_names_alike():
    assert read_action_names(np.array(["stay", "go"]), AGENTS) == ("stay", "go")
    assert read_action_names(None, AGENTS) == ()
    assert read_action_names({"b": ["x"]}, AGENTS) == ((), ("x",))
    assert action_name(((), ("x",)), 0, 0) == "0"


@pytest.mark.parametrize("given", ["stay", 3, [1, 2], [["a"]], {"c": ["x"]}, {"a": "stay"}, [["a"], "b"]])
def test_other_names_are_refused(given):
    with pytest.raises(InvalidValueError, match="action_names must"):
        read_action_names(given, AGENTS)


@pytest.mark.parametrize("given", ["xy", 3, [1, 2], [None]])
def test_other_state_names_are_refused(given):
    with pytest.raises(InvalidValueError, match="state_names must be a list of names"):
        read_state_names(given)


def test_an_environment_tells_each_agents_own():
    """They were read as names of two actions once: the agents' names."""
    env = make_parallel("grid/unlock", num_agents=2)
    env.action_names = {agent: [f"{agent}.{a}" for a in range(5)] for agent in env.possible_agents}
    assert read_spec(env, None).action_names[1][4] == "agent_1.4"


def test_they_reach_tables_and_files(tmp_path):
    scope = InfluenceScope.of_everything(AGENTS, [2, 2], 1, action_names={"a": OWN[0], "b": OWN[1]})
    table = scope_table(scope)
    assert "shoot" in table
    assert "go" in table
    loaded = load_scope(save_scope(scope, tmp_path))
    assert loaded.action_names == OWN
    assert loaded.action_name(1, 1) == "shoot"
