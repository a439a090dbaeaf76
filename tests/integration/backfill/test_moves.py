"""Each kind of move: what it writes, what it leaves alone, and what it refuses before anything is written."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import psycopg
import pytest
import yaml

from migrator.engine.archives.rows import CascadeError
from migrator.engine.losses import DataLossError
from migrator.engine.plan_report import report
from migrator.engine.refused import RowRefusedError
from migrator.engine.rows import BadExpressionError
from migrator.errors import UsageError
from migrator.plan import Plan
from migrator.postgres.tables import NoKeyError
from migrator.sql.errors import BoundsError
from tests.support.background import in_background
from tests.support.databases import Database
from tests.support.polling import wait_until
from tests.support.project import Project

ROWS = 1000


@pytest.fixture(autouse=True)
def tables(connection: psycopg.Connection) -> None:
    connection.execute("CREATE TABLE buyers (id integer PRIMARY KEY, name text, city text)")
    connection.execute(
        "CREATE TABLE orders (id integer PRIMARY KEY, buyer_id integer, buyer text, n integer DEFAULT 0)"
    )
    connection.execute("INSERT INTO buyers SELECT n, 'buyer ' || n, 'city' FROM generate_series(1, 50) n")
    connection.execute(f"INSERT INTO orders SELECT n, n % 60 FROM generate_series(1, {ROWS}) n")


def rows(connection: psycopg.Connection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()  # type: ignore[arg-type]  # constants of this file


def step(project: Project, **keys: Any) -> Plan:
    made = {"table": "orders", "chunk_rows": 100, "fixed": True, "irreversible": "a test", **keys}
    given = {key: value for key, value in made.items() if value is not None}
    return project.plan("move", yaml.safe_dump({"migrate": [{"backfill": given}]}))


JOINED = {"from": "buyers", "join": "buyers.id = buyer_id", "set": {"buyer": "buyers.name", "n": "n + 1"}}


def test_a_row_takes_what_its_counterpart_says_and_one_without_keeps_what_it_has(
    connection: psycopg.Connection, project: Project
) -> None:
    connection.execute("UPDATE orders SET buyer = 'as it was' WHERE buyer_id > 50")
    assert project.backfill(step(project, **JOINED, where="orders.id > 10", workers=2)) == "complete"
    assert rows(connection, "SELECT count(*) FROM orders WHERE buyer = 'buyer ' || buyer_id AND n = 1 AND id > 10") == [
        (ROWS - 10 - len([n for n in range(11, ROWS + 1) if n % 60 > 50 or n % 60 == 0]),)
    ]
    assert rows(connection, "SELECT DISTINCT buyer, n FROM orders WHERE buyer_id > 50") == [("as it was", 0)]
    assert rows(connection, "SELECT DISTINCT buyer, n FROM orders WHERE id <= 10") == [(None, 0)]


def test_a_row_with_several_counterparts_is_named_and_not_written(
    connection: psycopg.Connection, project: Project
) -> None:
    connection.execute("ALTER TABLE buyers DROP CONSTRAINT buyers_pkey")
    connection.execute("INSERT INTO buyers VALUES (7, 'another')")
    connection.execute("DELETE FROM orders WHERE buyer_id = 7 AND id <> 127")
    with pytest.raises(RowRefusedError, match="127: more than one row") as refused:
        project.backfill(step(project, **JOINED))
    assert refused.value.exit_code == 5
    assert rows(connection, "SELECT buyer, n FROM orders WHERE id = 127") == [(None, 0)]


def test_what_is_written_to_the_other_table_meanwhile_is_what_a_row_takes(
    connection: psycopg.Connection, project: Project, database: Database
) -> None:
    writer = database.connect(autocommit=False)
    writer.execute("UPDATE buyers SET name = 'renamed' WHERE id = 20")
    writer.execute("DELETE FROM buyers WHERE id = 30")
    with in_background(lambda: project.backfill(step(project, **JOINED))) as run:
        waiting = "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        wait_until(lambda: rows(connection, waiting) == [(True,)], message="the chunk to wait")
        writer.commit()
        assert run.result() == "complete"
    assert rows(connection, "SELECT DISTINCT buyer FROM orders WHERE buyer_id = 20") == [("renamed",)]
    assert rows(connection, "SELECT DISTINCT buyer FROM orders WHERE buyer_id = 30") == [(None,)]


def test_columns_that_neither_table_has_are_found_before_anything_is_written(
    connection: psycopg.Connection, project: Project
) -> None:
    with pytest.raises(UsageError, match="nam"):
        project.backfill(step(project, **{**JOINED, "set": {"buyer": "buyers.nam"}}))
    with pytest.raises(UsageError, match="no table"):
        project.backfill(step(project, **{**JOINED, "from": "nobody"}))
    assert rows(connection, "SELECT DISTINCT n FROM orders") == [(0,)]


SPLIT = {"into": "totals", "set": {"id": "id", "name": "buyer_id::text"}}


def test_a_row_that_is_there_is_updated_where_the_plan_says_so(
    connection: psycopg.Connection, project: Project
) -> None:
    connection.execute(
        "CREATE TABLE totals (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, n integer)"
    )
    connection.execute("INSERT INTO totals OVERRIDING SYSTEM VALUE VALUES (5, 'old', 10)")
    update = {"key": ["id"], "update": {"name": "excluded.name", "n": "totals.n + 1"}}
    with pytest.raises(DataLossError, match=r"totals\.n, totals\.name"):
        project.backfill(step(project, **SPLIT, on_conflict=update, irreversible=None))
    assert project.backfill(step(project, **SPLIT, on_conflict=update)) == "complete"
    assert rows(connection, "SELECT name, n FROM totals WHERE id = 5") == [("5", 11)]
    assert rows(connection, "SELECT count(*), count(n) FROM totals") == [(ROWS, 1)]


DELETED = {"delete": True, "where": "id % 3 = 0"}
LEFT = "SELECT count(*) FILTER (WHERE id % 3 = 0), count(*) FROM orders"


def test_rows_are_deleted_and_with_them_what_a_dual_write_made_of_them(
    connection: psycopg.Connection, project: Project
) -> None:
    connection.execute("CREATE TABLE notes (order_id integer PRIMARY KEY, text text)")
    dual = {"table": "orders", "into": "notes", "key": {"order_id": "id"}, "forward": {"text": "buyer"}}
    split = {"table": "orders", "into": "notes", "set": {"order_id": "id", "text": "buyer"}}
    delete = {"table": "orders", **DELETED, "irreversible": "a test", "workers": 2}
    phases = {"expand": [{"dual_write": dual}], "migrate": [{"backfill": split}, {"backfill": delete}]}
    assert project.apply(project.plan("move", yaml.safe_dump(phases))) == "complete"
    assert rows(connection, LEFT) == [(0, ROWS - ROWS // 3)]
    assert rows(connection, "SELECT count(*) FROM notes") == [(ROWS - ROWS // 3,)]


def test_rows_of_a_table_without_a_key_are_deleted_too(connection: psycopg.Connection, project: Project) -> None:
    connection.execute("ALTER TABLE orders DROP CONSTRAINT orders_pkey")
    assert project.backfill(step(project, **DELETED)) == "complete"
    assert rows(connection, LEFT) == [(0, ROWS - ROWS // 3)]


def test_rows_that_are_deleted_into_an_archive_come_back(connection: psycopg.Connection, project: Project) -> None:
    connection.execute("ALTER TABLE orders ADD COLUMN twice integer GENERATED ALWAYS AS (id * 2) STORED")
    connection.execute("ALTER TABLE orders ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY")
    before = rows(connection, "SELECT * FROM orders ORDER BY id")
    plan = step(project, **DELETED, archive=["orders"], irreversible=None, workers=2)
    assert project.backfill(plan) == "complete"
    assert rows(connection, LEFT) == [(0, ROWS - ROWS // 3)]
    assert project.rollback(plan) == "rolled back"
    assert rows(connection, "SELECT * FROM orders ORDER BY id") == before
    assert rows(connection, "SELECT count(*) FROM migrator.archives") == [(0,)]


def test_deleting_needs_a_reason_or_an_archive_that_holds_all_that_goes(
    connection: psycopg.Connection, project: Project
) -> None:
    with pytest.raises(DataLossError, match="deletes rows of orders"):
        project.backfill(step(project, **DELETED, irreversible=None))
    connection.execute("CREATE TABLE parcels (order_id integer REFERENCES orders ON DELETE CASCADE)")
    with pytest.raises(CascadeError, match="parcels"):
        project.backfill(step(project, **DELETED, archive=["orders"]))
    assert rows(connection, "SELECT count(*) FROM orders") == [(ROWS,)]


STATEMENTS = {
    "update": "UPDATE orders AS o SET n = o.n + 1, buyer = '100 % :first' WHERE o.id BETWEEN :first AND :last; -- all",
    "both sides": "UPDATE orders SET n = n + 1 WHERE id >= :first::int AND :last >= id AND buyer_id >= 0 RETURNING id",
    "other table": "UPDATE orders SET n = n + 1 FROM buyers b WHERE (b.id = buyer_id OR b.id = 1) AND b.id = 1 "
    "AND orders.id BETWEEN :first AND :last",
    "cte": "WITH one AS (SELECT 1 AS n) UPDATE orders SET n = orders.n + one.n FROM one "
    "WHERE orders.id BETWEEN :first AND :last",
}


def test_a_statement_of_the_plan_is_run_once_for_each_row(connection: psycopg.Connection, project: Project) -> None:
    steps = [
        {"table": "orders", "sql": text, "chunk_rows": 100, "fixed": True, "workers": 2, "irreversible": "a test"}
        for text in STATEMENTS.values()
    ]
    plan = project.plan("move", yaml.safe_dump({"migrate": [{"backfill": one} for one in steps]}))
    assert project.backfill(plan) == "complete"
    assert rows(connection, "SELECT n, count(*) FROM orders GROUP BY 1") == [(len(STATEMENTS), ROWS)]


def test_a_statement_may_be_bounded_by_a_key_of_several_columns(
    connection: psycopg.Connection, project: Project
) -> None:
    connection.execute("CREATE TABLE lines (a integer, b text, n integer DEFAULT 0, PRIMARY KEY (a, b))")
    connection.execute(f"INSERT INTO lines SELECT n % 7, 'b' || n FROM generate_series(1, {ROWS}) n")
    text = "INSERT INTO totals SELECT a, b FROM lines WHERE (a, b) BETWEEN :first AND :last"
    connection.execute("CREATE TABLE totals (a integer, b text)")
    assert project.backfill(step(project, table="lines", sql=text, workers=2)) == "complete"
    assert rows(connection, "SELECT count(*), count(DISTINCT (a, b)) FROM totals") == [(ROWS, ROWS)]


def test_a_statement_that_is_not_bounded_by_the_key_is_refused_before_anything_is_written(
    connection: psycopg.Connection, project: Project
) -> None:
    for text, error in (
        ("UPDATE orders SET n = 1 WHERE id > :first AND id <= :last", BoundsError),
        ("UPDATE orders SET n = 1 WHERE n BETWEEN :first AND :last", BoundsError),
        ("UPDATE orders SET n = 1 FROM buyers b WHERE b.id BETWEEN :first AND :last", BoundsError),
        ("UPDATE orders SET m = 1 WHERE id BETWEEN :first AND :last", BadExpressionError),
        ("UPDATE orders SET WHERE id BETWEEN :first AND :last", UsageError),
    ):
        with pytest.raises(error) as refused:
            project.backfill(step(project, sql=text))
        assert refused.value.where
        assert refused.value.where.line > 1
        project.rollback(step(project, sql=text))
    assert rows(connection, "SELECT DISTINCT n FROM orders") == [(0,)]


def test_a_table_without_a_key_has_no_bounds(connection: psycopg.Connection, project: Project) -> None:
    connection.execute("ALTER TABLE orders DROP CONSTRAINT orders_pkey")
    with pytest.raises(NoKeyError):
        project.backfill(step(project, sql=STATEMENTS["update"]))


def test_a_row_that_a_statement_may_not_write_is_named(connection: psycopg.Connection, project: Project) -> None:
    connection.execute("ALTER TABLE orders ADD CHECK (id <> 777 OR n = 0)")
    plan = step(project, sql=STATEMENTS["update"], on_error="skip")
    assert project.backfill(plan) == "complete"
    assert rows(connection, "SELECT key FROM migrator.failed_rows") == [(["777"],)]
    connection.execute("ALTER TABLE orders DROP CONSTRAINT orders_check")
    project.retry_failed(plan)
    assert rows(connection, "SELECT n, count(*) FROM orders GROUP BY 1") == [(1, ROWS)]


def test_the_plan_shows_the_statement_of_a_chunk_and_what_comes_with_it(
    connection: psycopg.Connection, project: Project
) -> None:
    connection.execute("INSERT INTO buyers SELECT n, 'more' FROM generate_series(100, 400) n")
    connection.execute("CREATE TABLE parcels (order_id integer REFERENCES orders ON DELETE CASCADE)")
    connection.execute("ANALYZE")
    steps = [
        {**JOINED, "join": "buyers.city = orders.buyer"},
        JOINED,
        DELETED,
        {"sql": STATEMENTS["update"]},
    ]
    made = [{"backfill": {"table": "orders", "irreversible": "a test", **deepcopy(one)}} for one in steps]
    plan = project.plan("move", yaml.safe_dump({"migrate": made}))
    with project.target("plan") as target:
        slow, fast, delete, own = report(target, plan).steps
    assert all("BETWEEN :first AND :last" in one.statements[0].sql for one in (slow, fast, delete, own))
    assert ["no index of buyers" in str(one.notes) for one in (slow, fast)] == [True, False]
    assert "rows of parcels are deleted" in str(delete.notes)
    assert (own.statements[0].lock, own.statements[0].relation) == ("ROW EXCLUSIVE", "orders")
