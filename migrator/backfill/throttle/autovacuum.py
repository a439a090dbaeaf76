"""Whether somebody else's VACUUM, autovacuum as a rule, works on the table or one of its partitions."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg

from migrator.backfill.throttle.signal import Observation, Signal
from migrator.postgres.queries import query


class Autovacuum(Signal):
    """Waits until it is through: it frees the space that the next rows go to."""

    key = "autovacuum"

    def observe(self, connection: psycopg.Connection) -> Sequence[Observation]:
        if not self.limit:
            return []
        row = connection.execute(query("vacuums_of"), {"oid": self.scene.table.oid}).fetchone()
        assert row
        return [Observation(f"{self.key} of {self.scene.table}, workers", row[0], 0)]
