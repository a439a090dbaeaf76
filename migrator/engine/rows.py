"""Walking the rows of a table for a step: sets the connection up, reports progress, translates what goes wrong."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import replace

import psycopg

from migrator.backfill.chunks import Chunks, chunks_of
from migrator.backfill.crew import Crew
from migrator.backfill.failures import failed_rows, message_of
from migrator.backfill.keyset import Keyset
from migrator.backfill.leases import Leases
from migrator.backfill.move import Move
from migrator.backfill.pages import Pages
from migrator.backfill.passes import passes_for
from migrator.backfill.session_settings import chunk_settings
from migrator.backfill.size import ChunkSize
from migrator.backfill.slices import Slice, cut_slices, free_slices, slices_of
from migrator.backfill.walk import NOWHERE, Control, Elsewhere, Walk, Walked
from migrator.backfill.worker import Means, Progress, RowFailedError, Worker
from migrator.engine.events import Notice, RowProgress
from migrator.engine.refused import again, most_refused, refused_rows
from migrator.engine.session import Session
from migrator.engine.stop import LOOK_INTERVAL
from migrator.errors import Location, UsageError
from migrator.ledger.ledger import StepRow
from migrator.postgres.activity import lock_holders
from migrator.postgres.blockers import Blocker
from migrator.postgres.tables import Table, find_table, require_key

Lead = Callable[[Walked, Callable[[], int]], Walked]
"""Takes how far the walk has come and how many workers there should be, and returns when all is done."""


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
        _analyze(session, table)
        table = find_table(session.working, name, where)
    return table


def tidy_up(session: Session, table: Table) -> None:
    """Free the space of the rows that a backfill has replaced, and let the planner know what is there now.

    Autovacuum would do it in its own time, at this pace. Until then every scan reads the dead rows too, and the next
    backfill makes the table larger still. Where it is not possible now, it is left to autovacuum.
    """
    begun, told = time.monotonic(), False
    with session.target.connect(f"{session.name} (vacuum)") as connection, ThreadPoolExecutor(1, "vacuum") as pool:
        work = pool.submit(_vacuum, connection, table, session.lock_timeout)
        while not wait([work], LOOK_INTERVAL).done:
            if session.stop.requested:
                with suppress(psycopg.Error):
                    connection.cancel_safe()
            elif not told and time.monotonic() - begun > _TOLD_AFTER:
                told = True
                session.emit(Notice(step=session.ref, text=f"{table} is vacuumed: the space of the old rows is freed"))
    try:
        work.result()
    except _NOT_NOW:
        session.emit(Notice(step=session.ref, text=f"{table} could not be vacuumed now; autovacuum will do it"))


_TOLD_AFTER = 2.0
"""Seconds of silence."""
_NOT_NOW = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.QueryCanceled,
)


def _vacuum(connection: psycopg.Connection, table: Table, lock_timeout: float) -> None:
    connection.execute(f"SET lock_timeout = {round(lock_timeout * 1000)}")
    connection.execute("SET statement_timeout = 0")
    connection.execute("SET vacuum_cost_delay = '2ms'")
    # TRUNCATE would take an exclusive lock at the end.
    connection.execute(f"VACUUM (ANALYZE, TRUNCATE false) {table.identifier.as_string()}")


def _analyze(session: Session, table: Table) -> None:
    with session.working.transaction():
        session.working.execute(f"SET LOCAL lock_timeout = {round(session.lock_timeout * 1000)}")
        session.working.execute("SET LOCAL statement_timeout = 0")
        session.working.execute(f"ANALYZE {table.identifier.as_string()}")


def slices(session: Session, row: StepRow, keyset: Keyset, move: Move, purpose: str) -> list[Slice]:
    """Return the slices of a move to a table, making them first if this is the first attempt."""
    found = slices_of(session.working, row.id, purpose)
    return found or cut_slices(session.working, keyset, row.id, purpose, passes_for(session.working, keyset, move))


def fill(
    session: Session,
    row: StepRow,
    move: Move,
    size: ChunkSize,
    *,
    purpose: str,
    where: Location,
    throttle: Callable[[], str] = lambda: "",
    nice: float = 0.0,
    crew: Crew | None = None,
    skip: int = 0,
    lead: Lead | None = None,
    pages: Pages | None = None,
    settle: bool = True,
    elsewhere: Elsewhere = NOWHERE,
) -> Walked:
    """Walk the table of `move` to its end, or from where an earlier attempt came to.

    A `crew` of workers does it, or one, unless an operator asks for another number; `lead` leads them where they are
    not of this process. `throttle` says why the next chunk has to wait, or an empty text; `nice` is how long a worker
    rests after each, as a multiple of the time it took, unless an operator asks for something else; `skip` is how many
    rows that the database refuses may be left for later. With more of them, all others are done before it ends with an
    error, unless there are very many; without `settle` it is left to the caller to tell of them when all is done. With
    `pages` the rows are walked by where they lie. `elsewhere` is what there is of the step beside this.

    Raises:
        BadExpressionError: the statement cannot be planned.
        RowRefusedError: the database refused a row.
        RowsLockedError, NoKeyError
    """
    keyset = pages or Keyset(move.table, require_key(move.table, where))
    chunks = chunks_of(keyset, move)
    set_up(session, session.working, size.target, silent=move.silent)
    _try_out(session.working, chunks, where)
    walk = _walk(session, slices(session, row, keyset, move, purpose), size, crew or Crew(1, 1))
    walk.walked.elsewhere = elsewhere
    means = _means(session, move, walk, throttle=throttle, nice=nice, most=most_refused(skip))

    def make(number: int) -> Worker:
        connection = session.connection(number)
        set_up(session, connection, size.target, silent=move.silent)
        leases = Leases(connection, keyset, row.id, purpose, f"{session.ledger.by} {number}")
        return Worker(number, leases, chunks, replace(size), means)

    if not pages and len(failed_rows(session.working, row.id, purpose)) > skip:
        again(session, row, chunks, purpose)
    done = False
    try:
        if lead:
            free_slices(session.working, row.id, purpose)
            lead(walk.walked, walk.control.workers)
        while not (done := all(one.done for one in slices_of(session.working, row.id, purpose))):
            free_slices(session.working, row.id, purpose)  # no worker is alive now
            walk.run(make)
    except RowFailedError:
        pass  # too many of them, to be told below
    found = failed_rows(session.working, row.id, purpose)
    if len(found) > skip and (settle or not done):
        raise refused_rows(str(move.table), found, where, done=done)
    return walk.walked


def assist(
    session: Session,
    leases: Leases,
    move: Move,
    size: ChunkSize,
    *,
    throttle: Callable[[], str],
    nice: float,
    most: int,
    halted: Callable[[], bool],
) -> None:
    """Work on the slices of a step that another process leads, until `halted` or until there is nothing to take.

    Raises:
        RowFailedError, RowsLockedError
    """
    set_up(session, leases.connection, size.target, silent=move.silent)
    means = _means(session, move, _Alone(halted), throttle=throttle, nice=nice, most=most)
    Worker(1, leases, chunks_of(leases.keyset, move), size, means).run()


class _Alone:
    """What stands for the walk where a worker is the only one of its process; the ledger is what it tells."""

    def __init__(self, halted: Callable[[], bool]) -> None:
        self.halted = halted

    def tell(self, _: Progress) -> None: ...

    def wanted(self) -> int:
        return 1


def _means(
    session: Session,
    move: Move,
    walk: Walk | _Alone,
    *,
    throttle: Callable[[], str],
    nice: float,
    most: int,
) -> Means:
    return Means(
        tell=walk.tell,
        halted=walk.halted,
        hold=lambda: session.asked().pause or throttle(),
        blockers=lambda: _holders(session, move),
        deadline=session.lock_wait,
        most_refused=most,
        wanted=lambda number: number <= walk.wanted(),
        target=lambda: session.asked().chunk_target,
        nice=lambda: nice if (asked := session.asked().nice) is None else asked,
        set_up=lambda connection, target: set_up(session, connection, target, silent=move.silent),
    )


def _walk(session: Session, slices: list[Slice], size: ChunkSize, crew: Crew) -> Walk:
    walked = Walked(
        rows_done=sum(one.rows_done for one in slices),
        rows_changed=sum(one.rows_changed for one in slices),
        rows_total=sum(max(one.rows_total, one.rows_done) for one in slices),
        chunk_rows=size.rows,
    )
    control = Control(
        report=lambda now: report(session, now),
        check=session.check,
        failed=lambda one: session.emit(Notice(step=session.ref, text=f"row set aside: {one}")),
        stopping=lambda: session.stop.requested,
        workers=lambda: session.asked().workers or crew.look(walked.rows_done, held=bool(walked.waiting)),
    )
    return Walk(walked, control)


def set_up(session: Session, connection: psycopg.Connection, target: float, *, silent: bool) -> None:
    """Give a working connection the settings of chunks that should take `target` seconds.

    `silent` keeps the triggers of dual writes from doing what the chunks do.
    """
    longest = max(session.lock_timeout, 4 * target)
    settings = chunk_settings(session.lock_timeout, longest, silent=silent)
    for name, value in settings.items():
        try:
            connection.execute("SELECT set_config(%s, %s, false)", (name, value))
        except psycopg.errors.InsufficientPrivilege:  # deadlock_timeout is a superuser's; the default serves too
            session.emit(Notice(step=session.ref, text=f"may not set {name}; the server's value is used"))


def _try_out(connection: psycopg.Connection, chunks: Chunks, where: Location) -> None:
    try:
        chunks.explain(connection)
    except (psycopg.ProgrammingError, psycopg.DataError, psycopg.NotSupportedError) as error:
        raise BadExpressionError(
            f"the step does not work on this table: {message_of(error)}",
            where=where,
            notes=[*([error.diag.message_hint] if error.diag.message_hint else []), "nothing was written"],
            help="correct the plan, and run the same command again",
        ) from error


def report(session: Session, walked: Walked) -> None:
    session.emit(
        RowProgress(
            step=session.ref,
            rows_done=walked.rows_done + walked.elsewhere.done,
            rows_total=walked.rows_total + walked.elsewhere.done + walked.elsewhere.left,
            rows_per_second=walked.rate,
            eta=walked.eta,
            chunk_rows=walked.chunk_rows,
            chunk_seconds=walked.chunk_seconds,
            waiting=walked.waiting,
            workers=walked.workers,
        )
    )


def _holders(session: Session, move: Move) -> tuple[Blocker, ...]:
    found = lock_holders(session.target.asking, [move.table.identifier.as_string()])
    return tuple(one for one in found if one.pid not in session.own_pids)
