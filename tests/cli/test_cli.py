"""Every command with good input, and each mistake: exit code 2, one line on stderr, nothing lost."""

import csv
import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from cli_helpers import ended, forked, started, wait_for

import isa_wrappers
from isa_cli.main import main

torch = pytest.importorskip("torch")
NEAR = '{"num_agents": 1, "grid": 3, "targets": [[0, 1]], "horizon": 6}'
PPO = ["ppo.rollout_steps=5", "ppo.hidden=4", "ppo.epochs=1", "ppo.minibatches=1", "ppo.buffer_rollouts=1"]
RUN = ["eval_interval=50", "eval_episodes=4"]
ISA = ["scope.transitions=60", "count.table_bits=8"]


def options(*pairs):
    return ["--device", "cpu", "--num-envs", 2, *(part for pair in pairs for part in ("--set", pair))]


SMALL = options(*PPO, *RUN, *ISA)
LATE = ["--set", "eval_interval=500"]
TINY = ["grid/unlock", "--kwargs", NEAR, "--steps", 200, *SMALL]
IPPO = ["--algo", "ippo", *options(*PPO, *RUN)]
TINY_FILE = ["grid/unlock", "--kwargs", NEAR, *options(*PPO, *RUN)]
TINY_IPPO = ["grid/unlock", "--kwargs", NEAR, "--steps", 200, *IPPO]


def isa(*arguments):
    """Run the command line; return its exit code."""
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    return caught.value.code


def contents(folder):
    """Every file below ``folder`` and what it holds."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def one_line(text):
    assert text.endswith("\n")
    assert text.count("\n") == 1, text
    assert "Traceback" not in text
    return text.strip()


@pytest.fixture(autouse=True)
def somewhere(tmp_path, monkeypatch):
    """Default run folders and ``curves.png`` go to the current folder."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run; look, do not touch."""
    out = tmp_path_factory.mktemp("finished") / "run"
    assert isa("train", *TINY, "--out", out) == 0
    return out


@pytest.fixture
def copy_of(finished, tmp_path):
    """Make a copy of the finished run to break."""

    def make():
        return Path(shutil.copytree(finished, tmp_path / "copy"))

    return make


# --- good input ---


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_help(arguments, capsys):
    assert isa(*arguments) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert all(command in out for command in ("envs", "scope", "train", "eval", "plot"))


@pytest.mark.parametrize("command", ["envs", "scope", "train", "eval", "export", "goals", "plot", "report"])
def test_help_of_commands(command, capsys):
    assert isa(command, "--help") == 0
    said = capsys.readouterr().out
    assert "Usage" in said
    assert isa(command, "-h") == 0
    assert capsys.readouterr().out == said


def test_envs(capsys):
    assert isa("envs") == 0
    out = capsys.readouterr().out
    for name in ("grid/navigation", "grid/shooting", "grid/unlock", "package.module:factory"):
        assert name in out


