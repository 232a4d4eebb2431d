"""Scopes as files."""

import json
import os
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from isa_wrappers import InfluenceScope, load_scope, save_scope, scope_to_dict
from isa_wrappers.errors import FileFormatError, InvalidValueError


@pytest.fixture
def scope():
    rng = np.random.default_rng(0)
    values = rng.random((2, 3, 4))
    values[1, 2] = 0.0
    return InfluenceScope(
        agents=("red", "blue"),
        influence=values,
        delta=0.6,
        num_actions=(3, 2),
        state_names=("red.x", "red.y", "blue.x", "bullets"),
        action_names=("stay", "move", "shoot"),
        settings={"task": "grid/shooting", "transitions": 2000, "bin_width": 0.01, "estimator": "nmi_block"},
        chance=0.04,
        figure="certainty",
    )


def test_round_trip_keeps_everything(scope, tmp_path):
    path = save_scope(scope, tmp_path / "new" / "folder")
    assert path == tmp_path / "new" / "folder" / "scope.json"
    for loaded in (load_scope(path), load_scope(path.parent), load_scope(str(path))):
        np.testing.assert_array_equal(loaded.influence, scope.influence)
        for field in ("agents", "delta", "num_actions", "state_names", "action_names", "settings", "chance", "figure"):
            assert getattr(loaded, field) == getattr(scope, field), field
        assert type(loaded.agents) is type(loaded.num_actions) is type(loaded.state_names) is tuple
        assert loaded.action_dims == scope.action_dims
    assert scope_to_dict(load_scope(path)) == scope_to_dict(scope)


def test_the_json_holds_what_the_design_names(scope, tmp_path):
    data = json.loads(save_scope(scope, tmp_path).read_text())
    assert data["D_c"] == scope.common_dims
    assert data["D_i"] == scope.agent_dims
    assert data["D_i_minus_c"] == scope.special_dims
    assert data["delta"] == 0.6
    assert data["agents"] == ["red", "blue"]
    assert data["state_names"] == ["red.x", "red.y", "blue.x", "bullets"]
    assert set(data["D_a"]) == {"red", "blue"}
    assert set(data["D_a"]["red"]) == {"0", "1", "2"}
    assert set(data["D_a"]["blue"]) == {"0", "1"}
    for agent, actions in data["D_a"].items():
        for action, dims in actions.items():
            assert dims == scope.action_dims[agent][int(action)]
    # It says where the array lies, in a format of its own right.
    where = data["influence"]
    assert where["axes"] == ["agent", "action", "dimension"]
    tensor = load_file(tmp_path / where["file"])[where["tensor"]]
    assert tensor.dtype == np.float64
    np.testing.assert_array_equal(tensor, scope.influence)


def test_to_dict_is_plain_data(scope):
    assert json.loads(json.dumps(scope_to_dict(scope))) == scope_to_dict(scope)
    known = InfluenceScope.from_dimensions({"a": [[], [0, 2]], "b": [[], [2]]}, state_size=3)
    data = scope_to_dict(known)
    assert (data["D_c"], data["D_i"], data["D_i_minus_c"]) == ([2], [[0, 2], [2]], [[0], []])
    assert data["D_a"] == {"a": {"0": [], "1": [0, 2]}, "b": {"0": [], "1": [2]}}


def test_saving_again_replaces_each_file_whole(scope, tmp_path, monkeypatch):
    save_scope(scope, tmp_path)
    replaced, replace = [], os.replace
    monkeypatch.setattr(os, "replace", lambda old, new: (replaced.append(new.name), replace(old, new)))
    save_scope(scope.with_delta(0.1), tmp_path)
    assert replaced == ["scope.safetensors", "scope.json"]
    assert load_scope(tmp_path).delta == 0.1


@pytest.mark.parametrize("place", [".", "scope.json", "no/such/folder"])
def test_a_missing_scope_names_the_place(tmp_path, place):
    with pytest.raises(FileFormatError, match="does not exist") as caught:
        load_scope(tmp_path / place)
    assert str(tmp_path) in str(caught.value)


def test_a_missing_array_is_said_so(scope, tmp_path):
    save_scope(scope, tmp_path)
    (tmp_path / "scope.safetensors").unlink()
    with pytest.raises(FileFormatError, match=r"influence file does not exist|scope\.safetensors"):
        load_scope(tmp_path)


@pytest.mark.parametrize("name", ["scope.json", "scope.safetensors"])
def test_truncated_anywhere(scope, tmp_path, name):
    save_scope(scope, tmp_path)
    whole = (tmp_path / name).read_bytes()
    # All but the JSON's closing brace and newline: less than that is truncated.
    for length in {0, 1, 7, 8, 9, len(whole) // 4, len(whole) // 2, len(whole) - 2}:
        (tmp_path / name).write_bytes(whole[:length])
        with pytest.raises(FileFormatError, match=r"scope\.json"):
            load_scope(tmp_path)
    (tmp_path / name).write_bytes(whole)
    load_scope(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"null",
        b"[]",
        b"3",
        b'"isa-scope"',
        b"{}",
        b'{"format": "something else"}',
        b'{"format": "isa-scope"}',
        b"\x89PNG\r\n\x1a\n\xff\xfe",
        b"D_c: [6]\n",
    ],
)
def test_foreign_json(scope, tmp_path, content):
    save_scope(scope, tmp_path)
    (tmp_path / "scope.json").write_bytes(content)
    with pytest.raises(FileFormatError):
        load_scope(tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("agents", ["red"]),
        ("agents", None),
        ("delta", "high"),
        ("delta", 1.5),
        ("delta", [0.5, 0.5]),
        ("delta", None),
        ("num_actions", [3, "two"]),
        ("num_actions", [3, 4]),
        ("num_actions", 3),
        ("state_names", ["too", "few"]),
        ("action_names", 7),
        ("influence", None),
        ("influence", {"file": "scope.safetensors", "tensor": "other"}),
        ("influence", {"file": ".", "tensor": "influence"}),
        ("influence", {"file": "scope.json", "tensor": "influence"}),
        ("influence", {"file": 3, "tensor": "influence"}),
    ],
)
def test_fields_that_make_no_sense(scope, tmp_path, key, value):
    path = save_scope(scope, tmp_path)
    data = json.loads(path.read_text())
    data[key] = value
    path.write_text(json.dumps(data))
    with pytest.raises(FileFormatError, match=r"scope\.json"):
        load_scope(path)
    del data[key]
    path.write_text(json.dumps(data))
    with pytest.raises(FileFormatError, match=key):
        load_scope(path)


