"""A `verify` step: no row of a table may be what the plan says it must not be."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field

import psycopg
from psycopg.types.json import Jsonb

from migrator.backfill.keyset import Keyset
from migrator.backfill.size import ChunkSize
from migrator.backfill.slices import forget_slices
from migrator.backfill.throttle.throttle import Throttle
from migrator.backfill.verify import Verified, is_none, is_not_same, verify
from migrator.engine.events import RowProgress
from migrator.engine.rows import BadExpressionError, prepare
from migrator.engine.session import PAUSE_LOOK, Session
from migrator.engine.throttling import limits_of, throttled
from migrator.errors import AnswerIsNo
from migrator.ledger.ledger import StepRow
from migrator.plan import identifiers
from migrator.plan.steps.verify import Verify
from migrator.postgres.queries import query
from migrator.postgres.tables import Table, find_table, require_key

FIRST_ROWS = 50_000
"""Rows of the first range; later ones fit `chunk_target`."""


class RowsDifferError(AnswerIsNo):
    """A verification found rows that must not be there, so the run did not go on.

    The keys of some are shown. Find out who wrote them: code that the dual write does not cover, or an expression that
    is not what was meant. Put the rows right, by hand or with `migrator verify PLAN --repair`, and run the same command
    again: it verifies once more.
    """

    code = "MG401"


@dataclass(frozen=True, slots=True)
class Checked:
    """What a verification found, and in which table."""

    table: str
    verified: Verified


def wrong(session: Session, step: Verify, table: Table) -> str:
    """Return the condition, as SQL, of the rows of `table` that are not as the step says."""
    if step.none is not None:
        return is_none(step.none, step.where)
    assert step.same
    same = {identifiers(column)[-1]: expression for column, expression in step.same.items()}
    source = find_table(session.working, step.source, step.location) if step.source else None
    return is_not_same(table, same, step.where, source, step.join)


def look(session: Session, step: Verify, row: StepRow | None = None) -> Checked:
    """Verify and return what was found; with the `row` of a run, from where an earlier attempt came to."""
    table = prepare(session, step.table, step.location)
    keyset = Keyset(table, require_key(table, step.location))
    size = ChunkSize(FIRST_ROWS, step.chunk_target.total_seconds())
    found = _come_to(session, row) if row else Verified()
    session.working.execute("SET statement_timeout = 0")
    try:
        with throttled(session, limits_of(session, step.throttle), row, table) as throttle:
            looking = _Looking(session, row, throttle, size, table.estimated_rows or 0, found.rows)
            condition = wrong(session, step, table)
            verified = verify(session.working, keyset, condition, size, looking.report, found=found)
            return Checked(str(table), verified)
    except (psycopg.ProgrammingError, psycopg.DataError, psycopg.NotSupportedError) as error:
        raise BadExpressionError(
            f"the step does not work on this table: {error.diag.message_primary}",
            where=step.location,
            notes=["nothing was written"],
            help="correct the plan, and run the same command again",
        ) from error


@dataclass(frozen=True, slots=True)
class _Looking:
    """A verification under way, which began behind `before` rows: tells how far it is, and waits where it has to."""

    session: Session
    row: StepRow | None
    throttle: Throttle
    size: ChunkSize
    total: int
    before: int
    started: float = field(default_factory=time.monotonic)

    def report(self, found: Verified) -> None:
        if self.row:
            _note(self.session, self.row, found)
        self._tell(found)
        while found.cursor is not None and (reason := self.session.asked().pause or self.throttle.reason()):
            self._tell(found, reason)
            self.session.stop.sleep(PAUSE_LOOK)
            self.session.check()
        self.session.check()

    def _tell(self, found: Verified, waiting: str = "") -> None:
        rate = (found.rows - self.before) / (time.monotonic() - self.started)
        self.session.emit(
            RowProgress(
                step=self.session.ref,
                rows_done=found.rows,
                rows_total=max(self.total, found.rows),
                rows_per_second=rate,
                eta=max(self.total - found.rows, 0) / rate if rate else None,
                chunk_rows=self.size.rows,
                chunk_seconds=0.0,
                waiting=waiting,
            )
        )


def run(session: Session, step: Verify, row: StepRow) -> str:
    """Verify, and end the run where a row differs.

    Raises:
        RowsDifferError
    """
    checked = look(session, step, row)
    found = checked.verified
    if found.differing:
        keys = ", ".join(found.examples) + (", ..." if found.differing > len(found.examples) else "")
        raise RowsDifferError(
            f"{found.differing:,} of {found.rows:,} rows of {checked.table} are not as the plan says",
            where=step.location,
            notes=[f"keys: {keys}", _rule(step)],
            help=f"put them right, or: migrator verify {session.plan.plan} --repair, "
            f"then: migrator apply {session.plan.plan}",
        )
    return f"{found.rows:,} rows, none differs"


def undo(session: Session, step: Verify, row: StepRow) -> str:
    """Nothing to undo but how far it came."""
    del step
    session.target.asking.execute(query("step_set_work"), {"step": row.id, "work": None})
    forget_slices(session.target.asking, row.id)
    return "to be verified again"


def _rule(step: Verify) -> str:
    if step.none is not None:
        return f"none may fulfil: {step.none}"
    assert step.same
    return "each must have: " + ", ".join(f"{column} = {expression}" for column, expression in step.same.items())


def _come_to(session: Session, row: StepRow) -> Verified:
    noted = session.target.asking.execute(query("step_work"), {"step": row.id}).fetchone()
    if noted is None or noted[0] is None:
        return Verified()
    kept = noted[0]
    return Verified(kept["rows"], kept["differing"], tuple(kept["examples"]), kept["cursor"])


def _note(session: Session, row: StepRow, found: Verified) -> None:
    """Keep how far it came; what is through begins anew, since rows may have changed by then."""
    work = None if found.cursor is None else Jsonb(asdict(found))
    session.target.asking.execute(query("step_set_work"), {"step": row.id, "work": work})
