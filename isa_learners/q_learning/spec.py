"""The registry entry of Q-learning; creating a learner imports torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isa_learners.learner import LearnerSpec, PartSpec
from isa_learners.q_learning.config import METRICS, QConfig
from isa_learners.q_learning.maser_config import MASER_METRICS, MaserConfig
from isa_wrappers.errors import InvalidValueError

if TYPE_CHECKING:
    from isa_learners.learner import Learner
    from isa_learners.rollout import Sizes


def _make(sizes: Sizes, config: QConfig, device: str, seed: int, maser: MaserConfig | None = None) -> Learner:
    from isa_learners.q_learning.learner import QLearner
    from isa_learners.q_learning.mixers import MIXERS

    _check(sizes, config, device)
    if maser is not None and not MIXERS[config.mixer].of_team:
        raise InvalidValueError(f"maser needs a team mixer, such as 'qmix', got {config.mixer!r}")
    return QLearner(sizes, config, device, seed, maser)


def _check(sizes: Sizes, config: QConfig, device: str) -> None:
    """Check what depends on the environment.

    Raises:
        InvalidValueError: if actions are not single numbers, the mixer lacks a state, or the replay lacks memory.
    """
    from isa_learners.q_learning.mixers import MIXERS

    if sizes.code is not None:
        raise InvalidValueError(
            "learner 'q' needs one of n actions per agent (Discrete), but some agent acts by continuous numbers or "
            "several choices; use learner ppo"
        )
    if MIXERS[config.mixer].needs_state and not sizes.state_size:
        raise InvalidValueError(
            f"mixer {config.mixer!r} needs a global state, but the environment's is empty; give it a state(), or use "
            "mixer sum"
        )


def _check_room(sizes: Sizes, config: QConfig, device: str) -> None:
    """Check what prevents learning but not acting."""
    from isa_learners.q_learning.learner import longest_episode
    from isa_learners.q_learning.replay import Replay
    from isa_learners.q_learning.replay_size import check_fits, free_bytes

    _check(sizes, config, device)
    needed = Replay.bytes_needed(sizes, config.replay, longest_episode(sizes, config))
    check_fits(needed, free_bytes(device), device)


Q_LEARNER = LearnerSpec(
    "recurrent Q-learning on replayed episodes, with a mixer",
    QConfig,
    METRICS,
    _make,
    takes_probes=True,
    check=_check_room,
    parts={"maser": PartSpec(MaserConfig, MASER_METRICS)},
)
