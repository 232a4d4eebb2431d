"""A battle from the shell: trained through both phases, resumed, and drawn with its goal."""

import csv
import json

import pytest

from isa_cli.main import main

pytestmark = pytest.mark.slow

pytest.importorskip("torch")
pytest.importorskip("jaxmarl")
image = pytest.importorskip("PIL.Image")
# Against enemies that do not shoot a random team wins within some hundred steps.
EASY = '{"reward": "super_sparse", "enemy_shoots": false}'
SMALL = ["--device", "cpu", "--num-envs", "8", "--set", "ppo.hidden=4", "--set", "scope.transitions=400"]


def isa(*arguments):
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    return caught.value.code


def test_train_resume_and_render(tmp_path, capsys):
    run, battle = tmp_path / "run", tmp_path / "battle.gif"
    sizes = [*SMALL, "--set", "eval_interval=1000", "--set", "eval_episodes=2"]
    assert isa("train", "smax/3m", "--kwargs", EASY, "--steps", 1_200, *sizes, "--out", run) == 0
    first = json.loads((run / "summary.json").read_text())
    assert first["phase"] == "reach"
    assert first["first_success"]["env_steps"] <= 1_200
    assert isa("train", "--resume", run, "--steps", 2_200) == 0
    rows = list(csv.DictReader((run / "metrics.csv").open()))
    assert int(rows[-1]["env_steps"]) >= 2_000
    assert any(float(row["train_success_rate"]) > 0.2 for row in rows)
    assert {row["train_discarded"] for row in rows} == {"0.0"}
    capsys.readouterr()
    assert isa("eval", run, "--episodes", 2, "--render", battle, "--json") == 0
    assert json.loads(capsys.readouterr().out)["episodes"] == 2
    with image.open(battle) as film:
        assert film.n_frames > 2
    assert json.loads((run / "scope.json").read_text())["settings"]["estimator"] == "interval_effect"
