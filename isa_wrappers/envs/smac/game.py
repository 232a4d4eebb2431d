"""One StarCraft II game behind SMAC's ``StarCraft2Env``: started, watched for crashes, closed in every case."""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from isa_wrappers.envs.smac.watch import GameWatch
from isa_wrappers.errors import GameCrashError, InvalidValueError, one_line

CRASHES = 3
"""Crashes in a row, with no step between, after which a game is given up."""


class SMACGame:
    """Owns a ``StarCraft2Env`` and its game process.

    ``StarCraft2Env`` recovers from a crash by itself, but badly: it says that the episode is over, and its next reset
    sends the tags of units of the lost game to the new one (or, in the first episode, launches a second game and
    counts the enemies' health twice). So here a crash, seen by ``force_restarts`` going up or by an error, ends the
    whole object; the next episode begins in a new one.

    Args:
        task: for messages.
        make: makes a ``StarCraft2Env`` from a seed; that launches nothing yet.
        seed: of the game.

    Attributes:
        crashes: so far.
    """

    def __init__(self, task: str, make: Callable[[int | None], Any], seed: int | None) -> None:
        self.crashes = 0
        self._task = task
        self._make = make
        self._seed = seed
        self._consecutive_crashes = 0
        self._launched = False
        self._running: list[Any] = [make(seed)]
        # When this object goes, by whatever way, the interpreter's end included.
        self._finalizer = weakref.finalize(self, _close, self._running)

    @property
    def env(self) -> Any:
        """The ``StarCraft2Env``.

        Raises:
            InvalidValueError: if it was closed or crashed.
        """
        if not self._running:
            raise InvalidValueError(f"no game of {self._task} is running; call reset()")
        return self._running[0]

    def begin(self, seed: int | None = None) -> None:
        """Begin an episode; with a seed in a new game, since the game takes its seed only when it starts.

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
            self._crashed("it lost the game while it reset")
            return False
        self._launched = True
        self._watch(env)
        return True

    def _watch(self, env: Any) -> None:
        """See to it that the game ends with this process even where Python has no time to end it."""
        pid = getattr(env._sc2_proc, "pid", None)
        if pid is not None and len(self._running) == 1:
            self._running.append(GameWatch(pid))

    def step(self, actions: Sequence[int]) -> tuple[float, bool, dict[str, Any]] | None:
        """Return reward, whether the episode is over, and SMAC's info; ``None`` if the game crashed.

        Raises:
            InvalidValueError: if SMAC refuses the actions, or no game is running.
            GameCrashError: if the game crashes again and again.
        """
        env = self.env
        before = env.force_restarts
        try:
            reward, over, info = env.step(list(actions))
        except AssertionError as error:
            raise InvalidValueError(f"{self._task} refuses these actions: {error}") from error
        except Exception as error:  # a launch that fails escapes SMAC's own recovery
            self._crashed(f"{type(error).__name__}: {error}", error)
            return None
        except BaseException:  # Ctrl-C half-way through the game's protocol
            self.close()
            raise
        if env.force_restarts != before:
            self._crashed("it lost the game in a step")
            return None
        self._consecutive_crashes = 0
        return float(reward), bool(over), info

    def close(self) -> None:
        """End the game; the next episode starts another."""
        _close(self._running)

    def _crashed(self, why: str, error: Exception | None = None) -> None:
        self.close()
        self.crashes += 1
        self._consecutive_crashes += 1
        why = one_line(why)
        if self._consecutive_crashes >= CRASHES:
            self._consecutive_crashes = 0
            raise GameCrashError(f"the game of {self._task} failed {CRASHES} times in a row; last: {why}") from error
        warnings.warn(f"the game of {self._task} crashed and is started again ({why})", RuntimeWarning, stacklevel=4)


def _close(running: list[Any]) -> None:
    while running:  # the game, then its watch
        process = running.pop(0)
        with suppress(Exception):  # of a game that is gone already
            process.close()
