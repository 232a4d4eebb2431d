"""One writer per folder; the kernel lets go of the lock when its process ends."""

import os
import signal
import subprocess
import sys

import pytest
from learner_helpers import tiny_config

from isa_learners.runs.lock import FolderLock
from isa_learners.runs.run_folder import RunFolder
from isa_learners.runs.training import Training
from isa_wrappers.errors import CannotWriteError, RunFolderError


def test_one_at_a_time(tmp_path):
    one, other = FolderLock(tmp_path), FolderLock(tmp_path)
    one.take()
    one.take()  # it has it already
    with pytest.raises(RunFolderError, match="is being written to by another training"):
        other.take()
    one.release()
    other.take()
    assert other.held
    assert not one.held


@pytest.mark.slow
def test_a_killed_holder_leaves_nothing_locked(tmp_path):
    code = "import sys, time; from pathlib import Path; from isa_learners.runs.lock import FolderLock\n"
    code += "lock = FolderLock(Path(sys.argv[1])); lock.take(); print('held', flush=True); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(RunFolderError):
            FolderLock(tmp_path).take()
    finally:
        process.kill()
        process.communicate()
    FolderLock(tmp_path).take()


FORKING = """
import os, sys, time
from pathlib import Path
from isa_learners.runs.lock import FolderLock
lock = FolderLock(Path(sys.argv[1]))
lock.take()
reading, writing = os.pipe()
helper = os.fork()
if helper == 0:
    os.write(writing, str(lock.held).encode())
    exec(sys.argv[2])
    os.write(writing, b'.')
    time.sleep(60)
said = b''
while not said.endswith(b'.'):
    said += os.read(reading, 9)
print(helper, said.decode(), flush=True)
time.sleep(60)
"""


@pytest.mark.slow
@pytest.mark.parametrize("does", ["pass", "lock.release(undo=True)"])  # the latter as whoever ends with an error
def test_a_helper_that_an_environment_forks_holds_nothing(tmp_path, does):
    line = [sys.executable, "-c", FORKING, str(tmp_path), does]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
    helper, held = process.stdout.readline().split()
    try:
        assert held == "False."
        with pytest.raises(RunFolderError):
            FolderLock(tmp_path).take()  # what the helper closed is not unlocked
        process.kill()
        process.wait()
        FolderLock(tmp_path).take()
        os.kill(int(helper), 0)  # it lives
    finally:
        process.kill()
        os.kill(int(helper), signal.SIGKILL)
        process.stdout.close()
        process.wait()


def test_a_process_that_is_started_inherits_nothing(tmp_path):
    lock = FolderLock(tmp_path)
    lock.take()
    line = [sys.executable, "-c", "input(print('up', flush=True))"]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, close_fds=False) as child:
        assert child.stdout.readline() == b"up\n"
        lock.release()
        FolderLock(tmp_path).take()
        assert child.poll() is None
        child.stdin.write(b"\n")


def test_undoing_leaves_no_file_that_was_not_there(tmp_path):
    lock = FolderLock(tmp_path)
    lock.take()
    lock.release(undo=True)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / ".lock").touch()
    lock.take()
    lock.release(undo=True)
    assert (tmp_path / ".lock").exists()


def test_a_lock_on_a_file_that_is_gone_is_none(tmp_path):
    """One run is taken back between another's opening of the file and its locking."""
    held = FolderLock(tmp_path)
    held.take()
    (tmp_path / ".lock").unlink()
    later = FolderLock(tmp_path)
    later.take()
    assert os.path.samestat(os.stat(tmp_path / ".lock"), os.fstat(later._descriptor))


def test_a_folder_that_is_gone(tmp_path):
    with pytest.raises(CannotWriteError, match=r"cannot write to .*none"):
        FolderLock(tmp_path / "none").take()


def test_a_training_holds_its_folder_until_its_end(tmp_path):
    folder = RunFolder.create(tmp_path / "run", tiny_config(algo="ippo", steps=40))
    again = RunFolder.open(tmp_path / "run")
    with pytest.raises(RunFolderError, match="written to by another"):
        Training(again, resume=True, tensorboard=False)
    training = Training(folder, tensorboard=False)
    with pytest.raises(RunFolderError, match="written to by another"):
        Training(again, resume=True, tensorboard=False)
    training.run()
    Training(again, resume=True, tensorboard=False).run()


def test_what_a_killed_writer_left_is_cleared_away(tmp_path):
    folder = RunFolder.create(tmp_path / "run", tiny_config(algo="ippo", steps=40))
    Training(folder, tensorboard=False).run()
    left = [folder.path / ".1-0.partial", folder.path / "checkpoints" / ".1-1.partial"]
    for path in left:
        path.write_text("half")
    folder.versions_file.unlink()  # killed before it was written
    Training(folder, resume=True, tensorboard=False).run()
    assert not any(path.exists() for path in left)
    assert folder.versions_file.exists()
