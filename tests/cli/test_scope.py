"""``isa scope``: what it prints, as JSON and as files, and what its options reach."""

import json

import pytest
from cli_helpers import NEAR, contents, ended, isa, one_line, started

pytestmark = pytest.mark.usefixtures("somewhere")

pytest.importorskip("torch")


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


def test_options_of_a_task_may_have_the_names_of_our_own(capsys):
    given = '{"seed": 1, "config": 2}'
    assert isa("scope", "toy_envs:seeded", "--kwargs", given, "--transitions", "600", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["settings"]["env_kwargs"], said["settings"]["seed"]) == ({"seed": 1, "config": 2}, 0)
    assert said["D_i"] == [[0], [1]]
    assert isa("scope", "toy_envs:walk", "--kwargs", '{"self": 1}') == 2
    assert "options of the task cannot hold 'self'" in one_line(capsys.readouterr().err)


def test_a_scope_explains_itself(capsys):
    options = ["--kwargs", '{"num_agents": 2}', "--until-certain"]
    assert isa("scope", "grid/unlock", *options, "--json") == 0
    said = json.loads(capsys.readouterr().out)["explanation"]
    assert [(one["agent"], one["dimension"]) for one in said["moved"]] == [
        (f"agent_{i}", f"agent_{i}.{axis}") for i in range(2) for axis in "xy"
    ]
    assert all(one["log_p"] < -10 for one in said["moved"])
    assert (said["env_steps"], said["nearly"]) == (5_016, []), "5,000, and what 8 copies take more each"
    assert isa("scope", "grid/unlock", *options) == 0
    assert "5,016 environment steps; among noise" in capsys.readouterr().out


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


@pytest.mark.parametrize("task", ["grid/shooting", "toy_envs:stateless", "batch_toys:walks"])
def test_what_stands_for_the_state_is_checked_for_every_task(task, capsys):
    assert isa("scope", task, "--state-fallback", "obs") == 2
    assert "state_fallback must be None, 'observations' or a function" in one_line(capsys.readouterr().err)


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


def test_a_scope_is_not_written_over(copy_of, capsys):
    run = copy_of()
    before = contents(run)
    assert isa("scope", "grid/unlock", "--transitions", 60, "--out", run) == 2
    assert "already holds a scope" in one_line(capsys.readouterr().err)
    assert contents(run) == before
