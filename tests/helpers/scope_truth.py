"""What is true of a task's scope by its names, and what is wrong with an estimate."""

import numpy as np

from isa_wrappers.envs import true_task_scope


def named_truth(name, scope):
    """Return the truth of a task of the library by its names, from its rules: per agent one list per action."""
    if name.startswith("grid/"):
        return list(true_task_scope(name, **scope.settings["env_kwargs"]).action_dims.values())
    at = {name: k for k, name in enumerate(scope.state_names)}
    truth = []
    for agent, number in zip(scope.agents, scope.num_actions, strict=True):
        if name.startswith("smax/"):  # one's own cooldown is left to whoever compares
            enemies = [dim.removesuffix(".health") for dim in at if dim.startswith("enemy") and dim.endswith(".health")]
            moves = {"north": "y", "south": "y", "east": "x", "west": "x"}
            rows = [[f"{agent}.{moves[action]}"] if action in moves else [] for action in scope.action_names[:5]]
            rows += [[f"{enemy}.health"] for enemy in enemies]
        elif name.startswith("mpe/"):
            rows = [mpe_moves(name, agent, number, at, a) for a in range(number)]
        else:
            rows = [[], [f"dial_{agent[-1]}"], [f"dial_{agent[-1]}"], ["door"]]
        truth.append([sorted(at[dim] for dim in row) for row in rows])
    return truth


def mpe_moves(name, agent, number, at, a):
    """A move changes the axis pushed and its velocity; what is said, its own place in the message."""
    says = sum(dim.startswith(f"{agent}.says_") for dim in at)
    moves = number // max(says, 1) == 5 or not says
    move, word = (a % 5, a // 5) if moves else (0, a)
    axis = {1: "x", 2: "x", 3: "y", 4: "y"}.get(move)
    return ([f"{agent}.{axis}", f"{agent}.v{axis}"] if axis else []) + ([f"{agent}.says_{word}"] if says else [])


def misses(scope, truth, left_out=()):
    """Tell what is wrong: (false cells, missing cells) of D(a_i), of D_i, and of D_c. All zero is exact."""
    real = np.zeros(scope.action_mask.shape, dtype=bool)
    for i, actions in enumerate(truth):
        for a, dims in enumerate(actions):
            real[i, a, list(dims)] = True
    seen = scope.action_mask.copy()
    seen[..., list(left_out)] = False
    pairs = (seen, real), (seen.any(axis=1), real.any(axis=1))
    pairs += ((seen.any(axis=1).all(axis=0), real.any(axis=1).all(axis=0)),)
    return tuple(int(n) for one, other in pairs for n in ((one & ~other).sum(), (other & ~one).sum()))
