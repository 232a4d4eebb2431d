"""One SMAX battle as pure JAX functions of arrays, used by the batched and the single environment."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from isa_wrappers.envs.drawing import Image
from isa_wrappers.envs.smax.install import load_jax, make_jaxmarl
from isa_wrappers.envs.smax.options import REWARDS, check_options
from isa_wrappers.envs.smax.render import draw_battle
from isa_wrappers.envs.smax.scenarios import smax_scenario
from isa_wrappers.errors import InvalidValueError, check_choice, check_int

MOVES = ("north", "east", "south", "west", "stop")
STOP = MOVES.index("stop")
DIRECTIONS = ((0.0, 1.0), (1.0, 0.0), (0.0, -1.0), (-1.0, 0.0))
"""Direction (x, y) of each move."""
FEATURES = ("health", "x", "y", "cooldown")
"""State features of every unit."""
RESTARTED_SHARE = 8
"""Finished battles are reset in chunks of 1/8 of the batch."""


class BattleStep(NamedTuple):
    """Result of a reset or a step of one battle, with the field names of :class:`~isa_wrappers.batch.BatchStep`."""

    obs: Any
    state: Any
    available: Any
    alive: Any
    reward: Any
    terminated: Any
    truncated: Any
    success: Any
    final_obs: Any
    final_state: Any
    final_alive: Any


class Battle(NamedTuple):
    """State carried from step to step: the random key and SMAX's own state."""

    key: Any
    units: Any


def smax_game(name: str, **options: Any) -> SMAXGame:
    """Create a game, or return the existing one with the same options, so that compiled code is shared.

    Raises:
        InvalidValueError: if an option is not hashable, such as a list.
    """
    try:
        return _cached_game(name, **options)
    except TypeError as error:
        raise InvalidValueError(f"smax/{name} does not accept these options: {error}") from error


@lru_cache
def _cached_game(name: str, **options: Any) -> SMAXGame:
    return SMAXGame(name, **options)


