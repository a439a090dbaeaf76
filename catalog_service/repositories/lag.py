"""How far the replica is behind, measured by log positions: no clock of another machine, no traffic needed."""

from __future__ import annotations

import time
from collections import deque
from threading import Lock, Thread

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from catalog_service.observability.statements import HOUSEKEEPING

_WRITTEN = text("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint")
_REPLAYED = text(
    "SELECT pg_wal_lsn_diff("
    "CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, '0/0')::bigint"
)
_KEPT = 600
_INTERVAL = 0.5
_PATIENCE = 0.25
"""Seconds that somebody who asks is held up by a look at most: many times what one takes where both servers answer."""


class ReplicaWatch:
    """Measures the lag every now and then, when somebody asks.

    The lag is the age of the newest position of the primary's log that the replica has replayed. What a replica says of
    itself would not do: one whose stream is cut believes that it is up to date. A look at a server that hangs goes on
    in a thread of its own, and the lag grows until it ends.
    """

    def __init__(self, primary: Engine, replica: Engine) -> None:
        self._primary = primary
        self._replica = replica
        self._lock = Lock()
        self._positions: deque[tuple[float, int]] = deque(maxlen=_KEPT)
        self._looked = float("-inf")
        self._reached: float | None = None

    def lag(self) -> float | None:
        """Return the lag in seconds, None while the replica does not answer or nothing is known yet."""
        if time.monotonic() - self._looked >= _INTERVAL and self._lock.acquire(blocking=False):
            look = Thread(target=self._look, name="replica-watch", daemon=True)
            look.start()
            look.join(_PATIENCE)
        reached = self._reached
        return None if reached is None else time.monotonic() - reached

    def failed(self) -> None:
        """Remember that the replica has just failed somebody."""
        self._reached = None
        self._looked = time.monotonic()

    def _look(self) -> None:
        try:
            self._looked = time.monotonic()
            self._reached = self._measure()
        finally:
            self._lock.release()

    def _measure(self) -> float | None:
        try:
            with self._primary.connect().execution_options(**HOUSEKEEPING) as connection:
                self._positions.append((time.monotonic(), connection.execute(_WRITTEN).scalar_one()))
            with self._replica.connect().execution_options(**HOUSEKEEPING) as connection:
                replayed = connection.execute(_REPLAYED).scalar_one()
        except SQLAlchemyError:
            return None
        return max((moment for moment, position in self._positions if position <= replayed), default=None)
