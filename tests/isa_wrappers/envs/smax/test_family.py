"""SMAX tasks by name: options and names that are not known, the device, and the scope."""

import pytest
from smax_play import absent

pytest.importorskip("jaxmarl")

from isa_wrappers.envs import available_tasks, estimate_task_scope, family_of, make_batch, make_parallel
from isa_wrappers.envs.smax.scenarios import SCENARIOS
from isa_wrappers.errors import InvalidValueError, UnknownTaskError

pytestmark = pytest.mark.slow


def test_the_tasks_are_the_scenarios(monkeypatch):
    assert {name for name in available_tasks() if name.startswith("smax/")} == {f"smax/{name}" for name in SCENARIOS}
    assert family_of("smax/3m").missing() is None
    monkeypatch.setattr("isa_wrappers.envs.smax.family.has_jaxmarl", lambda: False)
    assert not family_of("smax/3m").tasks()
    assert family_of("smax/3m").missing() == "needs jaxmarl: pip install 'isa-marl[smax]'"


def make_two(name, **options):
    return make_batch(name, 2, **options)


@pytest.mark.parametrize("make", [make_parallel, make_two])
@pytest.mark.parametrize(
    ("name", "options", "error", "says"),
    [
        ("5m_vs_7m", {}, UnknownTaskError, ["'smax/5m_vs_7m'", "did you mean 'smax/5m_vs_6m'", "2s_vs_1sc"]),
        ("3n", {}, UnknownTaskError, ["'smax/3n'; did you mean 'smax/3m'?"]),
        ("3m", {"reward": "dence"}, InvalidValueError, ["'dence'", "dense, sparse, super_sparse"]),
        ("3m", {"horizon": 0}, InvalidValueError, ["horizon must be an integer at least 1, got 0"]),
        ("3m", {"walls": True}, InvalidValueError, ["smax/3m has no option 'walls'", "it has reward, horizon, "]),
        ("3m", {"world_steps_per_env_stop": 4}, InvalidValueError, ["did you mean 'world_steps_per_env_step'?"]),
        ("3m", {"num_allies": 5}, InvalidValueError, ["does not accept num_allies=5: the task's name sets it"]),
        ("3m", {"observation_type": "round"}, InvalidValueError, ["round"]),
    ],
)
def test_what_is_not_known_is_said_in_a_line(make, name, options, error, says):
    with pytest.raises(error) as caught:
        make(f"smax/{name}", **options)
    assert all(part in str(caught.value) for part in says)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("make", [make_parallel, make_two])
def test_lists_among_the_options(make):
    with pytest.raises(InvalidValueError, match="does not accept these options"):
        make("smax/3m", attack_mode=["closest"])


def test_workers_are_refused():
    with pytest.raises(
        InvalidValueError, match="workers must be 0 for smax/3m, got 2: the task already steps all copies as one"
    ):
        make_batch("smax/3m", 4, workers=2)


def test_unknown_render_modes():
    with pytest.raises(InvalidValueError, match="render_mode must be one of rgb_array; got 'human'"):
        make_parallel("smax/3m", render_mode="human")


def test_auto_goes_where_jax_can_go(game, monkeypatch):
    """A machine with a GPU that torch sees and a JAX made for CPUs, as ``isa-marl[smax]`` installs it."""
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(game.jax, "devices", absent)
    with pytest.warns(UserWarning, match=r"torch has a GPU but JAX has none.*pip install 'jax\[cuda12\]'"):
        assert family_of("smax/3m").device("auto") == "cpu"
    assert family_of("grid/unlock").device("auto") == "cuda"
    monkeypatch.setattr(game.jax, "devices", lambda kind: [object()])
    assert family_of("smax/3m").device("auto") == "cuda"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("name", "enemies"), [("3m", 3), ("8m", 8), ("2s_vs_1sc", 1)])
def test_the_scope(name, enemies, seed):
    """D_c is what all can shoot at, the enemies' health; an ally's own is its place, and its weapon's cooldown."""
    pytest.importorskip("torch")  # the presets are the learner's
    from isa_learners.runs.config_io import make_config

    task = f"smax/{name}"
    scope = estimate_task_scope(task, make_config(task, "fast").scope, seed=seed)
    assert [scope.dim_name(dim) for dim in scope.common_dims] == [f"enemy_{i}.health" for i in range(enemies)]
    for agent, dims in zip(scope.agents, scope.special_dims, strict=True):
        assert {scope.dim_name(dim) for dim in dims} == {f"{agent}.{feature}" for feature in ("x", "y", "cooldown")}
