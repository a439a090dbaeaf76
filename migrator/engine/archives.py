"""Keeps the columns that a contract revision drops, so that contract can be undone until somebody purges them.

The column is copied into a table of schema `migrator_archive`, keyed by the primary key, before the revision runs: a
trigger keeps the copy right from then on, a backfill brings what was there before. The trigger goes in the transaction
that drops the column. Undoing the revision fills the column, which came back empty, from the copy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from migrator.backfill.dual_write import DualWrite
from migrator.backfill.move import Move
from migrator.backfill.refill import Refill
from migrator.backfill.size import ChunkSize
from migrator.backfill.slices import forget_slices
from migrator.engine import dual_writes as triggers
from migrator.engine import rows
from migrator.engine.session import Session
from migrator.errors import UsageError
from migrator.ledger.ledger import StepRow
from migrator.plan import identifiers
from migrator.plan.steps.revision import Revision
from migrator.postgres.queries import query
from migrator.postgres.tables import Table, find_table, require_key
from migrator.sql.effects import Effect

SCHEMA = "migrator_archive"
ROWS, TARGET = 10_000, 0.5  # as a backfill step has them by default


class ArchiveNameError(UsageError):
    """`archive` names something that is not a column, or not one of the table.

    Write `table.column` or `schema.table.column`. The table needs a primary key: the copy is kept by it.
    """

    code = "MG165"


@dataclass(frozen=True, slots=True)
class Kept:
    """A column whose copy is complete and kept right by a trigger."""

    column: str
    dual: DualWrite

    def ends_with(self, effect: Effect) -> bool:
        """Tell whether a statement drops the column."""
        table = self.dual.table.name
        return any(one.name.name == table and one.member in (None, self.column) for one in effect.drops)

    def remove_within(self, cursor: Any) -> None:
        """Drop the trigger in the transaction of `cursor`."""
        for statement in self.dual.remove():
            cursor.execute(statement.as_string())


def bad_names(step: Revision) -> Iterator[ArchiveNameError]:
    """Yield what is wrong with the columns that a step says it archives."""
    try:
        list(_names(step))
    except ArchiveNameError as error:
        yield error


def keep(session: Session, step: Revision, row: StepRow) -> list[Kept]:
    """Copy the columns that the step archives, or what of them is not copied yet.

    Raises:
        ArchiveNameError, NoKeyError, and what walking rows raises.
    """
    kept = []
    for number, (table_name, column) in enumerate(_names(step)):
        table = find_table(session.working, table_name, step.location)
        if table.column(column) is None:
            continue  # an earlier attempt has dropped it, with its copy complete
        archive = _table(session, step, row, table, number)
        dual = _dual(row, number, table, column, archive)
        triggers.change(session, dual, dual.install(), None, step.location)
        keys = {key.name: _quoted(key.name) for key in table.key}
        move = Move(table, {**keys, column: _quoted(column)}, f"{_quoted(column)} IS NOT NULL", archive)
        rows.fill(session, row, move, ChunkSize(ROWS, TARGET), purpose=f"archive {number}", where=step.location)
        kept.append(Kept(column, dual))
    return kept


def restore(session: Session, step: Revision, row: StepRow) -> int:
    """Fill the columns of the step, which its downgrade brought back, from their copies; return how many rows.

    The copies are dropped then: the next run of the step makes new ones.
    """
    filled = 0
    for number, (table_name, column) in enumerate(_names(step)):
        name = _archive_name(row, number)
        archive = _existing(session, name)
        if archive is None:
            continue
        table = find_table(session.working, table_name, step.location)
        if table.column(column) is not None:
            refill = Refill(table, {column: _quoted(column)}, archive, {key.name: key.name for key in table.key})
            size = ChunkSize(ROWS, TARGET)
            walked = rows.fill(session, row, refill, size, purpose=f"restore {number}", where=step.location)
            filled += walked.rows_changed
        # The trigger first: it writes into the copy, in the application's own transactions.
        dual = _dual(row, number, table, column, archive)
        triggers.change(session, dual, dual.remove(), None, step.location)
        session.working.execute(sql.SQL("DROP TABLE {}").format(archive.identifier))
        session.working.execute(query("archive_delete"), {"name": name})
        for purpose in ("archive", "restore"):
            forget_slices(session.working, row.id, f"{purpose} {number}")
    return filled


def _existing(session: Session, name: str) -> Table | None:
    found = session.working.execute("SELECT to_regclass(%s) IS NOT NULL", (f"{SCHEMA}.{name}",)).fetchone()
    return find_table(session.working, f"{SCHEMA}.{name}") if found and found[0] else None


def _table(session: Session, step: Revision, row: StepRow, table: Table, number: int) -> Table:
    """Return the table that holds the copy, made together with its entry in the ledger."""
    _, column = list(_names(step))[number]
    name = _archive_name(row, number)
    kept = table.column(column)
    assert kept
    columns = [*require_key(table, step.location), kept]
    typed = sql.SQL(", ").join(sql.SQL("{} {}").format(sql.Identifier(one.name), sql.SQL(one.type)) for one in columns)
    keys = sql.SQL(", ").join(sql.Identifier(one.name) for one in table.key)
    with session.working.transaction():
        session.working.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(SCHEMA)))
        session.working.execute(
            sql.SQL("CREATE TABLE IF NOT EXISTS {} ({}, PRIMARY KEY ({}))").format(
                sql.Identifier(SCHEMA, name), typed, keys
            )
        )
        what = {"step": row.id, "name": name, "table": str(table), "column": column}
        session.working.execute(query("archive_insert"), what)
    return find_table(session.working, f"{SCHEMA}.{name}")


def _dual(row: StepRow, number: int, table: Table, column: str, archive: Table) -> DualWrite:
    return DualWrite(
        name=f"{triggers.NAME_PREFIX}archive_{row.id}_{number}",
        table=table,
        forward={column: _quoted(column)},
        backward={},
        sources=frozenset({column}),
        search_path="''",
        into=archive,
        key={key.name: key.name for key in table.key},
    )


def _names(step: Revision) -> Iterator[tuple[str, str]]:
    """Yield the table, as SQL, and the column of each entry.

    Raises:
        ArchiveNameError
    """
    for entry in step.archive:
        *table, column = identifiers(entry)
        if not table:
            raise ArchiveNameError(
                f"cannot archive {entry}: only columns can be archived",
                where=step.location,
                help=f"write table.column; for a whole table, rename it out of the way instead of dropping {entry}",
            )
        yield ".".join(map(_quoted, table)), column


def _archive_name(row: StepRow, number: int) -> str:
    return f"step_{row.id}_{number}"


def _quoted(name: str) -> str:
    return sql.Identifier(name).as_string()
