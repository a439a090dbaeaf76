"""Concurrent builds: statements that wait for every older snapshot in the database and must not be timed out.

`CREATE INDEX CONCURRENTLY` waits for old transactions, and PostgreSQL counts that wait against `lock_timeout`; what is
left of a cancelled build is an INVALID index, which `IF NOT EXISTS` would take for the real one. So such a statement
runs without PostgreSQL's timeouts under a deadline of our own, and what an earlier attempt left is cleaned up first.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg

from migrator.errors import RefusedError, UnavailableError
from migrator.postgres.activity import old_transactions
from migrator.postgres.blockers import Blocker
from migrator.postgres.queries import query
from migrator.postgres.watcher import Sighting, Watcher
from migrator.revisions import driver
from migrator.revisions.same_index import same_index
from migrator.sql.names import Name
from migrator.sql.online.form import Leftover, LeftoverKind

REPORT_INTERVAL = 1.0  # seconds
CLEAN_UP = 1000  # milliseconds for dropping an unfinished index, which waits for whoever the build waited for
GIVEN_UP = ("55P03", "57014")  # lock_timeout and cancellation


class BuildDeadlineError(UnavailableError):
    """A concurrent build did not finish within its deadline.

    It waits for every transaction that is older than itself, wherever in the database that works. An unfinished,
    INVALID index is dropped, now or, where that has to wait as well, by the next run. End the old transactions shown,
    or raise `--build-wait`, and run the same command again.
    """

    code = "MG205"


class ForeignIndexError(RefusedError):
    """An INVALID index of this name exists, and it is not what this revision builds.

    Somebody else's build failed, or is still going on. migrator drops only what it would build itself. Look at the
    index, drop it with `DROP INDEX CONCURRENTLY` if nobody needs it, and run the same command again.
    """

    code = "MG326"


class OtherIndexError(RefusedError):
    """An index of this name exists, and its definition is another than the one in the revision.

    The revision says IF NOT EXISTS, so PostgreSQL would take the one for the other and build nothing. Give the new
    index another name, or drop the old one in a revision before it.
    """

    code = "MG329"


@dataclass(frozen=True, slots=True)
class BuildState:
    """How far a build has come. `phase` is PostgreSQL's word; `blockers` are who it waits for."""

    relation: str
    phase: str
    done: int
    total: int
    seconds: float
    blockers: tuple[Blocker, ...] = ()


