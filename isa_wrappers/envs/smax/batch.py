"""SMAX battles as a batched environment: one compiled step for all copies, arrays shared with NumPy or torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from isa_wrappers.arrays import Array, backend, to_numpy
from isa_wrappers.batch.protocol import BatchStep, check_copies
from isa_wrappers.border.names import ActionNames
from isa_wrappers.envs.drawing import Mark
from isa_wrappers.envs.smax.game import Battle, BattleStep, SMAXGame
from isa_wrappers.envs.smax.render import BATTLE_LEGEND
from isa_wrappers.errors import DeviceError, check_int, with_mismatch_error


class SMAXBatch:
    """``num_envs`` battles stepped together; satisfies :class:`~isa_wrappers.batch.BatchEnv`.

    JAX and torch share the memory of arrays through DLPack, so do not modify them in place.

    Args:
        game: the battle.
        num_envs: number of copies, B.
        device: ``None`` for NumPy, else a torch device; JAX runs on the same device.
        seed: seed of the first episodes.

    Raises:
        DeviceError: if JAX does not have the device.
    """

    def __init__(self, game: SMAXGame, num_envs: int, device: str | None = None, seed: int = 0) -> None:
        self.game = game
        self.num_envs = check_int("num_envs", num_envs, 1)
        self.agents, self.obs_size = game.agents, game.obs_size
        self.state_size, self.state_names = len(game.state_names), game.state_names
        self.num_actions = (game.num_actions,) * game.num_allies
        self.action_names: ActionNames = game.action_names
        self.horizon = game.horizon
        self.device = device
        backend(device)
        self._jax = game.jax
        self._jax_device = _jax_device(self._jax, device)
        self._seed = seed
        self._resets = 0
        self._battle: Battle | None = None

    def reset(self, seed: int | None = None) -> BatchStep:
        """Start a new episode in every copy.

        Raises:
            InvalidValueError: if the seed is negative or not an integer.
        """
        if seed is not None:
            self._seed, self._resets = check_int("seed", seed, 0), 0
        high, low = divmod(self._seed, 2**32)  # a key takes 32 bits
        key = self._jax.random.PRNGKey(low)
        key = self._jax.random.fold_in(key, high) if high else key
        key = self._jax.random.fold_in(key, self._resets) if self._resets else key
        self._resets += 1
        keys = self._jax.random.split(key, self.num_envs)
        self._battle, battle_step = self.game.reset_all(self._jax.device_put(keys, self._jax_device))
        return self._to_batch_step(battle_step)

    def step(self, actions: Array) -> BatchStep:
        """Advance every copy by ``actions`` ``[B, A]``; finished ones start their next episode."""
        self._battle, battle_step = self.game.step_all(self._battle, self._to_jax(actions))
        return self._to_batch_step(battle_step)

    def _to_jax(self, actions: Array) -> Any:
        if self._jax_device.platform == "cpu":  # they become int32 anyway, and this copy is cheaper than DLPack
            return self._jax.device_put(to_numpy(actions).astype(np.int32), self._jax_device)
        return self._jax.dlpack.from_dlpack(actions.int().contiguous())

    def _to_batch_step(self, battle_step: BattleStep) -> BatchStep:
        if self._jax_device.platform == "cpu":  # on a GPU the streams wait for each other, without the host
            self._jax.block_until_ready(battle_step)
        self._last_state = battle_step.final_state
        if self.device is None:
            return BatchStep(**{name: np.asarray(array) for name, array in battle_step._asdict().items()})
        from torch.utils.dlpack import from_dlpack

        return BatchStep(**{name: from_dlpack(array) for name, array in battle_step._asdict().items()})

    @property
    def legend(self) -> tuple[Mark, ...]:
        """Legend of :meth:`render`."""
        return BATTLE_LEGEND

    def render(self, index: int = 0, goal: Array | None = None) -> npt.NDArray[np.uint8]:
        """Draw one copy as it was before any automatic reset in the last step."""
        return self.game.draw(to_numpy(self._last_state[index]), None if goal is None else to_numpy(goal))

    def state_dict(self) -> dict[str, Array]:
        """Return the battle and the random key of every copy."""
        if self._battle is None:
            self.reset()
        leaves = self._jax.tree.leaves(self._battle)
        stream = {"stream": np.array([self._seed, self._resets])}
        return stream | {f"leaf_{i}": np.array(leaf) for i, leaf in enumerate(leaves)}

    @with_mismatch_error
    def load_state_dict(self, state: dict[str, Array]) -> BatchStep:
        """Restore a saved state.

        Raises:
            InvalidValueError: if it belongs to another number of copies.
            ScopeMismatchError: if it belongs to another kind of environment.
        """
        check_copies(state["leaf_0"], self.num_envs)
        if self._battle is None:
            self.reset()
        self._seed, self._resets = to_numpy(state["stream"]).tolist()
        shape = self._jax.tree.structure(self._battle)
        leaves = [to_numpy(state[f"leaf_{i}"]) for i in range(shape.num_leaves)]
        self._battle = self._jax.device_put(self._jax.tree.unflatten(shape, leaves), self._jax_device)
        return self._to_batch_step(self.game.observe_all(self._battle))


def _jax_device(jax: Any, device: str | None) -> Any:
    """Return the JAX device that corresponds to a torch device.

    Raises:
        DeviceError: if JAX does not have it.
    """
    kind, _, number = (device or "cpu").partition(":")
    try:
        return jax.devices(kind)[int(number or 0)]
    except (RuntimeError, IndexError) as error:
        raise DeviceError(
            f"device {device!r} was requested, but JAX does not have it; pip install 'jax[cuda12]', or use 'cpu'"
        ) from error
