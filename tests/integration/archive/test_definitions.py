"""Undoing contract brings back all that went with a column or a table: pg_dump says the same as before contract."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest

from migrator.engine import doctor, purge, status
from migrator.engine.archives.tables import NotEmptyError
from migrator.engine.events import Notice
from migrator.plan import Phase, Plan
from migrator.postgres.server.binaries import Binaries
from tests.support.databases import Database
from tests.support.dump import dump_schema
from tests.support.project import Project
from tests.support.servers import Source

BEFORE = """
CREATE TABLE other (code varchar(20) PRIMARY KEY);
INSERT INTO other VALUES ('a'), ('b');
CREATE TABLE t (id bigint PRIMARY KEY, number serial, note text, code varchar(20) COLLATE "C" NOT NULL DEFAULT 'a');
ALTER TABLE t ADD CONSTRAINT code_short CHECK (length(code) < 15), ADD CONSTRAINT one_code UNIQUE (code, id),
    ADD CONSTRAINT to_other FOREIGN KEY (code) REFERENCES other ON DELETE CASCADE;
CREATE INDEX by_code ON t (lower(code)) WHERE code <> '';
CREATE INDEX "By Note" ON t (note);
CREATE STATISTICS together ON code, note FROM t;
ALTER TABLE t ALTER COLUMN code SET STATISTICS 500;
CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER on_code BEFORE UPDATE OF code ON t FOR EACH ROW EXECUTE FUNCTION touched();
ALTER TABLE t DISABLE TRIGGER on_code;
CREATE VIEW shown WITH (security_barrier = true) AS SELECT id, code FROM t;
CREATE VIEW shown_again AS SELECT code FROM shown;
CREATE MATERIALIZED VIEW counted AS SELECT code, count(*) AS many FROM t GROUP BY code;
CREATE UNIQUE INDEX counted_code ON counted (code);
CREATE POLICY mine ON t FOR SELECT TO PUBLIC USING (code = current_user);
COMMENT ON COLUMN t.code IS 'it''s 100%';
COMMENT ON CONSTRAINT code_short ON t IS 'short';
COMMENT ON INDEX by_code IS 'lower';
COMMENT ON VIEW shown IS 'a view';
GRANT SELECT (code), UPDATE (code) ON t TO pg_monitor;
GRANT SELECT ON shown TO pg_monitor WITH GRANT OPTION;
INSERT INTO t SELECT g, g, 'n', CASE WHEN g % 2 = 0 THEN 'a' ELSE 'b' END FROM generate_series(1, 500) g;
"""
PLAN = """\
expand:
  - revision: "1111"
contract:
  - revision: "2222"
    irreversible: it is archived
    archive: [{archive}]
"""


@pytest.fixture
def binaries(postgres_source: Source) -> Binaries:
    if postgres_source.binaries is None:
        pytest.skip("needs pg_dump")
    return postgres_source.binaries


def prepared(database: Database, folder: Path, drop: list[str], back: list[str], archive: str) -> tuple[Project, Plan]:
    project = Project(folder, database.url)
    project.sql_revision("1111", ["ALTER TABLE t ADD COLUMN fresh text"], ["ALTER TABLE t DROP COLUMN fresh"])
    project.sql_revision("2222", drop, back)
    database.connect().execute(BEFORE)
    plan = project.plan("codes", PLAN.format(archive=archive))
    project.apply(plan, to=Phase.EXPAND)
    return project, plan


def dump(database: Database, binaries: Binaries) -> list[str]:
    """Return the dump's lines without alembic's version, and columns in any order: one that came back stands last."""
    text = re.sub(r"zz_migrator_\d+", "zz_migrator_N", dump_schema(database.url, binaries))
    return sorted(line.strip().rstrip(",") for line in text.splitlines())


def rows(connection: psycopg.Connection) -> list[object]:
    return connection.execute("SELECT id, code, number, note FROM t ORDER BY id").fetchall()


def test_a_column_comes_back_with_all_that_hung_on_it(database: Database, tmp_path: Path, binaries: Binaries) -> None:
    project, plan = prepared(
        database,
        tmp_path,
        ["ALTER TABLE t DROP COLUMN code CASCADE, DROP COLUMN number"],
        ["ALTER TABLE t ADD COLUMN code text, ADD COLUMN number integer"],
        "t.code, t.number",
    )
    connection = database.connect()
    before, content = dump(database, binaries), rows(connection)
    assert project.apply(plan) == "complete"
    assert connection.execute("SELECT to_regclass('shown'), to_regclass('by_code')").fetchone() == (None, None)
    connection.execute("INSERT INTO t (id, note) VALUES (501, 'since')")
    project.rollback(plan, to="migrate")
    assert dump(database, binaries) == before
    assert rows(connection) == [*content, (501, "a", 501, "since")]
    assert connection.execute("SELECT sum(many) FROM counted").fetchone() == (501,)
    told = [event.text for event in project.events if isinstance(event, Notice)]
    assert "t.code: 1 rows without a value before contract have one now: 501" in told


def test_a_table_comes_back_with_its_rows_and_all_that_hung_on_it(
    database: Database, tmp_path: Path, binaries: Binaries
) -> None:
    create = "CREATE TABLE t (id bigint PRIMARY KEY, code text)"
    project, plan = prepared(
        database,
        tmp_path,
        ['DROP INDEX "By Note"', "DROP TABLE t CASCADE"],
        [create, "CREATE INDEX x ON t (code)"],
        "t",
    )
    connection = database.connect()
    connection.execute("CREATE TABLE orders (id bigint, t bigint REFERENCES t); INSERT INTO orders VALUES (1, 7)")
    before, content = dump(database, binaries), rows(connection)
    assert project.apply(plan) == "complete"
    assert connection.execute("SELECT to_regclass('t'), to_regclass('shown')").fetchone() == (None, None)
    connection.execute("DELETE FROM other WHERE code = 'none'; INSERT INTO orders VALUES (2, NULL)")
    with project.target("status") as target:
        (archive,) = purge.archives(target, "codes", 0)
        assert (archive.what, archive.size > 8192) == ("table t", True)
        assert doctor.examine(target).archives[0].what == status.status(target, [plan]).archives[0].what == "table t"
    project.rollback(plan, to="migrate")
    assert dump(database, binaries) == before
    assert rows(connection) == content
    assert project.apply(plan) == "complete"
    assert project.run("purge", "--older-than", "0s", "--yes").returncode == 0
    assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'migrator_archive'").fetchone() == (0,)


def test_a_table_that_others_need_is_not_dropped_without_cascade(database: Database, tmp_path: Path) -> None:
    project, plan = prepared(database, tmp_path, ["DROP TABLE t"], ["CREATE TABLE t ()"], "t")
    with pytest.raises(Exception, match="other objects depend on it"):
        project.apply(plan)
    assert len(rows(database.connect())) == 500


def test_a_table_does_not_come_back_over_rows_that_were_written_since(database: Database, tmp_path: Path) -> None:
    back = ["CREATE TABLE t (id bigint PRIMARY KEY)", "INSERT INTO t VALUES (1)"]
    project, plan = prepared(database, tmp_path, ["DROP TABLE t CASCADE"], back, "t")
    project.apply(plan)
    with pytest.raises(NotEmptyError):
        project.rollback(plan, to="migrate")
    connection = database.connect()
    connection.execute("DELETE FROM t")
    project.rollback(plan, to="migrate")
    assert len(rows(connection)) == 500
