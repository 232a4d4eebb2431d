"""A run is a folder: made once, opened only where there is one."""

import json
import os

import pytest
from learner_helpers import tiny_config

from isa_learners.compiled.library import library
from isa_learners.runs.run_folder import PACKAGES, RunFolder, open_runs, versions
from isa_wrappers.errors import FileFormatError, InvalidValueError, RunFolderError, UntrustedRunError


def test_create_then_open(tmp_path):
    config = tiny_config(seed=5)
    made = RunFolder.create(tmp_path / "deep" / "run", config)
    opened = RunFolder.open(str(tmp_path / "deep" / "run"))
    assert opened.config() == config
    assert opened.path == made.path
    said = json.loads(opened.versions_file.read_text())
    assert {"python", "platform", *PACKAGES} <= set(said)
    assert said["compiled"] == ("no" if library() is None else "yes")


def test_of_several_runs_each_is_named_by_its_own_environment(tmp_path):
    tasks = {"a": {}, "b": {"env": "toy_envs:walk", "env_kwargs": {}}}
    for name, given in tasks.items():
        RunFolder.create(tmp_path / name, tiny_config(**given))
    paths = [tmp_path / name for name in tasks]
    for folder in open_runs(paths, ["toy_envs:walk"]):
        folder.check_trusted(folder.config())
    untold = open_runs(paths)[1]
    with pytest.raises(UntrustedRunError, match=r"give --trust \(in Python, trust=True\)"):
        untold.check_trusted(untold.config())
    with pytest.raises(InvalidValueError, match="no run uses task 'toy_envs:prize'; they use grid/unlock, "):
        open_runs(paths, ["toy_envs:prize"])


def test_a_folder_that_holds_a_run_is_left_alone(tmp_path):
    folder = RunFolder.create(tmp_path / "run", tiny_config(seed=5))
    before = folder.config_file.read_text()
    with pytest.raises(RunFolderError, match=r"run already holds a run; .*--resume.*resume=True"):
        RunFolder.create(tmp_path / "run", tiny_config(seed=6))
    assert folder.config_file.read_text() == before


@pytest.mark.parametrize("left", ["summary.json", "checkpoints/latest.safetensors", "checkpoints/best.safetensors"])
def test_what_is_left_of_a_run_is_left_alone(tmp_path, left):
    """Its config.yaml was lost."""
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / left).write_text("work")
    with pytest.raises(RunFolderError, match=rf"holds {left} but no config\.yaml; choose another --out, or .*--resume"):
        RunFolder.create(tmp_path, tiny_config())
    assert (tmp_path / left).read_text() == "work"
    assert not (tmp_path / "config.yaml").exists()


def test_a_folder_with_other_things_will_do(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    folder = RunFolder.create(tmp_path, tiny_config())
    assert folder.config() == tiny_config()
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("below", ["", "run"])
def test_a_file_is_no_folder(tmp_path, below):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFolderError, match=r"cannot create run folder .*file"):
        RunFolder.create(tmp_path / "file" / below, tiny_config())


@pytest.mark.parametrize("left", ["metrics.csv", "scope.json"])
def test_what_a_run_left_that_could_not_begin_or_a_scope_measured_there_is_no_run(tmp_path, left):
    (tmp_path / left).write_text("x")
    assert RunFolder.create(tmp_path, tiny_config()).config() == tiny_config()


def test_take_back_leaves_no_trace(tmp_path):
    folder = RunFolder.create(tmp_path / "run", tiny_config())
    folder.take_back()
    assert not folder.path.exists()
    (tmp_path / "notes.txt").write_text("mine")
    RunFolder.create(tmp_path, tiny_config()).take_back()
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("make", [False, True])
def test_opening_what_is_no_run(tmp_path, make):
    path = tmp_path / "none"
    if make:
        path.mkdir()
    with pytest.raises(RunFolderError, match=r"none holds no run \(no config.yaml\)"):
        RunFolder.open(path)


def test_a_damaged_configuration_is_named(tmp_path):
    folder = RunFolder.create(tmp_path / "run", tiny_config())
    folder.config_file.write_text("a: [")
    with pytest.raises(FileFormatError, match=r"config\.yaml is not a valid YAML"):
        folder.config()
    folder.config_file.write_text("env: grid/unlock\nsed: 1\n")
    with pytest.raises(InvalidValueError, match="did you mean 'seed'"):
        folder.config()


def test_summary(tmp_path, monkeypatch):
    folder = RunFolder.create(tmp_path / "run", tiny_config())
    replaced, replace = [], os.replace
    monkeypatch.setattr(os, "replace", lambda old, new: (replaced.append(new), replace(old, new)))
    folder.write_summary({"solved": None, "env_steps": 3})
    assert replaced == [folder.summary_file], "whole or not at all"
    assert json.loads(folder.summary_file.read_text()) == {"solved": None, "env_steps": 3}


def test_versions_say_what_is_not_installed(monkeypatch):
    monkeypatch.setattr("isa_learners.runs.run_folder.PACKAGES", ("torch", "surely-not-a-package"))
    monkeypatch.setattr("isa_learners.runs.run_folder.library", lambda: None)
    found = versions()
    assert found["compiled"] == "no"
    assert found["surely-not-a-package"] == "not installed"
    assert found["torch"][0].isdigit()


def test_a_comparison_is_no_run_and_its_runs_are_named(tmp_path):
    run = tmp_path / "grid-unlock" / "isa" / "seed0"
    run.mkdir(parents=True)
    (run / "config.yaml").write_text("env: grid/unlock\n")
    with pytest.raises(RunFolderError, match=r"holds a comparison; use its runs: .*/\*/\*/seed\*$"):
        RunFolder.open(tmp_path)


def test_versions_of_others_stay_where_a_run_is_taken_back(tmp_path):
    (tmp_path / "versions.json").write_text("{}")
    RunFolder.create(tmp_path, tiny_config()).take_back()
    assert [file.name for file in tmp_path.iterdir()] == ["versions.json"]
