"""What contract drops can be brought back exactly, until somebody purges it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from migrator.engine import purge
from migrator.engine.archives import ArchiveNameError
from migrator.engine.undoing import undoing
from migrator.plan import Plan
from tests.support.databases import Database
from tests.support.project import Project

AWKWARD = [
    (1, "a,b"),
    (2, "a, b"),
    (3, ""),
    (4, None),
    (5, ",,"),
    (6, "ünï,©"),
]


@pytest.fixture
def project(database: Database, tmp_path: Path) -> Project:
    project = Project(tmp_path, database.url)
    project.sql_revision("1111", ["ALTER TABLE t ADD COLUMN tags text[]"], ["ALTER TABLE t DROP COLUMN tags"])
    project.sql_revision("2222", ["ALTER TABLE t DROP COLUMN csv"], ["ALTER TABLE t ADD COLUMN csv text"])
    with database.connect() as connection:
        connection.execute("CREATE TABLE t (id bigint PRIMARY KEY, csv text, note text)")
        connection.cursor().executemany("INSERT INTO t VALUES (%s, %s)", AWKWARD)
    return project


@pytest.fixture
def plan(project: Project) -> Plan:
    # Lossy on purpose: blanks around a tag are dropped on the way, so that only the archive can bring them back.
    forward = "string_to_array(replace(csv, ' ', ''), ',')"
    return project.plan(
        "tags",
        f"""\
        expand:
          - revision: "1111"
          - dual_write:
              table: t
              forward: {{tags: "{forward}"}}
              backward: {{csv: "array_to_string(tags, ',')"}}
        migrate:
          - backfill:
              table: t
              set: {{tags: "{forward}"}}
        contract:
          - revision: "2222"
            irreversible: it is archived
            archive: [t.csv]
        """,
    )


def rows(url: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT id, csv FROM t ORDER BY id").fetchall()


def triggers(url: str) -> Iterator[str]:
    with psycopg.connect(url) as connection:
        yield from (row[0] for row in connection.execute("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"))


def test_a_dropped_column_comes_back_value_for_value(project: Project, plan: Plan) -> None:
    assert project.apply(plan) == "complete"
    project.rollback(plan, to="migrate")
    assert rows(project.url) == AWKWARD


def test_rows_changed_after_contract_get_what_the_new_shape_says(project: Project, plan: Plan) -> None:
    project.apply(plan)
    with psycopg.connect(project.url, autocommit=True) as connection:
        connection.execute("UPDATE t SET tags = '{x,y}' WHERE id = 2")
        connection.execute("INSERT INTO t (id, tags) VALUES (7, '{new}')")
        connection.execute("DELETE FROM t WHERE id = 1")
        connection.execute("UPDATE t SET note = 'seen' WHERE id = 5")
    project.rollback(plan, to="migrate")
    assert rows(project.url) == [(2, "x,y"), *AWKWARD[2:], (7, "new")]


def test_what_is_written_while_the_column_is_copied_is_archived_too(project: Project, plan: Plan) -> None:
    with psycopg.connect(project.url, autocommit=True) as connection:
        connection.execute("INSERT INTO t SELECT g, 'before' FROM generate_series(10, 40000) g")
        project.apply(plan)
        project.rollback(plan, to="migrate")
        connection.execute("UPDATE t SET csv = 'late, value' WHERE id = 11")
        before = rows(project.url)
        project.apply(plan)
        project.rollback(plan, to="migrate")
    assert rows(project.url) == before


def test_no_trigger_and_no_copy_is_left_when_the_plan_is_rolled_back(project: Project, plan: Plan) -> None:
    project.apply(plan)
    project.rollback(plan)
    assert list(triggers(project.url)) == []
    with psycopg.connect(project.url) as connection:
        left = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'migrator_archive'").fetchone()
    assert left == (0,)
    assert rows(project.url) == AWKWARD


def test_a_contract_that_fails_leaves_an_application_that_can_write(project: Project, plan: Plan) -> None:
    project.rewrite("2222", "1111", "op.execute('SELECT 1 / 0')", "pass")
    with pytest.raises(Exception, match="division by zero"):
        project.apply(plan)
    project.rollback(plan, to="migrate")
    with psycopg.connect(project.url, autocommit=True) as connection:
        connection.execute("UPDATE t SET csv = 'still' WHERE id = 1")
        connection.execute("DELETE FROM t WHERE id = 2")
    assert rows(project.url)[0] == (1, "still")


def test_after_a_purge_contract_is_undone_from_the_new_shape(project: Project, plan: Plan) -> None:
    project.apply(plan)
    with project.target() as target:
        assert purge.archives(target, "tags", older_than=3600) == []
        (archive,) = purge.archives(target, "tags", older_than=0)
        assert archive.what == "t.csv"
        purge.purge(target, [archive])
        assert purge.archives(target, None, older_than=0) == []
    project.rollback(plan, to="migrate")
    assert dict(rows(project.url))[2] == "a,b"


def test_a_dry_run_says_what_comes_back_and_what_goes_and_changes_nothing(project: Project, plan: Plan) -> None:
    project.apply(plan)
    with project.target() as target:
        report = undoing(target, plan, "start")
    assert [(step.phase, step.kind) for step in report.steps] == [
        ("contract", "revision"),
        ("migrate", "backfill"),
        ("expand", "dual_write"),
        ("expand", "revision"),
    ]
    stakes = [stake for step in report.steps for stake in step.stakes]
    assert any("t.csv comes back from its archive: 5 rows" in one for one in stakes), stakes
    assert any("its downgrade drops column t.tags" in one for one in stakes), stakes
    answer = project.run("rollback", "tags", "--to", "migrate", "--dry-run")
    assert (answer.returncode, "contract 1: revision 2222" in answer.stdout) == (0, True), answer
    with psycopg.connect(project.url) as connection:
        columns = "SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'csv'"
        assert connection.execute(columns).fetchone() == (0,)


def test_what_is_neither_a_table_nor_a_column_cannot_be_archived_and_nothing_is_dropped(project: Project) -> None:
    plan = project.plan(
        "whole",
        """\
        requires: []
        expand:
          - revision: "1111"
        contract:
          - revision: "2222"
            irreversible: it is archived
            archive: [t.cvs]
        """,
    )
    with pytest.raises(ArchiveNameError):
        project.apply(plan)
    assert rows(project.url) == AWKWARD
