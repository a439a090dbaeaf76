"""A verification reads every row once, however many ranges it takes, and finds what differs in each of them."""

from __future__ import annotations

import pytest
from psycopg import Connection

from migrator.backfill.keyset import Keyset
from migrator.backfill.size import ChunkSize
from migrator.backfill.verify import EXAMPLES, Verified, is_none, verify
from migrator.postgres.tables import find_table, require_key
from tests.support.databases import Database

READ = "SELECT coalesce(idx_tup_fetch, 0) + seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'items'"


@pytest.fixture
def connection(database: Database) -> Connection:
    """Ten ranges of rows, of which every hundredth is wrong."""
    connection = database.connect(autocommit=False)
    connection.execute("CREATE TABLE items (shop int, id int, wrong boolean NOT NULL, PRIMARY KEY (shop, id))")
    connection.execute("INSERT INTO items SELECT n % 7, n, n % 100 = 0 FROM generate_series(1, 10000) AS n")
    connection.commit()
    connection.execute("ANALYZE items")
    connection.commit()
    return connection


def found_in(connection: Connection, none: str, where: str | None = None) -> Verified:
    table = find_table(connection, "items")
    keyset = Keyset(table, require_key(table))
    return verify(connection, keyset, is_none(none, where), ChunkSize(1000, 1.0, fixed=True), lambda _found: None)


def test_rows_are_read_once_to_find_the_end_of_a_range_and_once_to_be_checked(connection: Connection) -> None:
    connection.execute("SET enable_seqscan = off")

    assert found_in(connection, "wrong").rows == 10_000

    (read,) = connection.execute(READ).fetchone() or (None,)
    assert read <= 2.2 * 10_000


def test_rows_that_differ_are_counted_in_every_range_and_some_are_named(connection: Connection) -> None:
    found = found_in(connection, "wrong")

    assert (found.differing, len(found.examples)) == (100, EXAMPLES)
    assert found.examples[0] == "(0, 700)"


def test_only_rows_that_fulfil_where_can_differ(connection: Connection) -> None:
    found = found_in(connection, "wrong", "shop = 6")

    assert (found.rows, found.differing) == (10_000, 14)


def test_an_empty_table_is_verified(connection: Connection) -> None:
    connection.execute("TRUNCATE items")

    assert found_in(connection, "wrong") == Verified()


def test_a_condition_that_is_unknown_counts_as_not_fulfilled(connection: Connection) -> None:
    assert found_in(connection, "NULL::boolean").differing == 0