@pytest.mark.parametrize("chance", ["high", 1.5, -0.1, float("nan")])
def test_chance_is_a_share(scope, tmp_path, chance):
    path = save_scope(scope, tmp_path)
    data = json.loads(path.read_text()) | {"chance": chance}
    path.write_text(json.dumps(data))
    with pytest.raises(FileFormatError, match=r"chance must be a number in \[0, 1\]"):
        load_scope(path)
    path.write_text(json.dumps({key: value for key, value in data.items() if key != "chance"}))
    assert load_scope(path).chance is None, "files of earlier versions have none"


@pytest.mark.parametrize("values", [np.zeros((2, 3)), np.full((2, 3, 4), np.nan), np.full((2, 3, 4), 2.0)])
def test_foreign_arrays(scope, tmp_path, values):
    save_scope(scope, tmp_path)
    save_file({"influence": values}, tmp_path / "scope.safetensors")
    with pytest.raises(FileFormatError, match="influence"):
        load_scope(tmp_path)


def test_a_file_where_a_folder_should_be(scope, tmp_path):
    path = save_scope(scope, tmp_path)
    with pytest.raises(FileFormatError):
        load_scope(path / "scope.json")


def test_a_threshold_per_dimension_is_kept(scope, tmp_path):
    apart = scope.with_delta([0.1, 0.9, 0.5, 0.0])
    loaded = load_scope(save_scope(apart, tmp_path))
    np.testing.assert_array_equal(loaded.delta, apart.delta)
    assert loaded.action_dims == apart.action_dims != scope.action_dims


def test_files_of_before_load(scope, tmp_path):
    """They say nothing of the figure, and call it mutual information."""
    path = save_scope(scope, tmp_path)
    data = json.loads(path.read_text())
    data["mutual_information"] = data.pop("influence") | {"tensor": "mutual_information"}
    del data["figure"]
    path.write_text(json.dumps(data))
    save_file({"mutual_information": np.array(scope.influence)}, tmp_path / "scope.safetensors")
    loaded = load_scope(path)
    np.testing.assert_array_equal(loaded.influence, scope.influence)
    assert loaded.figure == "normalised mutual information"


def test_former_places_of_table_and_picture():
    from isa_wrappers.scope import files, plots, tables

    assert files.scope_table is tables.scope_table
    assert files.plot_scope is plots.plot_scope


def test_a_flipped_number_is_noticed(scope, tmp_path):
    """One that is still in [0, 1] makes another scope and no error of its own."""
    save_scope(scope, tmp_path)
    path = tmp_path / "scope.safetensors"
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(FileFormatError, match=r"scope\.json"):
            load_scope(tmp_path)


def test_a_scope_whose_files_do_not_belong_together(scope, tmp_path):
    save_scope(scope, tmp_path / "one")
    other = InfluenceScope.of_everything(("red", "blue"), (3, 2), 4)
    save_scope(other, tmp_path / "two")
    (tmp_path / "one" / "scope.safetensors").write_bytes((tmp_path / "two" / "scope.safetensors").read_bytes())
    with pytest.raises(FileFormatError, match="belongs to another scope"):
        load_scope(tmp_path / "one")


def test_dimensions_that_do_not_follow_are_noticed(scope, tmp_path):
    path = save_scope(scope, tmp_path)
    data = json.loads(path.read_text())
    path.write_text(json.dumps(data | {"delta": 0.01}))
    with pytest.raises(FileFormatError, match="does not follow from its influence and delta"):
        load_scope(path)


@pytest.mark.parametrize("agents", [("a", 3), (np.int64(1), np.int64(2)), (np.str_("a"), "b")])
def test_agents_named_by_text_or_numbers_are_kept(tmp_path, agents):
    scope = InfluenceScope.of_everything(agents, (2, 2), 1)
    assert load_scope(save_scope(scope, tmp_path)).agents == tuple(agents)


@pytest.mark.parametrize(
    "odd",
    [{"agents": (("a", 1), ("a", 2))}, {"agents": (1.5, 2.5)}, {"settings": {"x": object()}}, {"settings": {1: 2}}],
)
def test_what_no_file_holds_is_refused_before_anything_is_written(tmp_path, odd):
    """Half a scope lay on the disk once, and the error came from the JSON."""
    scope = InfluenceScope.of_everything(("a", "b"), (2, 2), 1)
    with pytest.raises(InvalidValueError):
        save_scope(replace(scope, **odd), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_files_are_of_the_usual_mode(scope, tmp_path):
    before = os.umask(0o022)
    try:
        save_scope(scope, tmp_path)
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o644}
