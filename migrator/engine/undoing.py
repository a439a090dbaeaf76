"""What a rollback would undo, and which data is at stake; it looks and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from migrator.check.losses import Loss, LossWatch
from migrator.engine.archives import SCHEMA
from migrator.engine.recorded import plan_of
from migrator.engine.refs import refs
from migrator.engine.reports import UndoReport, UndoStep
from migrator.engine.target import Target
from migrator.ledger.ledger import StepRow
from migrator.plan import Phase, Plan, Step
from migrator.plan.steps.backfill import Backfill
from migrator.plan.steps.dual_write import DualWrite
from migrator.plan.steps.gate import Gate
from migrator.plan.steps.revision import Revision
from migrator.postgres.queries import query
from migrator.postgres.tables import UnknownTableError, find_table
from migrator.revisions.downgrade import why_no_downgrade
from migrator.revisions.recorder import record
from migrator.revisions.runner import heads_of

COUNTED = 256 * 1024**2  # bytes


def undoing(target: Target, plan: Plan, to: str) -> UndoReport:
    """Return the steps that `rollback --to` would undo, last first."""
    run = target.ledger.open_run(plan.plan) if target.has_ledger else None
    if run is None:
        return UndoReport(plan.plan, to, ())
    order = ("start", *Phase)
    placed = zip(target.ledger.steps(run.id), refs(plan_of(run, plan)), strict=True)
    touched = [
        (row, ref, step)
        for row, (ref, step) in placed
        if row.state != "pending" and order.index(ref.phase) > order.index(to)
    ]
    applied = set(target.project.ancestors(heads_of(target.project, target.url)))
    steps = tuple(
        UndoStep(str(ref.phase), ref.index, ref.kind, ref.title, row.state, tuple(_stakes(target, step, row, applied)))
        for row, ref, step in reversed(touched)
    )
    return UndoReport(plan.plan, to, steps)


def _stakes(target: Target, step: Step, row: StepRow, applied: set[str]) -> Iterator[str]:
    match step:
        case Revision():
            yield from _revision(target, step, row, applied)
        case Backfill(archive=(_, *_)):
            kept = list(_archived(target, row))
            if not kept and row.state == "done":
                kept = [f"archive of {step.table} purged: the rows that were deleted do not come back"]
            yield from kept
        case Backfill(irreversible=str()):
            yield f"what it wrote stays: {step.irreversible}"
        case Backfill():
            yield "it will run again on the way forward"
        case DualWrite():
            yield f"new code's writes to {step.table} no longer reach the old shape, nor the other way round"
        case Gate():
            yield "its approval is withdrawn"


def _revision(target: Target, step: Revision, row: StepRow, applied: set[str]) -> Iterator[str]:
    script = target.project.script(step.revision, step.location)
    if script.revision not in applied:
        yield "not applied, or only in part: what is applied of it is undone"
        return
    if reason := why_no_downgrade(script):
        yield f"cannot be undone: {reason}"
        return
    (recorded,) = record(target.project, target.url, [step.revision], "downgrade")
    watch = LossWatch()
    for sent in recorded.sent:
        for lost in watch.see(sent.effect):
            yield f"its downgrade drops {lost}{_held(target, lost)}"
    if recorded.unseen:
        yield f"its downgrade could not be followed to the end: {recorded.unseen}"
    kept = list(_archived(target, row))
    yield from kept
    if len(kept) < len(step.archive) and row.state == "done":
        gone = ", ".join(step.archive)
        yield f"archive of {gone} purged: values come back from the dual write's `backward`, or not at all"


def _held(target: Target, lost: Loss) -> str:
    """Return how many rows of the table are said to be there, where that is known."""
    try:
        rows = find_table(target.asking, lost.name.quoted()).estimated_rows
    except UnknownTableError:
        return ""
    return f", about {rows:,} rows" if rows is not None else ""


def _archived(target: Target, row: StepRow) -> Iterator[str]:
    kept = target.asking.execute(query("archives_of_step"), {"step": row.id}).fetchall()
    for name, kind, table, column, size, there in kept:
        what = f"{table.removeprefix('public.')}.{column}" if column else f"{kind} {table.removeprefix('public.')}"
        if not there:
            continue
        if kind == "type":
            yield f"{what} comes back from its archive"
            continue
        yield f"{what} comes back from its archive: {_rows(target, name, size)}, {size / 1024**2:,.1f} MB"


def _rows(target: Target, archive: str, size: int) -> str:
    """Return how many rows an archive has: counted where that takes no time, else as the statistics say."""
    estimate = find_table(target.asking, f"{SCHEMA}.{archive}").estimated_rows
    if size > COUNTED and estimate is not None:
        return f"about {estimate:,} rows"
    (rows,) = target.asking.execute(
        sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(SCHEMA, archive))
    ).fetchone() or (0,)
    return f"{rows:,} rows"
