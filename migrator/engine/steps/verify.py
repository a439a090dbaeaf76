"""A `verify` step: no row of a table may be what the plan says it must not be."""

from __future__ import annotations

import time
from dataclasses import dataclass

import psycopg

from migrator.backfill.keyset import Keyset
from migrator.backfill.verify import RANGE_ROWS, Verified, verify
from migrator.engine.events import Paused, RowProgress
from migrator.engine.rows import BadExpressionError, prepare
from migrator.engine.session import Session
from migrator.errors import AnswerIsNo
from migrator.ledger.ledger import StepRow
from migrator.plan.steps.verify import Verify
from migrator.postgres.tables import require_key


class RowsDifferError(AnswerIsNo):
    """A verification found rows that must not be there, so the run did not go on.

    The keys of some are shown. Find out who wrote them: code that the dual write does not cover, or an expression that
    is not what was meant. Put the rows right and run the same command again: it verifies once more.
    """

    code = "MG401"


@dataclass(frozen=True, slots=True)
class Checked:
    """What a verification found, and in which table."""

    table: str
    verified: Verified


def look(session: Session, step: Verify) -> Checked:
    """Verify and return what was found."""
    table = prepare(session, step.table, step.location)
    keyset = Keyset(table, require_key(table, step.location))
    total, started = table.estimated_rows or 0, time.monotonic()

    def report(found: Verified) -> None:
        session.stand_still(
            lambda reason: session.emit(Paused(step=session.ref, plan=session.plan.plan, reason=reason))
        )
        rate = found.rows / (time.monotonic() - started)
        session.emit(
            RowProgress(
                step=session.ref,
                rows_done=found.rows,
                rows_total=max(total, found.rows),
                rows_per_second=rate,
                eta=max(total - found.rows, 0) / rate if rate else None,
                chunk_rows=RANGE_ROWS,
                chunk_seconds=0.0,
            )
        )

    session.working.execute("SET statement_timeout = 0")
    try:
        return Checked(str(table), verify(session.working, keyset, step.none, step.where, report))
    except (psycopg.ProgrammingError, psycopg.DataError, psycopg.NotSupportedError) as error:
        raise BadExpressionError(
            f"the step does not work on this table: {error.diag.message_primary}",
            where=step.location,
            notes=["nothing was written"],
            help="correct the plan, and run the same command again",
        ) from error


def run(session: Session, step: Verify, row: StepRow) -> str:
    """Verify, and end the run where a row differs.

    Raises:
        RowsDifferError
    """
    del row
    checked = look(session, step)
    found = checked.verified
    if found.differing:
        keys = ", ".join(found.examples) + (", ..." if found.differing > len(found.examples) else "")
        raise RowsDifferError(
            f"{found.differing:,} of {found.rows:,} rows of {checked.table} are not as the plan says",
            where=step.location,
            notes=[f"keys: {keys}", f"none may fulfil: {step.none}"],
            help=f"put them right, then: migrator apply {session.plan.plan}",
        )
    return f"{found.rows:,} rows, none differs"


def undo(session: Session, step: Verify, row: StepRow) -> str:
    """Nothing to undo."""
    del session, step, row
    return "to be verified again"
