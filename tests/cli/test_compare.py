"""``isa compare`` through the command line."""

import json
from pathlib import Path

import pytest
import yaml
from cli_helpers import isa, one_line
from plan_helpers import forked_runs, tiny_plan


@pytest.fixture
def plan(tmp_path):
    path = tmp_path / "plan.yaml"
    path.write_text(yaml.dump(tiny_plan(seeds=[0]), sort_keys=False))
    return str(path)


@pytest.mark.slow
def test_a_plan_from_the_list_of_what_is_left_to_its_results(plan, tmp_path, capsys):
    out = str(tmp_path / "out")
    assert isa("compare", plan, "--out", out, "--dry-run") == 0
    said = capsys.readouterr().out
    assert "    1  grid/unlock  ippo  seed 0  200 steps  new" in said
    assert "2 of 2 runs left; no estimate" in said
    assert isa("compare", plan, "--out", out, "--only", "1", "--jobs", "1", "--quiet") == 0
    assert capsys.readouterr().err == ""
    assert isa("compare", plan, "--out", out, "--only", "1", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"results": [], "failed": {}, "files": []}
    assert (tmp_path / "out" / "grid-unlock" / "ippo" / "seed0" / "final.json").exists()
    assert not (tmp_path / "out" / "results.csv").exists(), "one of an array writes no results"
    assert isa("compare", plan, "--out", out, "--dry-run", "--json") == 0
    captured = capsys.readouterr()
    assert [run["variant"] for run in json.loads(captured.out)["left"]] == ["isa"]
    with forked_runs():
        assert isa("compare", plan, "--out", out, "--json") == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert [row["variant"] for row in found["results"]] == ["isa", "ippo"]
    assert found["failed"] == {}
    assert "1/1 grid-unlock/isa/seed0: success" in captured.err
    assert isa("compare", plan, "--out", out, "--dry-run") == 0
    assert "0 of 2 runs left; run the command without --dry-run" in capsys.readouterr().out
    assert isa("compare", plan, "--out", out, "--only", 2) == 2, "of a finished one too"
    assert "from 0 to 1, got 2" in one_line(capsys.readouterr().err)


