"""How far standbys are behind, in time and in bytes, seen from the primary.

`pg_stat_replication.replay_lag` keeps its last small value while replay stands still. So the primary's own WAL position
is noted with the time, again and again: a standby is behind by the age of the oldest note that it has not replayed.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg

from migrator.backfill.throttle.signal import Observation, Scene, Signal, UnreadableSignal, seconds, size
from migrator.plan import throttle as plan
from migrator.postgres.queries import query

NOTE_INTERVAL = 0.05  # seconds between two notes
NOTES = 20_000


class ReplicaLag(Signal):
    """Waits for standbys: those that are named, or all that are or were connected."""

    key = "replica_lag"
    every = 0.1
    fresh = True
    limit: plan.ReplicaLag

    def __init__(self, limit: Any, scene: Scene) -> None:
        super().__init__(limit, scene)
        self._notes: deque[tuple[float, int]] = deque(maxlen=NOTES)
        self._known = set(self.limit.standbys)

    def observe(self, connection: psycopg.Connection) -> Sequence[Observation]:
        rows = connection.execute(query("standbys")).fetchall()
        if any(hidden for *_, hidden in rows):
            raise psycopg.errors.InsufficientPrivilege("standbys are only shown to members of pg_monitor")
        now = time.monotonic()
        standbys: dict[str, int] = {}
        for name, replayed, *_ in rows:
            if not self.limit.standbys or name in self.limit.standbys:
                standbys[name] = min(int(replayed), standbys.get(name, int(replayed)))
        if missing := sorted(self._known - set(standbys)):
            raise UnreadableSignal(f"standby {missing[0]} is not connected")
        self._known |= set(standbys)
        if rows and (not self._notes or now - self._notes[-1][0] >= NOTE_INTERVAL):
            self._notes.append((now, int(rows[0][2])))
        return [seen for name, at in standbys.items() for seen in self._seen(name, at, int(rows[0][3]), now)]

    def _seen(self, name: str, replayed: int, written: int, now: float) -> Iterator[Observation]:
        what = f"{self.key} of {name}"
        if self.limit.time:
            behind = next((now - at for at, position in self._notes if position > replayed), 0.0)
            yield Observation(what, behind, self.limit.time.total_seconds(), seconds)
        if self.limit.bytes:
            yield Observation(what, max(written - replayed, 0), self.limit.bytes, size)
