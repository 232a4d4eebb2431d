"""Configuration text: files and ``key=value`` pairs are read alike."""

import os
import time

import pytest

from isa_learners.runs.config_io import make_config
from isa_learners.runs.yaml_io import parse_overrides, read_config_file, read_yaml
from isa_wrappers.errors import FileFormatError, InvalidValueError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("-2E+4", -20000.0),
        (".5e2", 50.0),
        ("1.5", 1.5),
        ("3", 3),
        ("e3", "e3"),
        ("1e", "1e"),
        ("~", None),
    ],
)
def test_numbers_are_those_of_yaml_1_2(text, value):
    found = read_yaml(text)
    assert found == value
    assert type(found) is type(value)


def test_no_tag_runs_code():
    with pytest.raises(ValueError, match="not YAML"):
        read_yaml("!!python/object/apply:os.system ['true']")


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


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"- 1\n- 2\n", "must hold a mapping"),
        (b"", "must hold a mapping"),
        (b"a: [1", "is not a valid YAML"),
        (b"\xff\xfe\x00", "is not a valid YAML"),
        (b"!!python/object/apply:os.system ['true']\n", "is not a valid YAML"),
    ],
)
def test_files_that_are_no_configuration(tmp_path, content, message):
    path = tmp_path / "bad.yaml"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=message):
        read_config_file(path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ppo:\n  lr: 1\n  clip: 2\n  lr: 3\n", "(line 4: key 'lr' occurs twice, first in line 2)"),
        ("a: 1\nb: {c: 1, c: 1}\n", "(line 2: key 'c' occurs twice, first in line 2)"),
        ("a: 1\nb: c: 2\n", "(line 2: mapping values are not allowed here)"),
        ("a: 1\n\n\tb: 2\n", "(line 3: found character '\\t' that cannot start any token)"),
    ],
    ids=["twice", "twice in a line", "syntax", "tab"],
)
def test_what_is_wrong_in_a_file_names_its_line(tmp_path, text, told):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(FileFormatError) as caught:
        read_config_file(path)
    assert str(caught.value) == f"{path} is not a valid YAML configuration {told}"


def test_keys_that_are_merged_may_come_again():
    assert read_yaml("a: &a {x: 1, y: 2}\nb: &b {<<: *a, x: 3}\nc: {<<: *b, <<: *a, y: 4}")["c"]["y"] == 4


def test_an_override_says_what_is_wrong_with_it():
    with pytest.raises(InvalidValueError, match=r"'ppo={lr: 1, lr: 2}': key 'lr' occurs twice"):
        parse_overrides(["ppo={lr: 1, lr: 2}"])


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


@pytest.mark.slow
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


@pytest.mark.parametrize(
    ("text", "what"), [(BOMB, "contains"), ("a: " + "[" * 60 + "]" * 60, "nested")], ids=["wide", "deep"]
)
def test_what_unfolds_beyond_measure_is_no_configuration(text, what):
    with pytest.raises(ValueError, match=f"not YAML: {what} more than"):
        read_yaml(text)


def test_a_pipe_in_a_run_folder_is_refused(tmp_path):
    os.mkfifo(tmp_path / "config.yaml")
    with pytest.raises(FileFormatError, match="not a regular file"):
        read_config_file(tmp_path / "config.yaml", regular=True)
