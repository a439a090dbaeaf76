"""How much WAL the server writes per second, all sessions together."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from typing import Any

import psycopg

from migrator.backfill.throttle.signal import Observation, Scene, Signal, size
from migrator.postgres.queries import query

WINDOW = 2.0  # seconds that the rate is taken over: longer than a chunk, or it would swing with each


class WalRate(Signal):
    """Waits while the rate of the last seconds is above the limit."""

    key = "wal_rate"
    every = 0.25

    def __init__(self, limit: Any, scene: Scene) -> None:
        super().__init__(limit, scene)
        self._seen: deque[tuple[float, int]] = deque()

    def observe(self, connection: psycopg.Connection) -> Sequence[Observation]:
        row = connection.execute(query("wal_written")).fetchone()
        assert row
        now = time.monotonic()
        self._seen.append((now, int(row[0])))
        while len(self._seen) > 2 and now - self._seen[1][0] >= WINDOW:
            self._seen.popleft()
        begin, first = self._seen[0]
        rate = (int(row[0]) - first) / max(now - begin, WINDOW)
        return [Observation(self.key, rate, self.limit, lambda number: f"{size(number)}/s")]
