"""For how long the oldest transaction has been open, prepared ones included: VACUUM cannot clean up behind it."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg

from migrator.backfill.throttle.signal import Observation, Signal, seconds
from migrator.postgres.queries import query


class OldestTransaction(Signal):
    """Waits while dead rows would only pile up."""

    key = "oldest_transaction"

    def observe(self, connection: psycopg.Connection) -> Sequence[Observation]:
        row = connection.execute(query("oldest_transaction"), {"own": sorted(self.scene.own_pids())}).fetchone()
        assert row
        if row[1]:
            raise psycopg.errors.InsufficientPrivilege("other sessions are only shown to members of pg_monitor")
        return [Observation(self.key, float(row[0]), self.limit.total_seconds(), seconds)]
