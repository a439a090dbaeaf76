"""The dual writes of a run: building them from the plan, installing and removing them, and knowing which are there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
import tenacity
from psycopg import sql

from migrator.backfill.dual_write import DualWrite
from migrator.engine.events import LockRetry
from migrator.engine.refs import refs
from migrator.engine.session import Session
from migrator.errors import Location
from migrator.ledger.ledger import StepRow
from migrator.plan import identifiers
from migrator.plan.steps.dual_write import DualWrite as DualWriteStep
from migrator.postgres.activity import lock_holders
from migrator.postgres.backoff import FIRST_PAUSE, LONGEST_PAUSE
from migrator.postgres.make_way import MAKE_WAY
from migrator.postgres.queries import query
from migrator.postgres.tables import find_table
from migrator.revisions.errors import LockTimeoutError
from migrator.sql.effects import Effect
from migrator.sql.expression import ColumnRef, parse_expression
from migrator.sql.names import Name

RETRIED = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected, psycopg.errors.QueryCanceled)
AT_WORK = ("active", "refilling")
"""The states of a dual write in the ledger whose triggers are installed."""
NAME_PREFIX = "zz_migrator_"  # sorts behind the application's own triggers, whose changes ours must see


@dataclass(frozen=True, slots=True)
class Active:
    """A dual write whose triggers are installed, and the ledger's step it belongs to."""

    step_id: int
    dual: DualWrite
    step: DualWriteStep

    def ends_with(self, effect: Effect) -> bool:
        """Tell whether a statement takes away a table or column that the triggers read or write."""
        columns = {*self.dual.forward, *self.dual.backward, *self.dual.sources}
        tables = [Name(one.name, one.schema) for one in (self.dual.table, self.dual.into) if one]
        lost = (*effect.drops, *(rename.what for rename in effect.renames))
        return any(
            any(one.name.same(table) for table in tables)
            and (one.member is None or (one.kind == "column" and one.member in columns))
            for one in lost
        )

    def end_within(self, cursor: Any, effect: Effect) -> None:
        """Drop the triggers in the transaction of `cursor`, and note it in the ledger in the same."""
        del effect
        for statement in self.dual.remove():
            cursor.execute(statement.as_string())
        cursor.execute(query("dual_write_set"), {"step": self.step_id, "state": "removed"})


def build(session: Session, step: DualWriteStep, row: StepRow) -> DualWrite:
    """Return the dual write of a step, its tables looked up as they are now.

    Raises:
        UnknownTableError
    """
    connection = session.working
    forward = _named(step.forward)
    found = connection.execute(query("search_path")).fetchone()
    assert found
    sources = {one.column for text in forward.values() for one in _columns(text)}
    table = find_table(connection, step.table, step.location)
    return DualWrite(
        name=f"{NAME_PREFIX}{row.id}",
        table=table,
        forward=forward,
        backward=_named(step.backward or {}),
        sources=frozenset(name for name in sources if table.column(name)),
        search_path=found[0] or "''",
        into=find_table(connection, step.into, step.location) if step.into else None,
        key={identifiers(key)[-1]: identifiers(column)[-1] for key, column in (step.key or {}).items()} or None,
    )


def active(session: Session) -> list[Active]:
    """Return the dual writes of this run whose triggers are installed."""
    assert session.run
    rows = session.ledger.steps(session.run.id)
    found = []
    for row, (_, step) in zip(rows, refs(session.plan), strict=True):
        if isinstance(step, DualWriteStep) and session.ledger.dual_write_state(row.id) in AT_WORK:
            found.append(Active(row.id, build(session, step, row), step))
    return found


def install(session: Session, step: DualWriteStep, row: StepRow, state: str) -> DualWrite:
    """Install the triggers, or make sure that they are as the plan says, and note `state`."""
    dual = build(session, step, row)
    note = ("dual_write_set", {"step": row.id, "state": state})
    change(session, dual, dual.install(), note, step.location)
    return dual


def remove(session: Session, step: DualWriteStep, row: StepRow, state: str | None) -> None:
    """Remove the triggers and note `state`, or forget the dual write where that is None."""
    dual = build(session, step, row)
    note = ("dual_write_set" if state else "dual_write_delete", {"step": row.id, "state": state})
    change(session, dual, dual.remove(), note, step.location)


def change(
    session: Session,
    dual: DualWrite,
    statements: list[sql.Composed],
    note: tuple[str, dict[str, Any]] | None,
    where: Location,
) -> None:
    """Run trigger statements and the ledger's note in one transaction, again and again until the lock is granted.

    Args:
        note: the name of a bookkeeping statement, and its parameters, if there is something to note.
    """
    milliseconds = round(session.lock_timeout * 1000)

    def once() -> None:
        session.check()
        with session.working.transaction(), session.watcher.watch(session.working.info.backend_pid):
            session.working.execute(f"SET LOCAL lock_timeout = {milliseconds}")
            session.working.execute(f"SET LOCAL statement_timeout = {milliseconds}")
            session.working.execute(MAKE_WAY)
            for statement in statements:
                session.working.execute(statement)
            if note:
                session.working.execute(query(note[0]), note[1])

    def waiting(state: tenacity.RetryCallState) -> None:
        session.emit(
            LockRetry(
                step=session.ref,
                relation=str(dual.table),
                attempt=state.attempt_number,
                timeout=session.lock_timeout,
                delay=state.next_action.sleep if state.next_action else 0.0,
                remaining=max(session.lock_wait - (state.seconds_since_start or 0), 0.0),
                blockers=holders(session, dual),
            )
        )

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(RETRIED),
        wait=tenacity.wait_random_exponential(multiplier=FIRST_PAUSE, max=LONGEST_PAUSE),
        stop=tenacity.stop_before_delay(session.lock_wait),
        before_sleep=waiting,
        sleep=session.stop.sleep,
        reraise=True,
    )
    try:
        retrying(once)
    except RETRIED as error:
        session.check()
        raise LockTimeoutError(
            f"could not lock {dual.table} within {session.lock_timeout:g} s (tried for {session.lock_wait:.0f} s)",
            where=where,
            notes=[*(f"blocked by: {one}" for one in holders(session, dual)), "nothing of this step was changed"],
            help="end that session, or wait longer with --lock-wait 10m, and run the same command again",
        ) from error


def holders(session: Session, dual: DualWrite) -> tuple[Any, ...]:
    """Return who holds locks on the tables of a dual write."""
    tables = [dual.table, *([dual.into] if dual.into else [])]
    return lock_holders(session.target.asking, [table.identifier.as_string() for table in tables])


def _columns(text: str) -> tuple[ColumnRef, ...]:
    expression = parse_expression(text)
    return (*expression.columns, *expression.inner_columns)


def _named(expressions: Any) -> dict[str, str]:
    return {identifiers(column)[-1]: expression for column, expression in expressions.items()}
