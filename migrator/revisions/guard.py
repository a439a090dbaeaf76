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

from migrator.check.conditions import worked_on
from migrator.check.live import LARGE, LiveFacts
from migrator.postgres.make_way import MAKE_WAY
from migrator.postgres.watcher import Sighting, Watcher
from migrator.revisions import driver
from migrator.sql.context import Context, is_live
from migrator.sql.effects import Effect, Lock
from migrator.sql.names import Name
from migrator.sql.statement import Statement

FIRST_TRY = 0.25  # of the lock timeout: a short first look finds a free moment without anybody noticing
LEAST = 0.01  # seconds; 0 would mean "no limit" to PostgreSQL


class Guard:
    """The lock budget of one transaction after the other. `attempt` counts the tries of one revision from 1."""

    def __init__(self, lock_timeout: float, watcher: Watcher, clock: Callable[[], float] = time.monotonic) -> None:
        self._lock_timeout = lock_timeout
        self._watcher = watcher
        self._clock = clock
        self._since: float | None = None
        self._held: set[Name] = set()
        self._together = False
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
        self._since, self._together = None, False
        self._held.clear()

    def must_part(self, statement: Statement, effect: Effect, facts: LiveFacts) -> bool:
        """Tell whether a statement must not join the open transaction.

        It would lock a second table that is in use while the first stays locked: who holds two can deadlock with who
        takes them the other way round, and everybody waits for the slower. Or it works on many rows of a large table,
        and whoever needs what is locked would wait until it is done. What the application may depend on seeing all at
        once stays together.
        """
        if not self._held or self._together or effect.keeps_together:
            return False
        more = {lock.relation for lock in _stopping(effect, facts)} - self._held
        return bool(more) or any(
            is_live(facts, table) and facts.exceeds(table, LARGE)
            for table in (*_validated(effect), *worked_on(statement))
        )

    @contextmanager
    def around(self, cursor: Any, effect: Effect, context: Context, *, unhurried: bool = False) -> Iterator[None]:
        """Run a statement under its share of the budget, watched; an `unhurried` one may work as long as it has to."""
        stops = _stopping(effect, context)
        if (stops or effect.locks_unknown) and self._since is None:
            self._since = self._clock()
        if stops:
            self._relation = stops[0].relation.quoted() if stops[0].relation else stops[0].role
        self._held |= {lock.relation for lock in stops if lock.relation}
        self._together = self._together or effect.keeps_together
        self._limit(cursor, unhurried=unhurried)
        with self._watcher.watch(driver.backend_pid(driver.connection_of(cursor))) as sighting:
            self.last = sighting
            yield

    def _limit(self, cursor: Any, *, unhurried: bool) -> None:
        if self._since is None or unhurried:
            limits = (self.timeout, 0.0)
        else:
            left = max(self.timeout - (self._clock() - self._since), LEAST)
            limits = (left, left)
        lock, statement = (round(limit * 1000) for limit in limits)
        cursor.execute(f"SET LOCAL lock_timeout = {lock}; SET LOCAL statement_timeout = {statement}; {MAKE_WAY}")


def _stopping(effect: Effect, context: Context) -> list[Lock]:
    """Return the locks that stop reads or writes of a table in use."""
    return [
        lock
        for lock in effect.locks
        if lock.mode.blocks_writes and (lock.relation is None or is_live(context, lock.relation))
    ]


def _validated(effect: Effect) -> list[Name]:
    return [work.relation for work in effect.work if work.relation and work.rule == "validate-constraint"]
