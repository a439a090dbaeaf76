"""What the gate reports as a loss is refused when it would happen, too, unless it was accepted in writing."""

from __future__ import annotations

import pytest

from migrator.revisions.errors import RuleBrokenError
from tests.integration.histories.conftest import Move
from tests.support.databases import Database
from tests.support.project import Project

START = [
    "CREATE TABLE items (id int PRIMARY KEY, name text, n int)",
    "INSERT INTO items SELECT g, g, g FROM generate_series(1, 100) g",
    "CREATE TABLE nothing (a int, b int)",
    "CREATE TABLE many (id int PRIMARY KEY, done boolean NOT NULL DEFAULT false)",
    "CREATE VIEW names AS SELECT id FROM many",
    "INSERT INTO many SELECT g FROM generate_series(1, 10001) g",
]
ALLOWED = "# migrator: allow {} because nobody needs it"
LOSSES = {
    "drop-column": 'op.drop_column("items", "n")',
    "drop-table": 'op.drop_table("items")',
    "truncate": 'op.execute("TRUNCATE items")',
    "delete-whole-table": 'op.execute("WITH gone AS (DELETE FROM items RETURNING id) SELECT count(*) FROM gone")',
    "rename-column": 'op.alter_column("items", "n", new_column_name="m")',
}
BREAKS = {
    "rename-table": 'op.rename_table("items", "articles")',
    "drop-object": 'op.execute("DROP VIEW names")',
    "drop-needed-default": 'op.alter_column("many", "done", server_default=None)',
    "unbatched-change": 'op.execute("UPDATE many SET done = true WHERE NOT done")',
    "change-system-catalog": "op.execute(\"UPDATE pg_class SET relname = relname WHERE relname = 'items'\")",
}
HIDDEN = "DO $$ BEGIN EXECUTE 'ALTER TABLE items DROP COLUMN n'; END $$"
HARMLESS = (
    "DROP TABLE nothing",
    "TRUNCATE nothing",
    "ALTER TABLE nothing DROP COLUMN b",
    "DROP TABLE IF EXISTS never_there",
    "DELETE FROM items WHERE id = 7",
    "CREATE TABLE own (a int); INSERT INTO own VALUES (1); ALTER TABLE own DROP COLUMN a; DROP TABLE own",
    "ALTER TABLE items ADD COLUMN own int; ALTER TABLE items DROP COLUMN own",
    "ALTER TABLE nothing RENAME TO something",
    "ALTER TABLE items RENAME TO articles; CREATE VIEW items AS SELECT * FROM articles",
    "DROP VIEW names; CREATE VIEW names AS SELECT id, done FROM many",
    "DROP VIEW IF EXISTS never_there; DROP TYPE IF EXISTS never_there; DROP FUNCTION IF EXISTS never_there()",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; DROP FUNCTION f()",
    "CREATE TYPE t AS ENUM (); DROP TYPE t",
    "UPDATE items SET n = 1 WHERE n IS NOT NULL",
)


@pytest.fixture
def started(project: Project, upgrade: Move) -> Project:
    project.sql_revision("start", START, ["DROP TABLE items CASCADE"])
    upgrade(project, "start")
    return project


def state(database: Database) -> tuple[int, set[str]]:
    with database.connect() as connection:
        columns = connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass('items') AND attnum > 0 AND NOT attisdropped"
        )
        names = {row[0] for row in columns}
        rows = connection.execute("SELECT count(*) FROM items").fetchone() if names else (0,)
        assert rows
        return rows[0], names


@pytest.mark.parametrize(("rule", "operation"), [*LOSSES.items(), ("drop-column", f'op.execute("""{HIDDEN}""")')])
def test_an_upgrade_refuses_what_the_gate_reports_and_leaves_everything_as_it_is(
    started: Project, upgrade: Move, database: Database, rule: str, operation: str
) -> None:
    started.revision("change", operation, "pass")
    before = state(database)

    with pytest.raises(RuleBrokenError, match=rule) as refused:
        upgrade(started, "head")

    assert state(database) == before
    assert refused.value.where is not None
    assert refused.value.where.path.name == "change.py"
    assert f"allow {rule} because" in refused.value.help


@pytest.mark.parametrize(("rule", "operation"), BREAKS.items())
def test_what_breaks_or_stalls_running_code_is_refused_unless_a_comment_gives_the_reason(
    started: Project, upgrade: Move, database: Database, rule: str, operation: str
) -> None:
    started.revision("change", operation, "pass")
    with pytest.raises(RuleBrokenError, match=rule):
        upgrade(started, "head")
    assert state(database) == (100, {"id", "name", "n"})
    started.rewrite("change", "start", f"{ALLOWED.format(rule)}\n{operation}", "pass")

    assert upgrade(started, "head") == ["change"]


def test_a_view_of_the_old_name_has_to_come_before_the_commit(
    started: Project, upgrade: Move, database: Database
) -> None:
    change = (
        'op.rename_table("items", "articles")\nop.create_index("i", "articles", ["n"])\n'
        'op.execute("CREATE VIEW items AS SELECT * FROM articles")'
    )
    started.revision("change", change, "pass")

    with pytest.raises(RuleBrokenError, match="rename-table"):
        upgrade(started, "head")

    assert state(database) == (100, {"id", "name", "n"})


@pytest.mark.parametrize(("rule", "operation"), LOSSES.items())
def test_a_comment_with_a_reason_beside_the_statement_lets_it_pass(
    started: Project, upgrade: Move, database: Database, rule: str, operation: str
) -> None:
    started.revision("change", f"{ALLOWED.format(rule)}\n{operation}", "pass")
    before = state(database)

    upgrade(started, "head")

    assert state(database) != before


def test_a_comment_without_a_reason_or_about_another_rule_does_not(started: Project, upgrade: Move) -> None:
    started.revision("change", f"# migrator: allow drop-column\n{LOSSES['drop-column']}  # nobody needs it", "pass")
    with pytest.raises(RuleBrokenError):
        upgrade(started, "head")


@pytest.mark.parametrize("sql", HARMLESS)
def test_what_holds_no_rows_or_was_made_on_the_way_may_go(started: Project, upgrade: Move, sql: str) -> None:
    started.sql_revision("change", [sql], ["SELECT 1"])

    assert upgrade(started, "head") == ["change"]


def test_what_earlier_revisions_of_the_same_command_made_may_go(
    project: Project, upgrade: Move, database: Database
) -> None:
    project.sql_revision("start", START, ["DROP TABLE items CASCADE"])
    project.sql_revision("change", ["ALTER TABLE items DROP COLUMN n"], ["SELECT 1"])

    assert upgrade(project, "head") == ["start", "change"]


def test_a_plan_that_gives_the_reason_accepts_it_for_the_upgrade(started: Project, upgrade: Move) -> None:
    started.revision("change", LOSSES["drop-column"], 'op.add_column("items", sa.Column("n", sa.Integer()))')
    started.plan("contract", 'expand:\n  - revision: "change"\n    irreversible: nobody needs it\n')

    assert upgrade(started, "head") == ["change"]


def test_a_downgrade_takes_back_what_the_upgrade_made(
    started: Project, upgrade: Move, downgrade: Move, database: Database
) -> None:
    started.revision("change", 'op.add_column("items", sa.Column("m", sa.Integer()))', 'op.drop_column("items", "m")')
    upgrade(started, "head")
    database.connect().execute("UPDATE items SET m = 1")

    assert downgrade(started, "-1") == ["change"]
