"""Draw the scopes of two estimators side by side on one task, as in docs/images/scope-side-by-side.png.

python benchmarks/scope_figure.py docs/images/scope-side-by-side.png
"""

from __future__ import annotations

import argparse
import json
import warnings

from matplotlib.figure import Figure

from isa_wrappers import ScopeConfig
from isa_wrappers.envs import estimate_task_scope
from isa_wrappers.scope.plots import draw_scope


def main() -> None:
    """Draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path")
    parser.add_argument("--task", default="mpe/simple_spread_v3")
    parser.add_argument("--kwargs", type=json.loads, default={"N": 2})
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    figure = Figure(figsize=(13, 4.4), layout="constrained")
    for axes, name in zip(figure.subplots(1, 2), ("interval_effect", "nmi_block"), strict=True):
        scope = estimate_task_scope(args.task, ScopeConfig(estimator=name), **args.kwargs)
        figure.colorbar(draw_scope(axes, scope), ax=axes, label=scope.figure)
        axes.set_title(f"{name}: outlined above {scope.delta_text}, {scope.settings['env_steps']:,} steps")
    figure.savefig(args.path, dpi=110)


if __name__ == "__main__":
    main()
