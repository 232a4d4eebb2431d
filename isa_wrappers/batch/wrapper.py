"""The base of batched wrappers, and what is asked of a stack of them."""

from __future__ import annotations

from typing import Any

from isa_wrappers.arrays import Array
from isa_wrappers.batch.columns import obs_columns_of
from isa_wrappers.batch.protocol import BatchEnv, BatchStep, action_code_of, check_batch
from isa_wrappers.border.start import close_env


class BatchWrapper:
    """Base of batched wrappers: hands everything to the inner environment unless overridden."""

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
        """Start every copy afresh."""
        return self.env.reset(seed)

    def step(self, actions: Array) -> BatchStep:
        """Advance every copy."""
        return self.env.step(actions)

    def state_dict(self) -> dict[str, Array]:
        """Return the inner environment's state."""
        return self.env.state_dict()

    def load_state_dict(self, state: dict[str, Array]) -> BatchStep:
        """Restore the inner environment's state."""
        return self.env.load_state_dict(state)

    def close(self) -> None:
        """Close the inner environment."""
        close_env(self.env)


def tells_bonus(env: Any) -> bool:
    """Tell whether :attr:`BatchStep.bonus` holds a reward that was added: no outer wrapper replaces the whole."""
    return bool(getattr(env, "tells_bonus", False))


def innermost(env: BatchEnv) -> BatchEnv:
    """Return what all wrappers are around."""
    while isinstance(env, BatchWrapper):
        env = env.env
    return env


def starts_afresh(env: BatchEnv) -> bool:
    """Tell whether the innermost environment cannot save its state, so that loading starts its episodes anew."""
    return not innermost(env).state_dict()
