"""Archives the rows that a backfill step deletes: they go there in the statement that deletes them.

Undoing the step inserts them again.
"""

from __future__ import annotations

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from migrator.backfill.moves.insert import Insert
from migrator.backfill.size import ChunkSize
from migrator.engine import rows
from migrator.engine.archives.columns import ROWS, TARGET
from migrator.engine.archives.entries import SCHEMA
from migrator.engine.archives.tables import at
from migrator.engine.session import Session
from migrator.errors import RefusedError
from migrator.ledger.ledger import StepRow
from migrator.plan.steps.backfill import Backfill
from migrator.postgres.queries import query
from migrator.postgres.rights import create_schema
from migrator.postgres.tables import Table, find_table, require_key
from migrator.sql.names import Name, quote

PURPOSE = "restore rows"


class CascadeError(RefusedError):
    """Deleting the rows would delete or change rows of other tables too, which the archive would not hold.

    A foreign key with ON DELETE CASCADE, SET NULL or SET DEFAULT points at the table. Delete those rows in a step
    before this one, with an archive of their own; or leave out `archive` and say why that is acceptable.
    """

    code = "MG336"


def archive_of(session: Session, step: Backfill, row: StepRow, table: Table) -> Table:
    """Return the table that keeps the rows, made at the first attempt.

    Raises:
        NoKeyError, CascadeError
    """
    if found := at(session, f"{SCHEMA}.{_name(row)}"):
        return found
    key = require_key(table, step.location)
    refuse_cascade(session.working, step, table)
    kept = [column for column in table.columns if not column.generated]
    typed = sql.SQL(", ").join(sql.SQL("{} {}").format(sql.Identifier(one.name), sql.SQL(one.declared)) for one in kept)
    keys = sql.SQL(", ").join(sql.Identifier(one.name) for one in key)
    entry = {"step": row.id, "name": _name(row), "kind": "rows", "table": Name(table.name, table.schema).quoted()}
    with session.working.transaction():
        create_schema(session.working, SCHEMA)
        session.working.execute(
            sql.SQL("CREATE TABLE {} ({}, PRIMARY KEY ({}))").format(sql.Identifier(SCHEMA, _name(row)), typed, keys)
        )
        session.working.execute(query("archive_insert"), {**entry, "column": "*", "definitions": Jsonb([])})
    return find_table(session.working, f"{SCHEMA}.{_name(row)}")


def refuse_cascade(connection: psycopg.Connection, step: Backfill, table: Table) -> None:
    """Raise where other tables would change with the rows that are deleted.

    Raises:
        CascadeError
    """
    others = [name for (name,) in connection.execute(query("cascades_to"), {"oid": table.oid})]
    if others:
        raise CascadeError(
            f"deleting rows of {table} would change {', '.join(others)} too, and the archive would not hold that",
            where=step.location,
            notes=["nothing was deleted"],
            help="delete those rows in a step before this one; or leave out archive, with irreversible: the reason",
        )


def restore(session: Session, step: Backfill, row: StepRow) -> int:
    """Insert the rows again that the step has deleted, and drop their archive; return how many rows.

    A row whose key is taken by now stays as it is.
    """
    archive = at(session, f"{SCHEMA}.{_name(row)}")
    if archive is None:
        return 0
    own = {column.name: quote(column.name) for column in archive.columns}
    into = find_table(session.working, step.table, step.location)
    move = Insert(table=archive, set=own, into=into, silent=False)
    size = ChunkSize(ROWS, TARGET)
    walked = rows.fill(session, row, move, size, purpose=PURPOSE, where=step.location)
    with session.working.transaction():
        session.working.execute(sql.SQL("DROP TABLE {}").format(archive.identifier))
        session.working.execute(query("archive_delete"), {"name": archive.name})
    return walked.rows_changed


def _name(row: StepRow) -> str:
    return f"step_{row.id}_rows"
