"""Several workers share one table: each row is one worker's, whoever else is slow, lost or late."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from migrator.backfill.chunk import ChunkStatement
from migrator.backfill.keyset import Keyset
from migrator.backfill.leases import Leases
from migrator.backfill.moves.assign import Assign
from migrator.backfill.passes import Place
from migrator.backfill.slices import cut_slices, slices_of
from migrator.engine.events import RowProgress
from migrator.ledger import schema
from migrator.postgres.tables import find_table
from tests.integration.backfill.conftest import MakePlan
from tests.integration.backfill.test_chunks import STEP
from tests.support.background import in_background
from tests.support.databases import Database
from tests.support.polling import wait_until
from tests.support.project import Project

COUNT = {"writes": "writes + 1"}
# The subquery makes each chunk last, so that no worker is done before the others have begun.
SLOWLY = {"writes": "writes + (SELECT count(*) FROM (SELECT pg_sleep(0.05)) AS slept)::integer"}
ROWS = 3000

TABLES = {
    "integer with gaps and skew": (
        "CREATE TABLE items (id bigint PRIMARY KEY, writes integer NOT NULL DEFAULT 0)",
        "INSERT INTO items SELECT CASE WHEN n < 2500 THEN n ELSE n * n * 99 END FROM generate_series(1, 3000) n",
    ),
    "uuid": (
        "CREATE TABLE items (id uuid PRIMARY KEY, writes integer NOT NULL DEFAULT 0)",
        "INSERT INTO items SELECT md5(n::text)::uuid FROM generate_series(1, 3000) n",
    ),
    "text in C order": (
        'CREATE TABLE items (id text COLLATE "C" PRIMARY KEY, writes integer NOT NULL DEFAULT 0)',
        "INSERT INTO items SELECT chr(65 + n % 50) || md5(n::text) FROM generate_series(1, 3000) n",
    ),
    "composite": (
        "CREATE TABLE items (shop integer, code text, writes integer NOT NULL DEFAULT 0, PRIMARY KEY (shop, code))",
        "INSERT INTO items SELECT n % 2, 'c' || n FROM generate_series(1, 3000) n",
    ),
}


def made(connection: psycopg.Connection, name: str) -> None:
    for statement in TABLES[name]:
        connection.execute(statement)
    connection.execute("ANALYZE items")


def written(connection: psycopg.Connection) -> list[tuple[int, int]]:
    return connection.execute("SELECT writes, count(*) FROM items GROUP BY 1 ORDER BY 1").fetchall()


@pytest.mark.parametrize("table", TABLES)
def test_four_workers_write_each_row_once(
    connection: psycopg.Connection, project: Project, backfill: MakePlan, table: str
) -> None:
    made(connection, table)
    assert project.backfill(backfill("items", SLOWLY, workers=4)) == "complete"
    assert written(connection) == [(1, ROWS)]
    slices = connection.execute("SELECT count(*), bool_and(done), sum(rows_done) FROM migrator.slices").fetchone()
    assert slices
    assert slices[0] >= 2
    assert slices[1:] == (True, ROWS)
    assert max(event.workers for event in project.events if isinstance(event, RowProgress)) == 4


def test_the_command_line_has_the_last_word_on_the_number_of_workers(
    connection: psycopg.Connection, project: Project, backfill: MakePlan
) -> None:
    made(connection, "uuid")
    assert project.backfill(backfill("items", COUNT, workers=4), workers=1) == "complete"
    assert connection.execute("SELECT count(*) FROM migrator.slices").fetchone() == (1,)


def test_what_one_worker_cannot_do_does_not_hold_up_the_others(
    connection: psycopg.Connection, project: Project, backfill: MakePlan
) -> None:
    made(connection, "integer with gaps and skew")
    with psycopg.connect(project.url) as application:
        application.execute("SELECT FROM items WHERE id = 10 FOR UPDATE")
        with in_background(lambda: project.backfill(backfill("items", COUNT, workers=2))) as run:
            wait_until(lambda: dict(written(connection)).get(1, 0) > ROWS * 0.9, message="nine tenths are done")
            application.rollback()
        assert run.result() == "complete"
    assert written(connection) == [(1, ROWS)]


def test_a_worker_that_fails_lets_the_others_finish_their_chunk_and_no_more(
    connection: psycopg.Connection, project: Project, backfill: MakePlan
) -> None:
    made(connection, "integer with gaps and skew")
    connection.execute("ALTER TABLE items ADD CHECK (id <> 150 OR writes = 0)")
    plan = backfill("items", COUNT, workers=4)
    with pytest.raises(Exception, match="refused a row"):
        project.backfill(plan)
    connection.execute("ALTER TABLE items DROP CONSTRAINT items_check")
    assert project.backfill(plan, accept_drift=True) == "complete"
    assert written(connection) == [(1, ROWS)]


# The leases themselves.

Worker = Callable[[str], Leases]


@pytest.fixture
def worker(connection: psycopg.Connection, database: Database) -> Worker:
    schema.ensure(connection)
    made(connection, "integer with gaps and skew")
    (step,) = connection.execute(STEP).fetchone() or (0,)
    table = find_table(connection, "items")
    keyset = Keyset(table, table.key)
    cut_slices(connection, keyset, step, "fill")
    return lambda name: Leases(database.connect(), keyset, step, "fill", name)


def statement_of(leases: Leases) -> ChunkStatement:
    return ChunkStatement(leases.keyset, Assign(table=leases.keyset.table, set=COUNT))


def test_a_slice_is_one_workers_until_its_lease_runs_out(connection: psycopg.Connection, worker: Worker) -> None:
    first, second = worker("first"), worker("second")
    held = first.take()
    assert held
    assert second.take() is None
    connection.execute("UPDATE migrator.slices SET lease_until = clock_timestamp() - interval '1 ms'")
    taken = second.take()
    assert taken
    assert (taken.id, taken.token) == (held.id, held.token + 1)
    assert not first.renew(held)
    assert second.renew(taken)


def test_a_worker_whose_slice_was_taken_moves_nothing(connection: psycopg.Connection, worker: Worker) -> None:
    first, second = worker("first"), worker("second")
    statement, held = statement_of(first), first.take()
    assert held
    assert statement.run(first.connection, held, 100, Place(first=True))
    connection.execute("UPDATE migrator.slices SET lease_until = clock_timestamp() - interval '1 ms'")
    taken = second.take()
    assert taken
    assert statement.run(first.connection, held, 100, Place(first=False)) is None
    assert statement.run(second.connection, taken, 100, Place(first=False))
    first.give_back(held)  # comes too late, and takes nothing away
    assert second.renew(taken)
    assert written(connection) == [(0, ROWS - 200), (1, 200)]


def test_a_slice_is_cut_near_the_middle_of_what_is_left_by_rows(connection: psycopg.Connection, worker: Worker) -> None:
    first, second = worker("first"), worker("second")
    statement, held = statement_of(first), first.take()
    assert held
    statement.run(first.connection, held, 1000, Place(first=True))
    upper = second.cut(100)
    assert upper
    behind = connection.execute("SELECT count(*) FROM items WHERE id > %s", (int(upper.lower_key[0]),)).fetchone()
    assert behind
    assert 900 <= behind[0] <= 1100
    lower = next(one for one in slices_of(connection, first.step, "fill") if one.id == held.id)
    assert lower.upper_key == upper.lower_key
    assert statement.run(second.connection, upper, 10_000, Place(first=False))
    assert statement.run(first.connection, held, 10_000, Place(first=False))
    assert written(connection) == [(1, ROWS)]


def test_a_slice_whose_worker_has_come_to_the_cut_is_not_cut(connection: psycopg.Connection, worker: Worker) -> None:
    first, second = worker("first"), worker("second")
    statement, held = statement_of(first), first.take()
    assert held
    statement.run(first.connection, held, 1000, Place(first=True))
    assert second.cut_at(held, ["500"]) is None
    assert second.cut_at(held, ["1000"]) is None
    assert second.cut_at(held, ["1001"])


def test_a_slice_is_cut_while_its_worker_is_in_a_chunk(
    connection: psycopg.Connection, database: Database, worker: Worker
) -> None:
    first, second = worker("first"), worker("second")
    statement, held = statement_of(first), first.take()
    assert held
    own = database.connect(autocommit=False)
    statement.run(own, held, 100, Place(first=True))
    with in_background(lambda: second.cut(100)) as cutting:
        waiting = "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND pid = %s"
        pid = second.connection.info.backend_pid
        wait_until(lambda: connection.execute(waiting, (pid,)).fetchone() == (True,), message="the cut waits")
        own.commit()
    upper = cutting.result()
    assert upper
    while (chunk := statement.run(own, held, 700, Place(first=False))) and not chunk.done:
        own.commit()
    own.commit()
    before = connection.execute("SELECT count(*) FROM items WHERE id <= %s", (int(upper.lower_key[0]),)).fetchone()
    assert dict(written(connection))[1] == (before or (0,))[0]
