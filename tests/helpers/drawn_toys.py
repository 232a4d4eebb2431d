"""Locks of one's own that draw themselves, or do not: for films."""

from isa_wrappers.envs import GridParallelEnv

LOCK = {"num_agents": 1, "grid": 3, "targets": [(0, 2)], "horizon": 6}


def drawing(render_mode=None):
    """A lock two cells above the agent."""
    return GridParallelEnv("unlock", **LOCK, render_mode=render_mode)


def always_drawing():
    """The same without the option."""
    return GridParallelEnv("unlock", **LOCK, render_mode="rgb_array")


class Optionless(GridParallelEnv):
    """Its ``reset`` takes no options."""

    def reset(self, seed=None):
        return super().reset(seed)


def optionless(render_mode=None):
    """A lock of these."""
    return Optionless("unlock", **LOCK, render_mode=render_mode)


def blind():
    """The same, and nobody can have it draw."""
    return GridParallelEnv("unlock", **LOCK)


def writing(render_mode=None):
    """The same, which draws text whatever it is asked for."""
    return GridParallelEnv("unlock", **LOCK, render_mode=render_mode and "ansi")
