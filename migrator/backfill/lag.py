"""How far standbys are behind, in time, seen from the primary.

`pg_stat_replication.replay_lag` keeps its last small value while replay stands still. So the primary's own WAL position
is noted with the time, again and again: a standby is behind by the age of the newest note that it has replayed.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

import psycopg

from migrator.postgres.queries import query

LOOK_INTERVAL = 0.1  # seconds between two looks at the server, however often it is asked
RESUME_SHARE = 0.8  # of the limit: who waits goes on only below this, so that the work does not stutter
NOTES = 20_000


class ReplicaLag:
    """Says whether a backfill has to wait for standbys that are more than `limit` seconds behind."""

    def __init__(
        self, connection: psycopg.Connection, limit: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._connection = connection
        self._limit = limit
        self._clock = clock
        self._notes: deque[tuple[float, int]] = deque(maxlen=NOTES)
        self._reason = ""
        self._looked = float("-inf")

    def reason(self) -> str:
        """Return why to wait, as ``signal observed > limit``, or an empty text.

        Raises:
            psycopg.Error: the lag cannot be seen, so nobody knows whether it is safe to go on.
        """
        now = self._clock()
        if now - self._looked >= LOOK_INTERVAL:
            self._looked = now
            self._reason = self._look(now)
        return self._reason

    def _look(self, now: float) -> str:
        rows = self._connection.execute(query("standbys")).fetchall()
        if not rows:
            return ""
        current = int(rows[0][1])
        self._notes.append((now, current))
        limit = self._limit * RESUME_SHARE if self._reason else self._limit
        name, lag = max(
            ((name, self._behind(int(replayed), now)) for name, _, replayed in rows), key=lambda one: one[1]
        )
        return f"replica_lag of {name} {lag:.1f} s > {limit:g} s" if lag > limit else ""

    def _behind(self, replayed: int, now: float) -> float:
        """Return the age of the oldest note that the standby has not replayed yet; 0 where it has replayed all."""
        return next((now - at for at, position in self._notes if position > replayed), 0.0)
