"""Fills a table without a key: each partition by pages, and then sweeps up rows that moved meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from migrator.backfill.move import Move
from migrator.backfill.pages import Pages
from migrator.backfill.size import ChunkSize
from migrator.backfill.slices import forget_slices, slices_of
from migrator.backfill.walk import Walked
from migrator.engine.session import Session
from migrator.errors import Location
from migrator.ledger.ledger import StepRow
from migrator.postgres.tables import NoKeyError, Table, leaves

PURPOSE = "fill"
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
    for leaf in leaves(session.working, move.table):
        part, purpose = replace(move, table=leaf), f"{PURPOSE} {leaf}" if move.table.partitioned else PURPOSE
        _forget_if_rewritten(session, row, leaf, purpose)
        walked = fill(part, replace(size), purpose, Pages(leaf))
        sweep = ChunkSize(WHOLE, SWEEP_TARGET, fixed=True)
        swept = fill(part, sweep, f"{purpose} sweep", Pages(leaf, endless=True))
        done, changed = done + walked.rows_done, changed + walked.rows_changed + swept.rows_changed
    return done, changed


def _forget_if_rewritten(session: Session, row: StepRow, leaf: Table, purpose: str) -> None:
    for each in (purpose, f"{purpose} sweep"):
        begun = slices_of(session.working, row.id, each)
        if any(not Pages(leaf).is_valid(session.working, one.upper_key) for one in begun if not one.done):
            forget_slices(session.working, row.id, each)
