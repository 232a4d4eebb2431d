"""``isa train``: the run folder, what is printed, and where settings come from."""

import csv
import json
from pathlib import Path

import pytest
import yaml
from cli_helpers import SMALL, TINY, TINY_FILE, TINY_IPPO, contents, ended, forked, isa, one_line

pytestmark = pytest.mark.usefixtures("somewhere")

pytest.importorskip("torch")


def test_train_makes_a_run_folder(finished):
    names = contents(finished)
    wanted = {
        "config.yaml", "versions.json", "scope.json", "scope.safetensors", "metrics.csv", "summary.json",
        "checkpoints/latest.safetensors", "checkpoints/best.safetensors", "curves.png", "scope.png",
    }  # fmt: skip
    assert wanted <= set(names)
    assert any(name.startswith("tensorboard/") for name in names)
    assert not [name for name in names if "partial" in name]
    config = yaml.safe_load((finished / "config.yaml").read_text())
    assert (config["env"], config["algo"], config["steps"], config["seed"]) == ("grid/unlock", "isa", 200, 0)
    assert config["ppo"]["hidden"] == 4
    with (finished / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["env_steps"]) for row in rows] == [70, 100, 150, 200]
    summary = json.loads((finished / "summary.json").read_text())
    assert summary["env_steps"] == 200
    assert summary["success_rate"] == float(rows[-1]["success_rate"])


@pytest.mark.slow
def test_train_prints_its_folder_on_stdout(capsys):
    assert isa("train", *TINY_IPPO, "--steps", 20, "--out", "out") == 0
    out, err = capsys.readouterr()
    assert out == "out\n"
    assert "grid/unlock: ended after 20 steps" in one_line(err)
    assert not Path("out/scope.json").exists()


@pytest.mark.slow
def test_train_names_its_folder(capsys):
    assert isa("train", *TINY_IPPO, "--steps", 20, "--seed", 7, "--preset", "paper") == 0
    folder = Path(capsys.readouterr().out.strip())
    assert folder.parent == Path("runs")
    assert folder.name.startswith("grid-unlock-ippo-paper-seed7-")
    config = yaml.safe_load((folder / "config.yaml").read_text())
    assert (config["preset"], config["seed"], config["ppo"]["lr"]) == ("paper", 7, 0.0005)


@pytest.mark.slow
def test_train_on_a_factory(capsys):
    assert isa("train", "toy_envs:walk", "--kwargs", '{"length": 1}', "--steps", 300, *SMALL, "--out", "out") == 0
    assert json.loads(Path("out/summary.json").read_text())["phase"] == "reach"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rule", "warned"), [("prize", False), ("1.0", False), ("success", True)], ids=["key", "return", "absent key"]
)
def test_train_is_told_what_success_is(capsys, rule, warned):
    """By a key of the infos or a return; where nothing ever tells a win, one line warns of it."""
    code, _, err = ended(forked("train", "toy_envs:prize", "--success", rule, "--steps", 300, *SMALL, "--out", "out"))
    assert code == 0, err
    assert (json.loads(Path("out/summary.json").read_text())["phase"] == "reach") != warned
    lines = [line for line in err.splitlines() if line.startswith("isa: warning: no info contains the key")]
    assert [line.split("'")[1] for line in lines] == (["success"] if warned else [])


@pytest.mark.slow
@pytest.mark.parametrize("steps", [10, 60])
def test_train_for_no_more_steps_than_listening_takes(steps, capsys):
    assert isa("train", *TINY, "--steps", steps, "--out", "out") == 2
    assert (
        "steps must be more than 60, which the scope of 1 agents takes with scope.transitions 60"
        in capsys.readouterr().err
    )
    assert not Path("out").exists()
    assert isa("train", *TINY_IPPO, "--steps", 10, "--out", "out") == 0, "it listens to nobody"


@pytest.mark.slow
def test_a_configuration_file_holds_where_the_command_line_is_silent(tmp_path, capsys):
    path = tmp_path / "mine.yaml"
    path.write_text("seed: 5\nalgo: ippo\npreset: paper\ndevice: cpu\nstop_when_solved: true\nppo: {clip: 0.125}\n")
    assert isa("train", *TINY_FILE, "--steps", 20, "--config", path, "--out", "one") == 0
    found = yaml.safe_load(Path("one/config.yaml").read_text())
    assert (found["seed"], found["algo"], found["preset"], found["device"]) == (5, "ippo", "paper", "cpu")
    assert found["stop_when_solved"] is True
    assert found["ppo"]["clip"] == 0.125
    assert found["ppo"]["lr"] == 0.0005, "the paper's, as the file's preset says"
    more = ["--seed", 6, "--set", "ppo.clip=0.25"]
    assert isa("train", *TINY_FILE, "--steps", 20, "--config", path, *more, "--out", "two") == 0
    found = yaml.safe_load(Path("two/config.yaml").read_text())
    assert (found["seed"], found["algo"], found["ppo"]["clip"]) == (6, "ippo", 0.25)


@pytest.mark.slow
def test_a_runs_own_configuration_makes_the_same_run_again(finished, capsys):
    assert isa("train", "grid/unlock", "--config", finished / "config.yaml", "--out", "again") == 0
    assert Path("again/config.yaml").read_text() == (finished / "config.yaml").read_text()

    def numbers(folder):
        with (folder / "metrics.csv").open(newline="") as file:
            clocks = ("wall_time_s", "steps_per_second")
            return [{k: v for k, v in row.items() if k not in clocks} for row in csv.DictReader(file)]

    assert numbers(Path("again")) == numbers(finished)


def test_an_unknown_key_in_a_file_offers_the_nearest(tmp_path, capsys):
    path = tmp_path / "mine.yaml"
    path.write_text("goal: {hammming: 3}\n")
    assert isa("train", *TINY, "--config", path, "--out", "out") == 2
    assert "goal.hammming; did you mean 'goal.hamming'?" in one_line(capsys.readouterr().err)
    assert not Path("out").exists()


def test_a_folder_that_holds_a_run_is_left_alone(copy_of, capsys):
    run = copy_of()
    before = contents(run)
    assert isa("train", *TINY, "--out", run) == 2
    line = one_line(capsys.readouterr().err)
    assert f"{run} already holds a run" in line
    assert "--resume" in line
    assert contents(run) == before


def test_a_run_that_cannot_begin_leaves_a_folder_of_others_as_it_was(capsys):
    Path("out").mkdir()
    Path("out/notes.txt").write_text("mine")
    assert isa("train", "toy_envs:nan_state", "--out", "out") == 2
    assert "dimension 1 is nan" in one_line(capsys.readouterr().err)
    assert contents(Path("out")) == {"notes.txt": b"mine"}