def test_envs_as_json(capsys):
    assert isa("envs", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert {"grid/navigation", "grid/shooting", "grid/unlock"} <= {env["name"] for env in found["envs"]}


def test_scope_of_shooting_as_json(capsys):
    assert isa("scope", "grid/shooting", "--json") == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert out.count("\n") == 1
    assert err == ""
    assert found["D_c"] == [6]
    assert found["D_i"] == [[0, 1, 6], [2, 3, 6], [4, 5, 6]]
    assert found["D_i_minus_c"] == [[0, 1], [2, 3], [4, 5]]
    assert found["D_a"]["agent_0"] == {"0": [], "1": [1], "2": [1], "3": [0], "4": [0], "5": [6]}
    assert found["state_names"][6] == "bullets"
    assert found["env"] == "grid/shooting"


def test_a_scope_explains_itself(capsys):
    options = ["--kwargs", '{"num_agents": 2}', "--until-certain"]
    assert isa("scope", "grid/unlock", *options, "--json") == 0
    said = json.loads(capsys.readouterr().out)["explanation"]
    assert [(one["agent"], one["dimension"]) for one in said["moved"]] == [
        (f"agent_{i}", f"agent_{i}.{axis}") for i in range(2) for axis in "xy"
    ]
    assert all(one["log_p"] < -10 for one in said["moved"])
    assert (said["env_steps"], said["nearly"]) == (5_000, [])
    assert isa("scope", "grid/unlock", *options) == 0
    assert "5,000 environment steps; among noise" in capsys.readouterr().out


def test_scope_options_reach_the_estimate(capsys):
    options = ["--transitions", 400, "--delta", 0.99, "--bin-width", 0.5, "--window", 2, "--estimator", "nmi_pooled"]
    assert isa("scope", "grid/unlock", "--kwargs", '{"num_agents": 2}', *options, "--seed", 3, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["agents"] == ["agent_0", "agent_1"]
    assert found["D_i"] == [[], []], "nothing passes a threshold of 0.99"
    wanted = {"transitions": 400, "delta": 0.99, "bin_width": 0.5, "window": 2, "estimator": "nmi_pooled", "seed": 3}
    assert wanted.items() <= found["settings"].items()


def test_scope_of_too_few_transitions_is_warned_of(capsys):
    with pytest.warns(UserWarning, match="chance alone"):
        assert isa("scope", "grid/navigation", "--transitions", 12, "--estimator", "nmi_block", "--json") == 0
    assert json.loads(capsys.readouterr().out)["chance"] > 0.15
    with pytest.warns(UserWarning, match="the scope is empty: .* delta is 0.1"):
        assert isa("scope", "grid/navigation", "--transitions", 16, "--json") == 0


def test_scope_is_the_same_for_the_same_seed(capsys):
    outs = []
    for _ in range(2):
        isa("scope", "grid/unlock", "--kwargs", NEAR, "--transitions", 200, "--seed", 1, "--json")
        outs.append(capsys.readouterr().out)
    assert outs[0] == outs[1]


@pytest.mark.slow
def test_scope_follows_the_presets(capsys):
    """The paper's preset has a threshold and a window of its own for particles; an option given holds over it."""
    few = ["scope", "mpe/simple_spread_v3", "--preset", "paper", "--transitions", 200, "--json"]
    settings = []
    for options in ([], ["--delta", 0.5, "--window", 1, "--estimator", "nmi_block"]):
        assert isa(*few, *options) == 0
        settings.append(json.loads(capsys.readouterr().out)["settings"])
    names = ("transitions", "delta", "bin_width", "window", "estimator")
    assert [settings[0][name] for name in names] == [200, 0.03, 0.05, 3, "nmi_pooled"]
    assert [settings[1][name] for name in names] == [200, 0.5, 0.05, 1, "nmi_block"]


@pytest.mark.slow
@pytest.mark.figures
def test_scope_as_files(tmp_path, capsys):
    from isa_wrappers.scope.files import load_scope

    out = tmp_path / "deep" / "scope"
    assert isa("scope", "toy_envs:walk", "--transitions", 300, "--out", out) == 0
    printed = capsys.readouterr().out
    assert "influence scope of 2 agents" in printed
    assert str(out) in printed
    assert load_scope(out).special_dims == [[0], [1]]
    assert sorted(contents(out)) == ["scope.json", "scope.png", "scope.safetensors"]


def test_scope_without_a_state(capsys):
    options = ["--state-fallback", "observations", "--transitions", 300]
    assert isa("scope", "toy_envs:stateless", *options, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["state_size"] == 4, "two agents that observe two numbers each"
    assert found["D_i"] == [[0, 2], [1, 3]]


@pytest.mark.slow
def test_a_factory_in_the_current_folder_is_found(tmp_path):
    """The installed script's own path does not hold the user's folder; what lies there never hides a package."""
    here = tmp_path / "here"
    for package in ("yaml", "safetensors", "colorsys", "tabnanny"):
        (here / f"{package}.py").write_text(f"raise SystemExit('{package} was taken from the current folder')\n")
    (here / "mine.py").write_text("import tabnanny\nfrom toy_envs import walk\n")
    code, out, err = ended(started("scope", "mine:walk", "--transitions", 60, "--json"))
    assert code == 0, err
    assert json.loads(out)["agents"] == ["a", "b"]


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
    lines = [line for line in err.splitlines() if line.startswith("isa: warning: no info held the key")]
    assert [line.split("'")[1] for line in lines] == (["success"] if warned else [])


@pytest.mark.slow
@pytest.mark.parametrize("steps", [10, 60])
def test_train_for_no_more_steps_than_listening_takes(steps, capsys):
    assert isa("train", *TINY, "--steps", steps, "--out", "out") == 2
    assert (
        "steps must be more than 60: the scope of 1 agents takes as many, with scope.transitions at 60"
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


def test_eval(finished, capsys):
    assert isa("eval", finished, "--episodes", 3) == 0
    out, err = capsys.readouterr()
    assert "over 3 episodes (reach, 200 steps)" in out
    assert err == ""


def test_eval_as_json(finished, capsys):
    before = contents(finished)
    assert isa("eval", finished, "--episodes", 5, "--seed", 2, "--json") == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    found = json.loads(out)
    assert (found["episodes"], found["env_steps"], found["phase"], found["seed"]) == (5, 200, "reach", 2)
    assert 0.0 <= found["success_rate"] <= 1.0
    isa("eval", finished, "--episodes", 5, "--seed", 2, "--json")
    assert json.loads(capsys.readouterr().out) == found
    assert contents(finished) == before


def test_eval_of_the_best_checkpoint(finished, capsys):
    assert isa("eval", finished, "--best", "--episodes", 2, "--json") == 0
    assert json.loads(capsys.readouterr().out)["env_steps"] <= 200


def test_eval_renders(finished, capsys, tmp_path):
    path = tmp_path / "deep" / "episode.gif"
    assert isa("eval", finished, "--episodes", 1, "--render", path, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["render"] == str(path)
    assert found["episode"]["number"] == 0
    assert found["episode"]["steps"] == found["episode_length"]
    assert path.read_bytes().startswith(b"GIF8")


def test_eval_renders_the_episode_that_is_asked_for(finished, capsys):
    assert isa("eval", finished, "--episodes", 3, "--render", "a.gif", "--episode", 2, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["episode"]["number"] == 2
    other = "lost" if found["success_rate"] == 1.0 else "won" if found["success_rate"] == 0.0 else "7"
    assert isa("eval", finished, "--episodes", 3, "--render", "b.gif", "--episode", other) == 2
    assert "--episode" in one_line(capsys.readouterr().err)
    assert isa("eval", finished, "--episode", "won") == 2
    assert "give --render FILE.gif too" in one_line(capsys.readouterr().err)


@pytest.mark.slow
def test_export(finished, capsys, monkeypatch):
    from isa_learners.runs import export

    written, export_policy = [], export.export_policy

    def once(policy, path):
        """It takes seconds: what was written stands for itself, once more."""
        if not written:
            written.append(export_policy(policy, path))
        return written[0]

    monkeypatch.setattr(export, "export_policy", once)
    assert isa("export", finished, "policy.pt2") == 0
    *lines, said, last = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["input", "observation", "float32", "[B,", "1,", "4]"]
    assert "goal" in [line.split()[1] for line in lines]
    assert said.startswith("over 1,000 steps its numbers differ by up to ")
    assert last == "written to policy.pt2"
    assert isa("export", finished, "policy.pt2", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["outputs"]["action"] == "int64 [B, 1]"
    assert told["difference"]["largest"] <= 1e-5
    assert Path(told["path"]).stat().st_size > 1_000


def test_goals(finished, capsys):
    assert isa("goals", finished) == 0
    first, header, *rows = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"\d+ goals, 1 different in the 2 of 4 dimensions that agents pursue", first)
    assert header.split() == ["times", "agent_0.x", "agent_0.y"]
    assert [row.split() for row in rows] == [[first.split()[0], "0", "1"]]
    assert isa("goals", finished, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["pursued"] == [0, 1]
    assert told["goals"][0] == [0.0, 1.0, 0.0, 1.0]
    assert len(told["goals"]) == int(first.split()[0])


@pytest.mark.slow
def test_report(finished, capsys):
    pytest.importorskip("vl_convert", reason="pip install 'isa-marl[report]'")
    assert isa("report", finished, "-o", "page.html") == 0
    assert re.fullmatch(r"written to page.html \(\d\.\d\d MB\)\n", capsys.readouterr().out)
    assert isa("report", finished, finished, "--out", "page.html", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["notes"] == []
    assert told["bytes"] == Path("page.html").stat().st_size < 2_000_000


@pytest.mark.parametrize("arguments", [["--version"], ["--version", "train"]])
def test_version(arguments, capsys):
    assert isa(*arguments) == 0
    assert capsys.readouterr().out == f"isa-marl {isa_wrappers.__version__}\n"


@pytest.mark.figures
def test_plot_of_one_run(copy_of, capsys):
    run = copy_of()
    (run / "curves.png").unlink()
    (run / "scope.png").unlink()
    assert isa("plot", run) == 0
    assert capsys.readouterr().out.split() == [str(run / "curves.png"), str(run / "scope.png")]
    assert (run / "curves.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
@pytest.mark.figures
def test_plot_of_two_runs(finished, copy_of, capsys):
    other = copy_of()
    assert isa("plot", finished, other) == 0
    assert capsys.readouterr().out == "curves.png\n"
    assert Path("curves.png").read_bytes().startswith(b"\x89PNG")
    assert isa("plot", finished, other, "--out", "deep/both.png") == 0
    assert Path("deep/both.png").exists()


# --- mistakes ---

MISTAKES = {
    "no such command": (["trian"], "trian"),
    "no such option": (["scope", "grid/unlock", "--dleta", 0.1], "--dleta"),
    "scope without a task": (["scope"], "ENV"),
    "unknown task": (["scope", "grid/shootin"], "'grid/shootin'; did you mean 'grid/shooting'?"),
    "unknown task, train": (["train", "grid/shootin"], "'grid/shootin'; did you mean 'grid/shooting'?"),
    "no module": (["scope", "surely.not.there:make"], "surely"),
    "no factory": (["scope", "toy_envs:run"], "'run'"),
    "no function": (["scope", "toy_envs:NOT_A_FACTORY"], "NOT_A_FACTORY"),
    "no agents": (["scope", "grid/unlock", "--kwargs", '{"num_agents": 0}'], "num_agents must be.*at least 1, got 0"),
    "no agents, train": (["train", "grid/unlock", "--kwargs", '{"num_agents": 0}'], "num_agents .* got 0"),
    "agents without targets": (["scope", "grid/shooting", "--kwargs", '{"num_agents": 9}'], "at most 5.*got 9"),
    "unknown task option": (["scope", "grid/unlock", "--kwargs", '{"agents": 2}'], "agents"),
    "unknown preset, scope": (["scope", "grid/unlock", "--preset", "slow"], "preset.*fast.*'slow'"),
    "unknown factory option": (["scope", "toy_envs:walk", "--kwargs", '{"width": 2}'], "width"),
    "kwargs no JSON": (["scope", "grid/unlock", "--kwargs", "num_agents=2"], "'num_agents=2'"),
    "kwargs a list": (["scope", "grid/unlock", "--kwargs", "[1]"], r"JSON object, got '\[1\]'"),
    "kwargs no JSON, train": (["train", "grid/unlock", "--kwargs", "{"], "JSON object, got '{'"),
    "kwargs the run sets": (["scope", "grid/unlock", "--kwargs", '{"num_envs": 3}'], "'num_envs'.*got 3"),
    "kwargs the run sets, train": (["train", "grid/unlock", "--kwargs", '{"device": "x"}'], "'device'.*got 'x'"),
    "kwargs the run sets, --set": (["train", "grid/unlock", "--set", "env_kwargs.name=z"], "'name'.*got 'z'"),
    "delta 1": (["scope", "grid/unlock", "--delta", 1], r"delta must be a number in \[0, 1\), got 1.0"),
    "delta below 0": (["scope", "grid/unlock", "--delta", -0.1], r"delta .* got -0.1"),
    "delta nan": (["scope", "grid/unlock", "--delta", "nan"], "delta .* got nan"),
    "delta no number": (["scope", "grid/unlock", "--delta", "big"], "'big'"),
    "delta, train": (["train", "grid/unlock", "--set", "scope.delta=1.5"], "delta .* got 1.5"),
    "N too small": (["scope", "grid/unlock", "--transitions", 3], "transitions must be at least 10 .* got 3"),
    "N zero": (["scope", "grid/unlock", "--transitions", 0], "transitions .* got 0"),
    "N too small, train": (["train", "grid/unlock", "--set", "scope.transitions=3"], "at least 10 .* got 3"),
    "bin width": (["scope", "grid/unlock", "--bin-width", 0], "bin_width .* got 0.0"),
    "window": (["scope", "grid/unlock", "--window", 0], "window .* got 0"),
    "estimator": (["scope", "grid/unlock", "--estimator", "nmi_blok"], "estimator 'nmi_blok'; did you mean 'nmi_"),
    "estimator, train": (["train", "grid/unlock", "--set", "scope.estimator=nmi"], "unknown scope estimator 'nmi'"),
    "threshold rule": (["scope", "grid/unlock", "--threshold", "fix"], "threshold rule 'fix'; did you mean 'fixed'"),
    "seed": (["scope", "grid/unlock", "--seed", -1], "-1"),
    "unbounded actions": (["scope", "toy_envs:continuous"], "'a' has action space Box.*bound"),
    "unbounded actions, train": (["train", "toy_envs:continuous"], "Box.*bound"),
    "no state": (["scope", "toy_envs:stateless"], r"no state\(\)"),
    "no state, train": (["train", "toy_envs:stateless"], r"no state\(\)"),
    "state fallback": (["train", "toy_envs:stateless", "--state-fallback", "obs"], "'obs'"),
    "NaN state": (["scope", "toy_envs:nan_state"], "dimension 1 holds nan"),
    "NaN state, train": (["train", "toy_envs:nan_state"], "dimension 1 holds nan"),
    "infinite state later": (["scope", "toy_envs:nan_later"], "step 5, dimension 1 holds inf"),
    "infinite state later, train": (["train", "toy_envs:nan_later"], "step 5, dimension 1 holds inf"),
    "AEC": (["scope", "toy_envs:aec"], "AEC environment, in which agents take turns"),
    "AEC, train": (["train", "toy_envs:aec"], "AEC environment"),
    "no environment": (["scope", "toy_envs:nothing"], "not a PettingZoo ParallelEnv"),
    "train without a task": (["train"], "name a task"),
    "unknown preset": (["train", "grid/unlock", "--preset", "papr"], "'papr'; did you mean 'paper'?"),
    "unknown algo": (["train", "grid/unlock", "--algo", "isaa"], "'isaa'; did you mean 'isa'?"),
    "unknown device": (["train", "grid/unlock", "--device", "gpu"], "cuda, cuda:N; got 'gpu'; did you mean 'cuda'?"),
    "unknown device, scope": (["scope", "grid/unlock", "--device", "gpu"], "device .* got 'gpu'; did you mean 'cuda'?"),
    "device typed wrongly": (["train", "grid/unlock", "--device", "auot"], "got 'auot'; did you mean 'auto'?"),
    "no steps": (["train", "grid/unlock", "--steps", 0], "steps .* got 0"),
    "no environments": (["train", "grid/unlock", "--num-envs", 0], "num_envs .* got 0"),
    "steps no number": (["train", "grid/unlock", "--steps", "many"], "'many'"),
    "unknown key": (["train", "grid/unlock", "--set", "ppo.gama=0.9"], "ppo.gama; did you mean 'ppo.gamma'?"),
    "unknown section": (["train", "grid/unlock", "--set", "poo.gamma=0.9"], "poo"),
    "--set without =": (["train", "grid/unlock", "--set", "ppo.gamma"], "key=value .* got 'ppo.gamma'"),
    "--set unreadable": (["train", "grid/unlock", "--set", "ppo.gamma=[1"], r"'ppo.gamma=\[1'"),
    "--set wrong type": (["train", "grid/unlock", "--set", "ppo.hidden=wide"], "must be of type int, got 'wide'"),
    "unknown network": (["train", "grid/unlock", "--set", "ppo.network=lsmt"], "'lsmt'; did you mean 'lstm'?"),
    "network of none": (["train", "grid/unlock", "--set", "ppo.network=no_such:Net"], "No module named 'no_such'"),
    "network that is none": (["train", "grid/unlock", "--set", "ppo.network=toy_envs:Walk"], "must be a class derived"),
    "network in a phase": (["train", "grid/unlock", "--set", "phases.reach.ppo.network=gruu"], "did you mean 'gru'?"),
    "layers no list": (["train", "grid/unlock", "--set", "ppo.layers=64"], r"must be of type list\[int\], got 64"),
    "layers of nothing": (["train", "grid/unlock", "--set", "ppo.layers=[64,0]"], "layers .* from 1 to 16384, got 0"),
    "layers of words": (["train", "grid/unlock", "--set", "ppo.layers=[wide]"], r"list\[int\], got \['wide'\]"),
    "too wide": (["train", "grid/unlock", "--set", "ppo.layers=[100000]"], "layers .* from 1 to 16384, got 100000"),
    "--set env": (["train", "grid/unlock", "--set", "env=grid/shooting"], "cannot change env.*grid/shooting"),
    "--set preset": (["train", "grid/unlock", "--set", "preset=paper"], "cannot change preset.*paper.*--preset"),
    "no configuration": (["train", "grid/unlock", "--config", "none.yaml"], "none.yaml"),
    "resume of nothing": (["train", "--resume", "none"], "none holds no run"),
    "resume with an option": (["train", "--resume", "none", "--seed", 3], "leave out seed, got 3"),
    "eval of nothing": (["eval", "none"], "none holds no run"),
    "eval of no episodes": (["eval", "none", "--episodes", 0], "0"),
    "trust of a new run": (["train", "grid/unlock", "--trust"], "--trust is for --resume"),
    "threads": (["train", "grid/unlock", "--set", "threads=1000000"], "threads .* from 1 to 1024, got 1000000"),
    "copies": (["train", "grid/unlock", "--num-envs", 1000000000], "num_envs .* from 1 to 131072, got 1000000000"),
    "workers": (["train", "grid/unlock", "--workers", 1000000], "workers .* from 0 to 1024, got 1000000"),
    "evaluated copies": (["train", "grid/unlock", "--set", "eval_episodes=10000000"], "eval_episodes .* got 10000000"),
    "episodes": (["eval", "none", "--episodes", 1000000000], "1000000000"),
    "endless window": (["scope", "grid/unlock", "--window", 1000000000], "window .* from 1 to 1000, got 1000000000"),
    "long name": (["scope", "x" * 300], "unknown task 'xxx"),
    "long name of a folder": (["eval", "x" * 300], "xxx holds no run"),
    "long name of a new folder": (["train", "grid/unlock", "--out", "x" * 300], "cannot make run folder xxx.*too long"),
    "long name of a configuration": (["train", "grid/unlock", "--config", "x" * 300], "cannot read configuration xxx"),
    "long name of a scope": (["train", "grid/unlock", "--scope", "x" * 300], "xxx"),
    "a folder that is not UTF-8": (["eval", "\udcff"], "holds no run"),
    "deep --kwargs": (["scope", "grid/unlock", "--kwargs", "[" * 100_000], r"JSON object, got '\[\["),
    "nested --kwargs": (["scope", "grid/unlock", "--kwargs", '{"a":' * 99 + "1" + "}" * 99], "JSON object, got"),
    "deep --set": (["train", "grid/unlock", "--set", "seed=" + "[" * 5_000], "cannot read the value of 'seed="),
    "deep key of --set": (["train", "grid/unlock", "--set", "a." * 5_000 + "b=1"], "keys are such as"),
    "a number of many digits": (["train", "grid/unlock", "--set", "seed=0x" + "f" * 9_000], "seed .* got "),
    "steps beyond floats": (["train", "grid/unlock", "--set", "ppo.lr=0x" + "f" * 900], "lr .* got "),
    "success that is no number": (["train", "toy_envs:walk", "--success", "nan"], "success .* got nan"),
    "export of nothing": (["export", "none", "policy.pt2"], "none holds no run"),
    "goals of nothing": (["goals", "none"], "none holds no run"),
    "report of nothing": (["report", "none"], "none holds no run"),
    "plot of nothing": (["plot", "none"], "none holds no run"),
    "plot without runs": (["plot"], "RUN"),
    "bins of no width": (["check", "grid/unlock", "--bin-width", 0], "bin_width must be .* at least 1e-12, got 0"),
    "one mark at a time": (["scope", "grid/shootin"], "did you mean 'grid/shooting'? known: "),
    "range of a section's key": (["train", "grid/unlock", "--set", "ppo.lr=-1"], "isa: ppo.lr must be .* got -1"),
    "range in a phase": (["train", "grid/unlock", "--set", "phases.reach.ppo.lr=-1"], "phases.reach.ppo.lr must be"),
    "a scope for none": (["train", "grid/unlock", "--algo", "ippo", "--scope", "x"], "--scope must be left .* 'ippo'"),
    "a free scope of none": (["train", "grid/unlock", "--scope-is-free"], "give --scope FOLDER, or leave it out"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_in_one_line(name, capsys):
    arguments, said = MISTAKES[name]
    assert isa(*arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    line = one_line(err)
    assert line.startswith("isa: ")
    pattern = said.replace("?", r"\?")
    assert re.search(pattern, line), line
    left = [path for path in Path().rglob("*") if path != Path("runs")]
    assert not left, "nothing is left behind"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_that_is_not_there(capsys):
    assert isa("train", *TINY, "--device", "cuda", "--out", "out") == 2
    assert "'cuda' was asked for but torch sees no CUDA device" in one_line(capsys.readouterr().err)
    assert not Path("out").exists()


def test_a_folder_that_holds_a_run_is_left_alone(copy_of, capsys):
    run = copy_of()
    before = contents(run)
    assert isa("train", *TINY, "--out", run) == 2
    line = one_line(capsys.readouterr().err)
    assert f"{run} already holds a run" in line
    assert "--resume" in line
    assert contents(run) == before


def test_a_file_is_no_run_folder(capsys):
    Path("file").write_text("mine")
    assert isa("train", *TINY, "--out", "file") == 2
    assert "cannot make run folder file" in one_line(capsys.readouterr().err)
    assert isa("scope", "grid/unlock", "--transitions", 60, "--out", "file") == 2
    assert "cannot write to file: file is not a folder" in one_line(capsys.readouterr().err)
    assert isa("scope", "grid/unlock", "--transitions", 60, "--out", "file/deeper") == 2
    assert "cannot write to file/deeper: file is not a folder" in one_line(capsys.readouterr().err)
    assert Path("file").read_text() == "mine"


@pytest.mark.parametrize(
    "words",
    [
        ["eval", "RUN", "--render", "file/film.gif"],
        ["export", "RUN", "file/policy.pt2"],
        ["plot", "RUN", "--out", "file/curves.png"],
        ["report", "RUN", "--out", "file/report.html"],
        ["compare", "--task", "grid/unlock", "--seeds", "0", "--out", "file"],
        ["reproduce", "fig4a", "--out", "file/of/mine"],
    ],
    ids=lambda words: words[0],
)
def test_a_file_in_the_place_of_a_folder_is_met_before_anything_is_computed(words, copy_of, capsys, monkeypatch):
    monkeypatch.setattr("isa_learners.runs.algorithm.Algorithm.evaluate", lambda *_: pytest.fail("it was computed"))
    monkeypatch.setattr("isa_learners.runs.policy.RunPolicy.act", lambda *_: pytest.fail("it was computed"))
    run = copy_of()
    Path("file").write_text("mine")
    assert isa(*(run if word == "RUN" else word for word in words)) == 2
    assert re.search("cannot write to file.*: .*file is not a folder", one_line(capsys.readouterr().err))


def test_an_unknown_statistic_is_refused_of_one_run_too(copy_of, capsys):
    assert isa("plot", copy_of(), "--statistic", "meen") == 2
    assert "must be one of median, mean, iqm; got 'meen'; did you mean 'mean'?" in one_line(capsys.readouterr().err)


def test_a_run_that_cannot_begin_leaves_a_folder_of_others_as_it_was(capsys):
    Path("out").mkdir()
    Path("out/notes.txt").write_text("mine")
    assert isa("train", "toy_envs:nan_state", "--out", "out") == 2
    assert "holds nan" in one_line(capsys.readouterr().err)
    assert contents(Path("out")) == {"notes.txt": b"mine"}


# A run stopped before its first checkpoint starts over when resumed: test_resume has that.
DAMAGED = [
    (command, damage)
    for command in (["eval"], ["eval", "--best"], ["train", "--resume"])
    for damage in ("truncated", "foreign", "missing")
    if (command[0], damage) != ("train", "missing")
]


@pytest.mark.parametrize(("arguments", "damage"), DAMAGED)
def test_a_damaged_checkpoint_is_refused(copy_of, damage, arguments, capsys):
    run = copy_of()
    which = "best" if "--best" in arguments else "latest"
    path = run / "checkpoints" / f"{which}.safetensors"
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:200])
    elif damage == "foreign":
        path.write_bytes((run / "scope.safetensors").read_bytes())
    else:
        for file in path.parent.iterdir():
            file.unlink()
    before = contents(run)
    assert isa(*arguments, run) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert f"{which}.safetensors" in one_line(err)
    assert contents(run) == before, "nothing is lost"


@pytest.mark.slow
def test_without_a_latest_checkpoint_the_best_one_goes_on(copy_of):
    run = copy_of()
    (run / "checkpoints" / "latest.safetensors").unlink()
    rows = (run / "metrics.csv").read_text().splitlines()
    assert isa("train", "--resume", run) == 0
    assert (run / "metrics.csv").read_text().splitlines()[:2] == rows[:2], "what was measured before stays"


def test_a_checkpoint_of_another_task_is_refused(copy_of, capsys):
    run = copy_of()
    config = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(config.replace("env: grid/unlock", "env: grid/navigation"))
    assert isa("eval", run) == 2
    assert "is of task 'grid/unlock', this run of 'grid/navigation'" in one_line(capsys.readouterr().err)


def test_a_scope_is_not_written_over(copy_of, capsys):
    run = copy_of()
    before = contents(run)
    assert isa("scope", "grid/unlock", "--transitions", 60, "--out", run) == 2
    assert "already holds a scope" in one_line(capsys.readouterr().err)
    assert contents(run) == before


def test_a_checkpoint_of_another_configuration_is_refused(copy_of, capsys):
    run = copy_of()
    path = run / "config.yaml"
    path.write_text(path.read_text().replace("hidden: 4", "hidden: 5"))
    before = contents(run)
    for command in (["eval", run], ["train", "--resume", run]):
        assert isa(*command) == 2
        assert "does not fit this run's configuration: size mismatch for" in one_line(capsys.readouterr().err)
        assert contents(run) == before


def test_a_damaged_scope_is_refused(copy_of, capsys):
    run = copy_of()
    (run / "scope.json").write_text("{")
    assert isa("eval", run) == 2
    assert "scope.json is not a readable scope" in one_line(capsys.readouterr().err)


def test_a_damaged_configuration_is_refused(copy_of, capsys):
    run = copy_of()
    path = run / "config.yaml"
    path.write_text(path.read_text().replace("eval_episodes", "eval_epsiodes"))
    assert isa("eval", run) == 2
    assert "eval_epsiodes; did you mean 'eval_episodes'?" in one_line(capsys.readouterr().err)


def test_an_unknown_key_in_a_file_offers_the_nearest(tmp_path, capsys):
    path = tmp_path / "mine.yaml"
    path.write_text("goal: {hammming: 3}\n")
    assert isa("train", *TINY, "--config", path, "--out", "out") == 2
    assert "goal.hammming; did you mean 'goal.hamming'?" in one_line(capsys.readouterr().err)
    assert not Path("out").exists()


@pytest.mark.parametrize("name", ["episode.avi", "episode"])
def test_only_videos_are_rendered(finished, name, capsys):
    assert isa("eval", finished, "--episodes", 1, "--json", "--render", name) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert f"ends in .gif or .mp4, got '{name}'" in one_line(err)
    assert not Path(name).exists()


@pytest.mark.slow
def test_what_draws_nothing_is_not_rendered(capsys):
    assert isa("train", "toy_envs:walk", "--steps", 20, *IPPO, "--out", "out") == 0
    capsys.readouterr()
    assert isa("eval", "out", "--env", "toy_envs:walk", "--episodes", 1, "--render", "a.gif") == 2
    assert "toy_envs:walk draws no pictures" in one_line(capsys.readouterr().err)


@pytest.mark.parametrize("name", ["curves.foo", "file/curves.png"])
def test_a_plot_that_cannot_be_written(finished, name, capsys):
    Path("file").write_text("")
    assert isa("plot", finished, finished, "--out", name) == 2
    assert name in one_line(capsys.readouterr().err)


@pytest.mark.figures
def test_a_run_that_ends_before_its_first_evaluation(capsys):
    assert isa("train", "grid/unlock", "--kwargs", NEAR, "--steps", 70, *SMALL, *LATE, "--out", "short") == 0
    assert "never evaluated, as eval_interval is 500" in capsys.readouterr().err
    assert not Path("short/curves.png").exists()
    assert Path("short/scope.png").exists()
    assert isa("plot", "short") == 0
    out, err = capsys.readouterr()
    assert "holds no evaluation yet" in one_line(err)
    assert out == "short/scope.png\n"
    assert isa("plot", "short", "--out", "curves.pdf") == 2
    assert "holds no evaluation yet" in one_line(capsys.readouterr().err)
    assert not Path("curves.pdf").exists()


def test_plot_of_a_run_without_metrics(copy_of, capsys):
    run = copy_of()
    (run / "metrics.csv").unlink()
    assert isa("plot", run) == 2
    assert "metrics.csv is not a readable metrics file" in one_line(capsys.readouterr().err)


def test_our_own_failures_keep_their_traceback(monkeypatch):
    """Exit code 1 and a traceback, as Python does, once out of ``main``."""
    monkeypatch.setattr("isa_cli.envs.available_tasks", None)
    with pytest.raises(TypeError):
        main(["envs", "--json"])


# --- interrupting and resuming ---


@pytest.mark.slow
def test_a_mistake_in_a_process_of_its_own():
    code, out, err = ended(forked("train", "grid/unlock", "--kwargs", '{"num_agents": 0}'))
    assert code == 2
    assert out == ""
    assert "got 0" in one_line(err)


@pytest.mark.slow
def test_ctrl_c_writes_a_checkpoint_to_go_on_from(tmp_path, capsys):
    run = tmp_path / "run"
    arguments = ["train", *TINY, "--steps", 10**9, "--out", run]
    process, metrics = forked(*arguments), run / "metrics.csv"
    wait_for(lambda: metrics.exists() and metrics.read_text().count("\n") > 2, process)
    process.send_signal(signal.SIGINT)
    code, out, err = ended(process)
    assert code == 130
    assert out == ""
    assert f"isa train --resume {run}" in one_line(err)
    assert (run / "checkpoints" / "latest.safetensors").exists()
    assert not (run / "summary.json").exists()

    with metrics.open(newline="") as file:
        before = list(csv.DictReader(file))
    steps = int(before[-1]["env_steps"]) + 100
    assert isa("train", "--resume", run, "--steps", steps) == 0
    assert capsys.readouterr().out == f"{run}\n"
    assert json.loads((run / "summary.json").read_text())["env_steps"] >= steps
    with metrics.open(newline="") as file:
        after = list(csv.DictReader(file))
    assert after[: len(before)] == before
    assert len(after) > len(before)


@pytest.mark.slow
def test_ctrl_c_before_there_is_anything_to_save(monkeypatch, capsys):
    with monkeypatch.context() as patched:
        patched.setattr("isa_learners.runs.training.scope_for", _pressed)
        assert isa("train", *TINY, "--out", "out") == 130
    assert "Traceback" not in capsys.readouterr().err
    assert isa("train", "--resume", "out") == 0
    assert json.loads(Path("out/summary.json").read_text())["env_steps"] == 200


def _pressed(config, on_steps=None):
    raise KeyboardInterrupt


@pytest.mark.slow
def test_resuming_a_finished_run(copy_of, capsys):
    run = copy_of()
    before = contents(run)
    assert isa("train", "--resume", run) == 0
    for name in ("config.yaml", "metrics.csv", "scope.json"):
        assert contents(run)[name] == before[name]


@pytest.mark.slow
def test_a_finished_run_goes_on_for_more_steps(copy_of, capsys):
    run = copy_of()
    before = (run / "metrics.csv").read_text()
    assert isa("train", "--resume", run, "--steps", 300) == 0
    assert (run / "metrics.csv").read_text().startswith(before)
    assert json.loads((run / "summary.json").read_text())["env_steps"] == 300
    assert yaml.safe_load((run / "config.yaml").read_text())["steps"] == 300


def test_the_package_is_the_command():
    done = subprocess.run([sys.executable, "-m", "isa_cli", "algorithms"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert "ippo" in done.stdout
