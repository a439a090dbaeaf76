"""How much WAL the server has to keep: for its replication slots, and for the archiver."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg

from migrator.backfill.throttle.signal import Observation, Signal, size
from migrator.postgres.queries import query


class WalKept(Signal):
    """Waits while a slot or the archiver keeps too much."""

    key = "wal_kept"
    every = 1.0
    fresh = True

    def observe(self, connection: psycopg.Connection) -> Sequence[Observation]:
        kept = [(f"slot {name}", number) for name, number in connection.execute(query("wal_kept_for_slots"))]
        kept += [("the archiver", number) for (number,) in connection.execute(query("wal_kept_for_archiver"))]
        return [Observation(f"{self.key} for {who}", float(number), self.limit, size) for who, number in kept]
