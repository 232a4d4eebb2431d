"""The code of a package that brings a family of tasks, to be installed by the fixture ``plugin``."""

TOY = """
from toy_envs import Walk
from isa_wrappers.envs import EnvFamily

class Toys(EnvFamily):
    prefix = "toy"
    description = "walks on lines"

    def tasks(self):
        return {"toy/line": "two agents walk to the ends of their lines", "toy/long": "longer lines"}

    def parallel(self, name, length=None):
        return Walk(length or {"toy/line": 3, "toy/long": 9}[name])

    def listeners(self, num_agents):
        return num_agents

FAMILY = Toys()
"""
"""Brings ``toy/line`` and ``toy/long`` by ``FAMILY``."""
