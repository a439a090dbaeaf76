"""Tables without a key: every row is written exactly once, wherever it lies and wherever it goes meanwhile."""

from __future__ import annotations

import psycopg
import pytest

from migrator.backfill.pages import RewrittenError
from migrator.engine.events import RowProgress
from migrator.engine.refused import RowRefusedError
from migrator.postgres.tables import NoKeyError
from tests.integration.backfill.conftest import MakePlan
from tests.support.background import in_background
from tests.support.databases import Database
from tests.support.polling import wait_until
from tests.support.project import Project

ROWS = 4_000
COUNT = {"writes": "coalesce(writes, 0) + 1"}
OPEN = "writes IS NULL"


@pytest.fixture
def items(connection: psycopg.Connection) -> None:
    connection.execute("CREATE TABLE items (id integer, text text, writes integer)")
    fill(connection)


def fill(connection: psycopg.Connection) -> None:
    connection.execute("INSERT INTO items SELECT n, repeat('x', 60), NULL FROM generate_series(1, %s) n", (ROWS,))
    connection.execute("DELETE FROM items WHERE id %% 10 = 0", ())
    connection.execute("VACUUM items")


def written(connection: psycopg.Connection) -> list[tuple[int | None, int]]:
    return connection.execute("SELECT writes, count(*) FROM items GROUP BY 1").fetchall()


@pytest.mark.usefixtures("items")
def test_every_row_is_written_once_though_rows_move_into_free_space_ahead(
    connection: psycopg.Connection, project: Project, backfill: MakePlan
) -> None:
    assert project.backfill(backfill("items", COUNT, where=OPEN)) == "complete"
    assert written(connection) == [(1, ROWS * 9 // 10)]


@pytest.mark.usefixtures("items")
def test_rows_that_the_application_moves_behind_the_walk_are_found_by_a_sweep(
    connection: psycopg.Connection, project: Project, backfill: MakePlan, database: Database
) -> None:
    application = database.connect()
    plan = backfill("items", COUNT, where=OPEN, throttle={"nice": "3"})
    with in_background(lambda: project.backfill(plan)) as running:
        wait_until(lambda: any(isinstance(event, RowProgress) and event.rows_done for event in list(project.events)))
        while not running.done():
            application.execute(
                "UPDATE items SET text = text || 'y' WHERE ctid = ANY (ARRAY"
                "(SELECT ctid FROM items WHERE writes IS NULL ORDER BY id DESC LIMIT 50))"
            )
        assert running.result() == "complete"
    assert written(connection) == [(1, ROWS * 9 // 10)]


def test_partitions_without_a_key_are_walked_one_after_the_other(
    connection: psycopg.Connection, project: Project, backfill: MakePlan
) -> None:
    connection.execute("CREATE TABLE items (id integer, text text, writes integer) PARTITION BY RANGE (id)")
    connection.execute("CREATE TABLE low PARTITION OF items FOR VALUES FROM (0) TO (1500)")
    connection.execute('CREATE TABLE "Hö\'h" PARTITION OF items FOR VALUES FROM (1500) TO (9999)')
    fill(connection)
    plan = backfill("items", {"writes": "coalesce(items.writes, 0) + 1"}, where="items.writes IS NULL")
    assert project.backfill(plan) == "complete"
    assert written(connection) == [(1, ROWS * 9 // 10)]


@pytest.mark.usefixtures("items")
def test_a_table_that_is_rewritten_meanwhile_is_walked_once_more(
    connection: psycopg.Connection, project: Project, backfill: MakePlan
) -> None:
    plan = backfill("items", COUNT, where=OPEN, throttle={"nice": "20"})
    with in_background(lambda: project.backfill(plan)) as running:
        wait_until(lambda: any(isinstance(event, RowProgress) and event.rows_done for event in list(project.events)))
        connection.execute("VACUUM FULL items")
        assert isinstance(running.exception(), RewrittenError)
    assert project.backfill(backfill("items", COUNT, where=OPEN)) == "complete"
    assert written(connection) == [(1, ROWS * 9 // 10)]


@pytest.mark.usefixtures("items")
def test_without_a_condition_no_row_is_known_to_be_done(project: Project, backfill: MakePlan) -> None:
    with pytest.raises(NoKeyError):
        project.backfill(backfill("items", COUNT))


def test_a_row_that_is_refused_in_a_partition_is_left_out_and_found_again_wherever_it_is(
    connection: psycopg.Connection, project: Project, backfill: MakePlan
) -> None:
    connection.execute("CREATE TABLE items (id integer, text text, writes integer) PARTITION BY RANGE (id)")
    connection.execute("CREATE TABLE low PARTITION OF items FOR VALUES FROM (0) TO (1500)")
    connection.execute("CREATE TABLE high PARTITION OF items FOR VALUES FROM (1500) TO (9999)")
    fill(connection)
    connection.execute("ALTER TABLE items ADD CONSTRAINT no CHECK (id NOT IN (77, 3333) OR writes IS NULL)")
    plan = backfill("items", COUNT, where=OPEN)
    with pytest.raises(RowRefusedError, match="violates check"):
        project.backfill(plan)
    assert sorted(written(connection), key=str) == [(1, ROWS * 9 // 10 - 2), (None, 2)]
    connection.execute("UPDATE items SET text = 'moved' WHERE id IN (77, 3333)")
    connection.execute("ALTER TABLE items DROP CONSTRAINT no")
    project.retry_failed(plan)
    assert written(connection) == [(1, ROWS * 9 // 10)]
    assert connection.execute("SELECT count(*) FROM migrator.failed_rows").fetchone() == (0,)
