"""Puts right the rows that a verify step finds wrong, chunk by chunk, as a backfill would."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg

from migrator.backfill.move import Move
from migrator.backfill.moves import kind_of
from migrator.backfill.moves.assign import Assign
from migrator.backfill.moves.joined import Joined
from migrator.backfill.size import ChunkSize
from migrator.backfill.slices import forget_slices
from migrator.engine import preflight, rows
from migrator.engine.chunk_shown import surroundings
from migrator.engine.control import NoRunError
from migrator.engine.events import Emit, Notice
from migrator.engine.refs import refs
from migrator.engine.run import translated
from migrator.engine.session import Session
from migrator.engine.steps.verify import wrong
from migrator.engine.stop import Stop
from migrator.engine.target import Target
from migrator.engine.throttling import limits_of, throttled
from migrator.errors import UsageError
from migrator.ledger.ledger import StepRow
from migrator.plan import Plan, identifiers
from migrator.plan.steps.backfill import MIN_CHUNK_ROWS, Backfill
from migrator.plan.steps.verify import Verify
from migrator.postgres.tables import Table, find_table

PURPOSE = "repair"
FILLING = frozenset({"set", "from", "into", "python"})
"""The moves of a backfill that make a row what it should be, whatever it was."""


class NotRepairableError(UsageError):
    """A verify step says what is wrong, but nothing in the plan says what would be right.

    A step with `same` says it itself. For one with `none`, the backfill steps of the plan for the same table do; there
    are none. Write `same` instead of `none`, or put the rows right by hand.
    """

    code = "MG178"


def repair(target: Target, plan: Plan, *, emit: Emit, stop: Stop) -> int:
    """Put right what the verify steps of `plan` find wrong; return how many rows were written.

    Raises:
        NoRunError: the plan was not begun.
        NotRepairableError, DatabaseHeldError, and what a backfill raises.
    """
    run = target.ledger.open_run(plan.plan)
    if run is None:
        raise NoRunError(f"{plan.plan} was not begun", help=f"begin it: migrator apply {plan.plan}")
    written = 0
    with Session(target, plan, emit, stop) as session:
        preflight.check_same_meaning(run, plan)
        session.run = run
        steps = list(zip(refs(plan), session.ledger.steps(run.id), strict=True))
        moves = [(ref, step, row, _moves(session, step)) for (ref, step), row in steps if isinstance(step, Verify)]
        for ref, step, row, right in moves:
            session.current = (ref, row)
            try:
                changed = sum(_mend(session, step, row, move) for move in right)
            except psycopg.Error as error:
                raise translated(error) from error
            session.emit(Notice(step=ref, text=f"{changed:,} rows written"))
            written += changed
    return written


def _mend(session: Session, step: Verify, row: StepRow, move: Move) -> int:
    size = ChunkSize(10 * MIN_CHUNK_ROWS, step.chunk_target.total_seconds())
    limits = limits_of(session, step.throttle)
    with throttled(session, limits, row, move.table) as throttle:
        walked = rows.fill(
            session,
            row,
            move,
            size,
            purpose=PURPOSE,
            where=step.location,
            throttle=throttle.reason,
            nice=limits.nice or 0.0,
        )
    forget_slices(session.target.asking, row.id, PURPOSE)
    return walked.rows_changed


def _moves(session: Session, step: Verify) -> list[Move]:
    """Return what makes the rows of a step right, of those that are wrong."""
    table = rows.prepare(session, step.table, step.location)
    condition = wrong(session, step, table)
    if step.same:
        return [_same(session, step, table, condition)]
    fills = list(_fills(session.plan, step))
    if not fills:
        raise NotRepairableError(
            f"nothing in the plan says what the rows of {step.table} should be",
            where=step.location,
            notes=["nothing was written"],
            help="write same: {column: expression} instead of none, or put the rows right by hand",
        )
    changed = [one.model_copy(update={"where": condition}).at(one.location) for one in fills]
    return [kind_of(one).make(one, table, surroundings(session.target, one)) for one in changed]


def _same(session: Session, step: Verify, table: Table, condition: str) -> Move:
    assert step.same
    same = {identifiers(column)[-1]: expression for column, expression in step.same.items()}
    if step.source is None:
        return Assign(table=table, set=same, where=condition)
    assert step.join
    source = find_table(session.working, step.source, step.location)
    return Joined(table=table, set=same, where=condition, source=source, join=step.join)


def _fills(plan: Plan, step: Verify) -> Iterator[Backfill]:
    for _, _, one in plan.steps():
        if isinstance(one, Backfill) and identifiers(one.table) == identifiers(step.table) and one.move in FILLING:
            yield one
