"""A split, undone under traffic: the old column comes back to what the other table says now."""

from __future__ import annotations

import threading

import pytest
from psycopg import Connection, sql

from migrator.backfill.dual_write import DualWrite
from migrator.backfill.keyset import KeyRange
from migrator.backfill.refill import Refill
from migrator.postgres.tables import find_table
from tests.support.databases import Database
from tests.support.polling import wait_until

SCHEMA = """
    CREATE SCHEMA migrator;
    CREATE TABLE items (id int PRIMARY KEY, note text DEFAULT 'none yet', other int);
    CREATE TABLE notes (item_id int PRIMARY KEY, id int, text text);
    INSERT INTO items SELECT generate_series(1, 4);
    UPDATE items SET note = NULL;
    INSERT INTO notes SELECT n, 100 + n, 'note ' || n FROM generate_series(1, 3) AS n;
"""
NOTES = "SELECT id, note FROM items ORDER BY id"


@pytest.fixture
def connection(database: Database) -> Connection:
    """A database in which the column `note` has just come back empty."""
    connection = database.connect()
    connection.execute(SCHEMA)
    return connection


def refill(connection: Connection, **values: str) -> sql.Composable:
    move = Refill(
        table=find_table(connection, "items"),
        set=values or {"note": "text"},
        source=find_table(connection, "notes"),
        key={"item_id": "id"},
    )
    return move.statement(KeyRange(sql.SQL("items.id BETWEEN 1 AND 4"), sql.SQL("1"), sql.SQL("4")))


def test_every_row_gets_what_its_counterpart_says_and_a_row_without_one_keeps_what_it_has(
    connection: Connection,
) -> None:
    assert connection.execute(refill(connection)).rowcount == 3
    assert connection.execute(NOTES).fetchall() == [(1, "note 1"), (2, "note 2"), (3, "note 3"), (4, None)]


def test_a_second_time_writes_nothing(connection: Connection) -> None:
    connection.execute(refill(connection))
    assert connection.execute(refill(connection)).rowcount == 0


def test_an_expression_means_the_columns_of_the_other_table_even_where_both_have_them(connection: Connection) -> None:
    connection.execute(refill(connection, note="notes.text || ' ' || id", other="id"))
    found = connection.execute("SELECT note, other FROM items WHERE id = 2").fetchone()
    assert found == ("note 2 102", 102)


def test_what_is_written_while_a_chunk_waits_for_another_writer_is_not_overwritten(
    database: Database, connection: Connection
) -> None:
    for statement in DualWrite(
        name="zz_notes",
        table=find_table(connection, "items"),
        forward={"text": "note"},
        backward={"note": "text"},
        sources=frozenset({"note"}),
        search_path="public",
        into=find_table(connection, "notes"),
        key={"item_id": "id"},
    ).install():
        connection.execute(statement)
    chunk = database.connect(application_name="chunk")
    chunk.execute("SET migrator.backfill = 'on'")
    statement = refill(connection)
    with connection.transaction():
        connection.execute("UPDATE notes SET text = 'slow' WHERE item_id = 1")
        thread = threading.Thread(target=chunk.execute, args=[statement])
        thread.start()
        looking = database.connect(options="-c lock_timeout=10s")
        waits = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE application_name = 'chunk'"
        wait_until(lambda: looking.execute(waits).fetchone() == (True,), message="the chunk to wait")
        looking.execute("UPDATE notes SET text = 'written meanwhile' WHERE item_id = 3")
    thread.join()
    expected = [(1, "slow"), (2, "note 2"), (3, "written meanwhile"), (4, None)]
    assert connection.execute(NOTES).fetchall() == expected
