"""Configurations to and from plain data, files and ``key=value`` pairs."""

import os
import time

import pytest
import yaml

from isa_learners.runs.config_io import config_from_dict, config_to_dict, make_config, merge, write_config
from isa_learners.runs.yaml_io import parse_overrides, read_config_file
from isa_wrappers.errors import FileFormatError, InvalidValueError


def test_later_layers_win():
    config = make_config(
        "grid/unlock", "paper", {"seed": 3, "ppo": {"lr": 0.01, "hidden": 5}}, {"ppo": {"lr": 0.02}}, {"seed": 4}
    )
    assert (config.seed, config.ppo.lr, config.ppo.hidden) == (4, 0.02, 5)
    assert config.ppo.gamma == 0.9  # untouched


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
    assert written["scope"]["delta"] == 0.3


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"sed": 1}, "unknown configuration key sed; did you mean 'seed'?"),
        ({"ppo": {"gama": 0.9}}, "unknown configuration key ppo.gama; did you mean 'ppo.gamma'?"),
        ({"lr": 0.1}, "unknown configuration key lr; did you mean 'ppo.lr'?"),
        ({"learning_rate": 0.1}, "unknown configuration key learning_rate; did you mean 'ppo.lr'?"),
        ({"ppo": {"delta": 0.1}}, "unknown configuration key ppo.delta"),
        ({"algo": "isaa"}, "unknown algorithm 'isaa'; did you mean 'isa'? known: isa, ippo"),
        ({"learner": "po"}, "unknown learner 'po'; did you mean 'ppo'? known: ppo"),
        ({"intrinsic": "count"}, "unknown intrinsic reward 'count'; did you mean 'count_bonus'?"),
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


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        (["seed=3"], {"seed": 3}),
        (["ppo.lr=1e-3"], {"ppo": {"lr": 0.001}}),
        (["ppo.lr=0.5", "ppo.clip=0.1", "ppo.lr=0.25"], {"ppo": {"lr": 0.25, "clip": 0.1}}),
        (["env_kwargs.targets=[[0, 1]]"], {"env_kwargs": {"targets": [[0, 1]]}}),
        (["stop_when_solved=true"], {"stop_when_solved": True}),
        (["algo=ippo"], {"algo": "ippo"}),
        (["a=b=c"], {"a": "b=c"}),
        ([], {}),
    ],
)
def test_overrides(pairs, expected):
    assert parse_overrides(pairs) == expected


@pytest.mark.parametrize("pair", ["ppo.lr", "=3", "", "ppo.lr=[1", "a={"])
def test_unreadable_overrides_are_refused(pair):
    with pytest.raises(InvalidValueError) as caught:
        parse_overrides(["seed=1", pair])
    assert repr(pair) in str(caught.value)


@pytest.mark.parametrize("pair", ["ppo.lrr=1", "ppo.lr.x=1", "ppo=1", "ppo.=1", ".=1", "seed="])
def test_overrides_of_no_key_are_refused_when_resolved(pair):
    with pytest.raises(InvalidValueError):
        make_config("grid/unlock", "fast", parse_overrides([pair]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"- 1\n- 2\n", "must hold a mapping"),
        (b"", "must hold a mapping"),
        (b"a: [1", "is not YAML"),
        (b"\xff\xfe\x00", "is not YAML"),
        (b"!!python/object/apply:os.system ['true']\n", "is not YAML"),
    ],
)
def test_files_that_are_no_configuration(tmp_path, content, message):
    path = tmp_path / "bad.yaml"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=message):
        read_config_file(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileFormatError, match=r"cannot read configuration .*none\.yaml"):
        read_config_file(tmp_path / "none.yaml")
    with pytest.raises(FileFormatError, match="cannot read configuration"):
        read_config_file(tmp_path)


BOMB = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"{chr(98 + k)}: &{chr(98 + k)} [{', '.join([f'*{chr(97 + k)}'] * 9)}]\n" for k in range(9)
)
MERGES = "a: &a {x: 1}\n" + "".join(
    f"b{k}: &b{k} {{<<: [{', '.join([f'*b{k - 1}' if k else '*a'] * 9)}]}}\n" for k in range(40)
)


@pytest.mark.parametrize(
    "text",
    [BOMB, MERGES, "a: &a [*a]", "a: " + "[" * 5_000, "x: " * 3_000 + "1", "a: 2020-13-45", "? [1]\n: 2",
     "a: " + "9" * 5_000, "a" * 300_000, "a: !!binary x", "a: !!int x", "a: !!float x", "a: !!timestamp x"],
    ids=range(13),
)  # fmt: skip
def test_no_text_takes_long_or_fails_otherwise(tmp_path, text):
    path = tmp_path / "odd.yaml"
    path.write_text(text)
    start = time.monotonic()
    with pytest.raises((FileFormatError, InvalidValueError)):
        make_config("grid/unlock", "fast", read_config_file(path))
    assert time.monotonic() - start < 10


def test_a_pipe_in_a_run_folder_is_refused(tmp_path):
    os.mkfifo(tmp_path / "config.yaml")
    with pytest.raises(FileFormatError, match="not a regular file"):
        read_config_file(tmp_path / "config.yaml", regular=True)


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
