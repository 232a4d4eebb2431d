"""Configurations to and from plain data, files and ``key=value`` pairs."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

import pytest
import yaml

from isa_learners import ALGORITHMS, AlgorithmSpec, PhaseSpec
from isa_learners.experiments.plan import make_plan
from isa_learners.runs.config_io import config_from_dict, config_to_dict, make_config, merge, write_config
from isa_learners.runs.yaml_io import parse_overrides, read_config_file
from isa_wrappers.border.success import success_rule
from isa_wrappers.errors import InvalidValueError


class Level(Enum):
    LOW = "low"
    HIGH = "high"


def test_later_layers_win():
    config = make_config(
        "grid/unlock", "paper", {"seed": 3, "ppo": {"lr": 0.01, "hidden": 5}}, {"ppo": {"lr": 0.02}}, {"seed": 4}
    )
    assert (config.seed, config.ppo.lr, config.ppo.hidden) == (4, 0.02, 5)
    assert config.ppo.gamma == 0.9  # untouched


def test_keys_may_be_dotted_as_set_has_them():
    """In any layer, beside nested ones; a phase keeps what is said of it, and what was given stays as it was."""
    given = {"ppo": {"epochs": 3}, "ppo.lr": 0.02, "scope.transitions": 7, "phases.reach.ppo.gamma": 0.5, "seed": 4}
    nested_form = {"ppo": {"epochs": 3, "lr": 0.02}, "scope": {"transitions": 7}, "seed": 4}
    nested_form["phases"] = {"reach": {"ppo": {"gamma": 0.5}}}
    assert make_config("grid/unlock", "fast", given) == make_config("grid/unlock", "fast", nested_form)
    assert config_from_dict({"env": "grid/unlock", **given}) == config_from_dict({"env": "grid/unlock", **nested_form})
    assert given["ppo"] == {"epochs": 3}
    with pytest.raises(
        InvalidValueError, match=r"unknown configuration key scope.transitons; did you mean 'scope.tran"
    ):
        make_config("grid/unlock", "fast", {"scope.transitons": 1})
    with pytest.raises(InvalidValueError, match=r"'ppo' is given both a value and keys of its own, by 'ppo.lr'"):
        make_config("grid/unlock", "fast", {"ppo": 1, "ppo.lr": 1})
    with pytest.raises(InvalidValueError, match=r"overrides must be Mapping, got 'ppo.lr=1'"):
        make_config("grid/unlock", "fast", "ppo.lr=1")


@pytest.mark.parametrize(("text", "rule"), [("1.0", 1.0), ("-3", -3.0), ("1e-3", 0.001), ("won", "won")])
def test_success_may_be_a_number(tmp_path, text, rule):
    """In files, after ``--set`` and in plans; kept as text, in ``config.yaml`` too."""
    (tmp_path / "given.yaml").write_text(f"success: {text}\n")
    given = read_config_file(tmp_path / "given.yaml")
    assert given == parse_overrides([f"success={text}"])
    plan = make_plan({"tasks": ["grid/unlock"], "seeds": 0, "set": given})
    config = make_config("grid/unlock", "fast", given)
    assert plan.runs[0].config == config
    write_config(config, tmp_path / "config.yaml")
    for made in (config, config_from_dict(read_config_file(tmp_path / "config.yaml"))):
        assert isinstance(made.success, str)
        assert success_rule(made.success) == rule
    with pytest.raises(InvalidValueError, match="success must be of type str, got True"):
        make_config("grid/unlock", "fast", {"success": True})


@pytest.mark.parametrize("env", [None, 3, "", ["grid/unlock"]])
def test_a_task_without_a_name_is_refused(env):
    with pytest.raises(InvalidValueError, match="env must be a name"):
        make_config(env)


@pytest.mark.parametrize("preset", [None, 3, ["fast"], {"fast": 1}])
def test_a_preset_that_is_no_name_is_refused(preset):
    with pytest.raises(InvalidValueError, match="preset must be one of"):
        make_config("grid/unlock", preset)


def test_merge_goes_into_sections_and_leaves_its_arguments_alone():
    base = {"ppo": {"lr": 1, "hidden": 2}, "env_kwargs": {"a": 1}}
    assert merge(base, {"ppo": {"lr": 3}, "env_kwargs": {"b": 2}}) == {
        "ppo": {"lr": 3, "hidden": 2},
        "env_kwargs": {"a": 1, "b": 2},
    }
    assert base == {"ppo": {"lr": 1, "hidden": 2}, "env_kwargs": {"a": 1}}


def test_round_trip_through_a_file(tmp_path):
    config = make_config(
        "grid/unlock",
        "fast",
        {"env_kwargs": {"num_agents": 2, "targets": [[0, 1], [1, 0]]}, "ppo": {"lr": 1.25e-3}, "seed": 7},
    )
    path = tmp_path / "config.yaml"
    write_config(config, path)
    assert config_from_dict(read_config_file(path)) == config
    assert config_to_dict(config_from_dict(config_to_dict(config))) == config_to_dict(config)


def test_the_file_holds_every_value(tmp_path):
    path = tmp_path / "config.yaml"
    write_config(make_config("grid/unlock"), path)
    written = yaml.safe_load(path.read_text())
    assert written == config_to_dict(make_config("grid/unlock"))
    assert written["scope"]["estimator"] == "interval_effect"
    assert (written["ppo"]["network"], written["ppo"]["layers"]) == ("gru", [])
    write_config(make_config("grid/unlock", "paper"), path)
    assert yaml.safe_load(path.read_text())["scope"]["delta"] == 0.3


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"sed": 1}, "unknown configuration key sed; did you mean 'seed'?"),
        ({"ppo": {"gama": 0.9}}, "unknown configuration key ppo.gama; did you mean 'ppo.gamma'?"),
        ({"lr": 0.1}, "unknown configuration key lr; did you mean 'ppo.lr'?"),
        ({"learning_rate": 0.1}, "unknown configuration key learning_rate; did you mean 'ppo.lr'?"),
        ({"ppo": {"delta": 0.1}}, "unknown configuration key ppo.delta"),
        ({"algo": "isaa"}, "unknown algorithm 'isaa'; did you mean 'isa'? known: isa, isa_explore"),
        ({"learner": "po"}, "unknown learner 'po'; did you mean 'ppo'? known: ppo"),
        ({"intrinsic": "count"}, "unknown intrinsic reward 'count'; did you mean 'count_state'?"),
        (
            {"algo": "ippo", "intrinsic": "rnd", "icm": {"lr": 1}},
            "but this intrinsic reward is 'rnd'; set intrinsic=icm",
        ),
        ({"algo": "ippo", "icm": {"lr": 1}}, "section 'icm' belongs to intrinsic reward 'icm', but this run has no"),
        ({"algo": "ippo", "intrinsic": "rnd", "rnd": {"beta": 1}}, "unknown configuration key rnd.beta"),
        ({"algo": "laies", "intrinsic": "icm"}, "intrinsic is 'laies' in algorithm 'laies', got 'icm'"),
        ({"algo": "laies", "laies": {"external": 1.5}}, "laies.external must be of type"),
        ({"algo": "ippo", "goal": {}}, "algorithm 'ippo' has no section 'goal'; its sections are ppo"),
        ({"phases": {"reech": {}}}, "unknown phase 'reech'; did you mean 'reach'? this algorithm has explore, reach"),
        ({"phases": {"reach": {"poo": {}}}}, "unknown configuration key phases.reach.poo"),
        ({"phases": {"reach": {"ppo": {"lrr": 1}}}}, "unknown configuration key phases.reach.ppo.lrr"),
        ({"phases": {"reach": {"ppo": {"lr": -1}}}}, "lr must be a number at least 1e-12, got -1"),
        ({"scope": {"detla": 0.1}}, "unknown configuration key scope.detla; did you mean 'scope.delta'?"),
        ({"ppo": 3}, "configuration section 'ppo' must be a mapping, got 3"),
        ({"ppo": {"lr": "big"}}, "ppo.lr must be of type float, got 'big'"),
        ({"ppo": {"hidden": 2.5}}, "ppo.hidden must be of type int, got 2.5"),
        ({"ppo": {"hidden": True}}, "ppo.hidden must be of type int, got True"),
        ({"ppo": {"lr": None}}, "ppo.lr must be of type float, got None"),
        ({"stop_when_solved": 1}, "stop_when_solved must be of type bool, got 1"),
        ({"env_kwargs": [1]}, r"env_kwargs must be of type dict\[str, Any\], got \[1\]"),
        ({"algo": 3}, "algo must be of type str, got 3"),
        ({1: 2}, "unknown configuration key 1"),
    ],
)
def test_bad_data_is_refused_by_key(data, message):
    with pytest.raises(InvalidValueError, match=message.replace("?", r"\?")):
        make_config("grid/unlock", "fast", data)


def test_whole_numbers_do_for_floats():
    config = make_config("grid/unlock", "fast", {"ppo": {"lr": 1}})
    assert config.ppo.lr == 1.0
    assert isinstance(config.ppo.lr, float)


def test_a_configuration_names_its_task():
    with pytest.raises(InvalidValueError, match="env is missing"):
        config_from_dict({"seed": 1})


def test_an_unknown_preset_offers_the_nearest():
    with pytest.raises(InvalidValueError, match=r"'papr'; did you mean 'paper'\?"):
        make_config("grid/unlock", "papr")


@pytest.mark.parametrize("pair", ["ppo.lrr=1", "ppo.lr.x=1", "ppo=1", "ppo.=1", ".=1", "seed="])
def test_overrides_of_no_key_are_refused_when_resolved(pair):
    with pytest.raises(InvalidValueError):
        make_config("grid/unlock", "fast", parse_overrides([pair]))


@dataclass(frozen=True)
class Rich:
    """What a section of somebody's may hold."""

    limit: int | None = None
    layers: tuple[int, ...] = (64, 64)
    names: list[str] = field(default_factory=list)
    kind: Literal["gru", "mlp"] = "gru"
    level: Level = Level.LOW


