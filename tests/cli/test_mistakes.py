"""Each mistake in what is asked for: exit code 2, one line on stderr, nothing left behind."""

import re
from pathlib import Path

import pytest
from cli_helpers import NEAR, TINY, isa, one_line

pytestmark = pytest.mark.usefixtures("somewhere")

torch = pytest.importorskip("torch")


MISTAKES = {
    "no such command": (["trian"], "trian"),
    "no such option": (["scope", "grid/unlock", "--dleta", 0.1], "--dleta"),
    "scope without a task": (["scope"], "ENV"),
    "unknown task": (["scope", "grid/shootin"], "'grid/shootin'; did you mean 'grid/shooting'?"),
    "unknown task, train": (["train", "grid/shootin"], "'grid/shootin'; did you mean 'grid/shooting'?"),
    "a file": (["scope", "toy_envs.py:walk"], "no module 'toy_envs.py' .*; leave out .py"),
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
    "kwargs of Python": (["scope", "grid/unlock", "--kwargs", "{'grid': 3}"], r"JSON object, with double quotes, got"),
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
    "NaN state": (["scope", "toy_envs:nan_state"], "dimension 1 is nan"),
    "NaN state, train": (["train", "toy_envs:nan_state"], "dimension 1 is nan"),
    "infinite state later": (["scope", "toy_envs:nan_later"], "step 5, dimension 1 is inf"),
    "infinite state later, train": (["train", "toy_envs:nan_later"], "step 5, dimension 1 is inf"),
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
    "layers of Python": (["train", "grid/unlock", "--set", "ppo.layers=(64,64)"], r"got '\(64,64\)'; write \[64,64\]"),
    "nothing, of Python": (["train", "grid/unlock", "--set", "scope.delta=None"], "got 'None'; write null"),
    "layers no list": (["train", "grid/unlock", "--set", "ppo.layers=64"], r"must be of type list\[int\], got 64"),
    "layers of nothing": (["train", "grid/unlock", "--set", "ppo.layers=[64,0]"], "layers .* from 1 to 16384, got 0"),
    "layers of words": (["train", "grid/unlock", "--set", "ppo.layers=[wide]"], r"list\[int\], got \['wide'\]"),
    "too wide": (["train", "grid/unlock", "--set", "ppo.layers=[100000]"], "layers .* from 1 to 16384, got 100000"),
    "--set env": (["train", "grid/unlock", "--set", "env=grid/shooting"], "cannot change env.*grid/shooting"),
    "--set preset": (["train", "grid/unlock", "--set", "preset=paper"], "cannot change preset.*paper.*--preset"),
    "two seeds": (["train", "grid/unlock", "--seed", 2, "--set", "seed=1"], "seed is given twice, 2 by --seed and 1 b"),
    "two numbers of steps": (["train", "grid/unlock", "--steps", 9, "--set", "steps=8"], "given twice, 9 by --steps"),
    "two algorithms": (["config", "--algo", "isa", "--set", "algo=ippo"], "'isa' by --algo and 'ippo' by --set; l"),
    "two batches": (["train", "grid/unlock", "--num-envs", 4, "--set", "ppo.num_envs=8"], "4 by --num-envs and 8"),
    "two grids": (["train", "grid/unlock", "--kwargs", NEAR, "--set", "env_kwargs.grid=4"], "3 by --kwargs and 4 by"),
    "two scopes": (["train", "grid/unlock", "--scope", "a", "--set", "scope_folder=b"], "'a' by --scope and 'b'"),
    "resume to two ends": (["train", "--resume", "x", "--steps", 9, "--set", "steps=8"], "given twice, 9 by --steps"),
    "compare two grids": (
        ["compare", "--task", "grid/unlock", "--kwargs", NEAR, "--set", "env_kwargs.grid=4", "--dry-run"],
        "env_kwargs.grid is given twice, 3 by --kwargs and 4 by --set; leave one out",
    ),
    "no configuration": (["train", "grid/unlock", "--config", "none.yaml"], "none.yaml"),
    "resume of nothing": (["train", "--resume", "none"], "none holds no run"),
    "resume with an option": (["train", "--resume", "none", "--seed", 3], "leave out seed, got 3"),
    "eval of nothing": (["eval", "none"], "none holds no run"),
    "eval of no episodes": (["eval", "none", "--episodes", 0], "0"),
    "trust of a new run": (["train", "grid/unlock", "--trust"], "--trust is only for --resume"),
    "threads": (["train", "grid/unlock", "--set", "threads=1000000"], "threads .* from 1 to 1024, got 1000000"),
    "copies": (["train", "grid/unlock", "--num-envs", 1000000000], "num_envs .* from 1 to 131072, got 1000000000"),
    "workers": (["train", "grid/unlock", "--workers", 1000000], "workers .* from 0 to 1024, got 1000000"),
    "evaluated copies": (["train", "grid/unlock", "--set", "eval_episodes=10000000"], "eval_episodes .* got 10000000"),
    "episodes": (["eval", "none", "--episodes", 1000000000], "1000000000"),
    "endless window": (["scope", "grid/unlock", "--window", 1000000000], "window .* from 1 to 1000, got 1000000000"),
    "long name": (["scope", "x" * 300], "unknown task 'xxx"),
    "long name of a folder": (["eval", "x" * 300], "xxx holds no run"),
    "long name of a new folder": (["train", "grid/unlock", "--out", "x" * 300], "create run folder xxx.*too long"),
    "long name of a configuration": (["train", "grid/unlock", "--config", "x" * 300], "cannot read configuration xxx"),
    "long name of a scope": (["train", "grid/unlock", "--scope", "x" * 300], "xxx"),
    "a folder that is not UTF-8": (["eval", "\udcff"], "holds no run"),
    "deep --kwargs": (["scope", "grid/unlock", "--kwargs", "[" * 100_000], r"JSON object, got '\[\["),
    "nested --kwargs": (["scope", "grid/unlock", "--kwargs", '{"a":' * 99 + "1" + "}" * 99], "JSON object, got"),
    "deep --set": (["train", "grid/unlock", "--set", "seed=" + "[" * 5_000], "cannot read the value of 'seed="),
    "deep key of --set": (["train", "grid/unlock", "--set", "a." * 5_000 + "b=1"], "key must be a name such as"),
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
    "a scope for none": (["train", "grid/unlock", "--algo", "ippo", "--scope", "x"], "--scope needs a run .* 'ippo'"),
    "a free scope of none": (["train", "grid/unlock", "--scope-is-free"], "--scope-is-free needs --scope FOLDER"),
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
    assert "'cuda' was requested, but torch has no CUDA device" in one_line(capsys.readouterr().err)
    assert not Path("out").exists()


def test_a_file_is_no_run_folder(capsys):
    Path("file").write_text("mine")
    assert isa("train", *TINY, "--out", "file") == 2
    assert "cannot create run folder file" in one_line(capsys.readouterr().err)
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