@pytest.mark.slow
def test_a_network_of_one_s_own_and_damaged_files(plan, tmp_path, capsys):
    """What is damaged is mended or told, and the other run has its results."""
    words = ["compare", plan, "--set", "ppo.network=network_toys:Own", "--out", tmp_path / "out", "--quiet"]
    with forked_runs():
        assert isa(*words, "--only", 1) == 0
        assert isa(*words) == 0
        whole = (tmp_path / "out" / "results.md").read_text()
        (summary,) = (tmp_path / "out" / "grid-unlock" / "ippo").glob("*/summary.json")
        summary.write_text(summary.read_text()[:100])
        assert isa(*words) == 0
        assert (tmp_path / "out" / "results.md").read_text() == whole
    summary.with_name("metrics.csv").write_text("a,b\n1,2\n")
    capsys.readouterr()
    assert isa(*words, "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert [row["variant"] for row in found["results"]] == ["isa"]
    assert "metrics.csv is not a readable metrics file" in found["failed"]["grid-unlock/ippo/seed0"]


def test_a_comparison_without_a_file(tmp_path, capsys):
    words = [
        "--task",
        "grid/shooting",
        "--variant",
        "isa",
        "--variant",
        "ungated",
        "--seeds",
        "0-2",
        "--steps",
        "90000",
    ]
    assert isa("compare", *words, "--set", "ppo.num_envs=16", "--out", str(tmp_path), "--dry-run") == 0
    assert "6 of 6 runs left" in capsys.readouterr().out


def test_a_setting_of_one_algorithm_beside_others(tmp_path, capsys):
    words = ["--task", "grid/shooting", "--variant", "isa", "--variant", "ippo", "--seeds", "0", "--dry-run"]
    assert isa("compare", *words, "--set", "scope.transitions=2000", "--out", tmp_path) == 0
    assert "2 of 2 runs left" in capsys.readouterr().out


def test_what_is_said_over_a_file(plan, tmp_path, capsys):
    assert isa("compare", plan, "--steps", "300", "--set", "ppo.lr=0.5", "--out", tmp_path / "out", "--dry-run") == 0
    assert "0  grid/unlock  isa  seed 0  300 steps" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--task", "grid/shootin"], "did you mean 'grid/shooting'"),
        (["--task", "grid/shooting", "--variant", "ungatd"], "did you mean 'ungated'"),
        (["--task", "grid/shooting", "--seeds", "1,1"], "seed 1 occurs twice"),
        (["--task", "grid/shooting", "--on", "slurm"], "--on takes local, ray or ray:ADDRESS"),
        (["--task", "grid/shooting", "--on", "slurm", "--dry-run"], "--on takes local, ray or ray:ADDRESS"),
        (["--task", "grid/shooting", "--on", "ray:nowhere"], "ray:HOST:PORT, got 'ray:nowhere'"),
        (["--task", "grid/shooting", "--figures", "gif"], "--figures takes png, pdf, svg, got 'gif'"),
        (["--task", "grid/shooting", "--only", "99", "--seeds", "0-1"], "from 0 to 1, got 99"),
        (
            ["--task", "grid/shooting", "--resources", '{"num_cpus": -1}'],
            "non-negative numbers, got '{\"num_cpus\": -1}'",
        ),
        (
            ["--task", "grid/shooting", "--resources", '{"CPU": 1}'],
            "takes num_cpus, got CPU",
        ),
        (["--task", "grid/shooting", "--resources", "[1]"], "--resources must be a JSON object, got '[1]'"),
        (
            ["--task", "grid/shooting", "--variant", "ippo", "--set", "scope.delta=0.2"],
            "no variant has a section 'scope', for scope.delta; their sections are ppo",
        ),
        (["--task", "grid/shooting", "--set", "pppo.epoch=2"], "'pppo', for pppo.epoch; did you mean 'ppo.epochs'?"),
        (
            ["--task", "grid/shooting", "--set", "ppo.epoch=2"],
            "key ppo.epoch; did you mean 'ppo.epochs'?",
        ),
        (["--task", "toy_envs:stateless"], "isa compare: --set state_fallback=observations"),
        ([], "name a plan, or --task"),
        (["--task", "grid/shooting", "--steps", "100"], "steps must be more than"),
        (["--task", "grid/shootin", "--dry-run"], "did you mean 'grid/shooting'"),
        (["--task", "grid/unlock", "--kwargs", '{"num_agnts": 5}', "--dry-run"], "'num_agnts'"),
        (["--task", "grid/unlock", "--set", "scope_folder=nowhere", "--dry-run"], "no scope at nowhere"),
    ],
)
def test_mistakes_are_met_before_anything_starts(words, told, tmp_path, capsys):
    if "--seeds" not in words:
        words = [*words, "--seeds", "0"]
    assert isa("compare", *words, "--out", str(tmp_path / "out")) == 2
    assert told in one_line(capsys.readouterr().err)
    assert not (tmp_path / "out").exists()


def test_a_dry_run_checks_a_plan_as_the_command_does(plan, tmp_path, capsys):
    text = Path(plan).read_text()
    for line in ("", "--dry-run"):
        Path(plan).write_text(text.replace("grid/unlock", "grid/unlok"))
        assert isa("compare", plan, "--out", tmp_path / "out", *line.split()) == 2
        assert "plan.yaml, line 2: unknown task 'grid/unlok'" in one_line(capsys.readouterr().err)
    assert not (tmp_path / "out").exists()


def test_an_empty_plan_is_told_what_a_plan_holds(plan, tmp_path, capsys):
    Path(plan).write_text("")
    assert isa("compare", plan, "--out", tmp_path / "out") == 2
    assert "plan.yaml must hold a mapping of tasks, variants, seeds" in one_line(capsys.readouterr().err)