def rich(**values):
    spec = AlgorithmSpec("a test", (PhaseSpec("train"),), sections={"rich": Rich})
    ALGORITHMS.register("rich", spec)
    try:
        return make_config("grid/unlock", "fast", {"algo": "rich", "rich": values})
    finally:
        ALGORITHMS.unregister("rich")


def test_sections_may_hold_optional_numbers_tuples_lists_and_enums(tmp_path):
    config = rich(limit=3, layers=[8], names=["a"], kind="mlp", level="high")
    assert config.rich == Rich(3, (8,), ["a"], "mlp", Level.HIGH)
    write_config(config, tmp_path / "config.yaml")
    assert read_config_file(tmp_path / "config.yaml")["rich"] == {
        "limit": 3,
        "layers": [8],
        "names": ["a"],
        "kind": "mlp",
        "level": "high",
    }
    assert rich().rich == Rich()
    assert rich(limit=None).rich.limit is None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"limit": "x"}, r"rich.limit must be of type int \| None, got 'x'"),
        ({"layers": [1, "x"]}, r"rich.layers must be of type list\[int\], got \[1, 'x'\]"),
        ({"names": "a"}, r"rich.names must be of type list\[str\], got 'a'"),
        ({"kind": "lstm"}, r"rich.kind must be of type Literal\['gru', 'mlp'\], got 'lstm'"),
        ({"level": "middle"}, r"rich.level must be one of low, high, got 'middle'"),
    ],
)
def test_a_rich_value_of_another_kind_is_refused(values, message):
    with pytest.raises(InvalidValueError, match=message):
        rich(**values)


