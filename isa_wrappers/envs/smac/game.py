"""Run one StarCraft II game with SMAC's ``StarCraft2Env``: start it, detect crashes, and always close it."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from isa_wrappers.envs.smac.watch import GameWatch
from isa_wrappers.errors import GameCrashError, InvalidValueError, one_line

CRASHES = 3
"""Number of crashes in a row, without a step in between, after which an error is raised."""


class SMACGame:
    """Owns a ``StarCraft2Env`` and its game process.

    ``StarCraft2Env`` does not recover cleanly from a crash: it reports the end of the episode, and its next reset
    sends unit tags of the lost game to the new one (or, in the first episode, launches a second game and counts the
    enemies' health twice). This class therefore discards the ``StarCraft2Env`` after a crash, which it detects by an
    error or an increase of ``force_restarts``; the next episode starts in a new one.

    Args:
        task: name of the task, for messages.
        make: function that creates a ``StarCraft2Env`` from a seed, without launching a game.
        seed: seed of the game.

    Attributes:
        crashes: number of crashes so far.
    """

    def __init__(self, task: str, make: Callable[[int | None], Any], seed: int | None) -> None:
        self.crashes = 0
        self._task = task
        self._make = make
        self._seed = seed
        self._consecutive_crashes = 0
        self._launched = False
        self._running: list[Any] = [make(seed)]
        # Runs when this object is deleted or the interpreter exits.
        self._finalizer = weakref.finalize(self, _close, self._running)

    @property
    def env(self) -> Any:
        """The ``StarCraft2Env``.

        Raises:
            InvalidValueError: if the game was closed or crashed.
        """
        if not self._running:
            raise InvalidValueError(f"no game of {self._task} is running; call reset()")
        return self._running[0]

    def begin(self, seed: int | None = None) -> None:
        """Begin an episode; a seed starts a new game, since a game reads its seed only at launch.

        Raises:
            GameCrashError: if the game does not start, or keeps crashing.
        """
        if seed is not None:
            self.close()
            self._seed = seed
        while not self._try_to_begin():
            pass

    def _try_to_begin(self) -> bool:
        if not self._running:
            self._running.append(self._make(self._seed))
            self._launched = False
        env = self.env
        if self._launched and env._episode_count == 0:
            env._episode_count = 1  # else reset() would launch a second game and count the enemies' health again
        before = env.force_restarts
        try:
            env.reset()
        except Exception as error:
            self._crashed(f"{type(error).__name__}: {error}", error)
            return False
        except BaseException:
            self.close()
            raise
        if env.force_restarts != before:
            self._crashed("the game was lost during the reset")
            return False
        self._launched = True
        self._watch(env)
        return True

    def _watch(self, env: Any) -> None:
        """Make sure that the game ends with this process, even if Python cannot clean up."""
        pid = getattr(env._sc2_proc, "pid", None)
        if pid is not None and len(self._running) == 1:
            self._running.append(GameWatch(pid))

    def step(self, actions: Sequence[int]) -> tuple[float, bool, dict[str, Any]] | None:
        """Return reward, whether the episode is over, and SMAC's info; ``None`` if the game crashed.

        Raises:
            InvalidValueError: if SMAC refuses the actions, or no game is running.
            GameCrashError: if the game crashes repeatedly.
        """
        env = self.env
        before = env.force_restarts
        try:
            reward, over, info = env.step(list(actions))
        except AssertionError as error:
            raise InvalidValueError(f"{self._task} refuses these actions: {error}") from error
        except Exception as error:  # SMAC's own recovery does not catch a failed launch
            self._crashed(f"{type(error).__name__}: {error}", error)
            return None
        except BaseException:  # Ctrl-C in the middle of a message
            self.close()
            raise
        if env.force_restarts != before:
            self._crashed("the game was lost during a step")
            return None
        self._consecutive_crashes = 0
        return float(reward), bool(over), info

    def close(self) -> None:
        """End the game; the next episode starts another."""
        _close(self._running)

    def _crashed(self, reason: str, error: Exception | None = None) -> None:
        self.close()
        self.crashes += 1
        self._consecutive_crashes += 1
        reason = one_line(reason)
        if self._consecutive_crashes >= CRASHES:
            self._consecutive_crashes = 0
            raise GameCrashError(f"the game of {self._task} failed {CRASHES} times in a row; last: {reason}") from error
        warnings.warn(
            f"the game of {self._task} crashed and is being restarted ({reason})", RuntimeWarning, stacklevel=4
        )


def _close(running: list[Any]) -> None:
    while running:  # the game, then its watch
        process = running.pop(0)
        with suppress(Exception):  # the game may be gone already
            process.close()
