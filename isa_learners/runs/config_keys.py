"""The keys of a configuration: sections of a run, and suggestions for misspelt keys."""

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
"""Names that other libraries use -> the name here."""


def section_kinds(algo: str, learner: str, intrinsic: str | None, settings: Any = None) -> dict[str, type]:
    """Return the sections of a run by name: those of its algorithm, learner and intrinsic reward.

    Args:
        algo: name of the algorithm.
        learner: name of the learner.
        intrinsic: name of the intrinsic reward, if any.
        settings: given settings of that reward, as some of them require a scope.

    Raises:
        UnknownNameError: for an unknown algorithm, learner or reward.
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
    """Return the parts that the algorithm requests, as far as the learner has them."""
    available = LEARNERS[learner].parts
    return {name: available[name] for name in ALGORITHMS[algo].parts if name in available}


def check_sections(algo: str, learner: str, intrinsic: str | None) -> None:
    """Check that no section of an algorithm has the name of something else in its runs.

    Raises:
        InvalidValueError: naming both.
    """
    sections: dict[str, Any] = dict(ALGORITHMS[algo].sections)
    library = {"scope": ScopeConfig, "credit": CreditConfig, "probes": ProbesConfig}
    reserved: dict[str, tuple[str, Any]] = {name: ("a section of the library", kind) for name, kind in library.items()}
    reserved |= dict.fromkeys((*CORE, "sections", "phases"), ("a setting of every run", None))
    for name in filter(LEARNERS.__contains__, sections):
        reserved[name] = f"the section of learner {name!r}", LEARNERS[name].config
    for name, part in parts_of(algo, learner).items():
        reserved[name] = f"a part of learner {learner!r}", part.config
    if intrinsic is not None:
        reserved[intrinsic] = f"the section of intrinsic reward {intrinsic!r}", REWARDS[intrinsic].config
    for name, kind in sections.items():
        owner, owner_kind = reserved.get(name, ("", kind))
        if kind is not owner_kind:
            raise InvalidValueError(
                f"section {name!r} of algorithm {algo!r} must have another name, as this is {owner}"
            )


def all_keys(kinds: Mapping[str, type]) -> list[str]:
    """List every key in dotted form: those of the run, then those of the sections."""
    return [*CORE] + [f"{section}.{key}" for section, kind in kinds.items() for key in hints(kind)]


def nearest_key(key: str, kinds: Mapping[str, type]) -> str:
    """Return ``"; did you mean ...?"`` with the most likely key, or an empty string.

    This includes keys without their section and names that other libraries use.

    Example:
        >>> from isa_learners.ppo.config import PPOConfig
        >>> nearest_key("learning_rate", {"ppo": PPOConfig}), nearest_key("ppo.epoch", {"ppo": PPOConfig})
        ("; did you mean 'ppo.lr'?", "; did you mean 'ppo.epochs'?")
    """
    known = all_keys(kinds)
    key = str(key)  # YAML keys may be other than text
    last = key.rpartition(".")[2]
    for name in (last, USUAL_NAMES.get(last)):
        matches = [known_key for known_key in known if known_key == name or known_key.rpartition(".")[2] == name]
        if matches:
            return f"; did you mean {' or '.join(map(repr, matches))}?"
    return nearest(key, known)
