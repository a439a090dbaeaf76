"""The wish to stop: soft lets the chunk finish, hard cancels it. Signals set it, the engine asks for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from migrator.errors import Interrupted

LOOK_INTERVAL = 0.05  # seconds between two looks at the flag while waiting


class Stop:
    """`signal` is the number of the signal that asked."""

    def __init__(self) -> None:
        self.signal = 2
        # Plain flags: a signal handler must not touch a lock that the code it interrupted may hold.
        self._soft = False
        self._hard = False
        self._cancels: list[Callable[[], None]] = []

    @property
    def requested(self) -> bool:
        return self._soft

    @property
    def hard(self) -> bool:
        return self._hard

    def request(self) -> None:
        """Ask for a stop at the next checkpoint; asked a second time, cancel what runs now."""
        if not self.requested:
            self._soft = True
            return
        self._hard = True
        for cancel in list(self._cancels):
            with suppress(Exception):  # what cannot be cancelled is gone already
                cancel()

    def on_hard(self, cancel: Callable[[], None]) -> None:
        """Call `cancel` when the stop becomes hard."""
        self._cancels.append(cancel)

    def check(self) -> None:
        """Raise where a stop was asked for.

        Raises:
            Interrupted
        """
        if self.requested:
            raise Interrupted("stopped at a clean checkpoint", signal=self.signal, help="run the same command to go on")

    def sleep(self, seconds: float) -> None:
        """Wait, and end early with an exception where a stop is asked for meanwhile.

        Raises:
            Interrupted
        """
        end = time.monotonic() + seconds
        while not self._soft and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, LOOK_INTERVAL))
        self.check()
