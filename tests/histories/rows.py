"""Puts a few rows into every empty table of a database, whatever its schema, so that revisions meet data."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import sql

ROWS = 3
_TABLES = """
    SELECT c.oid, n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'migrator')
      AND n.nspname NOT LIKE 'pg_toast%%' AND c.relname NOT LIKE 'alembic_version%%' ORDER BY c.oid
"""
_COLUMNS = """
    SELECT a.attname, t.typcategory, t.typname, a.atttypmod, a.attndims,
           (SELECT array_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid),
           (SELECT string_agg(pg_get_constraintdef(k.oid), ' ') FROM pg_constraint k
            WHERE k.conrelid = a.attrelid AND k.contype = 'c' AND a.attnum = ANY (k.conkey))
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum
"""


def fill(connection: psycopg.Connection) -> None:
    """Fill the tables that are empty, as far as their constraints let the same value stand in every column of a row.

    Row i refers to row i of other tables, so that foreign keys hold.
    """
    waiting = [row for row in connection.execute(_TABLES).fetchall() if _is_empty(connection, row)]
    while True:
        left = [row for row in waiting if not _filled(connection, row)]
        if len(left) in (0, len(waiting)):
            return
        waiting = left


def empty(connection: psycopg.Connection) -> None:
    """Take all rows away again."""
    for row in connection.execute(_TABLES).fetchall():
        connection.execute(sql.SQL("TRUNCATE {} CASCADE").format(_name(row)))


def _name(row: Any) -> sql.Identifier:
    return sql.Identifier(row[1], row[2])


def _is_empty(connection: psycopg.Connection, row: Any) -> bool:
    found = connection.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(_name(row))).fetchone()
    return found is None


def _filled(connection: psycopg.Connection, row: Any) -> bool:
    columns = connection.execute(_COLUMNS, (row[0],)).fetchall()
    statement = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({})").format(
        _name(row),
        sql.SQL(", ").join(sql.Identifier(column[0]) for column in columns),
        sql.SQL(", ").join(sql.SQL("%s::text::") + sql.SQL(_cast(column)) for column in columns),
    )
    with suppress(psycopg.Error), connection.transaction():
        for number in range(1, ROWS + 1):
            connection.execute(statement, [_value(column, number) for column in columns])
        return True
    return False


def _cast(column: Any) -> str:
    return f'"{column[2]}"'


def _value(column: Any, number: int) -> str | None:
    _, category, kind, modifier, _, labels, checks = column
    literals = re.findall(r"'([^']*)'::", checks or "")
    if labels:
        return str(labels[number % len(labels)])
    if literals and category == "S":
        return str(literals[0])
    special = {
        "uuid": f"00000000-0000-0000-0000-{number:012d}",
        "json": "{}",
        "jsonb": "{}",
        "bytea": f"\\x{number:02d}",
        "inet": f"10.0.0.{number}",
    }
    by_category = {"B": "true", "D": f"2020-01-0{number}", "T": f"{number} hours", "A": "{}"}
    value = special.get(kind) or by_category.get(category) or str(number)
    return value[: modifier - 4] if kind in ("varchar", "bpchar") and modifier > 4 else value
