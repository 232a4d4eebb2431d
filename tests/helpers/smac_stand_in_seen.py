"""What the stand-in tells of a battle: available actions, observations and the state."""

import numpy as np
from smac_stand_in_game import NO_ATTACK, SHOOT, SIGHT, SIZE, UNITS, distance


class Seen:
    """What is seen of ``self.agents`` and ``self.enemies``, in shapes that follow the options of ``StarCraft2Env``."""

    def get_unit_by_id(self, a_id):
        return self.agents[a_id]

    def get_total_actions(self):
        return self.n_actions

    def get_avail_agent_actions(self, agent_id):
        unit, available = self.agents[agent_id], [0] * self.n_actions
        if unit.health == 0:
            return [1, *available[1:]]
        x, y, m = unit.pos.x, unit.pos.y, self.move_amount / 2
        available[1] = 1
        for action, (to_x, to_y) in enumerate([(x, y + m), (x, y - m), (x + m, y), (x - m, y)], start=2):
            available[action] = int(0 <= int(to_x) < SIZE - 1 and 0 <= int(to_y) < SIZE - 1)
        targets = self.agents if self._heals(agent_id) else self.enemies
        for i, target in targets.items():
            flies = self._heals(agent_id) and target.kind == "medivac"
            if target.health > 0 and not flies and distance(unit, target) <= SHOOT:
                available[NO_ATTACK + i] = 1
        return available

    def get_avail_actions(self):
        return [self.get_avail_agent_actions(i) for i in range(self.n_agents)]

    def _one_hot(self, unit, allied):
        number, place = UNITS[unit.kind][5:]
        place = place if allied or self.map_type == "MMM" else number - 73  # enemies' types count from the zealot's
        return [float(k == place) for k in range(self.unit_type_bits)]

    def _health(self, unit, shield_bits):
        return [unit.health / unit.health_max] + [unit.shield / max(1, unit.shield_max)] * shield_bits

    def _sizes(self):
        health = bool(self.obs_all_health)
        enemy = 4 + self.unit_type_bits + health * (1 + self.shield_bits_enemy)
        ally = 4 + self.unit_type_bits + health * (1 + self.shield_bits_ally) + self.obs_last_action * self.n_actions
        own = self.unit_type_bits + (health or self.obs_own_health) * (1 + self.shield_bits_ally)
        move = 4 + 8 * self.obs_pathing_grid + 9 * self.obs_terrain_height
        return move, enemy, ally, own + self.obs_timestep_number

    def get_obs_size(self):
        move, enemy, ally, own = self._sizes()
        return move + self.n_enemies * enemy + (self.n_agents - 1) * ally + own

    def get_obs_agent(self, agent_id):
        unit, (move, enemy, ally, own) = self.agents[agent_id], self._sizes()
        parts = [np.zeros(move), np.zeros((self.n_enemies, enemy)), np.zeros((self.n_agents - 1, ally)), np.zeros(own)]
        if unit.health > 0:
            available = self.get_avail_agent_actions(agent_id)
            parts[0][:] = 1.0
            parts[0][:4] = available[2:NO_ATTACK]
            others = [i for i in self.agents if i != agent_id]
            for row, i in enumerate(self.enemies):
                told = [self.enemies[i], float(available[NO_ATTACK + i]), self.shield_bits_enemy, False]
                self._relative(unit, parts[1][row], *told)
            for row, i in enumerate(others):
                self._relative(unit, parts[2][row], self.agents[i], 1.0, self.shield_bits_ally, True)
                if self.obs_last_action and parts[2][row].any():
                    parts[2][row][-self.n_actions :] = self.last_action[i]
            known = self._health(unit, self.shield_bits_ally) if self.obs_all_health or self.obs_own_health else []
            known = known + self._one_hot(unit, True)
            parts[3][: len(known)] = known
        obs = np.concatenate([part.ravel() for part in parts]).astype(np.float32)
        return np.append(obs, self._episode_steps / self.episode_limit) if self.obs_timestep_number else obs

    def _relative(self, unit, row, other, first, shield_bits, allied):
        away = distance(unit, other)
        if away < SIGHT and other.health > 0:
            seen = [first, away / SIGHT, (other.pos.x - unit.pos.x) / SIGHT, (other.pos.y - unit.pos.y) / SIGHT]
            seen += self._health(other, shield_bits) if self.obs_all_health else []
            seen += self._one_hot(other, allied)
            row[: len(seen)] = seen

    def get_obs(self):
        return [self.get_obs_agent(i) for i in range(self.n_agents)]

    def get_state_size(self):
        if self.obs_instead_of_state:
            return self.get_obs_size() * self.n_agents
        size = self.n_agents * (4 + self.shield_bits_ally + self.unit_type_bits)
        size += self.n_enemies * (3 + self.shield_bits_enemy + self.unit_type_bits)
        return size + self.state_last_action * self.n_agents * self.n_actions + self.state_timestep_number

    def get_state(self):
        if self.obs_instead_of_state:
            return np.concatenate(self.get_obs()).astype(np.float32)
        rows = []
        for unit in [*self.agents.values(), *self.enemies.values()]:
            allied, bits = unit.owner == 1, (self.shield_bits_ally, self.shield_bits_enemy)[unit.owner - 1]
            health, *shield = self._health(unit, bits)
            charge = unit.energy / 200 if unit.kind == "medivac" else unit.weapon_cooldown / 15
            place = [(unit.pos.x - SIZE / 2) / SIZE, (unit.pos.y - SIZE / 2) / SIZE]
            row = [health, *([charge] if allied else []), *place, *shield, *self._one_hot(unit, allied)]
            rows += row if unit.health > 0 else [0.0] * len(row)
        rows += self.last_action.ravel().tolist() if self.state_last_action else []
        rows += [self._episode_steps / self.episode_limit] if self.state_timestep_number else []
        return np.array(rows, dtype=np.float32)
