"""The dual writes at the two ends of contract: removed when the old shape is gone, put back when it returns."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg
from psycopg import sql

from migrator.backfill.dual_write import DualWrite
from migrator.backfill.move import Move
from migrator.backfill.moves.assign import Assign
from migrator.backfill.refill import Refill
from migrator.backfill.size import ChunkSize
from migrator.backfill.slices import forget_slices
from migrator.engine import dual_writes as triggers
from migrator.engine import rows
from migrator.engine.events import StepFinished, StepRef, StepStarted
from migrator.engine.refs import refs
from migrator.engine.session import Session
from migrator.errors import RefusedError
from migrator.ledger.ledger import StepRow
from migrator.plan.steps.dual_write import DualWrite as DualWriteStep
from migrator.postgres.tables import UnknownTableError, named, raw

REFILL_ROWS, REFILL_TARGET = 10_000, 0.5  # as a backfill step has them by default


def end_dual_writes(session: Session) -> None:
    """Remove the triggers that are still there after contract: a revision that could not be read may have kept them."""
    for ref, step, row in _steps(session):
        if session.ledger.dual_write_state(row.id) in triggers.AT_WORK:
            session.current = (ref, row)
            triggers.remove(session, step, row, "removed")


class OldShapeMissingError(RefusedError):
    """Contract was undone, but the columns that its dual write fills did not come back.

    Going on would drop the new columns too, and with them the data. Make the downgrade of the contract revision add the
    old columns again (empty: they are filled from the new ones) and run the same command again; or add them by hand,
    and run it with `--accept-drift`.
    """

    code = "MG332"


def dual_writes(session: Session) -> None:
    """Put back the triggers whose old shape has returned, and fill that, which came back empty, from the new one.

    To be called before each step that is undone: it may require the old columns to be filled.
    """
    for ref, step, row in _steps(session):
        state = session.ledger.dual_write_state(row.id)
        if state in ("removed", "refilling") and _is_back(session, step, row):
            session.current = (ref, row)
            session.check()
            _refill(session, ref, step, row, resumed=state == "refilling")


def require_dual_writes(session: Session) -> None:
    """Refuse to undo what is before contract while an old shape is still missing.

    Raises:
        OldShapeMissingError
    """
    for _, step, row in _steps(session):
        if session.ledger.dual_write_state(row.id) == "removed":
            raise OldShapeMissingError(
                f"the columns that {step.title()} needs in {step.table} did not come back with contract undone",
                where=step.location,
                notes=["nothing before contract was undone"],
                help="add them by hand, as the contract revision's downgrade should have done: "
                f"then migrator rollback {session.plan.plan} --accept-drift",
            )


def _is_back(session: Session, step: DualWriteStep, row: StepRow) -> bool:
    """Tell whether all that the triggers read and write is there, by letting the server plan to read it."""
    try:
        dual = triggers.build(session, step, row)
        read = [*map(raw, dual.forward.values()), *map(named, dual.backward)]
        plan = sql.SQL("EXPLAIN SELECT {} FROM {} AS {}").format(
            sql.SQL(", ").join(read), dual.table.named, dual.table.alias
        )
        session.working.execute(plan, ())
    except (UnknownTableError, psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedTable):
        return False
    return True


def _refill(session: Session, ref: StepRef, step: DualWriteStep, row: StepRow, *, resumed: bool) -> None:
    started = time.monotonic()
    session.emit(StepStarted(step=ref, attempt=row.attempts + 1))
    if not resumed:
        forget_slices(session.target.asking, row.id, "refill")
    dual = triggers.install(session, step, row, "refilling")
    detail = "triggers restored"
    if dual.backward:
        rows.prepare(session, step.table, step.location)
        size = ChunkSize(REFILL_ROWS, REFILL_TARGET)
        walked = rows.fill(session, row, backward_move(dual), size, purpose="refill", where=step.location)
        detail = f"triggers restored, {walked.rows_changed:,} rows filled from the new shape"
    triggers.install(session, step, row, "active")
    session.emit(StepFinished(step=ref, seconds=time.monotonic() - started, detail=detail))


def backward_move(dual: DualWrite) -> Move:
    """Return the move that computes the old columns of every row where the new shape does not follow from them.

    So a value that an archive has brought back is kept as it was, unless the row was changed since.
    """
    if dual.into is not None and dual.key:
        return Refill(table=dual.table, set=dual.backward, source=dual.into, key=dual.key)
    differs = " OR ".join(
        f"{sql.Identifier(column).as_string()} IS DISTINCT FROM ({value}\n)" for column, value in dual.forward.items()
    )
    return Assign(table=dual.table, set=dual.backward, where=differs)


def _steps(session: Session) -> Iterator[tuple[StepRef, DualWriteStep, StepRow]]:
    assert session.run
    for row, (ref, step) in zip(session.ledger.steps(session.run.id), refs(session.plan), strict=True):
        if isinstance(step, DualWriteStep):
            yield ref, step, row
