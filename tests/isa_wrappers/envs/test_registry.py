"""Names to families and environments; families of other packages, good and bad, by real entry points."""

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
from toy_families import TOY

from isa_wrappers import BatchEnv, ScopeConfig
from isa_wrappers.envs import (
    FAMILIES,
    EnvFamily,
    available_tasks,
    estimate_task_scope,
    family_of,
    make_batch,
    make_parallel,
)
from isa_wrappers.envs.registry import missing_families, task_source
from isa_wrappers.errors import InvalidValueError, UnknownTaskError, UnsupportedEnvironmentError
from isa_wrappers.registry import Registry


@pytest.fixture
def toy(plugin):
    return plugin("toy_pkg", TOY, {"isa_marl.tasks": {"toy": "toy_pkg:FAMILY"}})


@pytest.mark.parametrize("prefix", FAMILIES)
def test_every_listed_family(prefix):
    """What is listed is an object that makes what it names, or says what it lacks."""
    family = FAMILIES[prefix]
    assert isinstance(family, EnvFamily)
    assert family.prefix == prefix
    assert family.description
    assert family_of(f"{prefix}/x") is family
    assert family.device("cpu") == "cpu"
    assert 1 <= family.listeners(2) <= 16
    tasks = dict(family.tasks())
    assert all(name.startswith(f"{prefix}/") and text for name, text in tasks.items())
    if not tasks:
        missing = family.missing()
        assert missing.startswith("needs ")
        assert "install" in missing
        assert "\n" not in missing
        return
    assert family.missing() is None
    with pytest.raises(UnknownTaskError, match="not-there"):
        make_batch(f"{prefix}/not-there", 2)
    name = next(iter(tasks))
    batch = make_batch(name, 2)
    assert isinstance(batch, BatchEnv)
    assert list(batch.agents) == make_parallel(name).possible_agents


@pytest.mark.parametrize("make", [make_parallel, lambda name: make_batch(name, 2), family_of, estimate_task_scope])
def test_unknown_families_are_named_with_the_nearest_task(make):
    with pytest.raises(UnknownTaskError) as caught:
        make("gird/shooting")
    known = ", ".join(f"{prefix}/NAME" for prefix in FAMILIES)
    assert str(caught.value) == (
        f"unknown task 'gird/shooting'; did you mean 'grid/shooting'? known: {known}, or package.module:factory"
    )
    for name in ("grid", "", "/", "shooting"):
        with pytest.raises(UnknownTaskError, match=f"unknown task '{name}'"):
            make(name)


def test_unknown_tasks_of_a_family():
    with pytest.raises(UnknownTaskError) as caught:
        make_parallel("grid/shootin")
    says = "unknown task 'grid/shootin'; did you mean 'grid/shooting'? known: grid/navigation, grid/unlock, grid/shoot"
    assert str(caught.value).startswith(says)


@pytest.mark.parametrize("num_envs", [0, -1, 2.0, "3", True])
def test_bad_numbers_of_copies(num_envs):
    with pytest.raises(InvalidValueError, match="num_envs must be an integer at least 1, got "):
        make_batch("grid/unlock", num_envs)


def test_bad_numbers_of_workers():
    with pytest.raises(
        InvalidValueError, match="workers must be 0 for grid/unlock, got 2: the task already steps all copies as one"
    ):
        make_batch("grid/unlock", 4, workers=2)
    with pytest.raises(InvalidValueError, match="workers must be an integer at least 0, got -1"):
        make_batch("toy_envs:walk", 4, workers=-1)


def test_options_that_a_task_does_not_take():
    for make in (make_parallel, lambda name, **options: make_batch(name, 2, **options)):
        with pytest.raises(InvalidValueError, match=r"'grid/unlock' does not accept these options: .*'agents'"):
            make("grid/unlock", agents=2)


@pytest.mark.slow
def test_a_family_of_another_package(toy):
    assert "toy" in FAMILIES
    assert {name: text for name, text in available_tasks().items() if name.startswith("toy/")} == {
        "toy/line": "two agents walk to the ends of their lines",
        "toy/long": "longer lines",
    }
    assert (task_source("toy/line"), task_source("grid/unlock")) == ("toy_pkg", "isa-marl")
    assert make_parallel("toy/long").length == 9
    with pytest.raises(InvalidValueError, match=r"'toy/line' does not accept these options: .*'width'"):
        make_batch("toy/line", 2, width=1)
    with pytest.raises(UnknownTaskError, match=r"'toy/lin'; did you mean 'toy/line'\? known: toy/line, toy/long$"):
        make_parallel("toy/lin")
    with pytest.raises(UnknownTaskError, match=r"did you mean 'toy/line'.*known: .*smac/NAME, toy/NAME, or package"):
        make_parallel("toys/line")
    local, apart = make_batch("toy/line", 3), make_batch("toy/line", 3, workers=2)
    np.testing.assert_array_equal(local.reset(0).obs, apart.reset(0).obs)
    scope = estimate_task_scope("toy/line", ScopeConfig(300), length=5)
    assert scope.special_dims == [[0], [1]]
    assert scope.settings["env_kwargs"] == {"length": 5}


def test_a_package_that_is_gone_is_forgotten(toy):
    assert "toy" in FAMILIES
    sys.path.remove(str(toy))
    Registry.look_again()
    assert "toy" not in FAMILIES
    with pytest.raises(UnknownTaskError, match="unknown task 'toy/line'"):
        make_parallel("toy/line")


