"""Old and new columns of one table stay equal, whichever of them a writer knows."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
import yaml

from tests.support.databases import Database
from tests.support.project import Project

PLAN = """
expand:
  - dual_write:
      table: items
      forward: {labels: "string_to_array(labels_text, ',')"}
      backward: {labels_text: "array_to_string(labels, ',')"}
"""
DIFFERENT = "SELECT count(*) FROM items WHERE labels IS DISTINCT FROM string_to_array(labels_text, ',')"

Install = Callable[..., None]


@pytest.fixture
def install(project: Project, connection: psycopg.Connection) -> Install:
    def make(text: str = "text NOT NULL", labels: str = "text[]", plan: str = PLAN) -> None:
        connection.execute(
            f"CREATE TABLE items (id integer PRIMARY KEY, labels_text {text}, labels {labels}, other integer)"
        )
        project.apply(project.plan("labels", plan))

    return make


def item(connection: psycopg.Connection, key: int = 1) -> tuple[Any, ...] | None:
    return connection.execute("SELECT labels_text, labels FROM items WHERE id = %s", (key,)).fetchone()


@pytest.mark.parametrize(
    ("statement", "text", "labels"),
    [
        ("INSERT INTO items (id, labels_text) VALUES (2, 'a,b')", "a,b", ["a", "b"]),
        ("INSERT INTO items (id, labels) VALUES (2, '{a,b}')", "a,b", ["a", "b"]),
        ("INSERT INTO items (id, labels_text) VALUES (2, '')", "", []),
        ("INSERT INTO items (id, labels) VALUES (2, '{}')", "", []),
        ("INSERT INTO items (id, labels, labels_text) VALUES (2, '{a}', 'b')", "b", ["a"]),
        ("INSERT INTO items VALUES (1, 'c') ON CONFLICT (id) DO UPDATE SET labels_text = 'c'", "c", ["c"]),
        ("INSERT INTO items VALUES (1, NULL, '{c}') ON CONFLICT (id) DO UPDATE SET labels = '{c}'", "c", ["c"]),
        ("UPDATE items SET labels_text = 'c'", "c", ["c"]),
        ("UPDATE items SET labels = '{c}'", "c", ["c"]),
        ("UPDATE items SET labels = '{}'", "", []),
        ("UPDATE items SET labels = '{c}', labels_text = 'd'", "d", ["c"]),
        ("UPDATE items SET labels = labels, labels_text = 'd'", "d", ["d"]),
        ("UPDATE items SET other = 1", "x,y", ["x", "y"]),
        ("UPDATE items SET id = 2", "x,y", ["x", "y"]),
    ],
)  # fmt: skip
def test_a_statement_of_old_or_new_code_leaves_both_columns_right(
    connection: psycopg.Connection, install: Install, statement: str, text: str, labels: list[str]
) -> None:
    install()
    connection.execute("INSERT INTO items (id, labels_text) VALUES (1, 'x,y')")
    connection.execute(statement)  # type: ignore[arg-type]  # constants of this file
    (key,) = connection.execute("SELECT max(id) FROM items").fetchone() or (0,)
    assert item(connection, key) == (text, labels)


@pytest.mark.parametrize("default", ["'none'", "lower('NONE')", "'n' || clock_timestamp()::text"])
def test_a_default_of_the_old_column_does_not_count_as_written(
    connection: psycopg.Connection, install: Install, default: str
) -> None:
    install(text=f"text NOT NULL DEFAULT {default}")
    connection.execute("INSERT INTO items (id, labels) VALUES (1, '{a}')")
    assert item(connection) == ("a", ["a"])


def test_a_default_of_the_new_column_does_not_count_as_written(
    connection: psycopg.Connection, install: Install
) -> None:
    install(labels="text[] NOT NULL DEFAULT '{}'")
    connection.execute("INSERT INTO items (id, labels_text) VALUES (1, 'a')")
    assert item(connection) == ("a", ["a"])


def test_nulls_are_carried_over_both_ways(connection: psycopg.Connection, install: Install) -> None:
    install(text="text")
    connection.execute("INSERT INTO items (id, labels_text) VALUES (1, 'a'), (2, 'b'), (3, NULL)")
    connection.execute("UPDATE items SET labels_text = NULL WHERE id = 1")
    connection.execute("UPDATE items SET labels = NULL WHERE id = 2")
    assert [item(connection, key) for key in (1, 2, 3)] == [(None, None)] * 3


def test_what_the_applications_own_triggers_make_of_a_row_is_carried_over(
    connection: psycopg.Connection, install: Install
) -> None:
    install()
    connection.execute("""
        CREATE FUNCTION trimmed() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN NEW.labels_text := trim(NEW.labels_text); RETURN NEW; END $$
    """)
    connection.execute("CREATE TRIGGER trim BEFORE INSERT OR UPDATE ON items FOR EACH ROW EXECUTE FUNCTION trimmed()")
    connection.execute("INSERT INTO items (id, labels_text) VALUES (1, '  a,b ')")
    assert item(connection) == ("a,b", ["a", "b"])


def test_a_writer_with_another_search_path_gets_the_same_expression(
    connection: psycopg.Connection, install: Install, database: Database
) -> None:
    connection.execute("CREATE FUNCTION halved(integer) RETURNS integer LANGUAGE sql AS 'SELECT $1 / 2'")
    connection.execute("CREATE SCHEMA other")
    connection.execute("CREATE FUNCTION other.halved(integer) RETURNS integer LANGUAGE sql AS 'SELECT -1'")
    install(
        text="integer",
        labels="integer",
        plan="""
            expand:
              - dual_write: {table: items, forward: {labels: halved(labels_text)}, backward: {labels_text: labels * 2}}
        """,
    )
    for path in ("other", "''", "other, public", "pg_catalog"):
        with database.connect() as writer:
            writer.execute(f"SET search_path = {path}")  # type: ignore[arg-type]  # constants of this file
            writer.execute("INSERT INTO public.items (id, labels_text) VALUES (1, 10)")
            assert item(connection) == (10, 5)
            writer.execute("UPDATE public.items SET labels = 7")
            assert item(connection) == (14, 7)
            writer.execute("TRUNCATE public.items")


def test_a_session_that_silences_it_writes_what_it_says(connection: psycopg.Connection, install: Install) -> None:
    install()
    connection.execute("INSERT INTO items (id, labels_text) VALUES (1, 'a')")
    connection.execute("SET migrator.backfill = 'on'")
    connection.execute("UPDATE items SET labels = '{z}'")
    assert item(connection) == ("a", ["z"])
    connection.execute("RESET migrator.backfill")
    connection.execute("UPDATE items SET labels = '{y}'")
    assert item(connection) == ("y", ["y"])


def test_the_backfill_does_not_set_it_off(connection: psycopg.Connection, install: Install, project: Project) -> None:
    install()
    connection.execute("INSERT INTO items (id, labels_text) SELECT n, 'a' FROM generate_series(1, 50) n")
    fill = """
        migrate:
          - backfill: {table: items, set: {labels: "ARRAY['other']"}, irreversible: a test}
    """
    project.apply(project.plan("fill", fill))
    assert connection.execute("SELECT DISTINCT labels_text, labels FROM items").fetchall() == [("a", ["other"])]


@pytest.mark.parametrize("seed", [7, 8])
def test_old_and_new_code_that_write_the_same_rows_at_once_leave_no_difference(
    connection: psycopg.Connection, install: Install, database: Database, seed: int
) -> None:
    install()
    rows, writes = 12, 120
    connection.execute(f"INSERT INTO items (id, labels_text) SELECT n, 'a' FROM generate_series(1, {rows}) n")

    def write(number: int) -> None:
        rng = random.Random(seed * 100 + number)
        old = number % 2 == 0
        with database.connect() as own:
            for turn in range(writes):
                value = [f"{number}", *(f"{rng.randrange(9)}" for _ in range(rng.randrange(3)))]
                changed = {"value": ",".join(value) if old else value, "id": rng.randint(1, rows)}
                column = "labels_text" if old else "labels"
                if turn % 4 == 0:
                    changed["id"] = 1000 + number * writes + turn
                    own.execute(f"INSERT INTO items (id, {column}) VALUES (%(id)s, %(value)s)", changed)  # type: ignore[arg-type]  # one of two columns
                else:
                    own.execute(f"UPDATE items SET {column} = %(value)s WHERE id = %(id)s", changed)  # type: ignore[arg-type]  # one of two columns

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert connection.execute(DIFFERENT).fetchone() == (0,)
    assert connection.execute("SELECT count(*) FROM items").fetchone() == (rows + 4 * writes // 4,)


def test_columns_named_as_nobody_would_are_carried_over(connection: psycopg.Connection, project: Project) -> None:
    connection.execute('CREATE TABLE "Ärger %s" ("Old X" text, "new %" text, "order" integer PRIMARY KEY)')
    step = {
        "table": '"Ärger %s"',
        "forward": {'"new %"': "upper(\"Old X\") || '%'"},
        "backward": {'"Old X"': "lower(rtrim(\"new %\", '%'))"},
    }
    project.apply(project.plan("odd", yaml.safe_dump({"expand": [{"dual_write": step}]}, allow_unicode=True)))
    connection.execute('INSERT INTO "Ärger %s" ("Old X", "order") VALUES (\'a\', 1)')
    connection.execute('INSERT INTO "Ärger %s" ("new %", "order") VALUES (\'B%\', 2)')
    assert connection.execute('SELECT * FROM "Ärger %s" ORDER BY 3').fetchall() == [("a", "A%", 1), ("b", "B%", 2)]


def test_undoing_it_leaves_nothing_behind(connection: psycopg.Connection, install: Install, project: Project) -> None:
    install()
    project.rollback(project.plan("labels", PLAN))
    connection.execute("INSERT INTO items (id, labels_text) VALUES (1, 'a')")
    assert item(connection) == ("a", None)
    left = "SELECT count(*) FROM pg_proc WHERE pronamespace = 'migrator'::regnamespace"
    assert connection.execute(left).fetchone() == (0,)
