"""What somebody else changes of the schema between two steps stops the next one, which says exactly what it was."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from migrator.engine import doctor, history, plan_report
from migrator.engine.drift import DriftError
from migrator.engine.stop import Stop
from migrator.plan import Phase, Plan
from tests.support.databases import Database
from tests.support.project import Project

PLAN = """\
expand:
  - revision: "1111"
  - dual_write:
      table: t
      forward: {tags: "string_to_array(csv, ',')"}
      backward: {csv: "array_to_string(tags, ',')"}
migrate:
  - backfill:
      table: t
      set: {tags: "string_to_array(csv, ',')"}
      where: tags IS NULL AND csv IS NOT NULL
contract:
  - revision: "2222"
    irreversible: the test does not read it
"""


@pytest.fixture
def project(database: Database, tmp_path: Path) -> Project:
    project = Project(tmp_path, database.url)
    project.sql_revision("1111", ["ALTER TABLE t ADD COLUMN tags text[]"], ["ALTER TABLE t DROP COLUMN tags"])
    project.sql_revision("2222", ["ALTER TABLE t DROP COLUMN csv"], ["ALTER TABLE t ADD COLUMN csv text"])
    with database.connect() as connection:
        connection.execute(
            "CREATE TABLE t (id bigint PRIMARY KEY, csv text, note varchar(20) DEFAULT 'none', CHECK (id > 0))"
        )
        connection.execute("CREATE INDEX by_note ON t (note)")
        connection.execute("INSERT INTO t VALUES (1, 'a,b')")
    return project


@pytest.fixture
def plan(project: Project) -> Plan:
    return project.plan("tags", PLAN)


def upgrade(project: Project, revision: str) -> None:
    with project.target("upgrade") as target:
        history.upgrade(target, revision, emit=project.events.append, stop=Stop())


BY_HAND = [
    (
        "ALTER TABLE t ADD COLUMN mine integer NOT NULL DEFAULT 7",
        "t: column mine was added: integer NOT NULL DEFAULT 7",
    ),
    ("ALTER TABLE t DROP CONSTRAINT t_id_check", "t: constraint t_id_check is gone, was: CHECK ((id > 0))"),
    (
        "ALTER TABLE t ALTER COLUMN note TYPE text",
        (
            "t: column note was: character varying(20) DEFAULT 'none'::character varying; "
            "is now: text DEFAULT 'none'::character varying"
        ),
    ),
    ("DROP INDEX by_note", "t: index by_note is gone, was: CREATE INDEX by_note ON public.t USING btree (note)"),
    ("ALTER TABLE t ENABLE ROW LEVEL SECURITY", "t: relation was: table; is now: table, row level security"),
]


def test_what_was_changed_by_hand_is_told_exactly_and_stops_every_step(
    project: Project, plan: Plan, database: Database
) -> None:
    project.apply(plan, to=Phase.EXPAND)
    for statement, _ in BY_HAND:
        database.connect().execute(statement)
    with project.target("plan") as target:
        assert {*plan_report.report(target, plan).problems} == {words for _, words in BY_HAND}
        drifted = [ailment for ailment in doctor.examine(target).ailments if ailment.check == "drift"]
        assert (len(drifted), "migrator apply tags --accept-drift" in drifted[0].mend) == (5, True)
    for step in (project.apply, project.backfill, project.rollback):
        with pytest.raises(DriftError) as refused:
            step(plan)
        assert sorted(refused.value.notes[:-1]) == sorted(words for _, words in BY_HAND)
        assert (refused.value.exit_code, "--accept-drift" in refused.value.help) == (5, True)
    accepted = project.run("apply", "tags", "--to", "migrate", "--accept-drift")
    assert (accepted.returncode, "column mine was added" in accepted.stderr) == (0, True), accepted
    assert project.apply(plan) == "complete"


def test_a_table_that_was_renamed_by_hand_is_told_before_the_plan_is_undone(
    project: Project, plan: Plan, database: Database
) -> None:
    project.apply(plan)
    database.connect().execute("ALTER TABLE t RENAME TO elsewhere")
    with pytest.raises(DriftError) as refused:
        project.rollback(plan)
    assert refused.value.notes[0] == "t: it is gone, was: table"


def test_a_trigger_of_the_dual_write_that_was_taken_away_is_told_and_installed_again(
    project: Project, plan: Plan, database: Database
) -> None:
    project.apply(plan, to=Phase.EXPAND)
    connection = database.connect()
    connection.execute("ALTER TABLE t DISABLE TRIGGER USER")
    with pytest.raises(DriftError, match="1 difference"):
        project.apply(plan, to=Phase.MIGRATE)
    project.apply(plan, to=Phase.MIGRATE, accept_drift=True)
    connection.execute("INSERT INTO t (id, csv) VALUES (2, 'c,d')")
    assert connection.execute("SELECT tags FROM t WHERE id = 2").fetchone() == (["c", "d"],)


def test_what_is_no_change_of_the_schema_or_migrators_own_stops_nothing(
    project: Project, plan: Plan, database: Database
) -> None:
    other = project.plan("other", 'expand:\n  - revision: "3333"\n')
    project.apply(plan, to=Phase.EXPAND)
    connection = database.connect()
    for statement in (
        "VACUUM (ANALYZE) t",
        "REINDEX INDEX CONCURRENTLY by_note",
        "ALTER TABLE t ALTER COLUMN note SET STATISTICS 500",
        "ALTER TABLE t SET (autovacuum_vacuum_scale_factor = 0.01)",
        "COMMENT ON COLUMN t.note IS 'seen'",
        "GRANT SELECT ON t TO pg_monitor",
        "CREATE INDEX t_ccnew ON t (note)",  # as REINDEX CONCURRENTLY has it while it works
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 't_ccnew'::regclass",
        f"ALTER ROLE CURRENT_USER IN DATABASE {database.name} SET search_path = public, pg_catalog",
    ):
        connection.execute(statement)
    assert project.apply(plan, to=Phase.MIGRATE) == "in progress"
    project.rewrite(
        "3333", "1111", "op.execute('ALTER TABLE t ADD COLUMN three integer')", "op.drop_column('t', 'three')"
    )
    project.rewrite("2222", "3333", "op.execute('ALTER TABLE t DROP COLUMN csv')", "pass")
    assert project.apply(other) == "complete"
    project.rewrite(
        "4444", "3333", "op.execute('ALTER TABLE t ADD COLUMN four integer')", "op.drop_column('t', 'four')"
    )
    project.rewrite("2222", "4444", "op.execute('ALTER TABLE t DROP COLUMN csv')", "pass")
    upgrade(project, "4444")
    assert project.apply(plan) == "complete"


def test_what_other_plans_change_does_not_hide_what_was_changed_by_hand(
    project: Project, plan: Plan, database: Database
) -> None:
    project.apply(plan, to=Phase.EXPAND)
    database.connect().execute("ALTER TABLE t ADD COLUMN mine integer")
    project.rewrite("3333", "1111", "op.execute('ALTER TABLE t ADD COLUMN three integer')", "pass")
    project.rewrite("2222", "3333", "op.execute('ALTER TABLE t DROP COLUMN csv')", "pass")
    upgrade(project, "3333")
    with pytest.raises(DriftError) as refused:
        project.apply(plan)
    assert refused.value.notes[:-1] == ("t: column mine was added: integer",)


def test_a_revision_that_failed_half_way_and_is_resumed_is_no_drift(
    project: Project, plan: Plan, database: Database
) -> None:
    project.apply(plan, to=Phase.MIGRATE)
    connection = database.connect()
    connection.execute("INSERT INTO t (id, csv) VALUES (3, 'x'), (4, 'x')")
    twice = ["CREATE INDEX one ON t (csv)", "CREATE UNIQUE INDEX two ON t (csv)", "ALTER TABLE t DROP COLUMN csv"]
    project.rewrite("2222", "1111", "\n".join(f"op.execute({text!r})" for text in twice), "pass")
    with pytest.raises(Exception, match="could not create unique index"):
        project.apply(plan)
    connection.execute("DELETE FROM t WHERE id = 4")
    assert project.apply(plan) == "complete"
    with psycopg.connect(database.url) as check:
        assert check.execute(
            "SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'csv'"
        ).fetchone() == (0,)
