"""Goals before anything is won: stitched from what each agent moved its dimensions to when the team was rewarded."""

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
"""Chance that a goal keeps what a segment has in the best state so far."""


class StitchedGoals(GoalBuffer):
    """A goal buffer that has goals to give before the first win, where the team is rewarded on the way to it.

    A team's reward says that something was achieved, not by whom. The scope narrows it down: somebody did it whose own
    segment *changed in that very step*. So of each segment (the common one, each agent's special one) it is kept where
    it arrived when the team was rewarded (``r > 0``), and how often that holds
    (:class:`~isa_wrappers.rewards.places.RewardedPlaces`). A goal is stitched from one place a segment: of what
    different agents achieved in different episodes a state is made that nobody has reached yet.

    It begins with the last state of the best episode so far. A segment that was rewarded at its last arrival there is
    kept as it is, nine times in ten; any other is given one of its places, or, every other time, any that it can be at.
    So agents that have achieved something repeat it, and the rest look for what is left.

    Goals are stitched only once every pursued segment has a place that stands out from its arrivals at large. Where the
    reward comes with the win alone nothing ever does, and all is as with a plain :class:`GoalBuffer`; so it is from the
    first win on.

    Args:
        scope: of the agents, or credit.
        capacity: won states kept.
        seed: of the draws of :meth:`sample`.
        device: ``None`` for NumPy, else a torch device.
        count_scale: cells per unit of the state; arrivals at one cell are at one place.
        special_weight: of the special segments in the goal reward; with 0 they are not pursued.

    Attributes:
        credit: made from the scope.
        rows: R, segments: the common one, then each agent's special one.
        places: of each segment.

    Source: not in arXiv 2505.08630, whose goals are won states alone.

    Example:
        >>> scope = InfluenceScope.from_dimensions({"a": [[0]], "b": [[1]]}, state_size=2)
        >>> goals = StitchedGoals(scope)
        >>> # a is to arrive at 1, b at 2; they never do both at once.
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
        self._ready = self._over = False
        super().__init__(as_credit(scope).state_size, capacity, seed, device)
        self._waits = not str(device).startswith("cuda")
        self._count_scale = count_scale
        self._weight = special_weight
        self.follow(scope)

    def follow(self, scope: InfluenceScope | Credit) -> None:
        """Continue with a scope that has grown: places are found anew, won states stay."""
        self.credit, xp = as_credit(scope), backend(self.device)
        segments = self.credit.segment_dims
        own_weight = self.credit.special_weight
        weight = self._weight if own_weight is None else own_weight
        self.rows = len(segments)
        self.places = RewardedPlaces(segments, self._count_scale, self.device)
        self._pursued = [row for row, dims in enumerate(segments) if dims and (row == 0 or weight > 0)]
        self._members = xp.asarray(self.credit.segments.astype(np.float32), device=self.device)
        # The goal's dimensions that a segment's place fills; padding, and those of earlier segments, go to one more.
        goal_dims = np.full(tuple(self.places.dims.shape), self.state_size, dtype=np.int64)
        assigned: set[int] = set()
        for row, segment in enumerate(segments):
            goal_dims[row, : len(segment)] = [self.state_size if k in assigned else k for k in segment]
            assigned |= set(segment)
        self._goal_dims = xp.asarray(goal_dims, device=self.device)
        self._best = BestEpisode(self.rows, self.state_size, self.device)
        self._ready, self._over = False, len(self) > 0

    def begin(self, num_envs: int) -> Episodes:
        """Begin an episode in each of B environments; the caller passes what this returns to :meth:`observe`."""
        return Episodes.begun(num_envs, self.rows, self.device)

    def observe(
        self,
        episodes: Episodes,
        s_t: Real[Array, "envs dims"],
        s_tp1: Real[Array, "envs dims"],
        reward: Real[Array, "envs agents"],
        acted: Bool[Array, "envs agents"],
        ended: Bool[Array, " envs"],
    ) -> None:
        """Take in a step of every environment; what comes after a win says nothing more.

        Args:
            episodes: that it is a step of; those that end begin anew.
            s_t: ``[B, K]`` states before the actions.
            s_tp1: ``[B, K]`` states after them, before any automatic reset.
            reward: ``[B, A]`` the environment's.
            acted: ``[B, A]`` bool, who acted.
            ended: ``[B]`` bool, whose episode ended in this step.
        """
        if self._over:
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
        self._best.take_in(episodes, s_tp1, ended)

    def look(self) -> bool:
        """Tell whether goals can be stitched: every pursued segment has a place that stands out. Once so, for good."""
        if not self._ready and self._pursued and not self._has_wins():
            self._ready = self.places.stand_out(self._pursued)
        return self._ready

    def __len__(self) -> int:
        """Return how many states are won; the host asks, and remembers that there are any."""
        stored = super().__len__()
        self._over = self._over or stored > 0
        return stored

    def _has_wins(self) -> bool:
        """Tell whether something is won."""
        return self._over or len(self) > 0

    @property
    def stitches(self) -> bool:
        """Goals are stitched now: :meth:`look` has seen that they can be, and nothing is won yet."""
        return self._ready and not self._has_wins()

    def stitch(self, uniform: Float[Array, "*batch segments draws"]) -> Float[Array, "*batch dims"]:
        """Return goals of one place a segment.

        Args:
            uniform: ``[..., R, 3 + W]`` numbers in [0, 1): whether the best state's is kept, and those of
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
        """Tell whether there are goals to pursue: so many states are won, or goals can be stitched."""
        return super().ready(wins) or self.look()

    def check_not_empty(self) -> None:
        """Check that there is a goal to draw.

        Raises:
            EmptyGoalBufferError: if nothing was won yet, and goals cannot be stitched.
        """
        if not self._ready:
            super().check_not_empty()

    def choose(self, select: GoalSelector, rng: Rng, count: int) -> Float[Array, "count dims"]:
        """Draw goals; see :meth:`GoalBuffer.choose`. The host is not asked whether anything is won on CUDA."""
        if self._waits or not self._ready or self._over:
            return self._draw_stitched(rng, count) if self.stitches else super().choose(select, rng, count)
        stitched, won = self._draw_stitched(rng, count), super().choose(select, rng, count)
        return namespace(won).where(self._added > 0, won, stitched)

    def sample(self, count: int) -> Float[Array, "count dims"]:
        """Draw ``count`` goals ``[count, K]``; see :meth:`GoalBuffer.sample`."""
        return self._draw_stitched(self._rng, count) if self.stitches else super().sample(count)

    def _draw_stitched(self, rng: Rng, count: int) -> Array:
        return self.stitch(rng.uniform(count, self.rows, 3 + self.places.dims.shape[1]))

    def state_dict(self) -> dict[str, Array]:
        """Return the won states, the generator's state, and what goals are stitched from."""
        xp = backend(self.device)
        own = self._best.state_dict() | {"ready": xp.asarray([self._ready], device=self.device)}
        return super().state_dict() | own | with_prefix("places", self.places.state_dict())

    def load_state_dict(self, state: dict[str, Array]) -> None:
        """Restore what :meth:`state_dict` returned.

        Raises:
            ScopeMismatchError: if it is of other segments, or another capacity.
        """
        super().load_state_dict(state)
        self.places.load_state_dict(without_prefix("places", state))
        self._best.load_state_dict(state)
        self._ready, self._over = bool(state["ready"][0]), len(self) > 0
