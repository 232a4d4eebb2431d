"""A run folder of somebody else runs none of their code, whatever the command, unless one agrees."""

import shutil
import sys
from pathlib import Path

import pytest
import yaml
from cli_helpers import isa, of_task, one_line, small_run

pytestmark = pytest.mark.slow

pytest.importorskip("torch")
EVIL = """
from pathlib import Path
Path(__file__).with_name("was_here").write_text("imported")
from toy_envs import walk as make
"""
COMMANDS = {
    "eval": ["eval", "RUN"],
    "eval --best": ["eval", "RUN", "--best"],
    "eval --render": ["eval", "RUN", "--render", "a.gif"],
    "resume": ["train", "--resume", "RUN"],
    "resume for more": ["train", "--resume", "RUN", "--steps", "300"],
    "plot": ["plot", "RUN"],
    "plot of two": ["plot", "RUN", "RUN"],
    "scope of it": ["train", "grid/unlock", "--scope", "RUN", "--out", "new"],
    "its configuration": ["train", "grid/unlock", "--config", "RUN/config.yaml", "--out", "new", "--kwargs", "{}"],
    "envs": ["envs"],
    "algorithms": ["algorithms"],
    "config": ["config", "grid/unlock", "--config", "RUN/config.yaml"],
}


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    return small_run(tmp_path_factory.mktemp("trust") / "run", "toy_envs:walk")


@pytest.fixture
def run(honest, tmp_path, monkeypatch):
    """A run whose configuration names a module in the current folder, and that module."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    run = Path(shutil.copytree(honest, here / "run"))
    path = run / "config.yaml"
    path.write_text(path.read_text().replace("toy_envs:walk", "evil_module:make"))
    (here / "evil_module.py").write_text(EVIL)
    yield run
    sys.modules.pop("evil_module", None)


def before_and_after(run):
    return {str(path): path.read_bytes() for path in sorted(run.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_imports_what_a_folder_names(run, name, capsys):
    before = before_and_after(run)
    code = isa(*(part.replace("RUN", str(run)) for part in COMMANDS[name]))
    assert not Path("was_here").exists(), "code of the folder's author ran"
    assert "evil_module" not in sys.modules
    err = capsys.readouterr().err
    if name.startswith(("eval", "resume")):
        assert code == 2
        line = one_line(err)
        assert "module 'evil_module' would be imported and its 'make' called" in line
        assert "--env evil_module:make" in line
        assert "--trust" in line
        assert before_and_after(run) == before, "the folder is as it was"


def test_a_network_of_somebody_s_own_is_trusted_by_name_or_word(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil_module.py").write_text(EVIL + "from network_toys import Own\n")
    own = ["--set", "ppo.network=evil_module:Own", "--out", "run", "--steps", 200]
    try:
        assert isa("train", *of_task("grid/unlock"), *own) == 0
        sys.modules.pop("evil_module")
        Path("was_here").unlink()
        capsys.readouterr()
        for command in (["eval", "run"], ["train", "--resume", "run"], ["export", "run", "policy.pt2"]):
            assert isa(*command) == 2
            assert "'evil_module:Own' would be imported; if you trust it, give --trust" in one_line(
                capsys.readouterr().err
            )
        config = [*of_task("grid/unlock"), "--config", "run/config.yaml", "--out", "new"]
        assert isa("train", *config) == 2
        assert "name it again, as in --set ppo.network=evil_module:Own" in one_line(capsys.readouterr().err)
        assert isa("config", "grid/unlock", "--config", "run/config.yaml") == 0
        assert "evil_module" not in sys.modules
        assert not Path("was_here").exists()
        assert isa("eval", "run", "--episodes", 1, "--trust") == 0
        assert isa("train", *config, "--set", "ppo.network=evil_module:Own", "--set", "steps=200") == 0
    finally:
        sys.modules.pop("evil_module", None)


@pytest.mark.parametrize("env", ["os:system", "subprocess:getoutput", "builtins:exec"])
def test_functions_of_the_system_are_not_called(run, env, monkeypatch, capsys):
    called = []
    monkeypatch.setattr("os.system", called.append)
    path = run / "config.yaml"
    path.write_text(path.read_text().replace("evil_module:make", env))
    for command in (["eval", run], ["train", "--resume", run]):
        assert isa(*command) == 2
        assert "would be imported" in one_line(capsys.readouterr().err)
    assert called == []


@pytest.mark.parametrize("agree", [["--env", "evil_module:make"], ["--trust"]])
def test_whoever_agrees_evaluates(run, agree, capsys):
    assert isa("eval", run, "--episodes", 1, *agree) == 2, "the checkpoint is of the task that was trained"
    assert "is of task 'toy_envs:walk'" in one_line(capsys.readouterr().err)
    assert Path("was_here").exists(), "it was imported, as agreed"


def test_the_environment_is_named_again(honest, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run = Path(shutil.copytree(honest, tmp_path / "run"))
    assert isa("eval", run, "--episodes", 2, "--env", "toy_envs:walk") == 0
    assert isa("eval", run, "--episodes", 2, "--trust") == 0
    assert isa("train", "toy_envs:walk", "--resume", run) == 0
    assert isa("train", "--trust", "--resume", run) == 0
    capsys.readouterr()
    assert isa("eval", run, "--env", "toy_envs:prize") == 2
    assert "is of task 'toy_envs:walk', got 'toy_envs:prize'" in one_line(capsys.readouterr().err)
    assert isa("train", "toy_envs:prize", "--resume", run) == 2
    assert "is of task 'toy_envs:walk', got 'toy_envs:prize'" in one_line(capsys.readouterr().err)


def test_a_task_of_ours_may_be_named_beside_resume(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run = small_run(tmp_path / "run", "grid/unlock")
    assert isa("train", "grid/unlock", "--resume", run) == 0
    assert isa("eval", run, "--env", "grid/unlock", "--episodes", 1) == 0
    capsys.readouterr()
    assert isa("train", "grid/shooting", "--resume", run) == 2
    assert "is of task 'grid/unlock', got 'grid/shooting'" in one_line(capsys.readouterr().err)


def test_the_library_asks_too(run):
    from isa_learners import load
    from isa_learners.runs.run_folder import RunFolder
    from isa_learners.runs.training import Training
    from isa_wrappers.errors import UntrustedRunError

    with pytest.raises(UntrustedRunError, match="evil_module"):
        load(run)
    with pytest.raises(UntrustedRunError, match="evil_module"):
        Training(RunFolder.open(run), resume=True)
    assert not Path("was_here").exists()


@pytest.mark.parametrize("file", ["/etc/passwd", "../scope.safetensors", "/dev/zero", "a/b"])
def test_a_scope_reads_nothing_elsewhere(honest, tmp_path, file, capsys):
    run = Path(shutil.copytree(honest, tmp_path / "run"))
    path = run / "scope.json"
    path.write_text(path.read_text().replace('"scope.safetensors"', f'"{file}"'))
    assert isa("plot", run) == 2
    assert "must be in the same folder" in one_line(capsys.readouterr().err)


def test_yaml_makes_no_objects(run, capsys):
    path = run / "config.yaml"
    data = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(data) + "extra: !!python/object/apply:os.system ['touch was_here']\n")
    assert isa("eval", run) == 2
    one_line(capsys.readouterr().err)
    assert not Path("was_here").exists()
