"""A table on which everything hangs that can hang on one, and a plan that archives it, or columns of it."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest

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


def prepared(
    database: Database, folder: Path, drop: list[str], back: list[str], archive: str, *, more: str = ""
) -> tuple[Project, Plan]:
    project = Project(folder, database.url)
    project.sql_revision("1111", ["ALTER TABLE t ADD COLUMN fresh text"], ["ALTER TABLE t DROP COLUMN fresh"])
    project.sql_revision("2222", drop, back)
    database.connect().execute(BEFORE + more)
    plan = project.plan("codes", PLAN.format(archive=archive))
    project.apply(plan, to=Phase.EXPAND)
    return project, plan


def dump(database: Database, binaries: Binaries) -> list[str]:
    """Return the dump's lines without alembic's version, and columns in any order: one that came back stands last."""
    text = re.sub(r"zz_migrator_\d+", "zz_migrator_N", dump_schema(database.url, binaries))
    return sorted(line.strip().rstrip(",") for line in text.splitlines())


def rows(connection: psycopg.Connection) -> list[object]:
    return connection.execute("SELECT id, code, number, note FROM t ORDER BY id").fetchall()
