"""Q-learning on whole episodes: networks, mixers, their targets and the gradient step, independent of ISA."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from isa_learners.checkpoint import load_modules, load_optimizers, state_of
from isa_learners.inputs import InputEncoder
from isa_learners.masks import masked_mean
from isa_learners.optimizers import optimizer_for
from isa_learners.q_learning.config import QConfig
from isa_learners.q_learning.mixers import MIXERS
from isa_learners.q_learning.outlook import Outlook, Part
from isa_learners.q_learning.replay import Episodes
from isa_learners.recurrent.network import RecurrentLinear
from isa_learners.recurrent.packing import layout_of
from isa_learners.returns import lambda_returns
from isa_learners.rollout import Sizes

_MODULES = ("net", "mixer", "target_net", "target_mixer")
_OPTIMIZERS = ("optimizer",)


class QLearning:
    """Live and target networks and mixers, and the optimiser.

    Args:
        sizes: sizes of the environment.
        config: hyperparameters.
        encoder: builds network inputs.
        device: torch device.
        seed: seed of the weights.
        part: creates a part that adds rewards and losses; by default there is none.

    Attributes:
        count: gradient steps so far.
    """

    def __init__(
        self,
        sizes: Sizes,
        config: QConfig,
        encoder: InputEncoder,
        device: str,
        seed: int,
        part: Callable[[], Part] | None = None,
    ) -> None:
        self.sizes = sizes
        self.config = config
        self.encoder = encoder
        self.layout = layout_of(config.fixed_shapes, device)
        self.spec = MIXERS[config.mixer]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.net, self.target_net = (
                RecurrentLinear(encoder.size, config.hidden, sizes.num_actions).to(device) for _ in range(2)
            )
            self.mixer, self.target_mixer = (self.spec.make(sizes, config).to(device) for _ in range(2))
            self.part = None if part is None else part().to(device)
        self._copy_to_target()
        self.parameters = [*self.net.parameters(), *self.mixer.parameters()]
        self.parameters += [] if self.part is None else list(self.part.parameters())
        self.optimizer = optimizer_for(config.optimizer, self.parameters, config.lr, config.optimizer_eps)
        self.count = 0

    def _copy_to_target(self) -> None:
        self.target_net.load_state_dict(self.net.state_dict())
        self.target_mixer.load_state_dict(self.mixer.state_dict())

    def gradient_step(self, episodes: Episodes) -> Tensor:
        """Take one step.

        Returns:
            Loss, mean value, mean target and gradient norm, then the metrics of the part, as one tensor.
        """
        outlook = self.look(episodes)
        addition = None if self.part is None else self.part(outlook)
        chosen, target, mask = self._values(outlook, None if addition is None else addition.reward)
        td_loss = masked_mean((chosen - target).square(), mask)
        self.optimizer.zero_grad(set_to_none=True)
        (td_loss if addition is None else td_loss + addition.loss).backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.parameters, self.config.max_grad_norm)
        self.optimizer.step()
        self.count += 1
        if self.count % self.config.target_interval == 0:
            self._copy_to_target()
        with torch.no_grad():
            figures = torch.stack([td_loss, masked_mean(chosen, mask), masked_mean(target, mask), norm])
            return figures if addition is None else torch.cat([figures, addition.figures])

    def values(self, episodes: Episodes) -> tuple[Tensor, Tensor, Tensor]:
        """Compute the values of the actions taken, their targets, and the mask of those that count.

        Returns:
            Values, targets and mask, each ``[L, b, M]``; M is 1 with a team mixer, else A.
        """
        return self._values(self.look(episodes))

    def look(self, episodes: Episodes) -> Outlook:
        """Run both networks over episodes."""
        steps = torch.arange(len(episodes.obs), device=episodes.length.device)[:, None]
        within = steps[:-1] < episodes.length  # [L, b]
        last = steps[:-1] == episodes.length - 1
        alive = episodes.alive & (steps <= episodes.length)[..., None]
        cut = episodes.cut & within[..., None]
        # An agent that alone is truncated no longer acts, but its last observation has a value.
        valued = alive.clone()
        valued[1:] |= cut
        available = episodes.available.clone()
        available[1:] = torch.where(cut[..., None], available[:-1], available[1:])
        live, ahead = self._networks(episodes, valued)
        acts = alive[:-1] & within[..., None]
        with torch.no_grad():
            best = (live if self.config.double_q else ahead).masked_fill(~available, -1e9).argmax(-1, keepdim=True)
            greedy = ahead.gather(-1, best)[..., 0] * valued
            state = episodes.state * self.config.obs_scale
            team = self.target_mixer(greedy, state)
        return Outlook(
            obs=episodes.obs * self.config.obs_scale,
            state=state,
            reward=episodes.reward * self.config.reward_scale,
            available=available,
            live=live,
            ahead=ahead,
            chosen=live[:-1].gather(-1, episodes.action[..., None])[..., 0] * acts,
            greedy=greedy,
            team=team,
            within=within,
            acts=acts,
            valued=valued,
            last=last,
            cut=cut,
            has_next=~(last & episodes.terminated),
        )

    def _values(self, outlook: Outlook, bonus: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Compute values, targets and mask; ``bonus`` ``[L, b, 1]`` is added to the team's reward."""
        chosen = self.mixer(outlook.chosen, outlook.state[:-1])
        with torch.no_grad():
            v_tp1 = outlook.team[1:] * outlook.has_next[..., None]
            if not self.spec.of_team:
                v_tp1 = v_tp1 * outlook.valued[1:]
            reward, cut = outlook.reward, outlook.cut
            if self.spec.of_team:
                reward, cut = reward.mean(-1, keepdim=True), cut.any(-1, keepdim=True)
            reward = reward if bonus is None else reward + bonus
            ends = outlook.last[..., None] | cut
            target = lambda_returns(reward, v_tp1, ends, self.config.gamma, self.config.td_lambda)
        return chosen, target, outlook.within[..., None] if self.spec.of_team else outlook.acts

    def _networks(self, episodes: Episodes, valued: Tensor) -> tuple[Tensor, Tensor]:
        """Run live and target network over the steps at which agents are valued: ``[L + 1, b, A, n]``, 0 elsewhere.

        The state of a departed agent is kept until it rejoins.
        """
        inputs = self.encoder(episodes.obs, self._last_actions(episodes)).flatten(0, 2)
        living = valued & episodes.alive
        departed = valued & ~episodes.alive
        start = torch.zeros(valued.shape[:2], dtype=torch.bool, device=valued.device)
        start[0].fill_(True)
        steps = self.layout(living.to(inputs.dtype), start)
        part = steps.pack()
        departed_rows = steps.where(departed)
        rows = inputs[part.rows]
        first = inputs.new_zeros(len(part.streams), self.config.hidden)
        zeros = inputs.new_zeros(len(inputs), self.sizes.num_actions)

        def run(net: RecurrentLinear) -> Tensor:
            values, states = net.unroll(rows, first, part.sizes, part.keep, part.alive if part.every else None)
            values = zeros.index_copy(0, part.rows, values)
            if len(departed_rows):
                with torch.no_grad():  # used only in targets
                    hidden = steps.hidden_after(departed_rows, part, states, first)
                    departed_values, _ = net(inputs[departed_rows], hidden)
                departed_values = zeros.index_copy(0, departed_rows, departed_values)
                values = torch.where(departed.flatten()[:, None], departed_values, values)
            return values.view(*valued.shape, -1)

        with torch.no_grad():
            ahead = run(self.target_net)
        return run(self.net), ahead

    def _last_actions(self, episodes: Episodes) -> Tensor:
        """Return each agent's last action before a step, ``[L + 1, b, A]``; it stays while the agent is dead."""
        action = episodes.action
        none = torch.full_like(action[:1], self.encoder.none)
        steps = torch.arange(1, len(action) + 1, device=action.device).view(-1, 1, 1)
        latest = torch.where(episodes.alive[:-1], steps, 0).cummax(0).values
        return torch.cat([none, action]).gather(0, torch.cat([torch.zeros_like(latest[:1]), latest]))

    @property
    def _modules(self) -> tuple[str, ...]:
        return _MODULES if self.part is None else (*_MODULES, "part")

    def state_dict(self) -> dict[str, Tensor]:
        """Return networks, mixers, part, optimiser and the number of steps."""
        return {"count": torch.tensor(self.count), **state_of(self, self._modules, _OPTIMIZERS)}

    def load_networks(self, state: dict[str, Tensor]) -> None:
        """Restore only the live and target networks and mixers, and the part."""
        load_modules(self, self._modules, state)

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore a state from :meth:`state_dict`."""
        self.load_networks(state)
        load_optimizers(self, _OPTIMIZERS, state)
        self.count = int(state["count"])
