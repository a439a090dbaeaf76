"""A number that a query of the plan gives."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from psycopg import sql

from migrator.backfill.throttle.signal import Observation, Signal, UnreadableSignal
from migrator.plan import throttle as plan


class Query(Signal):
    """Waits while the number is above the limit. The query runs in a read-only transaction."""

    key = "query"
    every = 1.0
    limit: plan.Query

    def observe(self, connection: psycopg.Connection) -> Sequence[Observation]:
        with connection.transaction():
            connection.execute("SET TRANSACTION READ ONLY")
            # text of the plan, without parameters: its percent signs are its own
            row = connection.execute(sql.SQL(self.limit.sql)).fetchone()
        try:
            value = float(row[0]) if row else None
        except (TypeError, ValueError):
            value = None
        if value is None or value != value:  # noqa: PLR0124 - NaN
            raise UnreadableSignal("the query gave no number")
        return [Observation(self.key, value, self.limit.limit)]
