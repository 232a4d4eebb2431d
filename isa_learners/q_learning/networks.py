"""The recurrent network of the agents' values."""

from __future__ import annotations

from isa_learners.recurrent.network import RecurrentLinear


class QNet(RecurrentLinear):
    """Values of n actions of each agent, by a network that all agents share.

    Source: Rashid et al., 2018 (arXiv 1803.11485), Appendix C.2.
    """
