"""One run brought to its end: from where it stands, with the code that the plan names and no other."""

import json
import subprocess
import sys

import numpy as np
import pytest
import yaml
from learner_helpers import tiny_config

from isa_learners.experiments import one_run
from isa_learners.experiments.ending import SUMMARY, read_summary
from isa_learners.experiments.local import ONE_RUN
from isa_learners.experiments.one_run import run_to_end
from isa_learners.runs.algorithm import Algorithm
from isa_learners.runs.evaluation import Evaluation
from isa_learners.runs.run_folder import RunFolder
from isa_learners.runs.training import train
from isa_wrappers.blame import ErrorSource
from isa_wrappers.errors import FileFormatError, RunFolderError, UntrustedRunError

OWN = "network_toys:Own"


def made(path, **sections):
    """Make a run's folder as a comparison does."""
    RunFolder.create(path, tiny_config(algo="ippo", **sections)).lock.release()
    return path


def test_a_network_that_the_plan_names_is_trusted_and_no_other(tmp_path):
    own = {"ppo": {"network": OWN}}
    for imports in ((), ("network_toys:Short",)):
        with pytest.raises(UntrustedRunError, match="'network_toys:Own' would be imported"):
            run_to_end(made(tmp_path / f"{len(imports)}", steps=40, **own), 2, imports=imports)
    assert run_to_end(made(tmp_path / "named", steps=40, **own), 2, imports=[OWN]).env_steps == 40
    (tmp_path / "named" / SUMMARY).unlink()
    assert run_to_end(tmp_path / "named", 3, imports=[OWN]).episodes == 3, "from its checkpoint too"


def test_an_environment_is_named_beside_a_network(tmp_path):
    path = made(tmp_path / "run", env="toy_envs:walk", env_kwargs={}, steps=40, ppo={"network": OWN})
    with pytest.raises(UntrustedRunError, match="module 'toy_envs' would be imported"):
        run_to_end(path, 2, imports=[OWN])
    with pytest.raises(UntrustedRunError, match=OWN):
        run_to_end(path, 2, "toy_envs:walk")
    assert run_to_end(path, 2, "toy_envs:walk", [OWN]).env_steps == 40


def test_a_summary_of_before_ends_no_run_that_was_given_more_steps(tmp_path):
    folder = RunFolder(tmp_path / "run")
    train(tiny_config(algo="ippo", steps=40), folder.path)
    data = yaml.safe_load(folder.config_file.read_text())
    folder.config_file.write_text(yaml.safe_dump({**data, "steps": 80}))
    assert json.loads(folder.summary_file.read_text())["env_steps"] == 40
    assert run_to_end(folder.path, 2).env_steps == 80


def test_a_damaged_summary_is_written_anew_from_the_last_checkpoint(tmp_path):
    folder = RunFolder(tmp_path / "run")
    train(tiny_config(algo="ippo", steps=40), folder.path)
    whole, rows = read_summary(folder.path), folder.metrics_file.read_text()
    folder.summary_file.write_text(folder.summary_file.read_text()[:100])
    assert run_to_end(folder.path, 2).env_steps == 40
    again = read_summary(folder.path)
    assert (again.env_steps, again.solved, again.first_success) == (whole.env_steps, whole.solved, whole.first_success)
    assert folder.metrics_file.read_text() == rows


def test_nothing_is_trained_anew_over_a_damaged_summary(tmp_path):
    folder = RunFolder(tmp_path / "run")
    train(tiny_config(algo="ippo", steps=40), folder.path)
    folder.summary_file.write_text("{")
    rows = folder.metrics_file.read_text()
    for file in (folder.latest_checkpoint, folder.best_checkpoint):
        file.unlink()
    with pytest.raises(FileFormatError, match=r"summary\.json cannot be read"):
        run_to_end(folder.path, 2)
    assert folder.metrics_file.read_text() == rows


def test_without_the_last_checkpoint_the_best_one_is_trained_to_the_end(tmp_path):
    folder = RunFolder(tmp_path / "run")
    train(tiny_config(algo="ippo", steps=200), folder.path)
    folder.latest_checkpoint.unlink()
    with pytest.warns(UserWarning, match=r"run has no latest\.safetensors: it resumes from best\.safetensors at \d+ "):
        assert run_to_end(folder.path, 2).env_steps == 200
    assert folder.latest_checkpoint.exists()


def test_a_file_called_as_a_module_stays_out_of_a_run_s_way(tmp_path):
    (tmp_path / "random.py").write_text("raise SystemExit('a file of the user ran in the place of a module')")
    line = [sys.executable, "-c", ONE_RUN, "--help"]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, "--episodes" in done.stdout) == (0, True), done.stderr


def test_final_episodes_that_were_all_lost_are_no_result(tmp_path, monkeypatch):
    path = made(tmp_path / "run", steps=40)
    run_to_end(path, 2)
    monkeypatch.setattr(Algorithm, "evaluate", lambda *_: Evaluation(np.nan, np.nan, np.nan, 0))
    with pytest.raises(RunFolderError, match=r"none of the 3 final episodes of .* finished: each was lost"):
        run_to_end(path, 3)


def test_code_of_others_that_fails_is_named_in_the_last_line(tmp_path, monkeypatch, capsys):
    def fails(*given):
        with ErrorSource("learner 'mine'"):
            {}["k"]

    monkeypatch.setattr(one_run, "_end_with_stdin", lambda: None)
    monkeypatch.setattr(one_run, "run_to_end", fails)
    assert one_run.main([str(tmp_path), "--episodes", "3"]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("isa: learner 'mine' failed: KeyError: 'k' (test_one_run.py:")
