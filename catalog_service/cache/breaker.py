"""Keeps away from a server that has just failed, so that its absence costs one timeout and not one per request."""

from __future__ import annotations

import time

_REST = 1.0


class Breaker:
    """Open for a second after a failure."""

    def __init__(self) -> None:
        self._until = float("-inf")

    def closed(self) -> bool:
        """Tell whether the server may be tried."""
        return time.monotonic() >= self._until

    def failed(self) -> None:
        """Remember a failure."""
        self._until = time.monotonic() + _REST
