"""The ledger's own tables: made at once where there are none, brought up to date where an older version made them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from migrator.ledger import schema
from tests.support.databases import Database, Databases

SHAPE = """
    SELECT 'column', c.relname, a.attname, a.attnum::text, format_type(a.atttypid, a.atttypmod), a.attnotnull::text,
           a.attidentity::text, pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'migrator'::regnamespace AND c.relkind = 'r'
    UNION ALL
    SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', '', '', '', ''
    FROM pg_constraint WHERE connamespace = 'migrator'::regnamespace
    UNION ALL
    SELECT 'index', tablename, indexname, indexdef, '', '', '', '', '' FROM pg_indexes WHERE schemaname = 'migrator'
    UNION ALL
    SELECT 'table', relname, obj_description(oid), '', '', '', '', '', ''
    FROM pg_class WHERE relnamespace = 'migrator'::regnamespace
    ORDER BY 1, 2, 3, 4
"""


def version_of(connection: psycopg.Connection) -> object:
    return connection.execute("SELECT version_num FROM migrator.ledger_version").fetchall()


@pytest.mark.parametrize("version", [f"{number:04}" for number in range(1, int(schema.HEAD))])
def test_an_older_ledger_becomes_what_a_new_one_is(databases: Databases, database: Database, version: str) -> None:
    older = database.connect()
    statements, found, _ = schema.SCRIPT.read_text().partition(f"-- Running upgrade {version} ->")
    assert found
    older.execute("CREATE SCHEMA migrator")
    older.execute(statements)
    schema.ensure(older)
    newer = databases.create()
    schema.create(newer.connect())
    assert older.execute(SHAPE).fetchall() == newer.connect().execute(SHAPE).fetchall()
    assert version_of(older) == version_of(newer.connect()) == [(schema.HEAD,)]
    databases.drop(newer)


def test_first_runs_at_the_same_time_make_one_ledger(database: Database) -> None:
    connections = [database.connect() for _ in range(6)]
    with ThreadPoolExecutor(len(connections)) as pool:
        list(pool.map(schema.create, connections))
    assert version_of(connections[0]) == [(schema.HEAD,)]


def test_a_ledger_of_a_newer_version_is_left_alone(database: Database) -> None:
    connection = database.connect()
    schema.create(connection)
    connection.execute("UPDATE migrator.ledger_version SET version_num = '9999'")
    with pytest.raises(schema.LedgerTooNewError, match="9999"):
        schema.ensure(connection)
    assert version_of(connection) == [("9999",)]


def test_the_script_of_a_new_ledger_is_what_the_revisions_say() -> None:
    assert schema.SCRIPT.read_text() == schema.script(), "run: make docs"
