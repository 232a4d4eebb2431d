"""MASER as a part of Q-learning: subgoals from replayed episodes, and rewards for approaching them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity

from isa_learners.heads import masked_log_softmax
from isa_learners.masks import masked_mean
from isa_learners.q_learning.config import QConfig
from isa_learners.q_learning.maser_config import MaserConfig
from isa_learners.q_learning.outlook import Addition, Outlook, Part
from isa_learners.returns import lambda_returns
from isa_learners.rollout import Sizes
from isa_wrappers.axes import Bool, Float, Int


def subgoal_steps(
    own: Float[Tensor, "time episodes agents"],
    team: Float[Tensor, "time episodes one"],
    acts: Bool[Tensor, "time episodes agents"],
    alpha: float,
) -> Int[Tensor, "episodes agents"]:
    """Return each agent's subgoal ``t* = argmax_t alpha Q_i(t) + (1 - alpha) Q_tot(t) / A`` of every episode.

    Args:
        own: ``[L, b, A]`` values of the agents.
        team: ``[L, b, 1]`` value of the team.
        acts: ``[L, b, A]`` steps that count; an agent without any gets step 0.
        alpha: weight of the agent's own value.

    Returns:
        ``[b, A]`` int64.

    Source: MASER (Jeon et al., 2022, arXiv 2206.10607).

    Example:
        >>> own, team = torch.tensor([[[0.0, 3.0]], [[2.0, 0.0]]]), torch.tensor([[[0.0]], [[2.0]]])
        >>> [subgoal_steps(own, team, own > -1, alpha).tolist() for alpha in (1.0, 0.0)]
        [[[1, 0]], [[1, 1]]]
    """
    score = alpha * own + (1.0 - alpha) * team / own.shape[-1]
    return score.masked_fill(~acts, -torch.inf).argmax(0)


class Subgoals(Part):
    """Adds ``lambda mean_i r_i`` to the team's reward, with ``r_i(t) = -||f(o_i(t)) - f(o_i(t*))||``, and three losses.

    The agents' own values are trained on ``softmax_i(Q_i) r + lambda r_i``; from t* on, actions are drawn towards
    uniform ones by ``KL(softmax Q_i || uniform)``; and ``||f(o_i(t)) - f(o_i(t*))||`` is trained towards
    ``1 - cos(Q_i(t), Q_i(t*))``. It needs a team mixer.

    Source: MASER (Jeon et al., 2022, arXiv 2206.10607), and the authors' code.

    Args:
        sizes: sizes of the environment.
        config: hyperparameters of MASER.
        q: hyperparameters of the learner, for discount and lambda of the returns.
    """

    def __init__(self, sizes: Sizes, config: MaserConfig, q: QConfig) -> None:
        super().__init__()
        self.config = config
        self.q = q
        self.embedding = nn.Sequential(
            nn.Linear(sizes.obs_size, config.embedding_width),
            nn.ReLU(),
            nn.Linear(config.embedding_width, sizes.num_actions, bias=False),  # a bias would cancel out in differences
        )

    def forward(self, outlook: Outlook) -> Addition:
        """Return the team's additional reward and the weighted sum of the losses."""
        config, acts = self.config, outlook.acts
        with torch.no_grad():
            goal = subgoal_steps(outlook.greedy[:-1], outlook.team[:-1], acts, config.alpha)
        distance = self._distance(outlook.obs[:-1], goal)
        reward = -distance.detach() * acts * self.q.reward_scale  # scaled like the environment's reward, as published
        individual = self._individual_loss(outlook, reward)
        divergence = self._divergence(outlook, goal)
        error = distance - self._dissimilarity(outlook.ahead[:-1], goal)
        closeness = masked_mean(error.square(), acts)
        loss = config.individual_factor * individual
        # As released, no gradient reaches the embedding, so it keeps its initial weights.
        if config.variant == "as_written":
            loss = loss + config.divergence_factor * divergence + config.distance_factor * closeness
        with torch.no_grad():
            mean_step, mean_reward = masked_mean(goal, acts.any(0)), masked_mean(reward, acts)
            figures = torch.stack([mean_step, mean_reward, individual, divergence, closeness])
        return Addition(config.subgoal_factor * reward.mean(-1, keepdim=True), loss, figures)

    def _distance(self, obs: Tensor, goal: Tensor) -> Tensor:
        """Return ``||f(o_t) - f(o_t*)||`` ``[L, b, A]``."""
        embedded = self.embedding(obs)
        distance: Tensor = torch.linalg.vector_norm(embedded - _at_step(embedded, goal), dim=-1)
        return distance

    @staticmethod
    def _dissimilarity(values: Tensor, goal: Tensor) -> Tensor:
        """Return ``1 - cos(Q_t, Q_t*)`` ``[L, b, A]``."""
        return 1.0 - cosine_similarity(values, _at_step(values, goal).expand_as(values), dim=-1)

    def _individual_loss(self, outlook: Outlook, reward: Tensor) -> Tensor:
        """Return the mean squared error of the agents' own values, given their share of the reward and their own."""
        acts, greedy = outlook.acts, outlook.greedy
        with torch.no_grad():
            team_share = greedy[:-1].masked_fill(~acts, -1e9).softmax(-1) * acts
            individual_reward = team_share * outlook.reward.mean(-1, keepdim=True) + self.config.subgoal_factor * reward
            v_tp1 = greedy[1:] * outlook.has_next[..., None]
            ends = outlook.last[..., None] | outlook.cut
            target = lambda_returns(individual_reward, v_tp1, ends, self.q.gamma, self.q.td_lambda)
        return masked_mean((outlook.chosen - target).square(), acts)

    @staticmethod
    def _divergence(outlook: Outlook, goal: Tensor) -> Tensor:
        """Return the mean of ``KL(softmax Q || uniform)`` over available actions and steps from the subgoal on."""
        available = outlook.available[:-1]
        log_p = masked_log_softmax(outlook.live[:-1], available)
        divergence = (log_p.exp() * log_p).sum(-1) + available.sum(-1).clamp(min=1).log()
        steps = torch.arange(len(available), device=goal.device)[:, None, None]
        return masked_mean(divergence, outlook.acts & (steps >= goal))


def _at_step(x: Tensor, step: Tensor) -> Tensor:
    """Return ``x`` ``[L, b, A, X]`` at ``step`` ``[b, A]``: ``[1, b, A, X]``."""
    return x.gather(0, step[None, ..., None].expand(1, *x.shape[1:]))