def test_numpy_values_reach_the_file(tmp_path):
    import numpy as np

    given = {
        "seed": np.int64(3),
        "env_kwargs": {"num_agents": np.int64(1), "grid": np.int32(4)},
        "ppo": {"lr": np.float32(0.5)},
    }
    config = make_config("grid/unlock", "fast", given)
    write_config(config, tmp_path / "config.yaml")
    assert config_from_dict(read_config_file(tmp_path / "config.yaml")) == config
    assert config.env_kwargs == {"num_agents": 1, "grid": 4}


@pytest.mark.parametrize("value", [object(), {1, 2}, {1: 2}])
def test_options_that_no_file_holds_are_refused(value):
    with pytest.raises(InvalidValueError, match="env_kwargs"):
        make_config("grid/unlock", "fast", {"env_kwargs": {"x": value}})


def test_phases_have_settings_of_their_own_that_fall_back_to_the_runs(tmp_path):
    config = make_config(
        "grid/unlock", "paper", {"ppo": {"lr": 0.5, "clip": 0.1}}, {"phases": {"reach": {"ppo": {"clip": 0.3}}}}
    )
    reach, explore = config.for_phase("reach"), config.for_phase("explore")
    assert (explore.ppo.lr, explore.ppo.clip) == (0.5, 0.1)
    assert (reach.ppo.lr, reach.ppo.clip) == (0.5, 0.3)
    assert config_to_dict(config)["phases"] == {"reach": {"ppo": {"clip": 0.3}}}
    write_config(config, tmp_path / "config.yaml")
    assert config_from_dict(read_config_file(tmp_path / "config.yaml")) == config


