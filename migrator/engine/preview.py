"""What the backfill steps of a plan would do, tried on some rows in transactions that are rolled back."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import psycopg

from migrator.backfill.failures import message_of
from migrator.backfill.keyset import Keyset
from migrator.backfill.move import Move
from migrator.backfill.pages import Pages
from migrator.backfill.session_settings import chunk_settings
from migrator.backfill.trial import Trial, try_move
from migrator.engine.chunk_shown import move_of
from migrator.engine.reports import PreviewReport, StepPreview, TriedRow
from migrator.engine.rows import BadExpressionError
from migrator.engine.run import ExpandFirstError, translated
from migrator.engine.shapes import bad_expressions
from migrator.engine.status import status
from migrator.engine.target import Target
from migrator.errors import MigratorError
from migrator.plan import Plan
from migrator.plan.steps.backfill import Backfill
from migrator.postgres.queries import query
from migrator.postgres.tables import UnknownTableError, leaves, require_key

LONGEST = 60.0  # seconds that one statement may take, or a function of the team between two
_MISSING = (psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedTable)


def preview(target: Target, plan: Plan, sample: int) -> PreviewReport:
    """Try each backfill step of `plan` that is not done on about `sample` rows; nothing is kept.

    Raises:
        ExpandFirstError: what an earlier step will make is missing.
        BadExpressionError, NoKeyError, and what a kind of move says.
    """
    if bad := next(bad_expressions(plan), None):
        raise bad
    states = status(target, [plan]).runs[0].steps
    found: list[StepPreview] = []
    ready = True
    for (phase, index, step), state in zip(plan.steps(), states, strict=True):
        if isinstance(step, Backfill) and state.state != "done":
            try:
                report = _step(target, step, sample)
            except (UnknownTableError, *_MISSING) as error:
                raise _missing(plan, step, error, ready=ready) from error
            except (psycopg.ProgrammingError, psycopg.DataError, psycopg.NotSupportedError) as error:
                raise _unfit(step, error) from error
            except psycopg.Error as error:
                raise translated(error) from error
            found.append(replace(report, phase=str(phase), index=index))
        ready = ready and state.state == "done"
    return PreviewReport(plan.plan, target.shown, tuple(found))


def _step(target: Target, step: Backfill, sample: int) -> StepPreview:
    move = move_of(target, step)
    (size,) = target.asking.execute(query("table_size"), {"oid": move.table.oid}).fetchone() or (0,)
    (pages,) = target.asking.execute(query("total_size"), {"oid": move.changed.oid}).fetchone() or (0,)
    part, keyset = _walked(target, step, move)
    connection = target.connect("preview")
    lock_timeout = target.settings.lock_timeout.total_seconds()
    for name, value in chunk_settings(lock_timeout, LONGEST, silent=move.silent).items():
        with suppress(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT set_config(%s, %s, false)", (name, value))
    trial = try_move(connection, keyset, part, sample)
    report = _report(step, trial, move.table.estimated_rows, int(size))
    if report.wal_estimate is None or not trial.walked:
        return report
    # Every page goes to WAL as a whole once, however many rows in it are written; more often only with checkpoints.
    full_pages = min(round(trial.full_pages * (report.rows_total or 0) / trial.walked), int(pages))
    return replace(report, wal_estimate=report.wal_estimate + full_pages)


def _walked(target: Target, step: Backfill, move: Move) -> tuple[Move, Keyset]:
    """Return the move on what is sampled, and how that is walked: of a table without a key the largest partition."""
    if move.table.key or not move.knows_done:
        return move, Keyset(move.table, require_key(move.table, step.location))
    largest = max(leaves(target.asking, move.table), key=lambda leaf: leaf.estimated_rows or 0)
    return replace(move, table=largest), Pages(largest)


def _report(step: Backfill, trial: Trial, total: int | None, size: int) -> StepPreview:
    scale = total / trial.walked if total is not None and trial.walked else None

    def whole(measured: float) -> int | None:
        return round(measured * scale) if scale is not None else None

    return StepPreview(
        title=step.title(),
        rows_total=total,
        table_bytes=size,
        places=trial.places,
        locked=trial.locked,
        rows_tried=trial.walked,
        rows_written=trial.written,
        refused=tuple(TriedRow(key, error=error) for key, error in trial.refused.items()),
        examples=tuple(TriedRow(one.key, one.before, one.after) for one in trial.examples),
        rows_estimate=whole(trial.written),
        bytes_estimate=whole(trial.row_bytes),
        wal_estimate=whole(max(trial.wal, trial.row_bytes if trial.written else 0)),
        seconds_estimate=trial.seconds * scale if scale is not None else None,
        hot_share=trial.hot / trial.updated if trial.updated else None,
    )


def _missing(plan: Plan, step: Backfill, error: Exception, *, ready: bool) -> MigratorError:
    said = message_of(error) if isinstance(error, psycopg.Error) else str(error)
    if ready:
        return error if isinstance(error, MigratorError) else _unfit(step, error)
    return ExpandFirstError(
        f"the backfill cannot be tried yet: {said}",
        where=step.location,
        notes=["steps before it are not done"],
        help=f"what they make is needed: migrator apply {plan.plan} --to expand",
    )


def _unfit(step: Backfill, error: Exception) -> BadExpressionError:
    said = message_of(error) if isinstance(error, psycopg.Error) else str(error)
    return BadExpressionError(
        f"the step does not work on this table: {said}",
        where=step.location,
        notes=["nothing was written"],
        help="correct the plan, and run the same command again",
    )
