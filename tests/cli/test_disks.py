"""Full disks, read-only folders, folders that go away: one line, exit code 2, and what was there before is whole."""

import errno
import os
import re
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest
from cli_helpers import contents, isa, of_task, one_line

from isa_learners.checkpoint import load_checkpoint
from isa_wrappers.scope.files import load_scope

pytestmark = pytest.mark.slow

pytest.importorskip("torch")


class FillsUp:
    """A disk that takes so many files and then no more."""

    def __init__(self, monkeypatch, files):
        self.left, self.real = files, os.fsync
        monkeypatch.setattr("isa_wrappers.files.os.fsync", self)

    def __call__(self, descriptor):
        self.left -= 1
        if self.left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.real(descriptor)


@pytest.fixture(autouse=True)
def somewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("files", range(0, 24, 3))
def test_a_disk_that_fills_up_while_training(tmp_path, monkeypatch, files, capsys):
    run = tmp_path / "run"
    with monkeypatch.context() as patched:
        FillsUp(patched, files)
        assert isa("train", *of_task("grid/unlock"), "--steps", 400, "--out", run) == 2
    assert "No space left on device" in one_line(capsys.readouterr().err)
    assert not list(run.rglob("*.partial"))
    if not (run / "config.yaml").exists():
        return
    for path in run.rglob("checkpoints/*"):
        load_checkpoint(path)
    if (run / "scope.json").exists():
        load_scope(run)
    assert isa("train", "--resume", run) == 0, "once there is room again"


def test_a_resumed_run_meets_a_full_disk(finished, monkeypatch, capsys):
    run = Path(shutil.copytree(finished, "copy"))
    before = contents(run)
    with monkeypatch.context() as patched:
        FillsUp(patched, 0)
        assert isa("train", "--resume", run, "--steps", 500) == 2
    assert "No space left on device" in one_line(capsys.readouterr().err)
    assert contents(run) == before


@pytest.mark.parametrize(
    "command", [["plot", "RUN"], ["plot", "RUN", "RUN", "--out", "a.png"], ["scope", "grid/unlock", "--out", "new"],
                ["eval", "RUN", "--episodes", "1", "--render", "a.gif"]],
)  # fmt: skip
def test_other_commands_meet_a_full_disk(finished, monkeypatch, command, capsys):
    run = Path(shutil.copytree(finished, "copy"))
    before = contents(run)
    FillsUp(monkeypatch, 0)
    assert isa(*(part.replace("RUN", str(run)) for part in command)) == 2
    line = one_line(capsys.readouterr().err)
    assert "cannot write to" in line
    assert "No space left on device" in line
    assert contents(run) == before
    assert not Path("a.png").exists()
    assert not Path("a.gif").exists()


@contextmanager
def read_only(folder):
    """Nobody may write there, not even the superuser."""
    mount = ["mount", "--bind", str(folder), str(folder)], ["mount", "-o", "remount,ro,bind", str(folder)]
    if os.geteuid() != 0:
        folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
        before, after = ([["chmod", mode, *map(str, folders)]] for mode in ("a-w", "u+w"))
    else:
        before, after = mount, [["umount", str(folder)]] * 2
    try:
        if any(subprocess.run(command, check=False, capture_output=True).returncode for command in before):
            pytest.skip("no mounting here")
        yield
    finally:
        for command in after:
            subprocess.run(command, check=False, capture_output=True)


def test_a_read_only_folder(finished, capsys):
    run = Path(shutil.copytree(finished, "copy"))
    before = contents(run)
    with read_only(run):
        for command in (
            ["train", "--resume", run, "--steps", 500], ["plot", run], ["scope", "grid/unlock", "--out", run / "new"],
            ["eval", run, "--episodes", 1, "--render", run / "a.gif"],
        ):  # fmt: skip
            assert isa(*command) == 2
            refusals = "Read-only file system|Permission|is not writable"
            assert re.search(f"cannot write to .*({refusals})", one_line(capsys.readouterr().err))
        assert isa("train", *of_task("grid/unlock"), "--steps", 200, "--out", run / "new") == 2
        assert "cannot create run folder" in one_line(capsys.readouterr().err)
        assert isa("eval", run, "--episodes", 1) == 0, "reading is free"
    assert contents(run) == before


def test_a_folder_that_goes_away(tmp_path, monkeypatch, capsys):
    from isa_learners.runs.trackers.tensorboard import TensorBoard

    run = tmp_path / "run"
    real = TensorBoard.on_evaluation

    def gone(self, training, row):
        shutil.rmtree(run, ignore_errors=True)
        real(self, training, row)

    monkeypatch.setattr(TensorBoard, "on_evaluation", gone)
    assert isa("train", *of_task("grid/unlock"), "--steps", 400, "--out", run) == 2
    assert "cannot write to" in one_line(capsys.readouterr().err)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs the right to mount")
def test_a_real_disk_that_is_full(tmp_path):
    """The whole way: TensorBoard's thread and Python's exit too."""
    from cli_helpers import ended, forked

    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(disk)], check=False, capture_output=True
    )
    if done.returncode:
        pytest.skip("no mounting here")
    try:
        arguments = [
            "train",
            *of_task("grid/unlock"),
            "--steps",
            10**6,
            "--set",
            "ppo.hidden=32",
            "--out",
            disk / "run",
        ]
        code, out, err = ended(forked(*arguments), timeout=120)
        assert code == 2, err
        assert out == ""
        assert "No space left on device" in one_line(err)
    finally:
        subprocess.run(["umount", str(disk)], check=True)