@pytest.mark.parametrize(
    ("algo", "key", "value"),
    [
        ("isa", "credit.rule", "ungated"),
        ("isa", "scope.delta", 0.2),
        ("isa", "probes.share", 0.1),
        ("isa", "goal.capacity", 5),
        ("isa", "goal.stitched", False),
        ("isa_reach", "given.run", "there"),
    ],
)
def test_what_holds_for_the_whole_run_is_refused_for_a_phase(algo, key, value):
    with pytest.raises(InvalidValueError, match=f"^{key} applies to the whole run; set {key}, not phases.reach.{key}$"):
        make_config("grid/unlock", "fast", {"algo": algo}, {f"phases.reach.{key}": value})


def test_what_is_given_for_a_run_holds_over_a_presets_phase():
    assert make_config("grid/unlock").for_phase("reach").ppo.gamma == 0.8
    given = make_config("grid/unlock", "fast", {"ppo": {"gamma": 0.95}})
    assert given.for_phase("reach").ppo.gamma == given.for_phase("explore").ppo.gamma == 0.95
    assert given.for_phase("reach").ppo.epochs == 4, "the rest of the phase stays"
    both = make_config("grid/unlock", "fast", {"ppo": {"gamma": 0.95}, "phases": {"reach": {"ppo": {"gamma": 0.7}}}})
    assert both.for_phase("reach").ppo.gamma == 0.7


def test_a_number_is_read_alike_from_a_file_and_after_set(tmp_path):
    (tmp_path / "mine.yaml").write_text("ppo: {lr: 1e-3}\n")
    from_file = make_config("grid/unlock", "fast", read_config_file(tmp_path / "mine.yaml"))
    assert from_file == make_config("grid/unlock", "fast", parse_overrides(["ppo.lr=1e-3"]))
    assert from_file.ppo.lr == 0.001


def test_of_a_preset_an_algorithm_takes_what_it_asks_for():
    config = make_config("smax/3m", "paper", {"algo": "ippo"})
    assert set(config.sections) == {"ppo"}
    assert config.ppo.hidden == 64
