"""What a database holds, in a form that two runs can be compared by."""

from __future__ import annotations

from typing import Any, TypeAlias

import psycopg
from psycopg import sql

Content: TypeAlias = dict[str, Any]

# Alembic's own table is left out: it comes with the first run and stays after the last rollback. The order of columns
# is left out too: a column that was dropped and came back stands last. So are NOT NULL constraints, which only
# PostgreSQL 18 has: `attnotnull` says the same.
_SHAPE = """
    SELECT 'column', attrelid::regclass::text, attname, format_type(atttypid, atttypmod),
           attnotnull::text, coalesce(pg_get_expr(adbin, adrelid), '')
    FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p'))
      AND attrelid::regclass::text <> 'alembic_version' AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated::text, ''
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'
      AND conrelid::regclass::text <> 'alembic_version'
    UNION ALL
    SELECT 'index', indrelid::regclass::text, indexrelid::regclass::text, pg_get_indexdef(indexrelid),
           indisvalid::text, ''
    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE relnamespace = 'public'::regnamespace
      AND indrelid::regclass::text <> 'alembic_version'
    UNION ALL
    SELECT 'trigger', tgrelid::regclass::text, tgname, tgenabled::text, '', '' FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL
    SELECT 'function', n.nspname, p.proname, '', '', '' FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname IN ('public', 'migrator')
"""


def shape_of(connection: psycopg.Connection) -> set[tuple[str, ...]]:
    """Return the columns, constraints, indexes, triggers and functions of schema public, and of our own functions."""
    return set(connection.execute(_SHAPE).fetchall())


def content_of(connection: psycopg.Connection) -> Content:
    """Return the number of rows and a checksum of every table in schema public, and the schema's shape.

    Triggers are named after the step's number in the ledger, so they only count.
    """
    tables = connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' "
        "AND relname <> 'alembic_version' ORDER BY 1"
    ).fetchall()
    rows = {table: _checksum(connection, table) for (table,) in tables}
    shape = shape_of(connection)
    return {
        **rows,
        "shape": {one for one in shape if one[0] not in ("trigger", "function")},
        "triggers": sum(one[0] == "trigger" for one in shape),
        "functions": sum(one[0] == "function" for one in shape),
    }


def _checksum(connection: psycopg.Connection, table: str) -> tuple[Any, ...] | None:
    statement = sql.SQL(
        "SELECT count(*), md5(coalesce(string_agg(row, E'\\n' ORDER BY row COLLATE \"C\"), '')) "
        "FROM (SELECT to_jsonb(t)::text AS row FROM {} t) rows"
    ).format(sql.Identifier(table))
    return connection.execute(statement).fetchone()
