"""How many sessions of others are busy on the server."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg

from migrator.backfill.throttle.signal import Observation, Signal
from migrator.postgres.queries import query


class ActiveSessions(Signal):
    """Waits while more client sessions are active than the limit; those of the backfill do not count."""

    key = "active_sessions"

    def observe(self, connection: psycopg.Connection) -> Sequence[Observation]:
        row = connection.execute(query("active_sessions"), {"own": sorted(self.scene.own_pids())}).fetchone()
        assert row
        if row[1]:
            raise psycopg.errors.InsufficientPrivilege("other sessions are only shown to members of pg_monitor")
        return [Observation(self.key, row[0], self.limit)]
