"""Base class of batched wrappers, and functions on stacks of them."""

from __future__ import annotations

from typing import Any

from isa_wrappers.arrays import Array
from isa_wrappers.batch.columns import obs_columns_of
from isa_wrappers.batch.protocol import BatchEnv, BatchStep, action_code_of, check_batch
from isa_wrappers.border.start import close_env


class BatchWrapper:
    """Base class of batched wrappers: forwards everything to the inner environment unless overridden."""

    def __init__(self, env: BatchEnv) -> None:
        check_batch(env)
        self.env = env
        self.num_envs = env.num_envs
        self.agents = env.agents
        self.obs_size = env.obs_size
        self.state_size = env.state_size
        self.num_actions = env.num_actions
        self.horizon = env.horizon
        self.state_names = env.state_names
        self.action_names = env.action_names
        self.device = env.device
        self.action_code = action_code_of(env)
        self.obs_columns = obs_columns_of(env)
        self.tells_bonus = tells_bonus(env)

    def reset(self, seed: int | None = None) -> BatchStep:
        """Start a new episode in every copy."""
        return self.env.reset(seed)

    def step(self, actions: Array) -> BatchStep:
        """Advance every copy."""
        return self.env.step(actions)

    def state_dict(self) -> dict[str, Array]:
        """Return the state of the inner environment."""
        return self.env.state_dict()

    def load_state_dict(self, state: dict[str, Array]) -> BatchStep:
        """Restore the state of the inner environment."""
        return self.env.load_state_dict(state)

    def close(self) -> None:
        """Close the inner environment."""
        close_env(self.env)


def tells_bonus(env: Any) -> bool:
    """Return whether :attr:`BatchStep.bonus` contains an added reward that no outer wrapper replaces."""
    return bool(getattr(env, "tells_bonus", False))


def innermost(env: BatchEnv) -> BatchEnv:
    """Return the environment inside all wrappers."""
    while isinstance(env, BatchWrapper):
        env = env.env
    return env


def starts_afresh(env: BatchEnv) -> bool:
    """Return whether the innermost environment cannot save its state, so that loading starts new episodes."""
    return not innermost(env).state_dict()
