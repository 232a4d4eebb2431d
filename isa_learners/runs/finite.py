"""What was learned from must be finite, and so must what came of it: looked at once an iteration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite

import torch

from isa_learners.rollout import Rollout
from isa_wrappers.errors import NonFiniteError


def check_learned(metrics: Mapping[str, float], rollout: Rollout, agents: Sequence[str]) -> None:
    """Check the metrics of an iteration, which the host has read already; only where one is bad, look for its source.

    Args:
        metrics: of the learner, ``reward_mean`` among them.
        rollout: what was learned from.
        agents: their names.

    Raises:
        NonFiniteError: naming agent, step and place of the first reward, observation or state that is not finite, or
            the metric where all of these are.
    """
    bad = [name for name, value in metrics.items() if not isfinite(value)]
    if not bad:
        return
    for what in ("reward", "final_obs", "state"):
        values = getattr(rollout, what)
        places = (~torch.isfinite(values)).nonzero()
        if len(places):
            step, env, *rest = places[0].tolist()
            value = float(values[tuple(places[0].tolist())])
            who = "" if what == "state" else f", agent {agents[rest[0]]!r}"
            place = "" if what == "reward" else f", place {rest[-1]}"
            name = "observation" if what == "final_obs" else what
            raise NonFiniteError(
                f"{name} must be finite: environment {env}, step {step + 1} of the rollout{who}{place} holds {value}"
            )
    raise NonFiniteError(
        f"{bad[0]} must be finite, got {metrics[bad[0]]}: what was learned from is finite, so the networks are not; "
        "lower the learning rate or the scale of rewards and observations"
    )
