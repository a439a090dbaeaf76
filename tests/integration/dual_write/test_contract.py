"""The dual write ends with the old shape and comes back with it, and no write of the application fails on the way."""

from __future__ import annotations

import psycopg
import pytest

from migrator.engine.restore import OldShapeMissingError
from migrator.plan import Phase, Plan
from tests.support.databases import Database
from tests.support.project import Project
from tests.support.writers import writing

PLAN = """
expand:
  - revision: e1
  - dual_write:
      table: items
      forward: {labels: "string_to_array(labels_text, ',')"}
      backward: {labels_text: "array_to_string(labels, ',')"}
migrate:
  - backfill:
      table: items
      set: {labels: "string_to_array(labels_text, ',')"}
      where: labels IS NULL
contract:
  - revision: c1
    irreversible: labels_text can be rebuilt from labels
"""
DIFFERENT = "SELECT count(*) FROM items WHERE labels IS DISTINCT FROM string_to_array(labels_text, ',')"
TRIGGERS = "SELECT count(*) FROM pg_trigger WHERE tgrelid = 'items'::regclass AND NOT tgisinternal"
FUNCTIONS = "SELECT count(*) FROM pg_proc WHERE pronamespace = 'migrator'::regnamespace"


@pytest.fixture
def plan(connection: psycopg.Connection, project: Project) -> Plan:
    """A plan whose old column is NOT NULL: a moment without triggers would fail every insert of new code."""
    connection.execute(
        "CREATE TABLE items (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, labels_text text NOT NULL, n integer)"
    )
    connection.execute("INSERT INTO items (labels_text) SELECT 'a,' || n FROM generate_series(1, 500) n")
    project.sql_revision("e1", ["ALTER TABLE items ADD COLUMN labels text[]"], ["ALTER TABLE items DROP COLUMN labels"])
    project.sql_revision(
        "c1", ["ALTER TABLE items DROP COLUMN labels_text"], ["ALTER TABLE items ADD COLUMN labels_text text"]
    )
    return project.plan("labels", PLAN)


def old_code(connection: psycopg.Connection, number: int) -> None:
    connection.execute("INSERT INTO items (labels_text) VALUES (%s)", (f"o,{number}",))
    connection.execute("UPDATE items SET labels_text = %s WHERE id = %s", (f"o,{number},x", number % 700))


def new_code(connection: psycopg.Connection, number: int) -> None:
    connection.execute("INSERT INTO items (labels) VALUES (%s)", ([f"n{number}"],))
    connection.execute("UPDATE items SET labels = %s WHERE id = %s", ([f"n{number}", "x"], number % 700))


def one(connection: psycopg.Connection, query: str) -> object:
    (value,) = connection.execute(query).fetchone() or (None,)  # type: ignore[arg-type]  # constants of this file
    return value


def test_no_write_of_old_code_fails_while_the_new_shape_comes(
    connection: psycopg.Connection, project: Project, plan: Plan, database: Database
) -> None:
    with writing(database.url, [old_code, old_code]) as writers:
        project.apply(plan, to=Phase.MIGRATE)
        writers.wait_for_more()
        with writing(database.url, [new_code]) as new_writers:
            new_writers.wait_for_more()
    assert (writers.errors, new_writers.errors) == ([], [])
    assert one(connection, DIFFERENT) == 0


def test_no_write_of_new_code_fails_while_the_old_shape_goes(
    connection: psycopg.Connection, project: Project, plan: Plan, database: Database
) -> None:
    project.apply(plan, to=Phase.MIGRATE)
    with writing(database.url, [new_code, new_code]) as writers:
        assert project.apply(plan) == "complete"
        writers.wait_for_more()
    assert writers.errors == []
    assert (one(connection, TRIGGERS), one(connection, FUNCTIONS)) == (0, 0)


def test_no_write_fails_and_no_value_is_lost_while_the_old_shape_comes_back(
    connection: psycopg.Connection, project: Project, plan: Plan, database: Database
) -> None:
    project.apply(plan)
    with writing(database.url, [new_code, new_code]) as writers:
        project.rollback(plan, to="migrate")
        writers.wait_for_more()
        with writing(database.url, [old_code]) as old_writers:
            old_writers.wait_for_more()
    assert (writers.errors, old_writers.errors) == ([], [])
    assert one(connection, DIFFERENT) == 0
    assert one(connection, TRIGGERS) == 1


def test_forward_and_back_again_and_forward_ends_as_once_forward(
    connection: psycopg.Connection, project: Project, plan: Plan
) -> None:
    project.apply(plan)
    before = connection.execute("SELECT id, labels FROM items ORDER BY id").fetchall()
    for to in ("migrate", "expand", "start"):
        project.rollback(plan, to=to)
        assert project.apply(plan) == "complete"
    assert connection.execute("SELECT id, labels FROM items ORDER BY id").fetchall() == before
    assert (one(connection, TRIGGERS), one(connection, FUNCTIONS)) == (0, 0)


def test_a_drop_that_cannot_have_its_lock_leaves_the_triggers_in_place(
    connection: psycopg.Connection, project: Project, plan: Plan, database: Database
) -> None:
    project.apply(plan, to=Phase.MIGRATE)
    with database.connect(autocommit=False) as holder:
        holder.execute("SELECT FROM items LIMIT 1")
        with pytest.raises(Exception, match="could not lock"):
            project.apply(plan, lock_wait="1s")
    assert one(connection, TRIGGERS) == 1
    connection.execute("INSERT INTO items (labels) VALUES ('{n}')")
    assert project.apply(plan) == "complete"


@pytest.mark.parametrize(
    "drop",
    [
        "ALTER TABLE shop.items DROP COLUMN labels_text",
        "DROP TABLE shop.items",
        "SET LOCAL search_path = shop, public; ALTER TABLE items DROP COLUMN labels_text",
        "ALTER TABLE IF EXISTS gone.items DROP COLUMN labels_text",
    ],
)
@pytest.mark.usefixtures("plan")
def test_a_table_of_the_same_name_elsewhere_ends_nothing(
    connection: psycopg.Connection, project: Project, drop: str
) -> None:
    connection.execute("CREATE SCHEMA shop; CREATE TABLE shop.items (labels_text text)")
    project.rewrite("c1", "e1", f"op.execute({drop!r})", "pass")
    assert project.apply(project.plan("labels", f"{PLAN}  - gate: a moment to look\n")) == "waiting"
    assert one(connection, TRIGGERS) == 1


def test_an_old_shape_that_does_not_come_back_ends_the_rollback_before_anything_is_lost(
    connection: psycopg.Connection, project: Project, plan: Plan
) -> None:
    project.apply(plan)
    project.rewrite("c1", "e1", 'op.execute("ALTER TABLE items DROP COLUMN labels_text")', 'op.execute("SELECT 1")')
    with pytest.raises(OldShapeMissingError) as refused:
        project.rollback(plan)
    assert refused.value.exit_code == 5
    assert one(connection, "SELECT count(*) FROM items WHERE labels IS NOT NULL") == 500
    connection.execute("ALTER TABLE items ADD COLUMN labels_text text")
    assert project.rollback(plan, accept_drift=True) == "rolled back"
    assert one(connection, "SELECT count(*) FROM items WHERE labels_text LIKE 'a,%'") == 500
