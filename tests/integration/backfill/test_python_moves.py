"""Values that a function of the team makes, in Python: the same guarantees, and errors that name the row."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from textwrap import dedent
from typing import Any

import psycopg
import pytest
import yaml

from migrator.backfill.moves.function import BadFunctionError
from migrator.engine.functions import FunctionNotFoundError
from migrator.engine.preflight import DataLossError
from migrator.engine.refused import RowRefusedError
from migrator.errors import UsageError
from migrator.plan import Plan
from migrator.postgres.tables import NoKeyError
from tests.support.databases import Database
from tests.support.project import Project

ROWS = 1000
COUNT = "SELECT min(n), max(n), count(*) FROM items"
Written = Callable[..., Plan]
_NUMBERS = itertools.count()


@pytest.fixture(autouse=True)
def items(connection: psycopg.Connection) -> None:
    connection.execute(
        "CREATE TABLE items (shop integer, code text, n integer NOT NULL DEFAULT 0, tags text[], doc jsonb, "
        "at timestamptz DEFAULT '2020-01-01 12:00Z', short varchar(9), raw bytea, PRIMARY KEY (shop, code))"
    )
    connection.execute(f"INSERT INTO items SELECT n % 3, 'c' || n FROM generate_series(1, {ROWS}) n")


@pytest.fixture
def written(project: Project) -> Iterator[Written]:
    """Write a module with a function `make`, and return the plan that uses it."""
    before = list(sys.path)

    def write(body: str, **keys: Any) -> Plan:
        name = f"moves_of_test_{next(_NUMBERS)}"
        (project.folder / "plans" / f"{name}.py").write_text(dedent(body))
        step = {"table": "items", "python": f"{name}:make", "read": ["n"], "write": ["n"], "irreversible": "a test"}
        made = {**step, "chunk_rows": 100, "fixed": True, **keys}
        given = {key: value for key, value in made.items() if value is not None}
        return project.plan("move", yaml.safe_dump({"migrate": [{"backfill": given}]}))

    yield write
    sys.path[:] = before


def rows(connection: psycopg.Connection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()  # type: ignore[arg-type]  # constants of this file


ADD = """
    def make(rows):
        return [{"n": row["n"] + 1} for row in rows]
