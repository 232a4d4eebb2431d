"""``--state-features``: from the shell and the configuration, through a whole run."""

import json
import re

import pytest
from cli_helpers import SMALL, isa, one_line

from isa_learners.runs.run_folder import RunFolder
from isa_wrappers.scope.files import load_scope


def test_scope_of_a_map(capsys):
    assert isa("scope", "map_toys:Board", "--state-features", "map", "--transitions", 600, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["state_names"][:3] == ["channel_0.count", "channel_0.row", "channel_0.column"]
    assert found["D_i"] == [[1, 2], [4, 5]]


@pytest.mark.slow
def test_a_run_keeps_to_its_features(tmp_path, capsys):
    out = tmp_path / "run"
    features = ["--state-features", "map", "--state-features-kwargs", '{"channels": ["a", "b"]}']
    small = [*SMALL, "--set", "checkpoint_interval=50", "--workers", 1]
    assert isa("train", "map_toys:Board", *small, *features, "--steps", 150, "--out", out) == 0
    config = RunFolder(out).config()
    assert (config.state_features, config.state_features_kwargs) == ("map", {"channels": ["a", "b"]})
    assert load_scope(out).state_names == ("a.count", "a.row", "a.column", "b.count", "b.row", "b.column")
    alone = RunFolder(out).config_file.read_text().replace("workers: 1\n", "workers: 0\n")
    RunFolder(out).config_file.write_text(alone)  # each worker imports torch; one was enough to see it get the features
    assert isa("eval", out, "--env", "map_toys:Board", "--episodes", 2) == 0
    assert isa("train", "map_toys:Board", "--resume", out, "--steps", 200) == 0
    assert RunFolder(out).config().state_features == "map"


def test_check_offers_maps_and_says_what_merges(capsys):
    shared = ["map_toys:Board", "--kwargs", '{"shared": true}', "--episodes", 1]
    assert isa("check", *shared) == 0
    said = capsys.readouterr().out
    assert (
        "warning  map: the state looks like a map of cells: its shape is [6, 6, 1]; if it is one, --state-features map"
        in said
    )
    assert "--state-features-kwargs '{\"values\": [1.0, 2.0]}'" in said
    assert isa("check", *shared, "--state-features", "map") == 0
    said = capsys.readouterr().out
    assert "warning  map:" not in said
    assert "warning  merged: channel_0 covers up to 2 cells, and a, b move their centre: they are merged" in said
    apart = ["--state-features", "map", "--state-features-kwargs", '{"values": [1, 2]}']
    assert isa("check", *shared, *apart) == 0
    assert "merged" not in capsys.readouterr().out


MAP = ["--state-features", "map"]
MISTAKES = {
    "name": (["scope", "map_toys:Board", "--state-features", "mpa"], "unknown state features 'mpa'; .* known: map"),
    "name, train": (["train", "map_toys:Board", "--state-features", "mpa"], "unknown state features 'mpa'"),
    "name, check": (["check", "map_toys:Board", "--state-features", "mpa"], "unknown state features 'mpa'"),
    "no map": (["scope", "toy_envs:walk", *MAP], r"a map is a state \[rows, columns\] or .* got shape \[2\]"),
    "no map, train": (["train", "toy_envs:walk", *MAP], r"got shape \[2\]"),
    "no map, check": (["check", "toy_envs:walk", *MAP], r"got shape \[2\]"),
    "a vector of a batched task": (["train", "grid/unlock", *MAP], r"got shape \[28\]"),
    "no state": (["scope", "toy_envs:stateless", *MAP], r"has no state\(\)"),
    "both": (["scope", "map_toys:Board", *MAP, "--state-fallback", "observations"], "leave out one of them"),
    "both, train": (["train", "map_toys:Board", *MAP, "--state-fallback", "observations"], "leave out one of them"),
    "options": (["scope", "map_toys:Board", *MAP, "--state-features-kwargs", '{"vals": [1]}'], "argument 'vals'"),
    "no object": (["scope", "map_toys:Board", *MAP, "--state-features-kwargs", "[1]"], "must be a JSON object"),
    "options alone": (["train", "map_toys:Board", "--state-features-kwargs", '{"first": true}'], "need a name"),
    "values": (["train", "map_toys:Board", *MAP, "--set", "state_features_kwargs.values=[a]"], "values must be"),
    "key": (["train", "map_toys:Board", "--set", "state_features=3"], "state_features must be .* got 3"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_one_line(name, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments, says = MISTAKES[name]
    assert isa(*arguments) == 2
    said = one_line(capsys.readouterr().err)
    assert re.search(says, said), said
    assert not list(tmp_path.iterdir())
