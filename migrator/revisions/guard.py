"""Keeps a transaction of a revision from standing in the application's way for longer than the lock timeout.

The clock starts with the first request for a lock that stops reads or writes of a table in use. From then on, waiting
and working together must end within the lock timeout: each later statement gets what is left. So nobody who queues
behind the transaction waits longer than that, however many statements it has.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from migrator.postgres.watcher import Sighting, Watcher
from migrator.sql.context import Context, is_live
from migrator.sql.effects import Effect

FIRST_TRY = 0.25  # of the lock timeout: a short first look finds a free moment without anybody noticing
LEAST = 0.01  # seconds; 0 would mean "no limit" to PostgreSQL


class Guard:
    """The lock budget of one transaction after the other. `attempt` counts the tries of one revision from 1."""

    def __init__(self, lock_timeout: float, watcher: Watcher, clock: Callable[[], float] = time.monotonic) -> None:
        self._lock_timeout = lock_timeout
        self._watcher = watcher
        self._clock = clock
        self._since: float | None = None
        self._relation = ""
        self.attempt = 1
        self.last: Sighting | None = None

    @property
    def timeout(self) -> float:
        """The lock timeout of this try, in seconds: it doubles from try to try, up to the setting."""
        return min(self._lock_timeout, self._lock_timeout * FIRST_TRY * 2.0 ** (self.attempt - 1))

    @property
    def relation(self) -> str:
        """The relation whose lock was asked for last, as SQL."""
        return self._relation

    def reset(self) -> None:
        """A transaction ended."""
        self._since = None

    @contextmanager
    def around(self, cursor: Any, effect: Effect, context: Context) -> Iterator[None]:
        """Run a statement under its share of the budget, watched."""
        stops = [lock for lock in effect.locks if lock.mode.blocks_writes and _in_use(lock.relation, context)]
        if (stops or effect.locks_unknown) and self._since is None:
            self._since = self._clock()
        if stops:
            self._relation = stops[0].relation.quoted() if stops[0].relation else stops[0].role
        self._limit(cursor)
        with self._watcher.watch(backend_pid(cursor)) as sighting:
            self.last = sighting
            yield

    def _limit(self, cursor: Any) -> None:
        if self._since is None:
            limits = (self.timeout, 0.0)
        else:
            left = max(self.timeout - (self._clock() - self._since), LEAST)
            limits = (left, left)
        lock, statement = (round(limit * 1000) for limit in limits)
        cursor.execute(f"SET LOCAL lock_timeout = {lock}; SET LOCAL statement_timeout = {statement}")


def _in_use(relation: Any, context: Context) -> bool:
    return relation is None or is_live(context, relation)


def backend_pid(cursor: Any) -> int:
    """Return the server process of the cursor's connection, whichever driver it is of."""
    connection = cursor.connection
    info = getattr(connection, "info", None)
    return int(info.backend_pid if info is not None else connection.get_backend_pid())
