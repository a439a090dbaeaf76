"""A row that the database refuses is found, named and set aside; a row that is locked is left for later."""

from __future__ import annotations

import psycopg
import pytest

from migrator.engine.events import Notice
from migrator.engine.refused import RowRefusedError
from tests.integration.backfill.conftest import MakePlan
from tests.support.background import in_background
from tests.support.polling import wait_until
from tests.support.project import Project
from tests.support.sessions import blocker

ROWS = 20_000
BIG = {"chunk_rows": 10_000}
# What the backfill writes is counted by a trigger of its own, outside of any transaction that is rolled back.
POISONED = {"amount": "text::integer", "writes": "writes + 1"}


@pytest.fixture(autouse=True)
def items(connection: psycopg.Connection) -> None:
    connection.execute(
        "CREATE TABLE items (id integer PRIMARY KEY, text text, amount integer, writes integer NOT NULL DEFAULT 0)"
    )
    connection.execute(f"INSERT INTO items SELECT n, n::text FROM generate_series(1, {ROWS}) n")
    connection.execute("ANALYZE items")


def written(connection: psycopg.Connection) -> list[tuple[int, int]]:
    return connection.execute("SELECT writes, count(*) FROM items GROUP BY 1 ORDER BY 1").fetchall()


def noted(connection: psycopg.Connection) -> list[tuple[str, str]]:
    return connection.execute("SELECT key->>0, sqlstate FROM migrator.failed_rows ORDER BY id").fetchall()


def transactions(connection: psycopg.Connection) -> int:
    """Return how many chunks were tried: each attempt takes one value of this sequence."""
    return int((connection.execute("SELECT last_value FROM tries").fetchone() or (0,))[0])


@pytest.mark.parametrize("poison", [1, 7_777, 10_000, 10_001, ROWS])
def test_a_poison_row_is_named_in_few_transactions_and_everything_else_is_done(
    connection: psycopg.Connection, project: Project, backfill: MakePlan, poison: int
) -> None:
    connection.execute("UPDATE items SET text = 'none' WHERE id = %s", (poison,))
    connection.execute("CREATE SEQUENCE tries")
    # The scalar subquery is computed once per statement, and a sequence remembers what was rolled back.
    columns = {**POISONED, "writes": "writes + (SELECT sign(nextval('tries')))::integer"}
    plan = backfill("items", columns, on_error={"skip": 5}, **BIG)
    assert project.backfill(plan) == "complete"
    assert written(connection) == [(0, 1), (1, ROWS - 1)]
    assert noted(connection) == [(str(poison), "22P02")]
    assert transactions(connection) <= 2 + 20
    assert any(f"row set aside: {poison}: invalid input" in e.text for e in project.events if isinstance(e, Notice))


def test_everything_else_is_done_before_the_run_stops_and_it_takes_up_the_rows_first(
    connection: psycopg.Connection, project: Project, backfill: MakePlan
) -> None:
    connection.execute("UPDATE items SET text = 'none' WHERE id IN (150, 12345)")
    plan = backfill("items", POISONED, workers=2, **BIG)
    for _ in range(2):
        with pytest.raises(RowRefusedError, match=r"row of items: (150|12345): invalid input syntax") as refused:
            project.backfill(plan)
        assert refused.value.exit_code == 5
        assert any("also refused: " in note for note in refused.value.notes)
        assert "all other rows are done" in refused.value.notes
        assert written(connection) == [(0, 2), (1, ROWS - 2)]
    connection.execute("UPDATE items SET text = '5' WHERE text = 'none'")
    assert project.backfill(plan) == "complete"
    assert written(connection) == [(1, ROWS)]
    assert noted(connection) == []


def test_more_rows_than_the_limit_stop_the_run_at_once(
    connection: psycopg.Connection, project: Project, backfill: MakePlan
) -> None:
    connection.execute("UPDATE items SET text = 'none' WHERE id IN (10, 20, 30, 40)")
    with pytest.raises(RowRefusedError, match="10: invalid input") as refused:
        project.backfill(backfill("items", POISONED, on_error={"skip": 2}, **BIG))
    assert any("also refused: 30" in note for note in refused.value.notes)
    assert any("not done" in note for note in refused.value.notes)
    assert written(connection) == [(0, ROWS - 27), (1, 27)]


def test_a_backfill_that_is_refused_again_and_again_stops_at_once(
    connection: psycopg.Connection, project: Project, backfill: MakePlan
) -> None:
    connection.execute("UPDATE items SET text = 'none'")
    with pytest.raises(RowRefusedError, match="1: invalid input"):
        project.backfill(backfill("items", POISONED, **BIG))
    assert len(noted(connection)) == 21


def test_what_was_set_aside_is_taken_up_when_asked(
    connection: psycopg.Connection, project: Project, backfill: MakePlan
) -> None:
    connection.execute("UPDATE items SET text = 'none' WHERE id IN (10, 15000)")
    plan = backfill("items", POISONED, on_error={"skip": 2}, workers=2, **BIG)
    assert project.backfill(plan) == "complete"
    connection.execute("UPDATE items SET text = '1' WHERE id = 10")
    with pytest.raises(RowRefusedError, match="15000"):
        project.retry_failed(plan)
    assert written(connection) == [(0, 1), (1, ROWS - 1)]
    connection.execute("UPDATE items SET text = '1' WHERE id = 15000")
    assert project.retry_failed(plan) == "complete"
    assert project.retry_failed(plan) == "complete"
    assert written(connection) == [(1, ROWS)]


def test_a_row_inserted_before_the_poison_row_meanwhile_is_not_taken_for_it(
    connection: psycopg.Connection, project: Project, backfill: MakePlan
) -> None:
    connection.execute("UPDATE items SET text = 'none' WHERE id = 5000")
    connection.execute("DELETE FROM items WHERE id BETWEEN 4000 AND 4999")
    plan = backfill("items", POISONED, on_error={"skip": 9}, chunk_rows=8000)
    with in_background(lambda: project.backfill(plan)) as run:
        for number in range(4000, 5000):
            connection.execute("INSERT INTO items VALUES (%s, '1')", (number,))
        assert run.result() == "complete"
    assert noted(connection) == [("5000", "22P02")]


def test_a_row_that_always_times_out_is_set_aside(
    connection: psycopg.Connection, project: Project, backfill: MakePlan
) -> None:
    connection.execute("DELETE FROM items WHERE id > 200")
    connection.execute(
        "CREATE FUNCTION slow(id integer) RETURNS integer LANGUAGE plpgsql AS "
        "'BEGIN IF id = 77 THEN PERFORM pg_sleep(60); END IF; RETURN id; END'"
    )
    plan = backfill("items", {"amount": "slow(id)", "writes": "writes + 1"}, on_error="skip", chunk_target="20ms")
    assert project.backfill(plan, lock_timeout="60ms") == "complete"
    assert written(connection) == [(0, 1), (1, 199)]
    assert noted(connection) == [("77", "57014")]


def test_while_rows_are_locked_a_single_worker_does_those_behind_them(
    connection: psycopg.Connection, project: Project, backfill: MakePlan
) -> None:
    plan = backfill("items", {"writes": "writes + 1"}, chunk_rows=1000)
    with blocker(project.url, "SELECT FROM items WHERE id = 1500 FOR UPDATE") as held:
        with in_background(lambda: project.backfill(plan, lock_timeout="200ms")) as run:
            wait_until(lambda: dict(written(connection)).get(1, 0) > ROWS - 1000, message="the rest is done")
            held.rollback()
        assert run.result() == "complete"
    assert written(connection) == [(1, ROWS)]
