"""A run whose scope has something to find: the folder it starts from holds no ``y``."""

import numpy as np
from learner_helpers import tiny_config

from isa_wrappers import InfluenceScope
from isa_wrappers.scope.files import save_scope

FAR = {"num_agents": 2, "grid": 6, "targets": [[5, 5], [4, 5]], "horizon": 9}
TASK = "grid/unlock"


def scope_without_y(folder):
    """Save the scope in which ``left`` and ``right`` move each agent's own ``x``, and nothing moves ``y``."""
    influence = np.zeros((2, 5, 8))
    influence[[0, 1], 3, [0, 2]] = influence[[0, 1], 4, [0, 2]] = 0.8
    agents = ("agent_0", "agent_1")
    scope = InfluenceScope(agents, influence, 0.1, (5, 5), settings={"env_steps": 0}, figure="interval effect")
    folder.mkdir(exist_ok=True)
    save_scope(scope, folder)
    return folder


def following_config(folder, **sections):
    """A run of 32 copies; its first look, after some 700 marked steps, finds ``y``."""
    base = {
        "scope_folder": str(scope_without_y(folder)),
        "probes": {"share": 0.5, "every": 600, "memory": 1_000},
        "ppo": {"num_envs": 32, "rollout_steps": 10, "buffer_rollouts": 1, "epochs": 1, "hidden": 4},
        "steps": 1_600,
        "eval_interval": 600,
    }
    return tiny_config(TASK, FAR, **{**base, **sections})
