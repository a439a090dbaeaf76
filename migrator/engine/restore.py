"""The dual writes at the two ends of contract: removed when the old shape is gone, put back when it returns."""

from __future__ import annotations

import time
from collections.abc import Iterator

from migrator.backfill.dual_write import DualWrite
from migrator.backfill.move import Move
from migrator.backfill.size import ChunkSize
from migrator.backfill.slices import forget_slices
from migrator.engine import dual_writes as triggers
from migrator.engine import rows
from migrator.engine.events import StepFinished, StepRef, StepStarted
from migrator.engine.refs import refs
from migrator.engine.session import Session
from migrator.ledger.ledger import StepRow
from migrator.plan.steps.dual_write import DualWrite as DualWriteStep

REFILL_ROWS, REFILL_TARGET = 10_000, 0.5  # as a backfill step has them by default


def end_dual_writes(session: Session) -> None:
    """Remove the triggers that are still there after contract: a revision that could not be read may have kept them."""
    for ref, step, row in _steps(session):
        if session.ledger.dual_write_state(row.id) in ("active", "refilling"):
            session.current = (ref, row)
            triggers.remove(session, step, row, "removed")


def dual_writes(session: Session) -> None:
    """Put back the triggers that contract removed, and fill the old shape, which came back empty, from the new."""
    for ref, step, row in _steps(session):
        state = session.ledger.dual_write_state(row.id)
        if state in ("removed", "refilling"):
            session.current = (ref, row)
            session.check()
            _refill(session, ref, step, row, resumed=state == "refilling")


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
        walked = rows.fill(session, row, "refill", backward_move(dual), size, step.location)
        detail = f"triggers restored, {walked.rows_changed:,} rows filled from the new shape"
    triggers.install(session, step, row, "active")
    session.emit(StepFinished(step=ref, seconds=time.monotonic() - started, detail=detail))


def backward_move(dual: DualWrite) -> Move:
    """Return the move that computes the old columns of every row that has others than the new shape says."""
    values = dual.backward
    if dual.into is not None and dual.key:
        target = dual.into.identifier.as_string()
        alias = dual.into.identifier.as_string().rpartition(".")[2]
        table = dual.table.identifier.as_string().rpartition(".")[2]
        matched = " AND ".join(f'{alias}."{key}" = {table}."{column}"' for key, column in dual.key.items())
        values = {
            column: f"SELECT ({expression}\n) FROM {target} AS {alias} WHERE {matched}"
            for column, expression in values.items()
        }
        values = {column: f"({query})" for column, query in values.items()}
    differs = " OR ".join(f'"{column}" IS DISTINCT FROM ({value}\n)' for column, value in values.items())
    return Move(table=dual.table, set=dict(values), where=differs)


def _steps(session: Session) -> Iterator[tuple[StepRef, DualWriteStep, StepRow]]:
    assert session.run
    for row, (ref, step) in zip(session.ledger.steps(session.run.id), refs(session.plan), strict=True):
        if isinstance(step, DualWriteStep):
            yield ref, step, row
