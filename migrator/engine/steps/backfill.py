"""A `backfill` step: fills columns of existing rows, or another table, chunk by chunk."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

from migrator.backfill.chunks import chunks_of
from migrator.backfill.crew import Crew
from migrator.backfill.failures import failed_rows
from migrator.backfill.keyset import Keyset
from migrator.backfill.leases import Leases
from migrator.backfill.move import Move
from migrator.backfill.moves import kind_of
from migrator.backfill.moves.delete import Delete
from migrator.backfill.pages import Pages
from migrator.backfill.size import SMALLEST, ChunkSize
from migrator.backfill.slices import forget_slices
from migrator.backfill.walk import NOWHERE, Elsewhere, Walked
from migrator.engine import rows
from migrator.engine.archives import rows as deleted_rows
from migrator.engine.chunk_shown import surroundings
from migrator.engine.keyless import fill_keyless, sweep_again
from migrator.engine.parts import parts, require_key_kept
from migrator.engine.refused import again, most_refused, refused_rows
from migrator.engine.session import Session
from migrator.engine.throttling import limits_of, throttled
from migrator.ledger.ledger import StepRow
from migrator.plan.steps.backfill import Backfill
from migrator.postgres.tables import require_key

CELERY = "celery"


def run(session: Session, step: Backfill, row: StepRow) -> str:
    """Fill what is not filled yet."""
    move, limits = _move(session, step, row), limits_of(session, step.throttle)
    with throttled(session, limits, row, move.table) as throttle:
        fill = _filler(session, step, row, throttle=throttle.reason, nice=limits.nice or 0.0)
        if move.table.key:
            require_key_kept(move, step.location)
            done, changed = _fill_parts(session, move, _size(step), row, fill)
        else:
            done, changed = fill_keyless(session, move, _size(step), row, fill=fill, where=step.location)
    if changed:
        rows.tidy_up(session, move.changed)
    failed = failed_rows(session.working, row.id)
    if len(failed) > skip_of(step):
        raise refused_rows(str(move.table), failed, step.location, done=True)
    left = f", {len(failed):,} set aside" if failed else ""
    return f"{done:,} rows walked, {changed:,} written{left}"


def _fill_parts(
    session: Session, move: Move, size: ChunkSize, row: StepRow, fill: Callable[..., Walked]
) -> tuple[int, int]:
    """Walk the parts of a table one after the other; return rows walked and written."""
    found, done, changed, rows_of = list(parts(session.working, move)), 0, 0, list[int]()
    for part in found:
        keyset = Keyset(part.move.table, part.move.table.key)
        slices = rows.slices(session, row, keyset, part.move, part.purpose)
        rows_of.append(sum(max(one.rows_total, one.rows_done) for one in slices))
    for number, part in enumerate(found, start=1):
        elsewhere = Elsewhere(done, sum(rows_of[number:]))
        walked = fill(part.move, replace(size), part.purpose, elsewhere=elsewhere)
        done, changed = done + walked.rows_done, changed + walked.rows_changed
    return done, changed


def _filler(
    session: Session, step: Backfill, row: StepRow, *, throttle: Callable[[], str] = lambda: "", nice: float = 0.0
) -> Callable[..., Walked]:
    """Return what walks a table, or with pages a part of it, as the step says."""

    def fill(
        part: Move,
        size: ChunkSize,
        purpose: str,
        pages: Pages | None = None,
        elsewhere: Elsewhere = NOWHERE,
    ) -> Walked:
        return rows.fill(
            session,
            row,
            part,
            size,
            purpose=purpose,
            where=step.location,
            throttle=throttle,
            nice=nice,
            crew=None if pages else Crew(step.workers.min, step.workers.max),
            skip=skip_of(step),
            lead=_lead(session, step, row, purpose) if session.engine == CELERY and not pages else None,
            pages=pages,
            settle=False,
            elsewhere=elsewhere,
        )

    return fill


def retry(session: Session, step: Backfill, row: StepRow) -> int:
    """Take up the rows that were set aside; return how many are through.

    Raises:
        RowRefusedError: one is refused again.
    """
    move, before = _move(session, step, row), len(failed_rows(session.working, row.id))
    rows.set_up(session, session.working, step.chunk_target.total_seconds(), silent=move.silent)
    if move.table.key:
        for part in parts(session.working, move):
            keyset = Keyset(part.move.table, part.move.table.key)
            again(session, row, chunks_of(keyset, part.move), part.purpose)
    elif before:
        sweep_again(session, move, row, fill=_filler(session, step, row))
    left = failed_rows(session.working, row.id)
    if left:
        raise refused_rows(str(move.table), left, step.location, done=True)
    return before - len(left)


def assist(
    session: Session, step: Backfill, row: StepRow, *, attempt: int, purpose: str, halted: Callable[[], bool]
) -> None:
    """Help another process, which leads the step and is at the part that `purpose` names, until `halted`.

    Raises:
        RowFailedError, RowsLockedError
    """
    move, limits = _move(session, step, row), limits_of(session, step.throttle)
    part = next((part.move for part in parts(session.working, move) if part.purpose == purpose), None)
    if part is None:  # the partition is gone by now
        return
    keyset = Keyset(part.table, require_key(part.table, step.location))
    leases = Leases(session.working, keyset, row.id, purpose, f"{session.ledger.by} {os.getpid()}", attempt)
    with throttled(session, limits, row, move.table) as throttle:
        rows.assist(
            session,
            leases,
            part,
            _size(step),
            throttle=throttle.reason,
            nice=limits.nice or 0.0,
            most=most_refused(skip_of(step)),
            halted=halted,
        )


def _lead(session: Session, step: Backfill, row: StepRow, purpose: str) -> rows.Lead:
    from migrator.engine.celery import lead  # noqa: PLC0415 - an extra, for those who use it

    return lambda walked, workers: lead(session, step, row, purpose, walked=walked, workers=workers)


def _size(step: Backfill) -> ChunkSize:
    # How long a function takes is anybody's guess, so it begins with few rows where the plan does not say otherwise.
    rows = SMALLEST if step.python and "chunk_rows" not in step.model_fields_set else step.chunk_rows
    return ChunkSize(rows, step.chunk_target.total_seconds(), step.fixed)


def skip_of(step: Backfill) -> int:
    """Return how many rows may be left that the database refuses."""
    return step.on_error.skip if step.on_error else 0


def undo(session: Session, step: Backfill, row: StepRow) -> str:
    """Forget how far the backfill came, and bring back the rows that it has deleted and kept.

    What it wrote goes with the columns that expand added.
    """
    if step.archive:
        restored = deleted_rows.restore(session, step, row)
        forget_slices(session.target.asking, row.id)
        return f"{restored:,} rows are back"
    forget_slices(session.target.asking, row.id)
    return "values of existing columns kept" if step.irreversible else "to be filled again"


def _move(session: Session, step: Backfill, row: StepRow) -> Move:
    table = rows.prepare(session, step.table, step.location)
    move = kind_of(step).make(step, table, surroundings(session.target, step))
    if isinstance(move, Delete) and step.archive:
        return replace(move, archive=deleted_rows.archive_of(session, step, row, table))
    return move
