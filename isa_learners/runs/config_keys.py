"""Every key of a configuration: which sections a run has, and which key somebody meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from isa_learners.algorithms import ALGORITHMS
from isa_learners.config import RunConfig
from isa_learners.learner import LEARNERS, PartSpec
from isa_learners.probes import ProbesConfig
from isa_learners.runs.scopes import asks_for_scope
from isa_wrappers.config import ScopeConfig
from isa_wrappers.errors import InvalidValueError, nearest
from isa_wrappers.fields import hints
from isa_wrappers.rewards import REWARDS
from isa_wrappers.scope.credit import CreditConfig

USUAL_NAMES = {
    "learning_rate": "lr",
    "discount": "gamma",
    "clip_range": "clip",
    "clip_coef": "clip",
    "ent_coef": "entropy_factor",
    "entropy_coef": "entropy_factor",
    "vf_coef": "critic_factor",
    "value_loss_coef": "critic_factor",
    "n_steps": "rollout_steps",
    "num_steps": "rollout_steps",
    "n_epochs": "epochs",
    "update_epochs": "epochs",
    "num_minibatches": "minibatches",
    "n_envs": "num_envs",
    "hidden_size": "hidden",
    "hidden_dim": "hidden",
    "hidden_sizes": "layers",
    "net_arch": "layers",
    "normalize_observations": "normalize_obs",
    "lam": "gae_lambda",
    "lambda": "hamming",
    "total_timesteps": "steps",
    "timesteps": "steps",
    "threshold_value": "delta",
    "algorithm": "algo",
    "task": "env",
}
"""What others call a key -> what it is called here."""


def section_kinds(algo: str, learner: str, intrinsic: str | None, settings: Any = None) -> dict[str, type]:
    """Return the sections of a run by name: those of its algorithm, its learner and its intrinsic reward.

    Args:
        algo: name of the algorithm.
        learner: name of the learner.
        intrinsic: name of the intrinsic reward, if any.
        settings: of that reward, as far as they are given; some ask for a scope.

    Raises:
        UnknownNameError: if there is no such algorithm, learner or reward.
    """
    spec = ALGORITHMS[algo]
    kinds: dict[str, type] = {}
    if asks_for_scope(algo, intrinsic, settings):
        kinds |= {"scope": ScopeConfig, "credit": CreditConfig}
    if any(phase.probes for phase in spec.phases):
        kinds["probes"] = ProbesConfig
    kinds |= spec.sections
    kinds[learner] = LEARNERS[learner].config
    kinds |= {name: part.config for name, part in parts_of(algo, learner).items()}
    if intrinsic is not None and (config := REWARDS[intrinsic].config) is not None:
        kinds[intrinsic] = config
    return kinds


CORE = tuple(field.name for field in fields(RunConfig) if field.name not in ("sections", "phases"))
"""Keys that every run has."""


def parts_of(algo: str, learner: str) -> dict[str, PartSpec]:
    """Return what the algorithm asks of its learner besides; of another learner nothing."""
    has = LEARNERS[learner].parts
    return {name: has[name] for name in ALGORITHMS[algo].parts if name in has}


def check_sections(algo: str, learner: str, intrinsic: str | None) -> None:
    """Check that no section of an algorithm bears the name of something else in its runs.

    Raises:
        InvalidValueError: naming both.
    """
    sections: dict[str, Any] = dict(ALGORITHMS[algo].sections)
    own = {"scope": ScopeConfig, "credit": CreditConfig, "probes": ProbesConfig}
    taken: dict[str, tuple[str, Any]] = {name: ("a section of the library's", kind) for name, kind in own.items()}
    taken |= dict.fromkeys((*CORE, "sections", "phases"), ("a setting of every run", None))
    for name in filter(LEARNERS.__contains__, sections):
        taken[name] = f"the section of learner {name!r}", LEARNERS[name].config
    for name, part in parts_of(algo, learner).items():
        taken[name] = f"a part of learner {learner!r}", part.config
    if intrinsic is not None:
        taken[intrinsic] = f"the section of intrinsic reward {intrinsic!r}", REWARDS[intrinsic].config
    for name, kind in sections.items():
        what, others = taken.get(name, ("", kind))
        if kind is not others:
            raise InvalidValueError(f"section {name!r} of algorithm {algo!r} must have another name: that is {what}")


def all_keys(kinds: Mapping[str, type]) -> list[str]:
    """List every key, dotted: the run's own, then those of the sections."""
    return [*CORE] + [f"{section}.{key}" for section, kind in kinds.items() for key in hints(kind)]


def nearest_key(key: str, kinds: Mapping[str, type]) -> str:
    """Return ``"; did you mean ...?"`` for the key that is probably meant, or an empty string.

    A key without its section, or under a name that other libraries use, gets the right one offered.

    Example:
        >>> from isa_learners.ppo.config import PPOConfig
        >>> nearest_key("learning_rate", {"ppo": PPOConfig}), nearest_key("ppo.epoch", {"ppo": PPOConfig})
        ("; did you mean 'ppo.lr'?", "; did you mean 'ppo.epochs'?")
    """
    known = all_keys(kinds)
    key = str(key)  # YAML's keys need not be text
    last = key.rpartition(".")[2]
    for name in (last, USUAL_NAMES.get(last)):
        meant = [full for full in known if full == name or full.rpartition(".")[2] == name]
        if meant:
            return f"; did you mean {' or '.join(map(repr, meant))}?"
    return nearest(key, known)
