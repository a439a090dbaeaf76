"""Rows that the database refuses to let a step write: how many may be left, how they are tried again and told."""

from __future__ import annotations

import psycopg

from migrator.backfill.chunks import Chunks
from migrator.backfill.failures import SHOWN, FailedRow, failed_rows, is_of_a_row, message_of, shown
from migrator.engine.session import Session
from migrator.errors import Location, RefusedError
from migrator.ledger.ledger import StepRow
from migrator.postgres.queries import query


class RowRefusedError(RefusedError):
    """The database refused what a backfill writes: a constraint, a cast or a trigger said no.

    All other rows are done; those that were refused are left out, and noted in the ledger with key and error. Where
    more than twenty are refused, the run stops there instead: then it is the expression that is wrong. Correct the
    expression in the plan or the data in the table, and run the same command again: it takes up those rows first and
    goes on. Or let the backfill be complete without such rows, up to a limit: `on_error: {skip: 100}`; then
    `migrator backfill PLAN --retry-failed` takes them up.
    """

    code = "MG322"


def most_refused(skip: int) -> int:
    """Return how many rows may be refused before a run stops at once; `skip` is how many may be left in the end."""
    return skip or SHOWN


def again(session: Session, row: StepRow, chunks: Chunks, purpose: str) -> int:
    """Try to write the rows that were set aside; return how many are through."""
    found = failed_rows(session.working, row.id, purpose)
    for one in found:
        session.check()
        try:
            chunks.retry(session.working, one)
        except psycopg.Error as error:
            if not is_of_a_row(error):
                raise
            noted = {"id": one.id, "sqlstate": error.sqlstate, "error": message_of(error)}
            session.working.execute(query("failed_row_again"), noted)
    return len(found) - len(failed_rows(session.working, row.id, purpose))


def refused_rows(table: str, found: list[FailedRow], where: Location, *, done: bool) -> RowRefusedError:
    """Return the error that names the first of the rows `found`, and others; `done` says that all other rows are."""
    first, *others = found
    return RowRefusedError(
        f"the database refused a row of {table}: {shown(first.key)}: {first.error}",
        where=where,
        notes=[
            *(f"also refused: {one}" for one in others[: SHOWN - 1]),
            *([f"and {len(found) - SHOWN:,} more"] if len(found) > SHOWN else []),
            "all other rows are done"
            if done
            else f"after {len(found):,} of them the run stopped; rows behind them are not done",
            "what was refused is left out, and noted in migrator.failed_rows",
        ],
        help="correct the expression or the data and run the same command again: it takes those rows up first; "
        "or let such rows wait: on_error: {skip: 100}",
    )
