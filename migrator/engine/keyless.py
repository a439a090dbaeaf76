"""Fills a table without a key: each partition by pages, and then sweeps up rows that moved meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from psycopg import sql

from migrator.backfill.failures import FailedRow, failed_rows
from migrator.backfill.keyset import KeyRange
from migrator.backfill.move import Move
from migrator.backfill.pages import Pages
from migrator.backfill.size import ChunkSize
from migrator.backfill.slices import forget_slices, slices_of
from migrator.backfill.walk import Walked
from migrator.engine.parts import parts
from migrator.engine.session import Session
from migrator.errors import Location
from migrator.ledger.ledger import StepRow
from migrator.postgres.queries import query
from migrator.postgres.tables import NoKeyError, Table

SWEEP_TARGET = 3600.0  # seconds: the last sweep is one statement, and its time limit follows from this
WHOLE = 10**9  # rows of a chunk that takes all pages
Fill = Callable[[Move, ChunkSize, str, Pages], Walked]


def fill_keyless(
    session: Session, move: Move, size: ChunkSize, row: StepRow, *, fill: Fill, where: Location
) -> tuple[int, int]:
    """Walk every partition of the table, then sweep it; return rows walked and written.

    The sweep is one statement, so that it sees every row as it was at one moment: a walk by pages misses those that
    were moved behind it. A row that is done must not fulfil the `where` of the move any more: that alone tells it from
    one that is not.

    Raises:
        NoKeyError: the move has no such condition.
        RewrittenError: the table was rewritten; what `fill` raises.
    """
    if not move.knows_done:
        raise NoKeyError(
            f"table {move.table} has no primary key",
            where=where,
            notes=["without a key, only `where` can tell rows that are done from those that are not"],
            help="give it a primary key, or the backfill a `where` that no row fulfils once it is filled",
        )
    done = changed = 0
    for one in parts(session.working, move):
        part, purpose = one.move, one.purpose
        _forget_if_rewritten(session, row, part.table, purpose)
        walked = fill(part, replace(size), purpose, Pages(part.table))
        done, changed = (
            done + walked.rows_done,
            changed + walked.rows_changed + _sweep(session, part, purpose, row, fill),
        )
    return done, changed


def sweep_again(session: Session, move: Move, row: StepRow, *, fill: Fill) -> None:
    """Sweep the partitions in which rows were refused; what is refused again stays noted."""
    for part in parts(session.working, move):
        if _noted(session, row, part.purpose):
            _sweep(session, part.move, part.purpose, row, fill)


def _noted(session: Session, row: StepRow, purpose: str) -> list[FailedRow]:
    return [one for each in (purpose, f"{purpose} sweep") for one in failed_rows(session.working, row.id, each)]


def _sweep(session: Session, part: Move, purpose: str, row: StepRow, fill: Fill) -> int:
    """Do what is not done in a partition, rows that were refused before included; return how many rows.

    A row may have moved since it was noted, so a note ends when no row is there that is not done.
    """
    noted, own = _noted(session, row, purpose), f"{purpose} sweep"
    if noted:
        session.working.execute(query("slices_delete"), {"step": row.id, "purpose": own})
    size = ChunkSize(WHOLE, SWEEP_TARGET, fixed=True)
    swept = fill(part, size, own, Pages(part.table, endless=True))
    for one in noted:
        place = sql.SQL("{}.ctid = {}::tid").format(part.table.alias, sql.Literal(one.key[0]))
        open_row = sql.SQL("SELECT FROM {} AS {} WHERE {}").format(
            part.table.named, part.table.alias, part.condition(KeyRange(place, place, place))
        )
        if session.working.execute(open_row, ()).fetchone() is None:
            session.working.execute(query("failed_row_delete"), {"id": one.id})
    return swept.rows_changed


def _forget_if_rewritten(session: Session, row: StepRow, leaf: Table, purpose: str) -> None:
    for each in (purpose, f"{purpose} sweep"):
        begun = slices_of(session.working, row.id, each)
        if any(not Pages(leaf).is_valid(session.working, one.upper_key) for one in begun if not one.done):
            forget_slices(session.working, row.id, each)
