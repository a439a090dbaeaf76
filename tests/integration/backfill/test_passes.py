"""A slice is walked in passes that follow each other, whatever comes between: each row is written by one of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from migrator.backfill.chunk import ChunkStatement
from migrator.backfill.keyset import Keyset
from migrator.backfill.leases import Leases
from migrator.backfill.moves.assign import Assign
from migrator.backfill.passes import PASSES, Course, Pass, passes_for
from migrator.backfill.slices import Slice, cut_slices, slices_of
from migrator.ledger import schema
from migrator.plan.model import Plan
from migrator.postgres.tables import find_table
from tests.integration.backfill.conftest import MakePlan
from tests.integration.backfill.test_chunks import STEP
from tests.support.background import in_background
from tests.support.databases import Database
from tests.support.polling import wait_until
from tests.support.project import Project
from tests.support.servers import OwnServer
from tests.support.sessions import blocker

KEYS = {
    "bigint": "n::bigint",
    "every thousandth": "(n * 1000)::bigint",
    "snowflake": "((n / 16)::bigint << 22) | (n % 16)",
    "text": "lpad(n::text, 8, '0')",
    "uuid": "lpad(to_hex(n), 32, '0')::uuid",
}


@pytest.fixture
def connection(database: Database) -> psycopg.Connection:
    connection = database.connect()
    schema.ensure(connection)
    return connection


@pytest.fixture
def step(connection: psycopg.Connection) -> int:
    (number,) = connection.execute(STEP).fetchone() or (0,)
    return number


@dataclass
class Walker:
    """A worker, as far as it goes from chunk to chunk."""

    leases: Leases
    statement: ChunkStatement
    held: Slice | None = None
    course: Course | None = None

    def take(self, one: Slice | None) -> None:
        self.held = one
        self.course = Course(one.lower_key, one.cursors) if one else None

    def chunk(self, rows: int, *, after_failure: bool) -> None:
        if not self.held:
            self.take(self.leases.take())
        if not self.held or not self.course:
            return
        self.course.go_on()
        known = self.course.take_stretch(rows)
        rows, upto = (known.rows, known.upto) if known and not after_failure else (rows, None)
        chunk = self.statement.run(self.leases.connection, self.held, rows, self.course.place(upto))
        assert chunk is not None
        self.course.moved(chunk.cursor, chunk.shares, ended=chunk.ended)
        if chunk.done:
            self.take(None)

    def give_back(self) -> None:
        if self.held:
            self.leases.give_back(self.held)
        self.take(None)

    def put_off(self, rows: int) -> None:
        if self.held and self.course:
            self.course.go_on()
            if behind := self.leases.put_off(self.held, rows, self.course.place().at):
                self.take(behind)


def walkers(connection: psycopg.Connection, step: int, number: int) -> Iterator[Walker]:
    table = find_table(connection, "items")
    keyset = Keyset(table, table.key)
    statement = ChunkStatement(keyset, Assign(table=table, set={"writes": "writes + 1"}))
    for each in range(number):
        yield Walker(Leases(connection, keyset, step, "fill", f"worker {each}"), statement)


MOVES = st.tuples(st.integers(0, 1), st.sampled_from(["chunk", "failed", "back", "cut", "put off"]), st.integers(1, 20))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(keys=st.sets(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=80), moves=st.lists(MOVES, max_size=40))
def test_whatever_comes_between_the_passes_each_row_is_written_once(
    connection: psycopg.Connection, step: int, keys: set[int], moves: list[tuple[int, str, int]]
) -> None:
    connection.execute("DROP TABLE IF EXISTS items; TRUNCATE migrator.slices")
    connection.execute("CREATE TABLE items (id bigint PRIMARY KEY, writes integer NOT NULL DEFAULT 0)")
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO items VALUES (%s)", [(key,) for key in sorted(keys)])
    print("START", sorted(keys), moves)
    both = list(walkers(connection, step, 2))
    cut_slices(connection, both[0].leases.keyset, step, "fill", PASSES)
    for number, what, rows in moves:
        one = both[number]
        if what == "back":
            one.give_back()
        elif what == "put off":
            one.put_off(rows)
        elif what == "cut" and not one.held:
            one.take(one.leases.cut(rows))
        else:
            one.chunk(rows, after_failure=what == "failed")
    for one in both:
        one.give_back()
    connection.execute("UPDATE migrator.slices SET lease_until = NULL")
    while not all(one.done for one in slices_of(connection, step, "fill")):
        both[0].chunk(7, after_failure=False)
    assert connection.execute("SELECT writes, count(*) FROM items GROUP BY 1").fetchall() == [(1, len(keys))]
    done = connection.execute("SELECT sum(rows_done), sum(rows_changed) FROM migrator.slices").fetchone()
    assert done == (len(keys), len(keys))


def wide(connection: psycopg.Connection, key: str = KEYS["bigint"], further: str = "") -> None:
    """Make a table that is walked in passes: of 12,000 rows, ten to a page, in the order of their keys."""
    connection.execute(f"CREATE TABLE items AS SELECT {key} AS id, 0 AS writes, repeat('x', 700) AS body "
                       "FROM generate_series(1, 12000) AS n")  # fmt: skip
    connection.execute(f"ALTER TABLE items ADD PRIMARY KEY (id); {further}")
    connection.execute("VACUUM ANALYZE items")


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_keys_of_any_kind_are_walked_in_passes(
    connection: psycopg.Connection, project: Project, backfill: MakePlan, key: str
) -> None:
    wide(connection, key)
    project.backfill(counting(backfill))
    assert connection.execute("SELECT writes, count(*) FROM items GROUP BY 1").fetchall() == [(1, 12000)]
    assert connection.execute("SELECT sum(rows_done), min(jsonb_array_length(ahead)) FROM migrator.slices").fetchone() \
        == (12000, PASSES - 1)  # fmt: skip


def counting(backfill: MakePlan) -> Plan:
    return backfill("items", {"writes": "writes + 1"}, chunk_rows=500)


def test_many_rows_of_a_full_table_stay_in_their_pages(own_server: OwnServer, tmp_path: Path) -> None:
    # A server of its own: a transaction of another test would keep old versions from being removed.
    with own_server.connect() as connection:
        wide(connection)
        project = Project(tmp_path, own_server.url)
        step = {"table": "items", "set": {"writes": "writes + 1"}, "chunk_rows": 500, "irreversible": "a test"}
        project.backfill(project.plan("fill", yaml.safe_dump({"migrate": [{"backfill": step}]})))
        updated = "SELECT pg_stat_get_tuples_updated('items'::regclass)"
        wait_until(lambda: connection.execute(updated).fetchone() == (12000,))  # sessions tell of it when they end
        (stayed,) = connection.execute("SELECT pg_stat_get_tuples_hot_updated('items'::regclass)").fetchone() or (0,)
        assert stayed > 4000, "in one pass it is none"


@pytest.mark.parametrize(
    ("further", "passes"),
    [
        ("", PASSES),
        ("CREATE INDEX ON items (writes)", 1),
        ("CREATE INDEX ON items (abs(writes))", 1),
        ("CREATE INDEX ON items (id) WHERE writes = 0", 1),
        ("CREATE INDEX ON items (id) INCLUDE (writes)", 1),
        ("CREATE INDEX ON items (body)", PASSES),
        ("DELETE FROM items WHERE id > 500", 1),
        (("ALTER TABLE items DROP CONSTRAINT items_pkey; UPDATE items SET id = hashint4(id::int); "
         "ALTER TABLE items ADD PRIMARY KEY (id)"), 1),
    ],
    ids=["plain", "index", "expression", "predicate", "included", "another column", "few pages", "no order"],
)  # fmt: skip
def test_there_are_passes_where_they_are_of_use(connection: psycopg.Connection, further: str, passes: int) -> None:
    wide(connection, further=further)
    if "DELETE" in further:
        connection.execute("VACUUM FULL ANALYZE items")
    table = find_table(connection, "items")
    move = Assign(table=table, set={"writes": "writes + 1"})
    assert passes_for(connection, Keyset(table, table.key), move) == passes


def test_a_key_that_cannot_be_hashed_is_walked_in_one(connection: psycopg.Connection) -> None:
    wide(connection, "n::bit(32)")
    table = find_table(connection, "items")
    move = Assign(table=table, set={"writes": "writes + 1"})
    assert passes_for(connection, Keyset(table, table.key), move) == 1


@pytest.mark.parametrize("after", [0, 7000, 11950])
@pytest.mark.parametrize("number", range(PASSES))
def test_a_refused_row_is_found_by_halving_in_whatever_pass(
    connection: psycopg.Connection, project: Project, backfill: MakePlan, number: int, after: int
) -> None:
    wide(connection)
    table = find_table(connection, "items")
    mine = Pass(number, PASSES).of_rows(Keyset(table, table.key), sql.SQL("id > {}").format(after))
    (row,) = connection.execute(sql.SQL("SELECT min(id) FROM items WHERE {}").format(mine)).fetchone() or (0,)
    connection.execute("CREATE SEQUENCE tries")  # a transaction that fails has raised it all the same
    connection.execute(f"CREATE FUNCTION refused(id bigint) RETURNS int LANGUAGE sql AS 'SELECT 1 / (id - {row})::int'")
    plan = backfill("items", {"writes": "writes + 1 + 0 * refused(id) + 0 * (SELECT nextval('tries'))::int"},
                    chunk_rows=4000, on_error={"skip": 1})  # fmt: skip
    assert project.backfill(plan) == "complete"
    assert connection.execute("SELECT writes, count(*) FROM items GROUP BY 1 ORDER BY 1").fetchall() == [
        (0, 1), (1, 11999),
    ]  # fmt: skip
    (tries,) = connection.execute("SELECT last_value FROM tries").fetchone() or (0,)
    assert tries < 4 + 20, "three chunks, and one for what does not come out even"


def test_a_locked_row_holds_up_no_more_than_its_neighbours(
    connection: psycopg.Connection, database: Database, project: Project, backfill: MakePlan
) -> None:
    wide(connection)
    with in_background(lambda: project.backfill(counting(backfill))) as run:
        with blocker(database.url, "UPDATE items SET body = 'held' WHERE id IN (3000, 9000)"):
            written = "SELECT count(*) FROM items WHERE writes = 1"
            wait_until(lambda: (connection.execute(written).fetchone() or (0,))[0] > 11000, timeout=60)
        assert run.result() == "complete"
    assert connection.execute("SELECT writes, count(*) FROM items GROUP BY 1").fetchall() == [(1, 12000)]
