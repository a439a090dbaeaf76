"""How much WAL was written since the last checkpoint began, as a share of `max_wal_size`.

A server begins a checkpoint by itself well below 1; beyond that it does not keep up, and will soon write in a hurry.
"""

from __future__ import annotations

from collections.abc import Sequence

import psycopg

from migrator.backfill.throttle.signal import Observation, Signal
from migrator.postgres.queries import query


class Checkpoint(Signal):
    """Waits while checkpoints do not keep up."""

    key = "checkpoint"

    def observe(self, connection: psycopg.Connection) -> Sequence[Observation]:
        row = connection.execute(query("checkpoint_share")).fetchone()
        assert row
        return [Observation(self.key, float(row[0]), self.limit, "{:.2f}".format)]
