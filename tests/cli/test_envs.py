"""``isa envs``: tasks with where they come from; families of other packages, missing, broken and twice there."""

import json
import os
import subprocess
import sys

import pytest
from toy_families import TOY

from isa_cli.main import main


def isa(*arguments):
    """Run the command line; return its exit code."""
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    return caught.value.code


def in_its_own_process(*arguments, sites=()):
    """Run ``isa`` with packages installed in ``sites``: what the user sees of warnings too."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([*map(str, sites), *sys.path])}
    line = [sys.executable, "-c", "from isa_cli.main import main; main()", *arguments]
    return subprocess.run(line, env=env, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def toy(plugin):
    return plugin("toy_pkg", TOY, {"isa_marl.tasks": {"toy": "toy_pkg:FAMILY"}})


def test_envs(capsys):
    assert isa("envs") == 0
    out = capsys.readouterr().out
    for name in ("grid/navigation", "grid/shooting", "grid/unlock", "package.module:factory"):
        assert name in out


def test_envs_as_json(capsys):
    assert isa("envs", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert {"grid/navigation", "grid/shooting", "grid/unlock"} <= {env["name"] for env in found["envs"]}


def test_envs_lists_tasks_of_other_packages(toy, capsys):
    assert isa("envs") == 0
    lines = capsys.readouterr().out.splitlines()
    assert f"{'toy/line':<32} two agents walk to the ends of their lines (from toy_pkg)" in lines
    assert f"{'grid/unlock':<32} 7 agents each open their own lock; +1 per lock" in lines
    assert lines[-1].startswith("package.module:factory ")


def test_envs_as_json_names_sources(toy, capsys):
    assert isa("envs", "--json") == 0
    out, err = capsys.readouterr()
    assert err == ""
    found = {env.pop("name"): env for env in json.loads(out)["envs"]}
    assert found["toy/long"] == {"description": "longer lines", "source": "toy_pkg"}
    assert found["grid/unlock"]["source"] == "isa-marl"


@pytest.mark.slow
def test_the_scope_of_a_task_of_another_package(toy, capsys):
    assert isa("scope", "toy/line", "--transitions", 300, "--json") == 0
    assert json.loads(capsys.readouterr().out)["D_i"] == [[0], [1]]
    assert isa("scope", "toy/line", "--transitions", 300, "--kwargs", '{"length": 4}') == 0
    assert isa("scope", "toy/lime") == 2
    says = "isa: unknown task 'toy/lime'; did you mean 'toy/line'? known: toy/line, toy/long\n"
    assert capsys.readouterr().err == says
    assert isa("scope", "toy/line", "--kwargs", '{"width": 4}') == 2
    assert "'toy/line' does not accept these options: got an unexpected" in capsys.readouterr().err


def test_what_is_missing_is_listed(plugin, capsys):
    away = TOY + "\nToys.tasks = lambda self: {}\nToys.missing = lambda self: 'needs lanes: pip install lanes'\n"
    plugin("away_pkg", away, {"isa_marl.tasks": {"toy": "away_pkg:FAMILY"}})
    assert isa("envs") == 0
    assert f"{'toy/NAME':<32} walks on lines; needs lanes: pip install lanes" in capsys.readouterr().out.splitlines()


@pytest.mark.slow
def test_a_broken_entry_point_is_named_in_a_line_and_stops_nothing(plugin):
    sites = [
        plugin("bad_pkg", "import lanes_that_are_not_there", {"isa_marl.tasks": {"bad": "bad_pkg:FAMILY"}}),
        plugin("toy_pkg", TOY, {"isa_marl.tasks": {"toy": "toy_pkg:FAMILY"}}),
    ]
    for arguments in (["envs"], ["envs", "--json"], ["scope", "toy/line", "--transitions", "300", "--json"]):
        done = in_its_own_process(*arguments, sites=sites)
        assert done.returncode == 0
        assert done.stderr == (
            "isa: warning: task family 'bad' of package bad_pkg cannot be imported and is skipped: "
            "ModuleNotFoundError: No module named 'lanes_that_are_not_there' (bad_pkg.py:1)\n"
        )
        assert "toy/line" in done.stdout


@pytest.mark.slow
def test_two_packages_of_one_name_are_both_named(plugin):
    sites = [plugin(name, TOY, {"isa_marl.tasks": {"toy": f"{name}:FAMILY"}}) for name in ("one_pkg", "other_pkg")]
    done = in_its_own_process("envs", sites=sites)
    assert done.returncode == 0
    assert "grid/unlock" in done.stdout
    assert "toy/line" not in done.stdout
    assert done.stderr.count("\n") == 1
    named = "several packages provide task family 'toy': one_pkg, other_pkg; uninstall all but one\n"
    assert done.stderr.endswith(named)
    done = in_its_own_process("scope", "toy/line", sites=sites)
    assert (done.returncode, done.stderr) == (2, f"isa: {named}")


def test_keys_of_a_task_that_is_not_there_are_not_shown(capsys):
    assert isa("config", "grid/shootin") == 2
    assert "unknown task 'grid/shootin'; did you mean 'grid/shooting'?" in capsys.readouterr().err
    assert isa("config", "no_such_package:Env", "--key", "seed") == 0, "nothing is imported"


def test_square_brackets_are_text_in_a_table(capsys):
    assert isa("config", "smax/3m", "--algo", "laies", "--set", "laies.external=['[bold].x']", "--key", "external") == 0
    shown = capsys.readouterr().out
    assert "``[enemy_*.health]``" in " ".join(shown.split())
    assert "[bold].x" in shown
