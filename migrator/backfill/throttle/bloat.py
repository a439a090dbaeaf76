"""Keeps a table from growing with dead rows: runs VACUUM in pace, and holds the work back where that is too slow.

The table is to stay below `limit` times the size it had at the start. The first part of that room is filled; then a
VACUUM, on a connection and a thread of its own, makes the dead rows' space free for the next ones, and so on whenever
as many rows are dead again, or the free space is used up, which is when the table grows. Where little of the room is
left the work waits for the VACUUM: what is written beside it makes the table larger.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import psycopg

from migrator.backfill.throttle.signal import Observation, Scene, Signal
from migrator.postgres.queries import query

FIRST_PART = 1 / 3  # of the room above the size at the start: filled before the first VACUUM, then used again and again
LAST_PART = 1 / 6  # of the room: while a VACUUM runs, this much is left alone
GROWTH = 0.02  # of the size at the start, that a table grows after a VACUUM until the free space counts as used up
RETRY = 5.0  # seconds until another VACUUM where the last one could not free the rows
LEFT = 1 / 2  # of the first part: more dead rows than these after a VACUUM were kept from it, by an old transaction


class Bloat(Signal):
    """Waits where VACUUM does not keep the table below the limit."""

    key = "bloat"
    every = 0.2
    fresh = True
    limit: float

    def __init__(self, limit: Any, scene: Scene) -> None:
        super().__init__(limit, scene)
        self._before = 0
        self._vacuum_at = 0.0
        """The size in bytes at which the next VACUUM begins."""
        self._reclaimed = False
        """Whether the last VACUUM has freed space, so that what is needed beyond is the live rows' own."""
        self._ended = 0.0
        self._thread: threading.Thread | None = None
        self._vacuuming: psycopg.Connection | None = None
        self._closed = False

    def observe(self, connection: psycopg.Connection) -> Sequence[Observation]:
        if not self._before:
            self._before = max(self.scene.size_before(), 1)
            self._vacuum_at = self._before * (1 + self._first_part)
        size = self._size(connection)
        busy = self._thread is not None and self._thread.is_alive()
        used_up = size > self._vacuum_at or (self._reclaimed and self._dead(connection) > self._most_dead)
        if used_up and not busy and time.monotonic() - self._ended > (0 if self._reclaimed else RETRY):
            self._thread = threading.Thread(target=self._vacuum, name="vacuum", daemon=True)
            self._thread.start()
            busy = True
        if self._reclaimed and not busy:
            return []
        name, limit = f"{self.key} of {self.scene.table}", self.limit
        if busy:
            name, limit = f"{name} during VACUUM", limit - (limit - 1) * LAST_PART
        return [Observation(name, size / self._before, limit, "{:.2f}".format)]

    def close(self) -> None:
        self._closed = True
        if self._vacuuming:
            with suppress(psycopg.Error):
                self._vacuuming.cancel_safe(timeout=2)
        if self._thread:
            self._thread.join()

    @property
    def _first_part(self) -> float:
        return (self.limit - 1) * FIRST_PART

    def _size(self, connection: psycopg.Connection) -> int:
        row = connection.execute(query("table_size"), {"oid": self.scene.table.oid}).fetchone()
        assert row
        return int(row[0])

    @property
    def _most_dead(self) -> float:
        """Rows that may be dead before it is time for a VACUUM."""
        return self._first_part * max(self.scene.table.estimated_rows or 0, 1)

    def _dead(self, connection: psycopg.Connection) -> int:
        row = connection.execute(query("dead_rows"), {"oid": self.scene.table.oid}).fetchone()
        return int(row[0]) if row else 0

    def _vacuum(self) -> None:
        try:
            with self.scene.connect() as connection:
                self._vacuuming = connection
                # TRUNCATE would take an exclusive lock at the end.
                connection.execute(f"VACUUM (TRUNCATE false) {self.scene.table.identifier.as_string()}")
                self._reclaimed = self._dead(connection) <= LEFT * self._most_dead
                if self._reclaimed:
                    self._vacuum_at = self._size(connection) + GROWTH * self._before
        except psycopg.Error:
            self._reclaimed = False  # the size goes on being watched, and VACUUM is tried again
        finally:
            self._vacuuming = None
            self._ended = time.monotonic()