class SMAXGame:
    """A battle against SMAX's scripted enemy, as pure functions of one battle.

    The state contains the :data:`FEATURES` of every unit, allies first: health as a fraction of full health, x and y as
    fractions of the map's sides, the weapon cooldown as a fraction of the full cooldown. A dead unit has health and
    cooldown 0 and keeps its position, so that a death changes no position and no goal points to a corner of the map.

    Every ally receives the reward, including dead ones. ``dense`` is SMAX's own reward (the enemies' lost health
    divided by their number, and 1 for a win). ``sparse`` pays 10 for each enemy that dies, -5 for each ally and 200 for
    a win, divided by the reward of a win without losses. ``super_sparse`` pays 1 for a win, -1 for a defeat, else 0
    (Table 3 of arXiv 2505.08630). A win leaves allies alive and no enemy; a defeat leaves enemies alive and no ally.

    ``reset_all``, ``step_all`` and ``observe_all`` are compiled functions of a batch.

    Args:
        name: name of a scenario.
        reward: one of :data:`~isa_wrappers.envs.smax.options.REWARDS`.
        horizon: step limit; by default SMAC's limit for the map.
        border: one of :data:`~isa_wrappers.envs.smax.options.BORDERS`. ``kills``: units that touch the border of the
            map die, as in SMAX. ``closed``: moves over the border are unavailable, as in SMAC, and no unit dies there.
        options: options of jaxmarl's ``HeuristicEnemySMAX``, such as ``walls_cause_death`` or ``attack_mode``.

    Raises:
        UnknownTaskError: if there is no such scenario.
        InvalidValueError: if a reward, a border or an option is unknown, or a closed border is set to kill.
        MissingDependencyError: if jaxmarl is not installed.
    """

    def __init__(
        self, name: str, reward: str = "dense", horizon: int | None = None, border: str = "kills", **options: Any
    ) -> None:
        scenario = smax_scenario(name)
        self.name, self.reward = name, check_choice("reward", reward, REWARDS)
        self.horizon = scenario.max_steps if horizon is None else check_int("horizon", horizon, 1)
        self.jax, smax = load_jax()
        self.border = check_options(name, border, options, smax)
        if self.border == "closed":
            options["walls_cause_death"] = False
        # jaxmarl checks the limit before it counts the step.
        self.env = make_jaxmarl(smax, self.jax.numpy, scenario, {"max_steps": self.horizon - 1, **options})
        self.num_allies, self.num_enemies = self.env.num_allies, self.env.num_enemies
        self.agents = tuple(self.env.agents)
        self.units = tuple(self.env.all_agents)
        self.obs_size = int(self.env.obs_size)
        self.num_actions = len(MOVES) + self.num_enemies
        self.action_names = MOVES + tuple(f"attack_{name}" for name in self.env.enemy_agents)
        self.state_names = tuple(f"{unit}.{feature}" for unit in self.units for feature in FEATURES)
        jax = self.jax
        self.reset_all, self.observe_all = jax.jit(jax.vmap(self.reset)), jax.jit(jax.vmap(self.observe))
        self.step_all = jax.jit(self.step)

    def draw(self, state: npt.NDArray[np.float32], goal: npt.NDArray[np.float32] | None = None) -> Image:
        """Draw a state ``[K]`` and a goal, with NaN for dimensions without a goal; see :func:`draw_battle`."""
        goal_units = None if goal is None else goal.reshape(-1, len(FEATURES))
        return draw_battle(state.reshape(-1, len(FEATURES)), self.num_allies, self.radii(), goal_units)

    def radii(self) -> list[float]:
        """Return each unit's radius as a fraction of the map's side (that of marines if types are random)."""
        sizes = self.env.unit_type_radiuses.tolist()
        return [sizes[kind] / self.env.map_width for kind in smax_scenario(self.name).units]

    def reset(self, key: Any) -> tuple[Battle, BattleStep]:
        """Start an episode from a random key."""
        _, battle = self._begin(key)
        return battle, self.observe(battle)

    def observe(self, battle: Battle) -> BattleStep:
        """Return the current view of a battle, without a step."""
        jnp, units = self.jax.numpy, battle.units
        obs = self._observations(self.env.get_obs(units))
        state = self._features(units)
        alive = self._alive(units)
        false = jnp.zeros((), dtype=bool)
        no_reward = jnp.zeros(self.num_allies, dtype=jnp.float32)
        return BattleStep(
            obs=obs,
            state=state,
            available=self._available(units),
            alive=alive,
            reward=no_reward,
            terminated=false,
            truncated=false,
            success=false,
            final_obs=obs,
            final_state=state,
            final_alive=alive,
        )

    def step(self, battles: Battle, actions: Any) -> tuple[Battle, BattleStep]:
        """Advance B battles by ``actions`` ``[B, A]`` and reset finished ones. Masked actions count as stop."""
        jax = self.jax
        battle, key_reset, ends, final = jax.vmap(self._advance)(battles, actions)
        units, obs = self._restart(ends[1] | ends[2], key_reset, battle.units, final[0])
        observe_units = jax.vmap(lambda units: (self._features(units), self._available(units), self._alive(units)))
        return Battle(battle.key, units), BattleStep(obs, *observe_units(units), *ends, *final)

    def _advance(self, battle: Battle, actions: Any) -> tuple[Battle, Any, tuple[Any, ...], tuple[Any, ...]]:
        """Play one step; return the battle, a key for a reset, and :class:`BattleStep`'s fields from reward on."""
        jax = self.jax
        key, key_step, key_reset = jax.random.split(battle.key, 3)
        # SMAX would shoot if the target comes into reach within the step.
        allowed = jax.numpy.take_along_axis(self._available(battle.units), actions[:, None], axis=1)[:, 0]
        actions = jax.numpy.where(allowed, actions, STOP)
        chosen = {agent: actions[i] for i, agent in enumerate(self.agents)}
        obs, units, rewards, dones, _ = self.env.step_env(key_step, battle.units, chosen)
        alive_before, alive = battle.units.state.unit_alive, units.state.unit_alive
        allies, enemies = alive[: self.num_allies].any(), alive[self.num_allies :].any()
        done = dones["__all__"]
        terminated = ~(allies & enemies)
        won = allies & ~enemies
        reward = self._team_rewards(rewards, alive_before & ~alive, won, enemies & ~allies)
        final = self._observations(obs), self._features(units), self._alive(units)
        return Battle(key, units), key_reset, (reward, terminated, done & ~terminated, won), final

    def _restart(self, done: Any, keys: Any, units: Any, obs: Any) -> tuple[Any, Any]:
        """Reset the battles where ``done`` ``[B]`` is true, in chunks, since few finish in the same step."""
        jax, batch = self.jax, done.shape[0]
        part = -(-batch // RESTARTED_SHARE)

        def start_some(carry: tuple[Any, ...]) -> tuple[Any, ...]:
            units, obs, remaining = carry
            indices = self.jax.numpy.nonzero(remaining, size=part, fill_value=batch)[0]
            first_obs, new_battles = jax.vmap(self._begin)(keys[indices])

            def write(all_: Any, new: Any) -> Any:
                return all_.at[indices].set(new, mode="drop")

            units = jax.tree.map(write, units, new_battles.units)
            obs = write(obs, jax.vmap(self._observations)(first_obs))
            return units, obs, remaining.at[indices].set(False, mode="drop")

        started: tuple[Any, Any, Any] = jax.lax.while_loop(lambda carry: carry[2].any(), start_some, (units, obs, done))
        return started[:2]

    def _begin(self, key: Any) -> tuple[Any, Battle]:
        key, key_reset = self.jax.random.split(key)
        obs, units = self.env.reset(key_reset)
        # Some leaves are weakly typed, unlike those of a step; JAX would compile each combination separately.
        units = self.jax.tree.map(lambda leaf: self.jax.lax.convert_element_type(leaf, leaf.dtype), units)
        return obs, Battle(key, units)

    def _observations(self, obs: Any) -> Any:
        return self.jax.numpy.stack([obs[agent] for agent in self.agents])

    def _alive(self, units: Any) -> Any:
        return units.state.unit_alive[: self.num_allies]

    def _available(self, units: Any) -> Any:
        masks = self.env.get_avail_actions(units)
        available = self.jax.numpy.stack([masks[agent] for agent in self.agents]).astype(bool)
        if self.border == "kills":
            return available
        return available.at[:, : len(DIRECTIONS)].min(self._inside(units))

    def _inside(self, units: Any) -> Any:
        """Return ``[A, 4]`` bool: whether each move ends inside the border that it leads towards."""
        jnp, env, state = self.jax.numpy, self.env, units.state
        place, kinds = state.unit_positions[: self.num_allies], state.unit_types[: self.num_allies]
        reach = env.unit_type_velocities[kinds] * env.time_per_step * env.world_steps_per_env_step
        directions = jnp.array(DIRECTIONS)
        ends = place[:, None] + reach[:, None, None] * directions
        inside = jnp.where(directions > 0.0, ends <= jnp.array([env.map_width, env.map_height]), ends >= 0.0)
        return (inside | (directions == 0.0)).all(axis=-1)

    def _features(self, units: Any) -> Any:
        jnp, env, state = self.jax.numpy, self.env, units.state
        health = state.unit_health / env.unit_type_health[state.unit_types]
        ready = state.unit_weapon_cooldowns / env.unit_type_weapon_cooldowns[state.unit_types]
        cooldown = jnp.where(state.unit_alive, jnp.clip(ready, 0.0, 1.0), 0.0)
        place = state.unit_positions / jnp.array([env.map_width, env.map_height], dtype=jnp.float32)
        return jnp.column_stack([health, place, cooldown]).reshape(-1).astype(jnp.float32)

    def _team_rewards(self, dense: Any, died: Any, won: Any, lost: Any) -> Any:
        """Return the chosen reward, ``[A]`` float32."""
        jnp = self.jax.numpy
        if self.reward == "dense":
            return jnp.stack([dense[agent] for agent in self.agents]).astype(jnp.float32)
        if self.reward == "sparse":
            allies, enemies = died[: self.num_allies].sum(), died[self.num_allies :].sum()
            team = (10.0 * enemies - 5.0 * allies + 200.0 * won) / (10.0 * self.num_enemies + 200.0)
        else:
            team = won.astype(jnp.float32) - lost.astype(jnp.float32)
        return jnp.full(self.num_allies, team, dtype=jnp.float32)