class Builder:
    """Runs non-transactional statements on a connection in autocommit mode, within `deadline` seconds each."""

    def __init__(self, watcher: Watcher, deadline: float, report: Callable[[BuildState], None]) -> None:
        self._watcher = watcher
        self._deadline = deadline
        self._report = report

    def run(self, cursor: Any, sql: str, leftover: Leftover | None, begin: Callable[[], None], *, ours: bool) -> None:
        """Run `sql`, after clearing away what an earlier attempt of it left.

        Args:
            leftover: what an interrupted attempt can leave.
            begin: is called right before `sql` is sent, and from then on what it leaves is ours.
            ours: an earlier attempt of this very statement was begun, so what it made or dropped is its result.

        Raises:
            BuildDeadlineError, ForeignIndexError, OtherIndexError
            The driver's error, with the unfinished index dropped.
        """
        cursor.execute("SET lock_timeout = 0; SET statement_timeout = 0")
        try:
            if leftover is None or not self._settled(cursor, sql, leftover, ours=ours):
                begin()
                self._watched(cursor, sql, leftover)
        finally:
            if not driver.connection_of(cursor).closed:
                cursor.execute("RESET lock_timeout; RESET statement_timeout")

    def left_nothing(self, cursor: Any, leftover: Leftover | None) -> bool:
        """Tell whether a build that failed has left no trace, as far as that can be told."""
        return (
            leftover is not None
            and leftover.kind is LeftoverKind.INVALID_INDEX
            and not driver.connection_of(cursor).closed
            and _index(cursor, leftover.name) is None
        )

    def _watched(self, cursor: Any, sql: str, leftover: Leftover | None) -> None:
        index = leftover.name if leftover else None
        started, shown = time.monotonic(), 0.0
        cancelled: list[Sighting] = []

        def tick(connection: psycopg.Connection, sighting: Sighting) -> None:
            nonlocal shown
            seconds = time.monotonic() - started
            if seconds > self._deadline:
                connection.execute(query("cancel_statement"), {"pid": sighting.pid})
                cancelled.append(sighting)
            elif seconds - shown >= REPORT_INTERVAL:
                shown = seconds
                self._report(_progress(connection, sighting, index, seconds))

        try:
            with self._watcher.watch(driver.backend_pid(driver.connection_of(cursor)), tick, patient=True):
                cursor.execute(sql)
        except Exception as error:
            if not driver.connection_of(cursor).closed and leftover and leftover.kind is LeftoverKind.INVALID_INDEX:
                self._clean_up(cursor, leftover.name)
            if cancelled:
                raise self._too_late(cursor, index, cancelled[0]) from error
            raise

    def _settled(self, cursor: Any, sql: str, leftover: Leftover, *, ours: bool) -> bool:
        """Clear away what an unfinished attempt left; tell whether a finished one makes the statement needless."""
        name = leftover.name
        match leftover.kind:
            case LeftoverKind.INVALID_INDEX:
                return self._index_settled(cursor, sql, name, ours=ours)
            case LeftoverKind.HALF_DROPPED_INDEX:
                return ours and _index(cursor, name) is None
            case LeftoverKind.TRANSIENT_INDEX:
                cursor.execute(query("invalid_transients"), {"relation": name.quoted()})
                for schema, index in cursor.fetchall() if ours else ():
                    self._clean_up(cursor, Name(index, schema))
                return False
            case LeftoverKind.PENDING_DETACH:
                return self._detached(cursor, name, ours=ours)

    def _detached(self, cursor: Any, partition: Name, *, ours: bool) -> bool:
        cursor.execute(query("pending_detach"), {"relation": partition.quoted()})
        row = cursor.fetchone()
        if row is not None:
            parent = Name(row[1], row[0]).quoted()
            self._watched(cursor, f"ALTER TABLE {parent} DETACH PARTITION {partition.quoted()} FINALIZE", None)
            return True
        cursor.execute(query("is_partition"), {"relation": partition.quoted()})
        still = cursor.fetchone()
        return ours and not (still and still[0])

    def _index_settled(self, cursor: Any, sql: str, index: Name, *, ours: bool) -> bool:
        """Drop what an unfinished build of this index left; tell whether a finished one makes the build needless."""
        found = _index(cursor, index)
        if found is None:
            return False
        valid, definition, building = found
        same, optional = same_index(cursor, sql, index), "IF NOT EXISTS" in sql.upper()
        if valid and optional and not same:
            raise OtherIndexError(
                f"there is another index {index.quoted()} than the one that this revision builds",
                notes=[f"it is: {definition}", f"the revision says: {sql}"],
                help="give the new index a name of its own",
            )
        if valid:
            return same and (ours or optional)  # else PostgreSQL says that it exists, as to Alembic
        if building or not (same or ours):
            raise ForeignIndexError(
                f"there is an INVALID index {index.quoted()} that this revision does not build",
                notes=[f"it is: {definition}", *(["a session is building it right now"] if building else [])],
                help=f"look at it, then: DROP INDEX CONCURRENTLY {index.quoted()};",
            )
        self._watched(cursor, _drop(index), None)
        return False

    def _clean_up(self, cursor: Any, index: Name) -> None:
        found = _index(cursor, index)
        if found is None or found[0]:
            return
        try:
            cursor.execute(f"SET lock_timeout = {CLEAN_UP}")
            cursor.execute(_drop(index))
        except Exception as error:
            if driver.sqlstate(error) not in GIVEN_UP:
                raise

    def _too_late(self, cursor: Any, index: Name | None, sighting: Sighting) -> BuildDeadlineError:
        left = index is not None and _index(cursor, index) is not None
        return BuildDeadlineError(
            f"{index.quoted() if index else 'a concurrent statement'} was not done within {self._deadline:.0f} s",
            notes=[
                *(f"waited for: {one}" for one in sighting.blockers),
                *(["the unfinished index is left INVALID: the next run drops it"] if left else []),
            ],
            help="end the old transactions, or allow more time: --build-wait 12h, and run the same command again",
        )


def _drop(index: Name) -> str:
    return f"DROP INDEX CONCURRENTLY IF EXISTS {index.quoted()}"


def _index(cursor: Any, index: Name) -> tuple[bool, str, bool] | None:
    cursor.execute(query("index_named"), {"index": index.quoted()})
    row = cursor.fetchone()
    return tuple(row) if row else None


def _progress(connection: psycopg.Connection, sighting: Sighting, index: Name | None, seconds: float) -> BuildState:
    row = connection.execute(query("build_progress"), {"pid": sighting.pid}).fetchone()
    phase, done, total = (row[0], row[1], row[2]) if row else ("waiting", 0, 0)
    waiting = "waiting" in phase
    blockers = sighting.blockers or (old_transactions(connection) if waiting else ())
    name = index.quoted() if index else ""
    return BuildState(name, phase, done, total, seconds, tuple(one for one in blockers if one.pid != sighting.pid))
