"""A person can choose the plain form of a statement, a revision or a plan's step, and has to say why."""

from __future__ import annotations

import psycopg
import pytest

from migrator.engine.plan_report import report
from migrator.revisions.errors import NoReasonError, StatementRefusedError
from tests.integration.histories.conftest import Move
from tests.support.databases import Database
from tests.support.project import Project

START = [
    "CREATE TABLE items (id int PRIMARY KEY, name text, n int)",
    "INSERT INTO items SELECT g, g, g FROM generate_series(1, 100) g",
]
REWRITES = 'op.execute("ALTER TABLE items ALTER n TYPE bigint")'
BUILDS = 'op.execute("CREATE INDEX items_name ON items (name)")'
BECAUSE = "# migrator: plain because nobody uses items at night"


@pytest.fixture
def connection(database: Database) -> psycopg.Connection:
    return database.connect()


@pytest.fixture
def started(project: Project) -> Project:
    project.sql_revision("start", START, ["DROP TABLE items"])
    return project


def ran(project: Project) -> dict[str, bool]:
    """Return what was sent to `items` by the second revision, and whether it was an online form."""
    return {event.sql: event.online for event in project.events if event.name == "statement"}


def type_of_n(connection: psycopg.Connection) -> str:
    row = connection.execute("SELECT atttypid::regtype::text FROM pg_attribute WHERE attname = 'n'").fetchone()
    assert row
    return str(row[0])


@pytest.mark.parametrize(
    "written",
    [
        f"{REWRITES}  {BECAUSE}",
        f"{BECAUSE}\n{REWRITES}",
        f"{BECAUSE}\n# a second comment\n\n{REWRITES}",
        f'op.execute(\n    "ALTER TABLE items"\n    " ALTER n TYPE bigint"  {BECAUSE}\n)',
        f'op.alter_column("items", "n", type_=sa.BigInteger())  {BECAUSE}',
        f"def change():\n    {REWRITES}\n\nchange()  {BECAUSE}",
    ],
    ids=["beside", "above", "further above", "inside the call", "an operation", "the caller of a helper"],
)
def test_a_statement_that_would_be_refused_runs_where_its_author_says_why(
    started: Project, upgrade: Move, connection: psycopg.Connection, written: str
) -> None:
    started.revision("change", written, "pass")
    upgrade(started)
    assert type_of_n(connection) == "bigint"


def test_only_the_statement_that_the_comment_stands_at_is_meant(
    started: Project, upgrade: Move, connection: psycopg.Connection
) -> None:
    started.revision("change", f"{BUILDS}  {BECAUSE}\n{REWRITES}", "pass")
    with pytest.raises(StatementRefusedError):
        upgrade(started)
    assert ran(started)["CREATE INDEX items_name ON items (name)"] is False
    assert type_of_n(connection) == "integer"


def test_a_comment_at_the_top_level_is_about_the_whole_revision(
    started: Project, upgrade: Move, connection: psycopg.Connection
) -> None:
    started.revision("change", f"{BUILDS}\n{REWRITES}", "pass")
    path = started.folder / "versions" / "change.py"
    path.write_text(path.read_text().replace("import sqlalchemy", f"{BECAUSE}\nimport sqlalchemy"))
    upgrade(started)
    assert type_of_n(connection) == "bigint"
    assert not any(ran(started).values())


def test_a_text_that_looks_like_the_comment_chooses_nothing(started: Project, upgrade: Move) -> None:
    started.revision("change", f'note = "{BECAUSE}"; {REWRITES}', "pass")
    with pytest.raises(StatementRefusedError):
        upgrade(started)


def test_settings_choose_for_a_revision_that_is_not_to_be_touched(
    started: Project, upgrade: Move, connection: psycopg.Connection
) -> None:
    started.revision("change", REWRITES, "pass")
    upgrade(started, plain="change because the table is small")
    assert type_of_n(connection) == "bigint"


@pytest.mark.parametrize("where", ["comment", "settings"])
def test_without_a_reason_nothing_runs(
    started: Project, upgrade: Move, connection: psycopg.Connection, where: str
) -> None:
    started.revision("change", f"{REWRITES}  # migrator: plain" if where == "comment" else REWRITES, "pass")
    with pytest.raises(NoReasonError):
        upgrade(started, **({"plain": "change"} if where == "settings" else {}))
    assert connection.execute("SELECT to_regclass('items')").fetchone() == (None,)


def test_a_plan_chooses_for_its_step_and_says_so_before_it_runs(
    started: Project, upgrade: Move, connection: psycopg.Connection
) -> None:
    upgrade(started)
    back = "op.alter_column('items', 'n', type_=sa.Integer())"
    started.revision("change", REWRITES, back)
    plan = started.plan("small", 'expand:\n  - revision: change\n    plain: "a hundred rows"')
    with started.target("plan") as target:
        (step,) = report(target, plan).steps
    assert [(one.plain, one.refused, one.rewrites) for one in step.statements] == [("a hundred rows", "", True)]
    assert started.apply(plan) == "complete"
    assert type_of_n(connection) == "bigint"


def test_a_plain_statement_may_work_longer_than_it_may_wait(
    started: Project, upgrade: Move, connection: psycopg.Connection
) -> None:
    slow = "ALTER TABLE items ADD CHECK (n > 0 AND pg_sleep(0.005) IS NOT NULL)"
    started.revision("change", f"op.execute({slow!r})  {BECAUSE}\nop.execute('ALTER TABLE items ADD x int')", "pass")
    upgrade(started, lock_timeout="200ms")
    assert connection.execute("SELECT count(*) FROM items WHERE x IS NULL").fetchone() == (100,)
