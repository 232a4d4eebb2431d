"""docs/extending: each example is one file and one entry, brought by a package of its own, and works as printed."""

import csv
import json
import re
import shlex
from pathlib import Path

import pytest
import tomllib

from isa_cli.main import main
from isa_learners.runs.run_folder import RunFolder

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
PAGES = sorted(path.stem for path in (ROOT / "docs/extending").glob("*.md") if path.stem != "README")
LONGEST_EXAMPLE = {"learner": 80}
"""Lines of code; 40 where nothing is said."""


@pytest.fixture(autouse=True)
def no_figures(blank_figures):
    """Runs draw none: that is not what a package brings."""


def isa(*arguments):
    """Run the command line; return its exit code."""
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    return caught.value.code


def blocks_of(page, language):
    text = (ROOT / f"docs/extending/{page}.md").read_text()
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


@pytest.fixture
def installed(plugin, tmp_path, monkeypatch):
    """Install what a page shows, each file as a package of its own with the entry points printed beside it."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def install(page):
        points = {}
        for block in blocks_of(page, "toml"):
            for group, entries in tomllib.loads(block)["project"]["entry-points"].items():
                for name, value in entries.items():
                    points.setdefault(value.partition(":")[0], {}).setdefault(group, {})[name] = value
        for code in blocks_of(page, "python"):
            if named := re.match(r"# (\w+)\.py\n", code):
                assert sum(bool(line.strip()) for line in code.splitlines()) <= LONGEST_EXAMPLE.get(page, 40)
                plugin(named[1], code, points.pop(named[1]))
        assert not points, "every entry has its file"

    return install


@pytest.mark.parametrize("page", PAGES)
def test_the_page_works_as_printed(page, installed, capsys):
    installed(page)
    commands = re.findall(r"^    (isa .*)$", (ROOT / f"docs/extending/{page}.md").read_text(), flags=re.MULTILINE)
    assert commands
    for number, line in enumerate(commands):
        arguments = shlex.split(line)[1:]
        more = ["--out", f"run{number}", "--device", "cpu"] if arguments[0] == "train" else []
        assert isa(*arguments, *more) == 0, (line, capsys.readouterr().err)
    capsys.readouterr()
    for code in blocks_of(page, "python"):
        if not code.startswith("# my_"):
            exec(compile(code, page, "exec"), {"__name__": page})
            promised = re.findall(r"^(?!from|import).*  # (.*)$", code, flags=re.MULTILINE)
            shown = capsys.readouterr().out.split("\n")[:-1]
            assert shown == [word for line in promised for word in line.split(", ")]


def columns(run):
    with RunFolder(run).metrics_file.open(newline="") as file:
        return next(csv.reader(file))


def test_an_algorithm_from_outside_has_phases_metrics_and_settings_of_its_own(installed, capsys):
    installed("algorithm")
    assert isa("algorithms", "--json") == 0
    listed = {row["name"]: row for row in json.loads(capsys.readouterr().out)["algorithms"]}
    assert listed["explore_then_train"]["source"] == "my_algorithms"
    assert listed["explore_then_train"]["phases"] == ["explore", "train"]
    near = ["grid/unlock", "--kwargs", '{"num_agents": 1, "grid": 3, "targets": [[0, 1]], "horizon": 6}']
    small = ["--set", "scope.transitions=60", "--num-envs", 8, "--set", "eval_interval=300", "--device", "cpu"]
    own = ["--algo", "explore_then_train", "--set", "phases.train.ppo.lr=0.5"]
    assert isa("train", *near, *small, *own, "--steps", 1500, "--out", "run") == 0
    summary = json.loads(Path("run/summary.json").read_text())
    assert (summary["algo"], summary["phase"]) == ("explore_then_train", "train")
    assert "won_states" in columns("run")
    assert "goals" not in columns("run"), "that is ISA's"
    config = RunFolder.open("run").config()
    assert config.for_phase("train").ppo.lr == 0.5
    assert config.for_phase("explore").ppo.lr == config.ppo.lr == 0.002
    assert isa("eval", "run", "--episodes", 2) == 0
    assert isa("train", "--resume", "run", "--steps", 1800) == 0
    capsys.readouterr()
    assert isa("train", *near, *own, "--set", "goal.capacity=3", "--out", "other") == 2
    assert "has no section 'goal'; its sections are scope, credit, count, ppo" in capsys.readouterr().err


def test_a_reward_from_outside_pays_in_a_run(installed, capsys):
    """Two thirds of the random first steps of two actions... all pay: the mean reward tells."""
    installed("intrinsic-reward")
    run = ["train", "grid/unlock", "--algo", "ippo", "--set", "intrinsic=still", "--set", "still.pay=0.5"]
    small = ["--num-envs", 8, "--steps", 480, "--set", "eval_interval=240", "--device", "cpu", "--seed", 1]
    assert isa(*run, *small, "--out", "run") == 0
    with RunFolder("run").metrics_file.open(newline="") as file:
        paid = [float(row["reward_mean"]) for row in csv.DictReader(file)]
    assert all(0.03 < mean < 0.3 for mean in paid), "stay is one of five actions and pays a half"
    assert RunFolder.open("run").config().still.pay == 0.5
    capsys.readouterr()
    assert isa("train", "grid/unlock", "--set", "intrinsic=stil") == 2
    assert "unknown intrinsic reward 'stil'; did you mean 'still'?" in capsys.readouterr().err


CREDIT = """
import numpy as np
from isa_wrappers.scope import Credit, CreditRule