"""


def test_each_row_has_its_turn_once_and_none_leaves_it_as_it_is(
    connection: psycopg.Connection, project: Project, written: Written
) -> None:
    body = """
        def make(rows):
            for row in rows:
                yield {"n": row["n"] + 1} if row["code"].endswith("7") else None
    """
    plan = written(body, read=["n", "code"], where="shop > 0", workers=3)
    assert project.backfill(plan) == "complete"
    assert rows(connection, "SELECT DISTINCT n FROM items WHERE code LIKE '%7' AND shop > 0") == [(1,)]
    assert rows(connection, "SELECT DISTINCT n FROM items WHERE NOT (code LIKE '%7' AND shop > 0)") == [(0,)]


def test_values_of_any_type_come_back_as_they_were_meant(
    connection: psycopg.Connection, project: Project, written: Written
) -> None:
    body = """
        from datetime import timedelta

        TEXT = 'a,"b" {c} \\\\ ü %s'

        def make(rows):
            return [
                {"n": None if row["code"] == "c1" else 5, "tags": [TEXT, None], "doc": {"a": [1, TEXT]},
                 "at": row["at"] + timedelta(days=1), "short": "nine char", "raw": b"\\x00\\xff"}
                for row in rows
            ]
    """
    connection.execute("ALTER TABLE items ALTER COLUMN n DROP NOT NULL")
    columns = ["n", "tags", "doc", "at", "short", "raw"]
    assert project.backfill(written(body, read=["code", "at"], write=columns)) == "complete"
    text = 'a,"b" {c} \\ ü %s'
    (found,) = rows(connection, "SELECT DISTINCT tags, doc::text, at::date::text, short, raw FROM items")
    assert found[0] == [text, None]
    assert rows(connection, "SELECT DISTINCT doc->'a'->>1 FROM items") == [(text,)]
    assert found[2:] == ("2020-01-02", "nine char", b"\x00\xff")
    assert rows(connection, "SELECT code FROM items WHERE n IS NULL") == [("c1",)]


def test_a_row_that_is_changed_while_the_function_works_is_read_again(
    connection: psycopg.Connection, project: Project, written: Written, database: Database
) -> None:
    body = f"""
        import psycopg

        changed = []

        def make(rows):
            if not changed:
                with psycopg.connect({database.url!r}, autocommit=True) as connection:
                    connection.execute("UPDATE items SET n = 10 WHERE (shop, code) = (0, 'c3')")
                    connection.execute("DELETE FROM items WHERE (shop, code) = (0, 'c6')")
                changed.append(True)
            return [{{"n": row["n"] + 1}} for row in rows]
    """
    assert project.backfill(written(body)) == "complete"
    assert rows(connection, "SELECT n, count(*) FROM items GROUP BY 1 ORDER BY 1") == [(1, ROWS - 2), (11, 1)]


def test_a_row_that_the_function_cannot_do_is_named_and_everything_else_is_done(
    connection: psycopg.Connection, project: Project, written: Written
) -> None:
    body = """
        def make(rows):
            return [{"n": 1 + 0 // (row["code"] != "c500")} for row in rows]
    """
    plan = written(body, read=["code"])
    with pytest.raises(RowRefusedError, match=r"\(2, c500\): moves_of_test_\d+:make raised ZeroDivisionError.*line 3"):
        project.backfill(plan)
    assert rows(connection, "SELECT n, count(*) FROM items GROUP BY 1 ORDER BY 1") == [(0, 1), (1, ROWS - 1)]
    connection.execute("UPDATE items SET code = 'other' WHERE code = 'c500'")
    assert project.backfill(plan) == "complete"


def test_what_was_set_aside_goes_through_the_function_again(
    connection: psycopg.Connection, project: Project, written: Written
) -> None:
    connection.execute("ALTER TABLE items ADD CONSTRAINT small CHECK (code NOT IN ('c7', 'c8') OR n = 0)")
    plan = written(ADD, on_error="skip")
    assert project.backfill(plan) == "complete"
    assert len(rows(connection, "SELECT FROM migrator.failed_rows")) == 2
    connection.execute("ALTER TABLE items DROP CONSTRAINT small")
    project.retry_failed(plan)
    assert rows(connection, COUNT) == [(1, 1, ROWS)]


def test_a_function_that_returns_something_else_is_told_so(
    connection: psycopg.Connection, project: Project, written: Written
) -> None:
    for body, words in (
        ("def make(rows): return [{'n': 1}]", r"1 results for 100 rows, from key 0, c102 to"),
        ("def make(rows): return [{'m': 1} for row in rows]", r"\['m'\] for the row with key 0, c102, not \['n'\]"),
        ("def make(rows): return [1 for row in rows]", r"returned 1 for the row with key"),
        ("def make(rows): return [{'n': object()} for row in rows]", r"<object object at .*> for n of the row"),
    ):
        plan = written(body)
        with pytest.raises(BadFunctionError, match=words) as refused:
            project.backfill(plan)
        assert refused.value.exit_code == 2
        project.rollback(plan)
    assert rows(connection, COUNT) == [(0, 0, ROWS)]


def test_what_cannot_work_is_refused_before_anything_is_written(
    connection: psycopg.Connection, project: Project, written: Written
) -> None:
    connection.execute("CREATE TABLE keyless (n integer)")
    impossible: tuple[tuple[str, dict[str, Any], type[Exception], str], ...] = (
        (ADD, {"python": "no_such_module:make"}, FunctionNotFoundError, "there is no module no_such_module"),
        ("import no_such_one", {}, FunctionNotFoundError, "raised ModuleNotFoundError"),
        ("make = 1", {}, FunctionNotFoundError, "no function, called make"),
        ("def made(rows): ...", {}, FunctionNotFoundError, "has no function make"),
        ("def make(rows): (", {}, FunctionNotFoundError, "raised SyntaxError"),
        (ADD, {"read": ["m"]}, UsageError, "has no column m"),
        (ADD, {"irreversible": None}, DataLossError, r"overwrites .* items\.n"),
        (ADD, {"table": "keyless", "where": "n = 0"}, NoKeyError, "no primary key"),
    )
    for body, keys, error, words in impossible:
        plan = written(body, **keys)
        with pytest.raises(error, match=words):
            project.backfill(plan)
        project.rollback(plan)
    assert rows(connection, COUNT) == [(0, 0, ROWS)]


def test_what_is_too_long_is_refused_and_not_cut_off(
    connection: psycopg.Connection, project: Project, written: Written
) -> None:
    body = "def make(rows): return [{'short': 'ten chars!' if row['code'] == 'c9' else 'nine char'} for row in rows]"
    with pytest.raises(RowRefusedError, match=r"\(0, c9\): value too long"):
        project.backfill(written(body, read=["code"], write=["short"]))


def test_partitions_of_a_table_are_written_through_it(
    connection: psycopg.Connection, project: Project, written: Written
) -> None:
    connection.execute("CREATE TABLE parts (id integer PRIMARY KEY, n integer DEFAULT 0) PARTITION BY RANGE (id)")
    connection.execute("CREATE TABLE low PARTITION OF parts FOR VALUES FROM (0) TO (500)")
    connection.execute("CREATE TABLE high PARTITION OF parts FOR VALUES FROM (500) TO (9999)")
    connection.execute("INSERT INTO parts SELECT generate_series(1, 1000)")
    assert project.backfill(written(ADD, table="parts", workers=2)) == "complete"
    assert rows(connection, "SELECT min(n), max(n), count(*) FROM parts") == [(1, 1, 1000)]
