"""Replay of whole episodes on the device: bounded, written without the host reading anything."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from isa_learners.rollout import Rollout, Sizes


@dataclass
class Episodes:
    """b episodes of at most L steps, time first; what lies behind an episode's length is of no meaning.

    Attributes:
        obs: ``[L + 1, b, A, O]``, that after the last step included.
        state: ``[L + 1, b, K]`` likewise.
        available: ``[L + 1, b, A, n]`` bool; after the last step as before it, for nobody says.
        alive: ``[L + 1, b, A]`` bool, who acts; after the last step, who lives.
        action: ``[L, b, A]`` int64.
        reward: ``[L, b, A]``.
        cut: ``[L, b, A]`` bool, the agent was truncated by itself in this step.
        length: ``[b]`` int64, steps.
        terminated: ``[b]`` bool, the episode ended by itself; else its value goes on.
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
    """Keeps the latest episodes. Each environment has places of its own, so that none overtakes another.

    Args:
        sizes: of the environment.
        num_envs: B.
        episodes: room for so many, rounded down to a multiple of B; at least T + 2 for each environment.
        steps: L, the longest episode in one piece.
        device: torch device.
        fixed_shapes: draws are as long as the longest episode may be, so that the host reads nothing; else as long as
            the longest that was drawn.

    Attributes:
        rows: name -> ``[B, P, L + 1, ...]``, steps by environment and place.
        valid: ``[B, P]`` bool, the place holds a whole episode that was not lost.
        length: ``[B, P]`` int64.
        terminated: ``[B, P]`` bool.
        opened: ``[B]`` int64, places that each environment has left behind; the one it writes to is that, modulo P.
        step: ``[B]`` int64, where in its episode each environment is.
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
        """Return the memory that the rows take.

        Example:
            >>> Replay.bytes_needed(Sizes(num_agents=2, num_actions=5, obs_size=4, state_size=8), 100, 59)
            540000
        """
        row = sum(torch.Size(shape).numel() * dtype.itemsize for shape, dtype in _layout(sizes).values())
        return episodes * (steps + 1) * row

    def add(self, rollout: Rollout, obs: Tensor) -> None:
        """Take in a rollout; episodes go on from the one before.

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
        # What follows a step is overwritten by the next step where the episode goes on.
        for number, rows in ((step + 1, rows_after), (step, rows_before)):
            for name, values in rows.items():
                self.rows[name][envs, place, number] = values.to(self.rows[name].dtype)
        complete = ends & ~rollout.lost
        # A place ends at most once in a rollout, so that each sum has one term that is not 0.
        for counter, values in (
            (self.length, (step + 1) * complete),
            (self.valid, complete),
            (self.terminated, complete & rollout.terminated),
        ):
            sums = torch.zeros(self.shape, dtype=torch.int64, device=self.device)
            sums.index_put_((envs, place), values.long(), accumulate=True)
            counter.index_put_((envs, place), sums[envs, place].to(counter.dtype))

    def _places(self, rollout: Rollout) -> tuple[Tensor, Tensor, Tensor]:
        """Return for each step ``[T, B]`` its place, its number in the episode, and whether a piece ends with it."""
        restarted = rollout.start[0] & (self.step > 0)  # a resumed environment that cannot save its state
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
        """Return how many episodes are held; the host reads it from the device."""
        return int(self.valid.sum())

    def sample(self, count: int, generator: Generator) -> Episodes:
        """Draw ``count`` different episodes uniformly; at least as many must be held."""
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
        """Return what is held: of the rows the places that were ever written to."""
        used = min(int(self.opened.max()) + 1, self.shape[1])
        rows = {f"rows.{name}": values[:, :used] for name, values in self.rows.items()}
        return {**rows, **{name: getattr(self, name) for name in _COUNTERS}}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore what :meth:`state_dict` returned."""
        for name in _COUNTERS:
            getattr(self, name).copy_(state[name])
        for name, values in self.rows.items():
            saved = state[f"rows.{name}"]
            values[:, : saved.shape[1]] = saved.to(self.device)


_COUNTERS = ("valid", "length", "terminated", "opened", "step")


def _layout(sizes: Sizes) -> dict[str, tuple[tuple[int, ...], torch.dtype]]:
    """Return the shape and type of every row."""
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
