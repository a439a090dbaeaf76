"""Archives the identity of a column: a sequence beside its copy goes on where the one that is dropped has ended.

Until the column is an identity again, which it can be only when it is NOT NULL, that sequence gives the values of rows
that are inserted, as the column's default.
"""

from __future__ import annotations

from typing import Any

from psycopg import sql

from migrator.engine.archives.entries import SCHEMA, Entry
from migrator.engine.session import Session
from migrator.postgres.definitions import Definition, copies_of_identity
from migrator.sql.names import quote


def keep(cursor: Any, oid: int, column: str, copy: str) -> None:
    """Make the sequence in the transaction of `cursor`, which drops `column` of the table `oid`."""
    for statement in copies_of_identity(cursor, oid, column, _sequence(copy), f"{SCHEMA}.{copy}"):
        cursor.execute(statement)


def default(session: Session, entry: Entry) -> str:
    """Return the default that stands for the identity of an archived column; empty where it had none."""
    found = session.working.execute("SELECT to_regclass(%s)", (_sequence(entry.name),)).fetchone()
    return f"nextval('{_sequence(entry.name)}'::regclass)" if found and found[0] else ""


def again(entry: Entry, one: Definition) -> list[sql.Composed]:
    """Return the statements of the transaction that makes the column an identity again."""
    column = sql.Identifier(entry.column)
    table = sql.SQL(entry.table)
    sequence = sql.SQL("pg_get_serial_sequence({}, {})").format(sql.Literal(entry.table), sql.Literal(entry.column))
    return [
        sql.SQL("ALTER TABLE {} ALTER COLUMN {} DROP DEFAULT").format(table, column),
        sql.Composed([sql.SQL(one.statement)]),
        sql.SQL("SELECT setval({}, last_value, is_called) FROM {}").format(sequence, sql.SQL(_sequence(entry.name))),
    ]


def _sequence(copy: str) -> str:
    return f"{SCHEMA}.{quote(f'{copy}_identity')}"
