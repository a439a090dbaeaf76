"""Walking the rows of a table for a step: sets the connection up, reports progress, translates what goes wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import psycopg

from migrator.backfill.chunk import ChunkStatement
from migrator.backfill.dual_write import SILENCE
from migrator.backfill.keyset import Keyset
from migrator.backfill.leases import Leases
from migrator.backfill.move import Move
from migrator.backfill.refill import Refill
from migrator.backfill.size import ChunkSize
from migrator.backfill.slices import Slice, cut_slices, free_slices, slices_of
from migrator.backfill.walk import Control, Walk, Walked
from migrator.backfill.worker import Means, Worker
from migrator.engine.events import Notice, RowProgress
from migrator.engine.session import Session
from migrator.errors import Location, RefusedError, UsageError
from migrator.ledger.ledger import StepRow
from migrator.postgres.activity import lock_holders
from migrator.postgres.blockers import Blocker
from migrator.postgres.tables import Table, find_table, require_key

LOCK_SHARE = 0.25  # of the lock timeout: a chunk that waits for a row holds those it has done, so it waits less


class RowRefusedError(RefusedError):
    """The database refused what a backfill writes: a constraint, a cast or a trigger said no.

    Everything before that chunk is committed, and the chunk was rolled back. Correct the expression in the plan or the
    data in the table, and run the same command again: it goes on with that chunk.
    """

    code = "MG322"


class BadExpressionError(UsageError):
    """An SQL expression of the plan does not work on this table.

    It names a column or function that is not there, or gives a value of the wrong type. Nothing was written. Correct
    the plan and run the same command again.
    """

    code = "MG161"


def prepare(session: Session, name: str, where: Location) -> Table:
    """Return the table, with fresh statistics where it had none: without them the plans of chunks are guesses."""
    table = find_table(session.working, name, where)
    if table.estimated_rows is None or not table.analyzed:
        session.emit(Notice(step=session.ref, text=f"{table} has no statistics yet: analyzing it first"))
        with session.working.transaction():
            session.working.execute(f"SET LOCAL lock_timeout = {round(session.lock_timeout * 1000)}")
            session.working.execute(f"ANALYZE {table.identifier.as_string()}")
        table = find_table(session.working, name, where)
    return table


def fill(
    session: Session,
    row: StepRow,
    move: Move | Refill,
    size: ChunkSize,
    *,
    purpose: str,
    where: Location,
    throttle: Callable[[], str] = lambda: "",
    workers: int = 1,
) -> Walked:
    """Walk the table of `move` to its end, or from where an earlier attempt came to, with so many workers.

    `throttle` says why the next chunk has to wait, or an empty text.

    Raises:
        BadExpressionError: the statement cannot be planned.
        RowRefusedError: the database refused a row.
        RowsLockedError, NoKeyError
    """
    keyset = Keyset(move.table, require_key(move.table, where))
    statement = ChunkStatement(keyset, move)
    _set_up(session, session.working, size)
    _try_out(session.working, statement, where)
    walk = _walk(session, cut_slices(session.working, keyset, row.id, purpose), size)
    means = Means(
        tell=walk.tell,
        halted=walk.halted,
        throttle=_one_at_a_time(throttle),
        blockers=lambda: _holders(session, move),
        deadline=session.lock_wait,
    )

    def make(number: int) -> Worker:
        connection = session.connection(number)
        if number > 1:
            _set_up(session, connection, size)
        leases = Leases(connection, keyset, row.id, purpose, f"{session.ledger.by} {number}")
        return Worker(number, leases, statement, replace(size), means)

    try:
        while not all(one.done for one in slices_of(session.working, row.id, purpose)):
            free_slices(session.working, row.id, purpose)  # no worker is alive now
            walk.run(make, workers)
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        raise RowRefusedError(
            f"the database refused a row of {move.table}: {_first_line(error)}",
            where=where,
            notes=[*([error.diag.message_detail] if error.diag.message_detail else []), "that chunk was rolled back"],
            help="correct the expression or the data, and run the same command again",
        ) from error
    return walk.walked


def _walk(session: Session, slices: list[Slice], size: ChunkSize) -> Walk:
    walked = Walked(
        rows_done=sum(one.rows_done for one in slices),
        rows_changed=sum(one.rows_changed for one in slices),
        rows_total=sum(max(one.rows_total, one.rows_done) for one in slices),
        chunk_rows=size.rows,
    )
    control = Control(
        report=lambda now: _report(session, now),
        check=session.check,
        stopping=lambda: session.stop.requested,
    )
    return Walk(walked, control)


def _one_at_a_time(throttle: Callable[[], str]) -> Callable[[], str]:
    lock = threading.Lock()

    def ask() -> str:
        with lock:
            return throttle()

    return ask


def _set_up(session: Session, connection: psycopg.Connection, size: ChunkSize) -> None:
    longest = max(session.lock_timeout, 4 * size.target)
    settings = {
        SILENCE: "on",
        "lock_timeout": f"{round(session.lock_timeout * LOCK_SHARE * 1000)}ms",
        "statement_timeout": f"{round(longest * 1000)}ms",
        "idle_in_transaction_session_timeout": f"{round(longest * 1000)}ms",
        # The cursor is in the same WAL as the rows: what a crash takes, it takes of both.
        "synchronous_commit": "off",
        # A row policy must not hide rows from the backfill in silence: with this PostgreSQL refuses instead.
        "row_security": "off",
        # The bounds of a chunk are not known when it is planned, so its cost is overrated.
        "enable_seqscan": "off",
        "deadlock_timeout": "100ms",
    }
    for name, value in settings.items():
        try:
            connection.execute("SELECT set_config(%s, %s, false)", (name, value))
        except psycopg.errors.InsufficientPrivilege:  # deadlock_timeout is a superuser's; the default serves too
            session.emit(Notice(step=session.ref, text=f"may not set {name}; the server's value is used"))


def _try_out(connection: psycopg.Connection, statement: ChunkStatement, where: Location) -> None:
    try:
        statement.explain(connection)
    except (psycopg.ProgrammingError, psycopg.DataError, psycopg.NotSupportedError) as error:
        raise BadExpressionError(
            f"the step does not work on this table: {_first_line(error)}",
            where=where,
            notes=[*([error.diag.message_hint] if error.diag.message_hint else []), "nothing was written"],
            help="correct the plan, and run the same command again",
        ) from error


def _report(session: Session, walked: Walked) -> None:
    session.emit(
        RowProgress(
            step=session.ref,
            rows_done=walked.rows_done,
            rows_total=walked.rows_total,
            rows_per_second=walked.rate,
            eta=walked.eta,
            chunk_rows=walked.chunk_rows,
            chunk_seconds=walked.chunk_seconds,
            waiting=walked.waiting,
            workers=walked.workers,
        )
    )


def _holders(session: Session, move: Move | Refill) -> tuple[Blocker, ...]:
    found = lock_holders(session.target.asking, [move.table.identifier.as_string()])
    return tuple(one for one in found if one.pid not in session.own_pids)


def _first_line(error: psycopg.Error) -> str:
    return error.diag.message_primary or str(error).splitlines()[0]
