"""A revision that was stopped between any two of its statements goes on behind the last one that is committed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from migrator.engine.events import StatementFinished
from migrator.ledger.journal import RevisionChangedError
from migrator.revisions.errors import StatementFailedError
from tests.support.content import Content, content_of
from tests.support.databases import Database, Databases, Templates
from tests.support.project import Project
from tests.support.victim import dies_at

UPGRADE = [
    "ALTER TABLE items ADD COLUMN label text DEFAULT 'x'",
    "INSERT INTO log VALUES ('one')",
    "CREATE INDEX items_amount ON items (amount)",
    "ALTER TABLE items ADD CONSTRAINT items_owner FOREIGN KEY (owner_id) REFERENCES owners",
    "UPDATE log SET what = what || '!'",
    "ALTER TABLE items ALTER COLUMN code SET NOT NULL",
    "CREATE TABLE tags (id integer PRIMARY KEY, item_id integer REFERENCES items)",
    "ALTER TABLE items ADD CONSTRAINT items_code UNIQUE (code)",
    "INSERT INTO tags VALUES (1, 1)",
]
DOWNGRADE = [
    "ALTER TABLE items DROP CONSTRAINT items_code",
    "DROP TABLE tags",
    "ALTER TABLE items ALTER COLUMN code DROP NOT NULL",
    "ALTER TABLE items DROP CONSTRAINT items_owner",
    "DROP INDEX items_amount",
    "DELETE FROM log",
    "ALTER TABLE items DROP COLUMN label",
]
PLAN = "expand: [revision: r1]"
BOUNDARIES = range(1, 15)
"""More than the revision has on any version of PostgreSQL."""


def make_items(database: Database) -> None:
    with database.connect() as connection:
        connection.execute("CREATE TABLE owners (id integer PRIMARY KEY)")
        connection.execute("INSERT INTO owners SELECT generate_series(1, 10)")
        connection.execute("CREATE TABLE items (id integer PRIMARY KEY, owner_id integer, code text, amount integer)")
        connection.execute("INSERT INTO items SELECT n, n % 10 + 1, 'c' || n, n FROM generate_series(1, 200) n")
        connection.execute("CREATE TABLE log (what text)")


def write(folder: Path, url: str) -> Project:
    project = Project(folder, url, lock_wait="20s")
    project.sql_revision("r1", UPGRADE, DOWNGRADE)
    project.plan("mixed", PLAN)
    return project


@pytest.fixture(scope="session")
def beginning(templates: Templates) -> str:
    return templates.get("revision of mixed statements", make_items)


@pytest.fixture(scope="session")
def contents(beginning: str, databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> tuple[Content, Content]:
    """What the database holds before the revision, and after it was applied without a stop."""
    database = databases.create(beginning)
    project = write(tmp_path_factory.mktemp("undisturbed"), database.url)
    connection = database.connect()
    before = content_of(connection)
    project.apply(project.plan("mixed", PLAN))
    after = content_of(connection)
    databases.drop(database)
    return before, after


@pytest.fixture
def database(beginning: str, database_from: Callable[[str], Database]) -> Database:
    return database_from(beginning)


@pytest.fixture
def project(database: Database, tmp_path: Path) -> Project:
    return write(tmp_path, database.url)


@pytest.mark.parametrize("number", BOUNDARIES)
def test_a_process_that_dies_behind_any_statement_is_resumed(
    connection: psycopg.Connection, project: Project, contents: tuple[Content, Content], number: int
) -> None:
    if not dies_at(project, "mixed", number):
        assert number > len(UPGRADE)
    assert project.apply(project.plan("mixed", PLAN)) == "complete"
    assert content_of(connection) == contents[1]
    assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("r1",)]
    open_ones = "SELECT count(*) FROM migrator.applications WHERE state = 'open'"
    assert connection.execute(open_ones).fetchone() == (0,)


@pytest.mark.parametrize("number", BOUNDARIES)
def test_a_process_that_dies_behind_any_statement_can_be_undone(
    connection: psycopg.Connection, project: Project, contents: tuple[Content, Content], number: int
) -> None:
    dies_at(project, "mixed", number)
    assert project.rollback(project.plan("mixed", PLAN)) == "rolled back"
    assert content_of(connection) == contents[0]
    assert connection.execute("SELECT count(*) FROM alembic_version").fetchone() == (0,)


def test_a_revision_that_is_half_applied_must_not_change_what_is_committed(
    connection: psycopg.Connection, project: Project, contents: tuple[Content, Content]
) -> None:
    plan = project.plan("mixed", PLAN)
    assert dies_at(project, "mixed", 5)
    half = content_of(connection)
    changed = [UPGRADE[0], "INSERT INTO log VALUES ('another one')", *UPGRADE[2:]]
    project.rewrite("r1", None, executed(changed), executed(DOWNGRADE))
    with pytest.raises(RevisionChangedError) as refused:
        project.apply(plan)
    assert (refused.value.code, refused.value.exit_code) == ("MG303", 5)
    assert any("another one" in note for note in refused.value.notes)
    assert content_of(connection) == half
    project.rewrite("r1", None, executed(UPGRADE), executed(DOWNGRADE))
    assert project.apply(plan) == "complete"
    assert content_of(connection) == contents[1]


def test_what_is_not_committed_yet_may_be_corrected(
    connection: psycopg.Connection, project: Project, contents: tuple[Content, Content]
) -> None:
    plan = project.plan("mixed", PLAN)
    wrong = [*UPGRADE[:7], "ALTER TABLE items ADD CONSTRAINT items_code UNIQUE (cod)", *UPGRADE[8:]]
    project.rewrite("r1", None, executed(wrong), executed(DOWNGRADE))
    with pytest.raises(StatementFailedError) as failed:
        project.apply(plan)
    assert failed.value.exit_code == 5
    project.rewrite("r1", None, executed(UPGRADE), executed(DOWNGRADE))
    assert project.apply(plan) == "complete"
    assert content_of(connection) == contents[1]


def test_data_that_a_statement_refuses_are_corrected_and_the_revision_goes_on(
    connection: psycopg.Connection, project: Project, contents: tuple[Content, Content]
) -> None:
    connection.execute("UPDATE items SET code = 'c1' WHERE id = 2")
    plan = project.plan("mixed", PLAN)
    with pytest.raises(StatementFailedError, match="unique index"):
        project.apply(plan)
    assert connection.execute("SELECT count(*) FROM pg_index WHERE NOT indisvalid").fetchone() == (0,)
    connection.execute("UPDATE items SET code = 'c2' WHERE id = 2")
    project.events.clear()
    assert project.apply(plan) == "complete"
    assert content_of(connection) == contents[1]
    again = [event.sql for event in project.events if isinstance(event, StatementFinished)]
    assert not [sql for sql in again if "items_amount" in sql or "items_owner" in sql]


def executed(statements: list[str]) -> str:
    return "\n".join(f"op.execute({statement!r})" for statement in statements)
