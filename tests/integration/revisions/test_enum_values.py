"""A label that a revision adds to an enum can be used by the statements after it."""

from __future__ import annotations

import psycopg

from tests.support.project import Project


def test_a_label_is_committed_before_the_statement_that_uses_it(
    connection: psycopg.Connection, project: Project
) -> None:
    connection.execute("CREATE TYPE mood AS ENUM ('ok')")
    connection.execute("CREATE TABLE letters (id integer PRIMARY KEY, mood mood)")
    connection.execute("INSERT INTO letters VALUES (1, 'ok')")
    project.sql_revision(
        "r1",
        [
            "ALTER TYPE mood ADD VALUE IF NOT EXISTS 'great' BEFORE 'ok'",
            "ALTER TABLE letters ALTER COLUMN mood SET DEFAULT 'great'",
            "UPDATE letters SET mood = 'great' WHERE id = 1",
        ],
        ["ALTER TABLE letters ALTER COLUMN mood DROP DEFAULT", "UPDATE letters SET mood = 'ok' WHERE id = 1"],
    )
    plan = project.plan("moods", "expand: [revision: r1]")

    project.apply(plan)
    assert connection.execute("SELECT mood FROM letters").fetchall() == [("great",)]
    assert connection.execute("SELECT enum_range(NULL::mood)::text").fetchone() == ("{great,ok}",)

    project.rollback(plan)
    assert connection.execute("SELECT mood FROM letters").fetchall() == [("ok",)]
