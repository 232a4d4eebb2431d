"""Run folders that are damaged or of another run: one line, and nothing lost."""

import pytest
from cli_helpers import contents, isa, one_line

pytestmark = pytest.mark.usefixtures("somewhere")

pytest.importorskip("torch")

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
def test_without_a_latest_checkpoint_the_best_one_goes_on_and_says_so(copy_of, capsys):
    run = copy_of()
    (run / "checkpoints" / "latest.safetensors").unlink()
    from isa_learners.checkpoint import load_checkpoint

    at = load_checkpoint(run / "checkpoints" / "best.safetensors")[1]["env_steps"]
    rows = (run / "metrics.csv").read_text().splitlines()
    with pytest.warns(UserWarning, match=f"no latest.safetensors: it resumes from best.safetensors at {at} steps, "):
        assert isa("train", "--resume", run, "--quiet") == 0
    assert (run / "metrics.csv").read_text().splitlines()[:2] == rows[:2], "what was measured before stays"


def test_a_checkpoint_of_another_task_is_refused(copy_of, capsys):
    run = copy_of()
    config = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(config.replace("env: grid/unlock", "env: grid/navigation"))
    assert isa("eval", run) == 2
    assert "is of task 'grid/unlock', this run of 'grid/navigation'" in one_line(capsys.readouterr().err)


def test_a_checkpoint_of_another_configuration_is_refused(copy_of, capsys):
    run = copy_of()
    path = run / "config.yaml"
    path.write_text(path.read_text().replace("hidden: 4", "hidden: 5"))
    before = contents(run)
    for command, said in (
        (["eval", run], "does not fit this run's configuration: size mismatch for"),
        (["train", "--resume", run], "config.yaml says ppo.hidden 5, its checkpoint was trained with 4"),
    ):
        assert isa(*command) == 2
        assert said in one_line(capsys.readouterr().err)
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
