"""What was imported from a former path still is."""

import subprocess
import sys
from importlib import import_module

import pytest

from isa_wrappers.moved import MOVED

DOCUMENTED = {
    "isa_wrappers": (
        "BatchEnv", "BatchStep", "BatchWrapper", "CountBonus", "CountConfig", "GoalBuffer", "GoalConfig",
        "GoalProjection", "GoalReward", "InfluenceScope", "ScopeConfig", "VisitCounter", "estimate_scope", "load_scope",
        "normalized_mutual_information", "plot_scope", "save_scope", "scope_table", "scope_to_dict",
    ),
    "isa_wrappers.batch": ("BatchEnv", "BatchStep", "BatchWrapper", "check_finite"),
    "isa_wrappers.batch_wrappers": ("BatchCountBonus", "BatchGoals", "BatchRecorder"),
    "isa_wrappers.counts": ("VisitCounter", "count_bonus"),
    "isa_wrappers.envs": (
        "TASKS", "GridBatch", "GridParallelEnv", "GridTask", "MPEParallelEnv", "SMACParallelEnv", "available_tasks",
        "estimate_task_scope", "grid_task", "make_batch", "make_parallel",
    ),
    "isa_wrappers.envs.grid": ("GridParallelEnv",),
    "isa_wrappers.envs.smac": ("SMACParallelEnv",),
    "isa_wrappers.envs.smax_batch": ("SMAXBatch",),
    "isa_wrappers.envs.smax_game": ("STOP", "SMAXGame", "smax_game"),
    "isa_wrappers.envs.smax_jax": ("has_jaxmarl",),
    "isa_wrappers.estimation": ("estimate_scope",),
    "isa_wrappers.goals": ("GoalBuffer", "GoalProjection"),
    "isa_wrappers.information": ("normalized_mutual_information",),
    "isa_wrappers.intrinsic": ("CountBonus", "GoalReward"),
    "isa_wrappers.parallel_batch": ("ParallelEnvBatch",),
    "isa_wrappers.rewards": (
        "SegmentReward", "combine_segments", "credit_gate", "scope_segments", "segment_distance", "segment_progress",
    ),
    "isa_wrappers.scope": ("InfluenceScope",),
    "isa_wrappers.scope_io": ("load_scope", "plot_scope", "save_scope", "scope_table", "scope_to_dict"),
    "isa_wrappers.wrappers": (
        "GoalRecording", "GoalSampling", "GoalSegmentReward", "InfluenceCountBonus", "IntrinsicReward", "ScopeWrapper",
        "SuccessRule", "SuccessTeller",
    ),
    "isa_learners.algorithm": ("Algorithm", "resolve_device", "scope_for"),
    "isa_learners.config": ("ALGORITHMS", "PPOConfig", "RunConfig"),
    "isa_learners.config_io": ("make_config", "parse_overrides", "read_config_file"),
    "isa_learners.evaluation": ("Evaluation", "evaluate"),
    "isa_learners.metrics": ("read_metrics",),
    "isa_learners.networks": ("OUTPUT_GAIN", "RecurrentNet", "ValueNorm"),
    "isa_learners.plotting": ("plot_curves",),
    "isa_learners.ppo": ("METRICS", "PPO", "Targets"),
    "isa_learners.returns": ("advantages",),
    "isa_learners.run_folder": ("RunFolder", "versions"),
    "isa_learners.training": ("Training", "load_algorithm"),
}  # fmt: skip
"""What docs, examples and benchmarks imported before the folders, and every package's own list."""


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("module", sorted({*MOVED, *DOCUMENTED}))
def test_a_former_path_leads_to_the_same_things(module):
    found = import_module(module)
    for name in DOCUMENTED.get(module, ()):
        assert getattr(found, name) is not None
    if module in MOVED:
        now = import_module(MOVED[module])
        assert found.__doc__ == now.__doc__
        with pytest.raises(AttributeError, match="surely_not"):
            found.surely_not  # noqa: B018


@pytest.mark.slow
def test_a_former_path_says_where_it_leads():
    code = "import isa_wrappers.counts"
    done = subprocess.run([sys.executable, "-W", "always", "-c", code], capture_output=True, text=True, check=True)
    assert "DeprecationWarning: isa_wrappers.counts is isa_wrappers.rewards.counts now" in done.stderr


def test_everything_in_an_index_is_there():
    for name in ("isa_wrappers", "isa_learners", "isa_learners.ppo", "isa_wrappers.wrappers.batch"):
        index = import_module(name)
        assert len(set(index.__all__)) == len(index.__all__)
        for public in index.__all__:
            assert getattr(index, public) is not None


@pytest.mark.parametrize(
    ("module", "name", "now"),
    [
        ("isa_wrappers.wrappers", "IntrinsicReward", "isa_wrappers.wrappers.reward.RewardWrapper"),
        ("isa_wrappers.wrappers", "SuccessTeller", "isa_wrappers.border.success.SuccessCriterion"),
        ("isa_wrappers.border.success", "SuccessTeller", "isa_wrappers.border.success.SuccessCriterion"),
    ],
)
def test_a_former_name_warns_what_it_is_now(module, name, now):
    place, _, new = now.rpartition(".")
    with pytest.warns(DeprecationWarning, match=f"^{module}.{name} is {now} now$"):
        assert getattr(import_module(module), name) is getattr(import_module(place), new)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = import_module(module).nothing
