"""How many sessions wait for locks that the workers of the backfill hold."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg

from migrator.backfill.throttle.signal import Observation, Signal
from migrator.postgres.queries import query


class LockWaiters(Signal):
    """Waits while the application waits for us. Looked at in the background: between chunks nobody holds anything."""

    key = "lock_waiters"
    every = 0.1

    def observe(self, connection: psycopg.Connection) -> Sequence[Observation]:
        row = connection.execute(query("lock_waiters"), {"own": sorted(self.scene.own_pids())}).fetchone()
        assert row
        return [Observation(self.key, row[0], self.limit)]
