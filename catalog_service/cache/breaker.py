"""Keeps away from a server that has just failed, so that its absence costs one timeout and not one per request."""

from __future__ import annotations

import time
from collections.abc import Callable


class Breaker:
    """Open for `rest` seconds after a failure."""

    def __init__(self, rest: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._rest = rest
        self._clock = clock
        self._until = float("-inf")

    def closed(self) -> bool:
        """Tell whether the server may be tried."""
        return self._clock() >= self._until

    def failed(self) -> None:
        """Remember a failure."""
        self._until = self._clock() + self._rest
