"""A bounded replay of whole episodes on the device, written without synchronisation with the host."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from isa_learners.rollout import Rollout, Sizes


@dataclass
class Episodes:
    """b episodes of at most L steps, time first; values beyond the length of an episode are undefined.

    Attributes:
        obs: ``[L + 1, b, A, O]``, including the one after the last step.
        state: ``[L + 1, b, K]``, including the one after the last step.
        available: ``[L + 1, b, A, n]`` bool; after the last step it is unknown and repeats the value before.
        alive: ``[L + 1, b, A]`` bool, the agent acts, or after the last step is alive.
        action: ``[L, b, A]`` int64.
        reward: ``[L, b, A]``.
        cut: ``[L, b, A]`` bool, the agent alone was truncated in this step.
        length: ``[b]`` int64, number of steps.
        terminated: ``[b]`` bool, the episode terminated; otherwise its last state has a value.
    """

    obs: Tensor
    state: Tensor
    available: Tensor
    alive: Tensor
    action: Tensor
    reward: Tensor
    cut: Tensor
    length: Tensor
    terminated: Tensor


class Replay:
    """Stores the latest episodes. Each environment has separate slots, so that none overwrites another.

    Args:
        sizes: sizes of the environment.
        num_envs: B.
        episodes: capacity, rounded down to a multiple of B; at least T + 2 per environment.
        steps: L, the maximum length of an episode in one piece.
        device: torch device.
        fixed_shapes: samples always have the maximum length, which avoids synchronisation; else they are as long as
            the longest sampled episode.

    Attributes:
        rows: name -> ``[B, P, L + 1, ...]``, steps by environment and slot.
        valid: ``[B, P]`` bool, the slot holds a complete episode that was not lost.
        length: ``[B, P]`` int64.
        terminated: ``[B, P]`` bool.
        opened: ``[B]`` int64, number of slots that each environment has filled; modulo P, the current slot.
        step: ``[B]`` int64, current step of each environment in its episode.
    """

    def __init__(
        self, sizes: Sizes, num_envs: int, episodes: int, steps: int, device: str, fixed_shapes: bool = False
    ) -> None:
        self.sizes = sizes
        self.steps = steps
        self.device = device
        self.fixed_shapes = fixed_shapes
        self.shape = num_envs, episodes // num_envs
        self.rows = {
            name: torch.zeros(*self.shape, steps + 1, *shape, dtype=dtype, device=device)
            for name, (shape, dtype) in _layout(sizes).items()
        }
        self.valid = torch.zeros(self.shape, dtype=torch.bool, device=device)
        self.length = torch.zeros(self.shape, dtype=torch.int64, device=device)
        self.terminated = torch.zeros(self.shape, dtype=torch.bool, device=device)
        self.opened = torch.zeros(num_envs, dtype=torch.int64, device=device)
        self.step = torch.zeros(num_envs, dtype=torch.int64, device=device)

    @staticmethod
    def bytes_needed(sizes: Sizes, episodes: int, steps: int) -> int:
        """Return the memory of the rows in bytes.

        Example:
            >>> Replay.bytes_needed(Sizes(num_agents=2, num_actions=5, obs_size=4, state_size=8), 100, 59)
            540000
        """
        row = sum(torch.Size(shape).numel() * dtype.itemsize for shape, dtype in _layout(sizes).values())
        return episodes * (steps + 1) * row

    def add(self, rollout: Rollout, obs: Tensor) -> None:
        """Store a rollout; episodes continue from the one before.

        Args:
            rollout: T steps.
            obs: ``[T, B, A, O]`` before each step.
        """
        place, step, ends = self._places(rollout)
        envs = torch.arange(self.shape[0], device=self.device).expand_as(place)
        rows_before = {
            "obs": obs,
            "state": rollout.state,
            "available": rollout.available,
            "alive": rollout.alive,
            "action": rollout.action,
            "reward": rollout.reward,
            "cut": rollout.cut,
        }
        rows_after = {"obs": rollout.final_obs, "state": rollout.final_state, "available": rollout.available}
        rows_after["alive"] = rollout.next_alive
        # If the episode continues, the next step overwrites the values after this step.
        for number, rows in ((step + 1, rows_after), (step, rows_before)):
            for name, values in rows.items():
                self.rows[name][envs, place, number] = values.to(self.rows[name].dtype)
        complete = ends & ~rollout.lost
        # A slot ends at most once in a rollout, so that each sum has at most one nonzero term.
        for counter, values in (
            (self.length, (step + 1) * complete),
            (self.valid, complete),
            (self.terminated, complete & rollout.terminated),
        ):
            sums = torch.zeros(self.shape, dtype=torch.int64, device=self.device)
            sums.index_put_((envs, place), values.long(), accumulate=True)
            counter.index_put_((envs, place), sums[envs, place].to(counter.dtype))

    def _places(self, rollout: Rollout) -> tuple[Tensor, Tensor, Tensor]:
        """Return for each step ``[T, B]`` its slot, its index in the episode, and whether a piece ends with it."""
        restarted = rollout.start[0] & (self.step > 0)  # the environment was resumed and cannot save its state
        opened = self.opened + restarted
        step = torch.where(restarted, 0, self.step)
        rows = []
        for done in rollout.done:
            ends = done | (step + 1 == self.steps)
            rows.append(torch.stack([opened % self.shape[1], step, ends.long()]))
            opened = opened + ends
            step = torch.where(ends, 0, step + 1)
        self.opened = opened
        self.step = step
        place, steps, piece_ends = torch.stack(rows, dim=1).unbind()
        return place, steps, piece_ends > 0

    def __len__(self) -> int:
        """Return the number of stored episodes, which needs synchronisation with the device."""
        return int(self.valid.sum())

    def sample(self, count: int, generator: Generator) -> Episodes:
        """Sample ``count`` different episodes uniformly; at least as many must be stored."""
        keys = torch.rand(self.valid.numel(), generator=generator, device=self.device) + self.valid.flatten()
        chosen = keys.topk(count).indices
        length = self.length.flatten()[chosen]
        longest = self.steps if self.fixed_shapes else int(length.max())
        env = chosen // self.shape[1]
        place = chosen % self.shape[1]
        episodes = {name: rows[env, place, : longest + 1].transpose(0, 1) for name, rows in self.rows.items()}
        for name in ("action", "reward", "cut"):
            episodes[name] = episodes[name][:-1]
        episodes["action"] = episodes["action"].long()
        return Episodes(**episodes, length=length, terminated=self.terminated.flatten()[chosen])

    def state_dict(self) -> dict[str, Tensor]:
        """Return the contents, with rows only for slots that were ever used."""
        used = min(int(self.opened.max()) + 1, self.shape[1])
        rows = {f"rows.{name}": values[:, :used] for name, values in self.rows.items()}
        return {**rows, **{name: getattr(self, name) for name in _COUNTERS}}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore a state from :meth:`state_dict`."""
        for name in _COUNTERS:
            getattr(self, name).copy_(state[name])
        for name, values in self.rows.items():
            saved = state[f"rows.{name}"]
            values[:, : saved.shape[1]] = saved.to(self.device)


_COUNTERS = ("valid", "length", "terminated", "opened", "step")


def _layout(sizes: Sizes) -> dict[str, tuple[tuple[int, ...], torch.dtype]]:
    """Return shape and data type of every row."""
    agents = sizes.num_agents
    return {
        "obs": ((agents, sizes.obs_size), torch.float32),
        "state": ((sizes.state_size,), torch.float32),
        "available": ((agents, sizes.num_actions), torch.bool),
        "alive": ((agents,), torch.bool),
        "action": ((agents,), torch.int16 if sizes.num_actions <= 2**15 else torch.int32),
        "reward": ((agents,), torch.float32),
        "cut": ((agents,), torch.bool),
    }