BROKEN = {
    "does not import": (
        "import lanes_that_are_not_there",
        "task family 'toy' of package bad_pkg cannot be imported and is skipped: ModuleNotFoundError: No module named "
        "'lanes_that_are_not_there' (bad_pkg.py:1)",
    ),
    "says much": (
        "raise RuntimeError('one\\ntwo')",
        "task family 'toy' of package bad_pkg cannot be imported and is skipped: RuntimeError: one two (bad_pkg.py:1)",
    ),
    "no such attribute": (
        "",
        "task family 'toy' of package bad_pkg cannot be imported and is skipped: AttributeError: module 'bad_pkg' has "
        "no attribute 'FAMILY'",
    ),
    "a class": (
        TOY + "FAMILY = Toys",
        "task family 'toy' of bad_pkg is skipped: task family 'toy' of bad_pkg must be an EnvFamily object whose "
        "prefix is 'toy', got <class 'bad_pkg.Toys'>",
    ),
    "another prefix": (
        TOY + "Toys.prefix = 'toys'\nToys.__repr__ = lambda self: 'Toys()'",
        "task family 'toy' of bad_pkg is skipped: task family 'toy' of bad_pkg must be an EnvFamily object whose "
        "prefix is 'toy', got Toys()",
    ),
    "no names": (
        TOY + "Toys.tasks = lambda self: {'line': 'a line'}",
        "task family 'toy' of bad_pkg is skipped: its tasks must be named toy/NAME, got 'line'",
    ),
    "fails when asked": (
        TOY + "Toys.tasks = lambda self: 1 / 0",
        "task family 'toy' of bad_pkg is skipped: ZeroDivisionError: division by zero",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_family_does_not_stop_the_rest(plugin, case):
    code, says = BROKEN[case]
    plugin("bad_pkg", code, {"isa_marl.tasks": {"toy": "bad_pkg:FAMILY"}})
    with pytest.warns(UserWarning, match="task family 'toy'") as heard:
        tasks = available_tasks()
    assert [str(warning.message) for warning in heard] == [says]
    assert "grid/unlock" in tasks
    assert not [name for name in tasks if name.startswith("toy/")]
    assert make_parallel("grid/unlock").possible_agents


@pytest.mark.filterwarnings("ignore:task family 'toy'")
def test_a_family_that_is_left_out_is_not_among_those_known(plugin):
    plugin("bad_pkg", "FAMILY = None", {"isa_marl.tasks": {"toy": "bad_pkg:FAMILY"}})
    with pytest.raises(UnknownTaskError, match=r"known: grid/NAME, mpe/NAME, smax/NAME, smac/NAME, or package"):
        make_parallel("toi/line")


@pytest.mark.slow
def test_a_broken_family_is_told_of_once(plugin):
    """By Python's own filter, which shows a warning once per place."""
    site = plugin("bad_pkg", "FAMILY = None", {"isa_marl.tasks": {"toy": "bad_pkg:FAMILY"}})
    code = (
        "from isa_wrappers.envs.registry import available_tasks, missing_families\n"
        "available_tasks(), available_tasks(), missing_families()"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), *sys.path])}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stderr.count("task family 'toy' of bad_pkg is skipped") == 1


def test_two_packages_of_one_name_are_both_named(plugin):
    for name in ("one_pkg", "other_pkg"):
        plugin(name, TOY, {"isa_marl.tasks": {"toy": f"{name}:FAMILY"}})
    plugin("third_pkg", TOY.replace('"toy', '"mpe'), {"isa_marl.tasks": {"mpe": "third_pkg:FAMILY"}})
    with pytest.raises(InvalidValueError) as caught:
        make_parallel("toy/line")
    found = str(caught.value)
    assert "several packages provide task family 'toy': " in found
    assert "one_pkg" in found
    assert "other_pkg" in found
    with pytest.raises(InvalidValueError, match="task family 'mpe': isa-marl, third_pkg; uninstall all but one"):
        make_batch("mpe/simple_spread_v3", 2)
    with pytest.warns(UserWarning, match="several packages provide"):
        assert "grid/unlock" in available_tasks()


def test_what_is_missing_is_said_with_what_it_is(plugin):
    away = TOY + "\nToys.tasks = lambda self: {}\nToys.missing = lambda self: 'needs lanes: pip install lanes'\n"
    plugin("away_pkg", away, {"isa_marl.tasks": {"toy": "away_pkg:FAMILY"}})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert missing_families()["toy"] == "walks on lines; needs lanes: pip install lanes"
    assert "grid" not in missing_families()


def test_what_stands_for_the_state_does_so_where_a_task_is_batched_by_itself():
    batch = make_batch("grid/shooting", 2, state_fallback="observations")
    step = batch.reset(seed=0)
    assert batch.state_size == batch.obs_size * len(batch.agents)
    np.testing.assert_array_equal(step.state, step.obs.reshape(2, -1))
    assert batch.step(np.zeros((2, 3), dtype=int)).state.shape == step.state.shape
    with pytest.raises(UnsupportedEnvironmentError, match="and state_fallback need"):
        make_batch("batch_toys:walks", 2, state_fallback="observations")
