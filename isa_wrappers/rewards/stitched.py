"""Goals before the first win, stitched from values of each agent's dimensions at times of team rewards."""

from __future__ import annotations

import numpy as np

from isa_wrappers.arrays import Array, Rng, backend, namespace, with_prefix, without_prefix
from isa_wrappers.axes import Bool, Float, Real
from isa_wrappers.config import CountConfig, GoalConfig
from isa_wrappers.rewards.best_episode import BestEpisode, Episodes
from isa_wrappers.rewards.goals import GoalBuffer, GoalSelector
from isa_wrappers.rewards.places import RewardedPlaces
from isa_wrappers.scope.credit import Credit, as_credit
from isa_wrappers.scope.influence import InfluenceScope

KEEP = 0.9
"""Probability that a goal keeps the values of a rewarded segment in the best state so far."""


class StitchedGoals(GoalBuffer):
    """A goal buffer that provides goals before the first win if the team receives intermediate rewards.

    A team reward does not show which agent earned it. The scope narrows this down: that agent's segment *changed in the
    same step*. For each segment (the common one, each agent's special one), the buffer therefore records the places
    at which it arrived when the team was rewarded (``r > 0``), and how often each place was rewarded
    (:class:`~isa_wrappers.rewards.places.RewardedPlaces`). A goal combines one place per segment: achievements of
    different agents in different episodes form a state that the team has not reached yet.

    A goal starts from the last state of the best episode so far. A segment that was rewarded at its last arrival there
    keeps its values with probability 0.9. Any other segment gets one of its places or, half of the time, any place in
    its range. Agents thus repeat what they have achieved, and the others search for what is missing.

    Goals are stitched only once every pursued segment has a place that stands out from its other arrivals. If only a
    win is rewarded, no place stands out, and the buffer acts like a plain :class:`GoalBuffer`; it also does so from the
    first win on.

    Args:
        scope: scope of the agents, or credit.
        capacity: maximum number of won states.
        seed: seed of the draws of :meth:`sample`.
        device: ``None`` for NumPy, else a torch device.
        count_scale: cells per unit of the state; arrivals in one cell are at the same place.
        special_weight: weight of the special segments in the goal reward; with 0 they are not pursued.

    Attributes:
        credit: credit made from the scope.
        rows: number of segments, R: the common one and one per agent.
        places: rewarded places of each segment.

    Source: not in arXiv 2505.08630, whose goals are always won states.

    Example:
        >>> scope = InfluenceScope.from_dimensions({"a": [[0]], "b": [[1]]}, state_size=2)
        >>> goals = StitchedGoals(scope)
        >>> # The goal of a is 1 and that of b is 2; they never reach both at once.
        >>> places = np.array([[1.0, 3.0], [3.0, 2.0], *[[3.0, 3.0]] * 8] * 20)
        >>> reward = ((places[:, :1] == 1.0) | (places[:, 1:] == 2.0)) * np.ones((1, 2))
        >>> for _ in range(2):
        ...     goals.observe(goals.begin(200), 0.0 * places, places, reward, reward >= 0, reward[:, 0] < 0)
        >>> goals.look(), goals.stitch(np.full((1, 3, 4), 0.7654321)).tolist()
        (True, [[1.0, 2.0]])
    """

    def __init__(
        self,
        scope: InfluenceScope | Credit,
        capacity: int = GoalConfig.capacity,
        seed: int = 0,
        device: str | None = None,
        count_scale: float = CountConfig.count_scale,
        special_weight: float = 1.0,
    ) -> None:
        self._ready = self._win_seen = False
        super().__init__(as_credit(scope).state_size, capacity, seed, device)
        self._is_on_host = not str(device).startswith("cuda")
        self._count_scale = count_scale
        self._weight = special_weight
        self.follow(scope)

    def follow(self, scope: InfluenceScope | Credit) -> None:
        """Continue with an extended scope: places are learned again, won states are kept."""
        self.credit, xp = as_credit(scope), backend(self.device)
        segments = self.credit.segment_dims
        own_weight = self.credit.special_weight
        weight = self._weight if own_weight is None else own_weight
        self.rows = len(segments)
        self.places = RewardedPlaces(segments, self._count_scale, self.device)
        self._pursued_rows = [row for row, dims in enumerate(segments) if dims and (row == 0 or weight > 0)]
        self._members = xp.asarray(self.credit.segments.astype(np.float32), device=self.device)
        # Goal dimensions filled by each segment's place; padding and dimensions of earlier segments go to a spare one.
        goal_dims = np.full(tuple(self.places.dims.shape), self.state_size, dtype=np.int64)
        assigned: set[int] = set()
        for row, segment in enumerate(segments):
            goal_dims[row, : len(segment)] = [self.state_size if k in assigned else k for k in segment]
            assigned |= set(segment)
        self._goal_dims = xp.asarray(goal_dims, device=self.device)
        self._best = BestEpisode(self.rows, self.state_size, self.device)
        self._ready, self._win_seen = False, len(self) > 0

    def begin(self, num_envs: int) -> Episodes:
        """Begin an episode in each of B environments; pass the result to :meth:`observe`."""
        return Episodes.new(num_envs, self.rows, self.device)

    def observe(
        self,
        episodes: Episodes,
        s_t: Real[Array, "envs dims"],
        s_tp1: Real[Array, "envs dims"],
        reward: Real[Array, "envs agents"],
        acted: Bool[Array, "envs agents"],
        ended: Bool[Array, " envs"],
    ) -> None:
        """Process a step of every environment; steps after the first win are ignored.

        Args:
            episodes: progress of the episodes; those that end are reset.
            s_t: states before the actions, ``[B, K]``.
            s_tp1: states after them, before any automatic reset, ``[B, K]``.
            reward: the environment's reward, ``[B, A]``.
            acted: whether each agent acted, ``[B, A]`` bool.
            ended: whether each episode ended in this step, ``[B]`` bool.
        """
        if self._win_seen:
            return
        self._match_dtype(s_tp1)
        xp = namespace(s_tp1)
        moved = xp.astype(s_tp1 != s_t, xp.float32) @ self._members.T > 0
        arrived = moved & xp.concat([acted.any(-1)[:, None], acted], axis=-1)
        gain = (reward > 0) & acted
        paid = xp.concat([gain.any(-1)[:, None], gain], axis=-1) & arrived
        self.places.visit(s_tp1, arrived, paid)
        episodes.earned = episodes.earned + xp.astype(reward, xp.float64).mean(-1)
        episodes.holds = xp.where(arrived, paid, episodes.holds)
        self._best.process_ended(episodes, s_tp1, ended)

    def look(self) -> bool:
        """Return whether goals can be stitched: every pursued segment has, or once had, a place that stands out."""
        if not self._ready and self._pursued_rows and not self._has_wins():
            self._ready = self.places.have_significant_places(self._pursued_rows)
        return self._ready

    def __len__(self) -> int:
        """Return the number of won states; this synchronises with the host and stores whether there are any."""
        stored = super().__len__()
        self._win_seen = self._win_seen or stored > 0
        return stored

    def _has_wins(self) -> bool:
        """Return whether there are won states."""
        return self._win_seen or len(self) > 0

    @property
    def stitches(self) -> bool:
        """Whether goals are stitched now: :meth:`look` has returned True, and nothing is won yet."""
        return self._ready and not self._has_wins()

    def stitch(self, uniform: Float[Array, "*batch segments draws"]) -> Float[Array, "*batch dims"]:
        """Return goals that combine one place per segment.

        Args:
            uniform: random numbers in [0, 1), ``[..., R, 3 + W]``: whether to keep the best state, then those of
                :meth:`RewardedPlaces.draw`.

        Returns:
            ``[..., K]``, 0 in dimensions that no agent can move.
        """
        best = self._best
        xp = namespace(best.state)
        uniform = xp.astype(uniform, xp.float64)
        keeps_best = best.kept & (uniform[..., 0] < KEEP)
        drawn = self.places.draw(uniform[..., 1:])
        chosen = xp.where(keeps_best[..., None], best.state[self.places.dims], drawn)
        goal = xp.zeros((*uniform.shape[:-2], self.state_size + 1), dtype=xp.float64, device=self.device)
        goal[..., self._goal_dims.reshape(-1)] = chosen.reshape(*uniform.shape[:-2], -1)
        return xp.astype(goal[..., :-1], self._states.dtype)

    def ready(self, wins: int) -> bool:
        """Return whether there are goals to pursue: at least ``wins`` won states, or stitched goals."""
        return super().ready(wins) or self.look()

    def check_not_empty(self) -> None:
        """Check that there is a goal to draw.

        Raises:
            EmptyGoalBufferError: if there are no won states and goals cannot be stitched.
        """
        if not self._ready:
            super().check_not_empty()

    def choose(self, select: GoalSelector, rng: Rng, count: int) -> Float[Array, "count dims"]:
        """Draw goals; see :meth:`GoalBuffer.choose`. On CUDA, this does not synchronise with the host."""
        if self._is_on_host or not self._ready or self._win_seen:
            return self._draw_stitched(rng, count) if self.stitches else super().choose(select, rng, count)
        stitched, won = self._draw_stitched(rng, count), super().choose(select, rng, count)
        return namespace(won).where(self._added > 0, won, stitched)

    def sample(self, count: int) -> Float[Array, "count dims"]:
        """Draw ``count`` goals ``[count, K]``; see :meth:`GoalBuffer.sample`."""
        return self._draw_stitched(self._rng, count) if self.stitches else super().sample(count)

    def _draw_stitched(self, rng: Rng, count: int) -> Array:
        return self.stitch(rng.uniform(count, self.rows, 3 + self.places.dims.shape[1]))

    def state_dict(self) -> dict[str, Array]:
        """Return the won states, the state of the random generator, and the data of stitched goals."""
        xp = backend(self.device)
        own_state = self._best.state_dict() | {"ready": xp.asarray([self._ready], device=self.device)}
        return super().state_dict() | own_state | with_prefix("places", self.places.state_dict())

    def load_state_dict(self, state: dict[str, Array]) -> None:
        """Restore what :meth:`state_dict` returned.

        Raises:
            ScopeMismatchError: if it belongs to other segments or another capacity.
        """
        super().load_state_dict(state)
        self.places.load_state_dict(without_prefix("places", state))
        self._best.load_state_dict(state)
        self._ready, self._win_seen = bool(state["ready"][0]), len(self) > 0
