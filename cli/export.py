"""``isa export``: export the policy of a run to a file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from .json_alone import print_json
from .options import Json, RunEnv, Trust, need_training, writing_to


def export(
    run: Annotated[Path, typer.Argument(help="Run folder.", metavar="RUN")],
    out: Annotated[Path, typer.Argument(help="Output file: .onnx, or .pt2 for torch.export.", metavar="FILE")],
    best: Annotated[bool, typer.Option("--best", help="Use the best checkpoint instead of the latest.")] = False,
    env: RunEnv = None,
    trust: Trust = False,
    as_json: Json = False,
) -> None:
    """Export the greedy policy of RUN to FILE, after checking that the exported policy acts identically."""
    need_training("export")
    from isa_learners.runs.export import export_policy
    from isa_learners.runs.policy import load_policy

    with writing_to(out):
        written = export_policy(load_policy(run, best, env, trust, device="cpu"), out)
    if as_json:
        print_json({"run": str(run), **asdict(written)})
        return
    for kind, names in (("input", written.inputs), ("output", written.outputs)):
        for name, shape in names.items():
            typer.echo(f"{kind:<7} {name:<24} {shape}")
    typer.echo(f"over {written.steps:,} steps {written.difference}")
    typer.echo(f"written to {written.path}")
