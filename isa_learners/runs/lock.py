"""One writer per run folder: a lock that the kernel releases when its process ends, however it ends."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from weakref import WeakSet

from isa_wrappers.errors import CannotWriteError, RunFolderError
from isa_wrappers.files import LEFT_OVER


class FolderLock:
    """Holds a folder for one writer, between :meth:`take` and :meth:`release`.

    The file stays empty and stays there: who holds it is the kernel's matter, so that no kill leaves a folder locked.

    Args:
        folder: which exists by the time the lock is taken.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / ".lock"
        self._descriptor: int | None = None
        self._made = False

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._descriptor is not None

    def take(self) -> None:
        """Take the lock, unless this object has it already.

        Raises:
            RunFolderError: if another writer has it.
            CannotWriteError: if the folder is read-only or gone.
        """
        if self.held:
            return
        try:
            while not self._try():
                pass
        except BlockingIOError:
            raise RunFolderError(
                f"{self.path.parent} is being written to by another training; wait for its end, or stop it"
            ) from None
        except OSError as error:
            raise CannotWriteError(f"cannot write to {self.path.parent}: {error.strerror}") from error

    def clear_left_over(self) -> None:
        """Take away what a killed writer left half written."""
        for folder in (self.path.parent, self.path.parent / "checkpoints"):
            for partial in folder.glob(LEFT_OVER):
                with suppress(OSError):
                    partial.unlink()

    def _try(self) -> bool:
        """Lock the file; ``False`` if it was taken away meanwhile, so that the lock is on nothing."""
        import fcntl

        self._made = not os.path.exists(self.path)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.exists(self.path) or not os.path.samestat(os.fstat(descriptor), os.stat(self.path)):
                os.close(descriptor)
                return False
        except BaseException:
            with suppress(OSError):
                os.close(descriptor)
            raise
        self._descriptor = descriptor
        _held.add(self)
        return True

    def release(self, undo: bool = False) -> None:
        """Let others write; with ``undo``, leave no file that was not there before."""
        if self._descriptor is not None:
            if undo and self._made:
                self.path.unlink(missing_ok=True)
            self._close()

    def _close(self) -> None:
        """Close the file; the kernel unlocks it once no process has it open."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)

    def __del__(self) -> None:
        self.release()


_held: WeakSet[FolderLock] = WeakSet()


def _leave_to_parent() -> None:
    """Close what a forked child has inherited: a helper of an environment may outlive the training that holds the lock.

    It is closed and not unlocked, since unlocking would hold for the parent too.
    """
    for lock in list(_held):
        with suppress(OSError):
            lock._close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)
