"""A gate that asks the server whether a column is still used stays shut while anything uses it, and names that."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from migrator.engine import waiting
from migrator.engine.approvals import StillUsedError
from migrator.engine.events import Event, GateReached, GateWaiting
from migrator.engine.stop import Stop
from migrator.plan import Plan
from tests.support.databases import Database
from tests.support.polling import wait_until
from tests.support.project import Project
from tests.support.servers import ServerMaker

PLAN = """\
expand:
  - revision: "1111"
migrate:
  - gate: {unused: t.csv, for: 0s}
"""


def project_at(url: str, folder: Path) -> tuple[Project, Plan]:
    project = Project(folder, url)
    project.sql_revision("1111", ["ALTER TABLE t ADD COLUMN tags text[]"], ["ALTER TABLE t DROP COLUMN tags"])
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (id bigint PRIMARY KEY, csv text, note text)")
    return project, project.plan("tags", PLAN)


def notes(project: Project) -> str:
    return "\n".join([one for one in project.events if isinstance(one, GateReached)][-1].notes)


HIDDEN = [
    ("CREATE VIEW shown AS SELECT id, csv FROM t", "view shown"),
    ("CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT count(csv) FROM t'", "function f()"),
    (
        (
            "CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.note := NEW.csv; RETURN NEW; END';"
            "CREATE TRIGGER tg BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION g()"
        ),
        "function g()",
    ),
    (
        (
            "CREATE FUNCTION h() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
            "CREATE TRIGGER of_csv BEFORE UPDATE OF csv ON t FOR EACH ROW EXECUTE FUNCTION h()"
        ),
        "trigger of_csv",
    ),
    ("CREATE POLICY own ON t USING (csv = current_user)", "policy own"),
    ("ALTER TABLE t ADD COLUMN long integer GENERATED ALWAYS AS (length(csv)) STORED", "column long"),
    ("CREATE MATERIALIZED VIEW counted AS SELECT count(csv) FROM t", "materialized view counted"),
    ("CREATE PUBLICATION changes FOR TABLE t (id, csv)", "publication"),
    ("CREATE TABLE o (csv text UNIQUE); ALTER TABLE t ADD CONSTRAINT fk FOREIGN KEY (csv) REFERENCES o (csv)", "fk"),
]


@pytest.mark.parametrize(("statement", "name"), HIDDEN, ids=[name for _, name in HIDDEN])
def test_what_depends_on_the_column_keeps_the_gate_shut(
    database: Database, tmp_path: Path, statement: str, name: str
) -> None:
    project, plan = project_at(database.url, tmp_path)
    connection = database.connect()
    if name == "publication" and connection.info.server_version < 150000:
        pytest.skip("publications have lists of columns since PostgreSQL 15")
    connection.execute(statement)
    assert project.apply(plan) == "waiting"
    assert name in notes(project)
    with pytest.raises(StillUsedError) as refused:
        project.approve(plan)
    assert any(name in note for note in refused.value.notes)


OF_TABLE = [
    ("CREATE VIEW shown AS SELECT 1 FROM t", "view shown"),
    ("CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM t'", "function f()"),
    ("CREATE TABLE o (t bigint REFERENCES t)", "o_t_fkey on table o"),
    ("CREATE PUBLICATION changes FOR TABLE t", "publication"),
]


def test_whatever_depends_on_a_table_keeps_its_gate_shut(database: Database, tmp_path: Path) -> None:
    project, _ = project_at(database.url, tmp_path)
    plan = project.plan("tags", PLAN.replace("t.csv", "t"))
    connection = database.connect(application_name="reports")
    connection.execute("CREATE POLICY own ON t USING (csv = current_user)")
    for statement, _ in OF_TABLE:
        connection.execute(statement)
    connection.execute("SELECT id FROM t")  # the last statement of another service
    assert project.apply(plan) == "waiting"
    told = notes(project)
    assert [name for _, name in OF_TABLE if name not in told] == []
    assert "a session of reports" in told
    assert "policy own" not in told  # it goes with the table


def test_a_client_that_is_too_old_or_tells_no_version_keeps_the_gate_shut(database: Database, tmp_path: Path) -> None:
    project, _ = project_at(database.url, tmp_path)
    plan = project.plan("tags", PLAN.replace("{unused: t.csv, for: 0s}", '{no_clients: "catalog<2.4", for: 0s}'))
    new = [database.connect(application_name=name) for name in ("catalog/2.4.0", "catalog 10.0", "catalog-worker 1.0")]
    old = [database.connect(application_name=name) for name in ("catalog/2.3.9", "Catalog v2", "catalog")]
    assert project.apply(plan) == "waiting"
    told = project.events[-2:] and notes(project)
    assert all(f"connected: {name}" in told for name in ("catalog/2.3.9", "Catalog v2", "catalog, which tells no"))
    assert told.count("connected:") == 3
    for connection in old:
        connection.close()
    wait_until(lambda: project.apply(plan) == "complete", message="the gate to open")
    assert len(new) == 3


def test_rows_in_which_old_and_new_differ_keep_the_gate_shut(database: Database, tmp_path: Path) -> None:
    project, _ = project_at(database.url, tmp_path)
    both = (
        'expand:\n  - revision: "1111"\n  - dual_write:\n      table: t\n'
        "      forward: {tags: \"string_to_array(csv, ',')\"}\nmigrate:\n  - gate: {parity: t}\n"
    )
    plan = project.plan("tags", both)
    connection = database.connect()
    connection.execute("INSERT INTO t VALUES (1, 'a,b')")
    assert project.apply(plan) == "waiting"
    assert notes(project) == "old and new differ in 1 rows of t: tags"
    connection.execute("UPDATE t SET csv = 'c,b'")
    assert project.apply(plan) == "complete"


def test_a_standby_that_is_behind_keeps_the_gate_shut(servers: ServerMaker, tmp_path: Path) -> None:
    primary = servers.server()
    standby = servers.replica(primary)
    project, _ = project_at(primary.url, tmp_path)
    plan = project.plan("tags", PLAN.replace("{unused: t.csv, for: 0s}", "{replicas: caught up}"))
    standby.pause_replay()
    with primary.connect() as connection:
        connection.execute("CREATE TABLE more AS SELECT generate_series(1, 1000)")
    assert project.apply(plan) == "waiting"
    assert "bytes to replay" in notes(project)
    standby.resume_replay()
    wait_until(lambda: project.apply(plan) == "complete", message="the standby to catch up")


def test_without_counters_of_statements_a_person_has_to_say_it(database: Database, tmp_path: Path) -> None:
    project, plan = project_at(database.url, tmp_path)
    database.connect().execute("CREATE FUNCTION other() RETURNS text LANGUAGE sql AS $$ SELECT 'csv of t' $$")
    assert project.apply(plan) == "waiting"
    assert "pg_stat_statements is not installed" in notes(project)
    project.approve(plan)
    assert project.apply(plan) == "complete"


def test_a_statement_run_now_and_then_keeps_the_gate_shut_until_it_stops(servers: ServerMaker, tmp_path: Path) -> None:
    url = servers.server().url
    project, plan = project_at(url, tmp_path)
    with psycopg.connect(url, autocommit=True, application_name="migrator not") as reader:
        reader.execute("CREATE EXTENSION pg_stat_statements")
        read = "SELECT id FROM t WHERE csv = 'x'"
        reader.execute("CREATE ROLE blind")  # the column's name in a literal is no use of it
        reader.execute(read)
        plan = project.plan("tags", PLAN.replace("0s", "1h"))
        assert project.apply(plan) == "waiting"
        assert "seen so for 0 s of 3600 s" in notes(project)
        reader.execute(read)
        reader.execute("SELECT 'csv' FROM t")
        assert project.apply(plan) == "waiting"
        assert "1 times: SELECT id FROM t WHERE csv = $1" in notes(project)
        assert project.apply(plan) == "waiting"
        assert "seen so" in notes(project)


def test_a_gate_that_nothing_keeps_shut_opens_by_itself(servers: ServerMaker, tmp_path: Path) -> None:
    url = servers.server().url
    project, plan = project_at(url, tmp_path)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION pg_stat_statements")
    assert project.apply(plan) == "complete"
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT approved_by, note FROM migrator.approvals").fetchone()
    assert found
    assert found[0] == "evidence"


def test_a_command_waits_at_a_gate_until_somebody_approves_it_or_its_time_is_over(
    database: Database, tmp_path: Path
) -> None:
    project, _ = project_at(database.url, tmp_path)
    plan = project.plan("tags", PLAN.replace("{unused: t.csv, for: 0s}", "the release is live"))

    def waited(seconds: float) -> str:
        def emit(event: Event) -> None:
            project.events.append(event)
            if isinstance(event, GateWaiting) and seconds > 1:
                project.approve(plan)

        with project.target() as target:
            return waiting.apply(target, plan, to=None, wait=seconds, emit=emit, stop=Stop())

    assert waited(0.1) == "waiting"
    assert any(isinstance(event, GateWaiting) for event in project.events)
    assert waited(60) == "complete"
