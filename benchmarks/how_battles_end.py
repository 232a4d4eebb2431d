"""How a trained team wins and loses its SMAX battles: how many allies survive, are shot or die at the border.

    python benchmarks/how_battles_end.py runs/8m/smax-8m/isa/seed1 --episodes 512

SMAX's border kills units that touch it (``walls_cause_death``), and a dead unit keeps its position: a dead ally on the
border was killed by the border.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from isa_learners.runs.evaluation import evaluate
from isa_learners.runs.loading import load_algorithm
from isa_learners.runs.run_folder import RunFolder
from isa_wrappers.batch.protocol import BatchStep
from isa_wrappers.envs.smax.batch import SMAXBatch
from isa_wrappers.errors import ISAError, UnsupportedEnvironmentError


def ends(path: Path, episodes: int, seed: int) -> dict[str, Any]:
    """Play ``episodes`` greedy battles with a run's last policy and count their outcomes."""
    algorithm, meta = load_algorithm(RunFolder.open(path), policy_only=True)
    env, base = algorithm.evaluation_env(episodes)
    if not isinstance(base, SMAXBatch):
        raise UnsupportedEnvironmentError(f"needs a run on smax/NAME, got a run of {algorithm.config.env!r}")
    seen: list[tuple[Tensor, Tensor, Tensor]] = []

    def watch(step: BatchStep) -> None:
        seen.append((step.done.clone(), step.success.clone(), step.final_state.clone()))

    found = evaluate(env, algorithm.phase.learner, seed, watch)
    done, success, state = (torch.stack(parts).cpu() for parts in zip(*seen, strict=True))
    # A copy that is done continues with another battle; only its first battle counts.
    first, copies = done.int().argmax(0), torch.arange(episodes)
    won, last = success[first, copies], state[first, copies]
    health, x, y = (_feature(base, last, feature) for feature in ("health", "x", "y"))
    fell = health <= 0
    border = fell & ((torch.minimum(x, y) <= 0) | (torch.maximum(x, y) >= 1))
    left = Counter((~fell).sum(-1)[won].tolist())
    return {
        "env_steps": meta["env_steps"],
        "success_rate": found.success_rate,
        "won": _deaths(won, fell, border),
        "not won": _deaths(~won, fell, border),
        "allies left in battles won": dict(sorted(left.items())),
    }


def _feature(env: SMAXBatch, state: Tensor, feature: str) -> Tensor:
    """Return one feature of every ally: ``[B, A]``."""
    dims = [k for k, name in enumerate(env.state_names) if name.startswith("ally_") and name.endswith(f".{feature}")]
    return state[:, dims]


def _deaths(which: Tensor, fell: Tensor, border: Tensor) -> dict[str, int]:
    dead, at_border = int(fell[which].sum()), int(border[which].sum())
    return {"battles": int(which.sum()), "allies dead": dead, "at the border": at_border}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of a run on smax/NAME")
    parser.add_argument("--episodes", type=int, default=512)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    try:
        print(json.dumps(ends(args.run, args.episodes, args.seed), indent=2))
    except ISAError as error:
        parser.error(str(error))
