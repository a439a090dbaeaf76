"""One chunk is one transaction that knows for itself where the slice stands, whoever asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migrator.backfill.chunk import ChunkStatement
from migrator.backfill.keyset import Keyset
from migrator.backfill.moves.assign import Assign
from migrator.backfill.passes import Place
from migrator.backfill.slices import Slice, cut_slices
from migrator.ledger import schema
from migrator.postgres.tables import find_table
from tests.support.background import in_background
from tests.support.databases import Database
from tests.support.polling import wait_until

STEP = """
    WITH run AS (INSERT INTO migrator.runs (plan, fingerprint, document, state) VALUES ('p', '', '{}', 'running')
                 RETURNING id)
    INSERT INTO migrator.steps (run_id, position, phase, kind, title) SELECT id, 1, 'migrate', 'backfill', ''
    FROM run RETURNING id
""".replace("document, state)", "document, state, started_by)").replace("'running')", "'running', 'a test')")


@pytest.fixture
def connection(database: Database) -> psycopg.Connection:
    connection = database.connect()
    schema.ensure(connection)
    connection.execute("CREATE TABLE items (id bigint PRIMARY KEY, writes integer NOT NULL DEFAULT 0)")
    return connection


@pytest.fixture
def step(connection: psycopg.Connection) -> int:
    (number,) = connection.execute(STEP).fetchone() or (0,)
    return number


def counting(connection: psycopg.Connection) -> tuple[Keyset, ChunkStatement]:
    table = find_table(connection, "items")
    keyset = Keyset(table, table.key)
    return keyset, ChunkStatement(keyset, Assign(table=table, set={"writes": "writes + 1"}))


def fill(connection: psycopg.Connection, step: int, keys: list[int]) -> tuple[ChunkStatement, Slice]:
    """Put `keys` in the table and cut it; return the statement that walks it, and the slice."""
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO items VALUES (%s)", [(key,) for key in keys])
    keyset, statement = counting(connection)
    (one,) = cut_slices(connection, keyset, step, "fill")
    return statement, one


def written(connection: psycopg.Connection) -> dict[int, int]:
    return dict(connection.execute("SELECT writes, count(*) FROM items GROUP BY 1").fetchall())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    keys=st.sets(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=60),
    sizes=st.lists(st.integers(1, 25), min_size=1, max_size=5),
)
def test_whatever_the_keys_and_the_sizes_each_row_is_written_once(
    connection: psycopg.Connection, step: int, keys: set[int], sizes: list[int]
) -> None:
    connection.execute("TRUNCATE items, migrator.slices")
    statement, one = fill(connection, step, sorted(keys))
    walked = changed = turn = 0
    done = False
    while not done:
        chunk = statement.run(connection, one, sizes[turn % len(sizes)], Place(first=turn == 0))
        assert chunk is not None
        walked, changed, done, turn = walked + chunk.rows, changed + chunk.changed, chunk.done, turn + 1
    assert written(connection) == {1: len(keys)}
    assert (walked, changed) == (len(keys), len(keys))
    assert statement.run(connection, one, 10, Place(first=False)) is None, "a slice that is done moves no more"


def test_a_second_worker_waits_for_the_first_and_goes_on_behind_it(
    connection: psycopg.Connection, database: Database, step: int
) -> None:
    statement, one = fill(connection, step, list(range(1, 31)))
    statement.run(connection, one, 10, Place(first=True))
    first, second = database.connect(autocommit=False), database.connect()
    statement.run(first, one, 10, Place(first=False))
    with in_background(lambda: statement.run(second, one, 5, Place(first=False))) as after:
        waiting = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s"
        wait_until(lambda: connection.execute(waiting, (second.info.backend_pid,)).fetchone() == (True,))
        first.commit()
    assert after.result() is not None
    assert written(connection) == {0: 5, 1: 25}


def test_a_second_worker_takes_over_what_the_first_rolled_back(
    connection: psycopg.Connection, database: Database, step: int
) -> None:
    statement, one = fill(connection, step, list(range(1, 31)))
    first, second = database.connect(autocommit=False), database.connect()
    statement.run(first, one, 10, Place(first=True))
    with in_background(lambda: statement.run(second, one, 10, Place(first=True))) as after:
        waiting = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s"
        wait_until(lambda: connection.execute(waiting, (second.info.backend_pid,)).fetchone() == (True,))
        first.rollback()
    assert after.result() is not None
    assert written(connection) == {0: 20, 1: 10}


def test_a_worker_that_believes_itself_at_the_beginning_does_nothing_behind_it(
    connection: psycopg.Connection, step: int
) -> None:
    statement, one = fill(connection, step, list(range(1, 31)))
    statement.run(connection, one, 10, Place(first=True))
    assert statement.run(connection, one, 10, Place(first=True)) is None
    assert written(connection) == {0: 20, 1: 10}


def test_workers_that_crowd_one_slice_share_its_rows(
    connection: psycopg.Connection, database: Database, step: int
) -> None:
    statement, one = fill(connection, step, list(range(1, 2001)))
    statement.run(connection, one, 1, Place(first=True))

    def work(own: psycopg.Connection) -> int:
        return sum(_rest(statement, own, one))

    with ThreadPoolExecutor(4) as pool:
        shares = list(pool.map(work, [database.connect() for _ in range(4)]))
    assert sum(shares) == 1999
    assert written(connection) == {1: 2000}
    (counted,) = connection.execute("SELECT rows_done FROM migrator.slices").fetchone() or (0,)
    assert counted == 2000


def _rest(statement: ChunkStatement, own: psycopg.Connection, one: Slice) -> Iterator[int]:
    while chunk := statement.run(own, one, 7, Place(first=False)):
        yield chunk.rows


def test_a_chunk_that_fails_leaves_the_cursor_where_it_was(connection: psycopg.Connection, step: int) -> None:
    statement, one = fill(connection, step, list(range(1, 31)))
    statement.run(connection, one, 10, Place(first=True))
    before = connection.execute("SELECT cursor, rows_done, chunks FROM migrator.slices").fetchone()
    connection.execute("ALTER TABLE items ADD CONSTRAINT at_most CHECK (writes = 0 OR id <> 15) NOT VALID")
    with pytest.raises(psycopg.errors.CheckViolation):
        statement.run(connection, one, 10, Place(first=False))
    assert connection.execute("SELECT cursor, rows_done, chunks FROM migrator.slices").fetchone() == before
    assert written(connection) == {0: 20, 1: 10}


def test_the_end_is_fixed_when_the_slices_are_cut_and_kept_from_then_on(
    connection: psycopg.Connection, step: int
) -> None:
    fill(connection, step, [1, 2, 3])
    connection.execute("INSERT INTO items VALUES (99)")
    keyset, _ = counting(connection)
    (again,) = cut_slices(connection, keyset, step, "fill")
    assert again.upper_key == ["3"]