def swapped(scope):
    special = scope.special_mask[::-1]
    return Credit(scope.common_mask, special, scope.touches_common, scope.agents, scope.num_actions)


SWAPPED = CreditRule(swapped, "each agent is credited for another's dimensions")
"""


def test_a_credit_rule_from_outside_is_a_flag(plugin, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    plugin("swap", CREDIT, {"isa_marl.credit_rules": {"swapped": "swap:SWAPPED"}})
    run = ["train", "grid/unlock", "--kwargs", '{"num_agents": 2}', "--set", "credit.rule=swapped", "--num-envs", 4]
    assert isa(*run, "--set", "scope.transitions=500", "--steps", 1500, "--device", "cpu", "--out", "run") == 0
    assert RunFolder.open("run").config().credit.rule == "swapped"
    capsys.readouterr()
    assert isa("train", "grid/unlock", "--set", "credit.rule=swaped") == 2
    assert "unknown credit rule 'swaped'; did you mean 'swapped'? known: scope, ungated" in capsys.readouterr().err


def test_a_broken_algorithm_is_named_in_one_line_and_the_rest_is_listed(plugin, capsys):
    plugin("broken", "raise OSError('no such thing')", {"isa_marl.algorithms": {"odd": "broken:ODD"}})
    with pytest.warns(UserWarning, match=r"algorithm 'odd' of package broken cannot be imported.*OSError") as warned:
        assert isa("algorithms", "--json") == 0
    assert "\n" not in str(warned[0].message)
    names = [row["name"] for row in json.loads(capsys.readouterr().out)["algorithms"]]
    expected = "isa isa_explore isa_reach ippo mappo happo coma vdn qmix maser laies"
    assert names == expected.split()


def test_two_algorithms_of_one_name_are_both_named(plugin, capsys):
    code = "from isa_learners.algorithms.ippo import IPPO"
    plugin("one", code, {"isa_marl.algorithms": {"mine": "one:IPPO"}})
    plugin("other", code, {"isa_marl.algorithms": {"mine": "other:IPPO"}})
    assert isa("train", "grid/unlock", "--algo", "mine") == 2
    assert "several packages provide algorithm 'mine': one, other" in capsys.readouterr().err.replace(
        "other, one", "one, other"
    )
    assert isa("algorithms") == 0
    out, err = capsys.readouterr()
    assert "isa " in out
    assert "ippo " in out
    assert "'mine'" in err
