"""What a backfill writes, what it leaves alone, and what it says where the database refuses a row or the whole step."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import yaml

from migrator.engine.refused import RowRefusedError
from migrator.engine.rows import BadExpressionError
from migrator.engine.stop import Stop
from migrator.errors import UsageError
from tests.integration.backfill.conftest import MakePlan
from tests.support.background import in_background
from tests.support.databases import Database
from tests.support.polling import wait_until
from tests.support.project import Project
from tests.support.sessions import blocker

ROWS = 350


@pytest.fixture(autouse=True)
def items(connection: psycopg.Connection) -> None:
    connection.execute("""
        CREATE TABLE items (
            id integer PRIMARY KEY, amount integer, doubled integer, label text,
            twice integer GENERATED ALWAYS AS (amount * 2) STORED, writes integer NOT NULL DEFAULT 0
        )
    """)
    connection.execute(
        f"INSERT INTO items (id, amount) SELECT n, CASE WHEN n % 5 > 0 THEN n % 3 END FROM generate_series(1, {ROWS}) n"  # type: ignore[arg-type]  # constants of this file
    )


def rows(connection: psycopg.Connection, query: str) -> list[tuple[object, ...]]:
    return connection.execute(query).fetchall()  # type: ignore[arg-type]  # constants of this file


def test_only_rows_that_fulfil_where_are_written_and_null_is_not_fulfilled(
    connection: psycopg.Connection, project: Project, backfill: MakePlan
) -> None:
    project.backfill(backfill("items", {"doubled": "amount * 2", "writes": "writes + 1"}, where="amount <> 1"))
    assert rows(connection, "SELECT DISTINCT writes, doubled FROM items WHERE amount <> 1 ORDER BY 2") == [
        (1, 0),
        (1, 4),
    ]
    assert rows(connection, "SELECT DISTINCT writes, doubled FROM items WHERE (amount <> 1) IS NOT TRUE") == [(0, None)]


def test_expressions_may_hold_comments_quotes_and_percent_signs(
    connection: psycopg.Connection, project: Project, backfill: MakePlan
) -> None:
    expression = "id % 7 || '%s%% -- \"x\" {} %(rows)s' -- a comment"
    project.backfill(backfill("items", {"label": expression}, where="label IS NULL OR label LIKE '%never%' /* % */"))
    expected = "SELECT count(*) FROM items WHERE label = id % 7 || '%s%% -- \"x\" {} %(rows)s'"
    assert rows(connection, expected) == [(ROWS,)]


def test_a_generated_column_can_be_read_but_not_written(
    connection: psycopg.Connection, project: Project, backfill: MakePlan
) -> None:
    project.backfill(backfill("items", {"doubled": "twice"}))
    assert rows(connection, "SELECT count(*) FROM items WHERE doubled IS DISTINCT FROM amount * 2") == [(0,)]
    project.rollback(backfill("items", {"doubled": "twice"}))
    with pytest.raises(BadExpressionError, match="twice"):
        project.backfill(backfill("items", {"twice": "1"}))


@pytest.mark.parametrize(
    ("expression", "where"),
    [
        ("'x' || amount", "true"),
        ("no_such_column + 1", "true"),
        ("no_such_function(amount)", "true"),
        ("generate_series(1, 2)", "true"),
        ("amount", "no_such_column IS NULL"),
        ("amount", "amount"),
    ],
)
def test_a_step_that_cannot_work_is_refused_before_anything_is_written(
    connection: psycopg.Connection, project: Project, backfill: MakePlan, expression: str, where: str
) -> None:
    with pytest.raises(UsageError) as refused:
        project.backfill(backfill("items", {"doubled": expression, "writes": "writes + 1"}, where=where))
    assert refused.value.exit_code == 2
    assert refused.value.where is not None
    assert refused.value.where.line > 0
    assert rows(connection, "SELECT DISTINCT writes FROM items") == [(0,)]


def test_a_row_that_is_refused_is_left_out_and_taken_up_first(
    connection: psycopg.Connection, project: Project, backfill: MakePlan
) -> None:
    plan = backfill("items", {"doubled": "100 / (id - 250)", "writes": "writes + 1"})
    with pytest.raises(RowRefusedError, match="division by zero") as refused:
        project.backfill(plan)
    assert refused.value.exit_code == 5
    assert rows(connection, "SELECT writes, count(*) FROM items GROUP BY 1 ORDER BY 1") == [(0, 1), (1, 349)]
    connection.execute("UPDATE items SET id = 1000 WHERE id = 250")
    assert project.backfill(plan) == "complete"
    assert rows(connection, "SELECT writes, count(*) FROM items GROUP BY 1 ORDER BY 1") == [(0, 1), (1, ROWS - 1)]


def test_a_row_that_a_constraint_refuses_is_named(
    connection: psycopg.Connection, project: Project, backfill: MakePlan
) -> None:
    connection.execute("ALTER TABLE items ADD CONSTRAINT small CHECK (doubled < 340)")
    with pytest.raises(RowRefusedError, match=r"340: .*small"):
        project.backfill(backfill("items", {"doubled": "id"}))


def test_a_row_policy_that_would_hide_rows_is_an_error_and_not_a_shorter_walk(
    connection: psycopg.Connection, project: Project, backfill: MakePlan
) -> None:
    role = connection.execute("SELECT 'migrator_test_' || oid FROM pg_database WHERE datname = current_database()")
    (name,) = role.fetchone() or ("",)
    connection.execute(f"CREATE ROLE {name} LOGIN")
    try:
        connection.execute(f"GRANT CREATE ON DATABASE {connection.info.dbname} TO {name}")
        connection.execute(f"GRANT ALL ON SCHEMA public TO {name}")
        connection.execute(f"ALTER TABLE items OWNER TO {name}")
        connection.execute("ALTER TABLE items ENABLE ROW LEVEL SECURITY")
        connection.execute("ALTER TABLE items FORCE ROW LEVEL SECURITY")
        connection.execute("CREATE POLICY odd ON items USING (id % 2 = 1)")
        parts = urlsplit(project.url)
        project.url = urlunsplit(parts._replace(netloc=f"{name}@{parts.hostname}:{parts.port}"))
        plan = backfill("items", {"writes": "writes + 1"})
        with pytest.raises(BadExpressionError, match="row-level security"):
            project.backfill(plan)
        assert rows(connection, "SELECT DISTINCT writes FROM items") == [(0,)]
        project.rollback(plan)
        connection.execute("ALTER TABLE items NO FORCE ROW LEVEL SECURITY")
        project.backfill(plan)
        assert rows(connection, "SELECT DISTINCT writes FROM items") == [(1,)]
    finally:
        connection.execute(f"DROP OWNED BY {name} CASCADE")
        connection.execute(f"DROP ROLE {name}")


def test_a_table_whose_rows_were_never_counted_is_analyzed_first(
    connection: psycopg.Connection, project: Project, backfill: MakePlan
) -> None:
    assert rows(connection, "SELECT count(*) FROM pg_statistic WHERE starelid = 'items'::regclass") == [(0,)]
    project.backfill(backfill("items", {"writes": "writes + 1"}))
    assert rows(connection, "SELECT count(*) > 0 FROM pg_statistic WHERE starelid = 'items'::regclass") == [(True,)]


def test_another_table_gets_one_row_for_each_that_is_not_there_yet(
    connection: psycopg.Connection, project: Project, backfill: MakePlan
) -> None:
    connection.execute("CREATE TABLE amounts (item_id integer PRIMARY KEY, amount integer)")
    connection.execute("INSERT INTO amounts VALUES (7, -1)")
    project.backfill(
        backfill("items", {"item_id": "id", "amount": "amount"}, into="amounts", where="amount IS NOT NULL")
    )
    assert rows(connection, "SELECT amount FROM amounts WHERE item_id = 7") == [(-1,)]
    missing = "SELECT count(*) FROM items i LEFT JOIN amounts a ON a.item_id = i.id WHERE a.item_id IS NULL"
    assert rows(connection, f"{missing} AND i.amount IS NOT NULL") == [(0,)]
    assert rows(connection, "SELECT count(*) FROM amounts") == [(280,)]


def test_a_table_that_is_filled_again_and_again_does_not_grow_each_time(
    connection: psycopg.Connection, project: Project
) -> None:
    connection.execute("ALTER TABLE items SET (autovacuum_enabled = false)")
    connection.execute("INSERT INTO items (id, amount) SELECT n, 1 FROM generate_series(1000, 20000) n")
    connection.execute("VACUUM (ANALYZE) items")
    size = "SELECT pg_relation_size('items')::integer"
    ((before,),) = rows(connection, size)
    step = {"table": "items", "chunk_rows": 5000, "irreversible": "a test"}
    again = [{"backfill": {**step, "set": {"amount": str(number)}}} for number in range(4)]

    project.backfill(project.plan("fill", yaml.safe_dump({"migrate": again})))

    ((after,),) = rows(connection, size)
    assert after < 2.5 * before  # type: ignore[operator]  # sizes in bytes


def test_a_backfill_is_complete_where_the_table_cannot_be_vacuumed(
    connection: psycopg.Connection, project: Project, backfill: MakePlan, database: Database
) -> None:
    connection.execute("ANALYZE items")
    with database.connect() as other, other.transaction():
        other.execute("LOCK TABLE items IN SHARE UPDATE EXCLUSIVE MODE")
        project.backfill(backfill("items", {"writes": "writes + 1"}))

    assert rows(connection, "SELECT DISTINCT writes FROM items") == [(1,)]
    assert any("could not be vacuumed now" in getattr(event, "text", "") for event in project.events)


VACUUM = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'VACUUM%'"


def test_a_stop_does_not_wait_for_the_vacuum(
    connection: psycopg.Connection, project: Project, backfill: MakePlan, database: Database
) -> None:
    connection.execute("ANALYZE items")
    plan, stop = backfill("items", {"writes": "writes + 1"}), Stop()
    with (
        blocker(database.url, "LOCK TABLE items IN SHARE UPDATE EXCLUSIVE MODE"),
        in_background(lambda: project.backfill(plan, stop=stop, lock_timeout="9m", lock_wait="10m")) as run,
    ):
        wait_until(lambda: rows(connection, VACUUM), message="the vacuum to wait")
        stop.request()
        assert run.result(timeout=30) == "complete"
    assert rows(connection, VACUUM) == []
