"""A lock that allows one writer per run folder; the kernel releases it when the process ends."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from weakref import WeakSet

from isa_wrappers.errors import CannotWriteError, RunFolderError
from isa_wrappers.files import LEFT_OVER


class FolderLock:
    """Locks a folder for one writer between :meth:`take` and :meth:`release`.

    The lock file stays empty and is kept. The kernel manages the lock, so a killed process never leaves a folder
    locked.

    Args:
        folder: folder, which must exist when the lock is taken.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / ".lock"
        self._descriptor: int | None = None
        self._created = False

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._descriptor is not None

    def take(self) -> None:
        """Take the lock, unless this object already holds it.

        Raises:
            RunFolderError: if another writer holds it.
            CannotWriteError: if the folder is read-only or gone.
        """
        if self.held:
            return
        try:
            while not self._try():
                pass
        except BlockingIOError:
            raise RunFolderError(
                f"{self.path.parent} is being written to by another training; wait until it ends, or stop it"
            ) from None
        except OSError as error:
            raise CannotWriteError(f"cannot write to {self.path.parent}: {error.strerror}") from error

    def clear_left_over(self) -> None:
        """Delete incomplete files of a killed writer."""
        for folder in (self.path.parent, self.path.parent / "checkpoints"):
            for partial in folder.glob(LEFT_OVER):
                with suppress(OSError):
                    partial.unlink()

    def _try(self) -> bool:
        """Lock the file; ``False`` if it was deleted meanwhile, so that the lock has no effect."""
        import fcntl

        self._created = not os.path.exists(self.path)
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
        _held_locks.add(self)
        return True

    def release(self, undo: bool = False) -> None:
        """Release the lock; with ``undo``, delete the lock file if it did not exist before."""
        if self._descriptor is not None:
            if undo and self._created:
                self.path.unlink(missing_ok=True)
            self._close()

    def _close(self) -> None:
        """Close the file; the kernel releases the lock once no process has it open."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            os.close(descriptor)

    def __del__(self) -> None:
        self.release()


_held_locks: WeakSet[FolderLock] = WeakSet()


def _close_inherited() -> None:
    """Close the lock files that a forked child inherited, as a helper of an environment may outlive the training.

    They are closed but not unlocked, since unlocking would affect the parent too.
    """
    for lock in list(_held_locks):
        with suppress(OSError):
            lock._close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_inherited)
