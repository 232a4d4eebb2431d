"""Every key is explained from the docstrings, and the docs' page says what the code says."""

import json
from pathlib import Path

import pytest

from isa_cli.main import main
from isa_learners.algorithms import ALGORITHMS
from isa_learners.runs.config_keys import USUAL_NAMES, all_keys, section_kinds
from isa_learners.runs.config_page import explain, page
from isa_wrappers.rewards import REWARDS

ROOT = Path(__file__).parents[3]


def isa(*arguments):
    """Run the command line; return its exit code."""
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    return caught.value.code


def test_the_docs_have_the_same_page():
    """``python -m isa_learners.runs.config_page docs/configuration.md`` writes it anew."""
    assert (ROOT / "docs/configuration.md").read_text() == page()


def test_meanings_are_plain_text():
    """They are printed as they are."""
    assert ":`" not in page()


def test_every_key_has_a_meaning_and_a_range():
    for algo in ALGORITHMS:
        rows = explain("grid/unlock", "fast", [{"algo": algo}])
        of_run = [row["key"] for row in rows if not row["key"].startswith("phases.")]
        spec = ALGORITHMS[algo]
        assert of_run == all_keys(section_kinds(algo, spec.learner, spec.intrinsic))
        for row in rows:
            assert row["meaning"], row["key"]
            assert row["range"], row["key"]


@pytest.mark.parametrize("name", [name for name in REWARDS if not REWARDS[name].needs_goal])
def test_an_intrinsic_rewards_keys_are_explained(name):
    rows = {row["key"]: row for row in explain("grid/unlock", "fast", [{"algo": "ippo", "intrinsic": name}])}
    own = [key for key in rows if key.startswith(f"{name}.")]
    assert own == all_keys({name: REWARDS[name].config})[-len(own) :]
    assert all(rows[key]["meaning"] and rows[key]["range"] for key in own)
    assert f"## `{name}`" in page()


def test_where_a_rewards_values_come_from():
    layers = [{"algo": "laies", "laies": {"external": "scope"}}]
    rows = {row["key"]: row for row in explain("smax/3m", "paper", layers)}
    assert (rows["intrinsic"]["value"], rows["intrinsic"]["source"]) == ("laies", "algorithm laies")
    assert (rows["laies.external"]["value"], rows["laies.external"]["source"]) == ("scope", "given")
    assert (rows["laies.beta1"]["value"], rows["laies.beta1"]["source"]) == (90.0, "preset paper")
    assert rows["scope.delta"]["source"] == "preset paper"


def test_where_a_value_comes_from():
    rows = {row["key"]: row for row in explain("grid/unlock", "fast", [{"ppo": {"lr": 0.5}, "seed": 3}])}
    assert (rows["ppo.lr"]["value"], rows["ppo.lr"]["source"]) == (0.5, "given")
    assert rows == {row["key"]: row for row in explain("grid/unlock", "fast", [{"ppo.lr": 0.5, "seed": 3}])}
    assert (rows["ppo.hidden"]["value"], rows["ppo.hidden"]["source"]) == (32, "preset fast")
    assert (rows["ppo.clip"]["value"], rows["ppo.clip"]["source"]) == (0.2, "default")
    assert rows["seed"]["source"] == "given"
    assert rows["scope.delta"]["range"] == "in [0, 1)"
    assert rows["device"]["range"] == "one of auto, cpu, cuda, cuda:N"
    assert rows["env_kwargs"]["range"] == "mapping"


def test_config_prints_every_key(capsys):
    assert isa("config", "smax/3m", "--preset", "paper", "--set", "ppo.lr=1e-3", "--json") == 0
    rows = {row["key"]: row for row in json.loads(capsys.readouterr().out)["keys"]}
    assert rows["ppo.lr"]["value"] == 0.001
    assert rows["goal.hamming"]["value"] == 50.0
    assert isa("config", "--algo", "ippo", "--key", "ppo.") == 0
    out = capsys.readouterr().out
    assert "ppo.lr" in out
    assert "Adam's learning rate" in out
    assert "goal." not in out
    assert isa("config", "--key", "nothing") == 2
    assert "got 'nothing'" in capsys.readouterr().err


def test_usual_names_lead_to_keys_that_exist():
    known = {key.rpartition(".")[2] for key in all_keys(section_kinds("isa", "ppo", None))}
    assert set(USUAL_NAMES.values()) <= known
    assert not set(USUAL_NAMES) & known


def test_settings_of_a_phase_are_explained_too():
    layers = [{"env": "grid/shooting", "preset": "fast"}, {"phases": {"reach": {"ppo": {"lr": 0.5}}}}]
    rows = {row["key"]: row for row in explain("grid/shooting", "fast", layers) if row["key"].startswith("phases.")}
    assert (rows["phases.reach.ppo.lr"]["value"], rows["phases.reach.ppo.lr"]["source"]) == (0.5, "given")
    assert (rows["phases.reach.ppo.gamma"]["value"], rows["phases.reach.ppo.gamma"]["source"]) == (0.8, "preset fast")
    assert rows["phases.reach.ppo.gamma"]["meaning"] == "discount factor"


def test_a_presets_phases_of_other_algorithms_are_left_out():
    assert not [row for row in explain("grid/shooting", "fast", [{"algo": "ippo"}]) if row["key"].startswith("phases.")]


def test_what_an_algorithm_fixes_is_said_to_be_its():
    rows = {row["key"]: row for row in explain("grid/unlock", "fast", [{"algo": "vdn"}])}
    assert (rows["q.mixer"]["value"], rows["q.mixer"]["source"]) == ("sum", "algorithm vdn")
    assert rows["q.mixing_width"]["value"] is None
